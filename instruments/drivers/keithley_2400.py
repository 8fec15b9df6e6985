"""Keithley 2400 series SourceMeters (2400, 2401, 2410, 2420, 2425, 2430, 2440), SCPI.

Commands: Series 2400 manual, chapters 17 and 18, as in PyMeasure's keithley2400.py and QCoDeS'
Keithley_2400.py. On an inductor the off-state NORMAL is "not recommended" (manual p. 13-10) and
HIMP opens a relay: `prepare` chooses ZERO. It goes to HIMP by itself when it is too hot and at
power-up: a coil wants a clamp outside.
A current that it doesn't measure beside the voltage is answered as it was set (`:FORM:ELEM`, p.
18-51): control has it measured. `:READ?` plays the whole sweep that another program has set up
(`:SOUR:CURR:MODE`, p. 18-73: FIXed again by itself in local): it is not asked then. Found sourcing
a voltage with its output on, it is measured and that voltage walked to zero (`voltage_down`).
Its largest current and voltage don't go together (p. 18-62: the ranges; p. 6-13: 5 % more).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from instruments.drivers.exchange import refused
from instruments.drivers.keithley_source import SWITCH, KeithleySource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.errors import RefusedError

CURRENT, VOLTAGE = "CURR", "VOLT"
MODES = {"FIX": "a fixed level", "LIST": "a list of levels", "SWE": "a sweep"}
SWEEPS = "to read its current would start that"
COUNTS = (":ARM:COUN", ":TRIG:COUN")  # readings of one :READ?


class Keithley2400(KeithleySource):
    """A 2400 whose range and measuring settings stay as its front panel has them."""

    driver = "keithley-2400"
    RATINGS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "2400": (1.05, 210.0), "2401": (1.05, 21.0), "2410": (1.05, 1100.0), "2420": (3.15, 63.0),
        "2425": (3.15, 105.0), "2430": (3.15, 105.0), "2440": (5.25, 42.0),
    }  # fmt: skip
    HIGH_VOLTAGE: ClassVar[Mapping[str, tuple[float, float]]] = {
        "2400": (21.0, 0.105), "2410": (21.0, 0.021), "2420": (21.0, 1.05), "2425": (21.0, 1.05),
        "2430": (21.0, 1.05), "2440": (10.5, 1.05),
    }  # fmt: skip
    LIMIT = ":SENS:VOLT:PROT"
    OFF_STATE = ":OUTP:SMOD"

    def settings(self) -> dict[str, Any]:
        """What is sourced, its range and limits, and the output's off-state."""
        return {
            "function": self._session.query(":SOUR:FUNC?").strip(),
            "range_A": self._session.number(":SOUR:CURR:RANG?"),
            "auto_range": self._word(":SOUR:CURR:RANG:AUTO?", SWITCH),
            "compliance_V": self._session.number(":SENS:VOLT:PROT?"),
            "nplc": self._session.number(":SENS:VOLT:NPLC?"),
            "off_state": self._session.query(":OUTP:SMOD?").strip(),
            "auto_off": self._word(":SOUR:CLE:AUTO?", SWITCH),
            "terminals": self._session.query(":ROUT:TERM?").strip(),
        }

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """As of any SourceMeter; one reading of a fixed current, and no `:SOUR:CLE:AUTO`.

        Raises
        ------
        RefusedError
            As there; or a sweep is set up and the output on, which a change would move anywhere.
        """
        changed = super().take_control(reach_A)
        mode = self._mode()
        if mode != MODES["FIX"]:
            if self.output_on():
                raise self._sweeps()
            self._session.write(":SOUR:CURR:MODE FIX")
            changed += (f"changed from {mode} to a fixed current",)
        return changed + self._one_reading()

    def _one_reading(self) -> tuple[str, ...]:
        """One reading of the current, which leaves the output on; what was changed, in words."""
        changed: tuple[str, ...] = ()
        for header in COUNTS:
            if self._session.number(f"{header}?") != 1:
                self._session.write(f"{header} 1")
                changed += (f"{header} was set to one reading",)
        if CURRENT not in self._session.query(":SENS:FUNC?").upper():
            self._session.write(":SENS:FUNC:CONC ON")
            self._session.write(":SENS:FUNC 'CURR'")
            changed += ("its current is measured from now on (it had answered the one set)",)
        if self._word(":SOUR:CLE:AUTO?", SWITCH):
            self._session.write(":SOUR:CLE:AUTO OFF")
            changed += ("automatic output-off was switched off",)
        return changed

    def load_VA(self) -> tuple[float, float]:
        """`:READ?`: volts and amperes, both measured: the voltage set may be another at a limit."""
        if self._unreadable():
            raise self._sweeps()
        self._one_reading()
        if VOLTAGE not in self._session.query(":SENS:FUNC?").upper():
            self._session.write(":SENS:FUNC:CONC ON")
            self._session.write(":SENS:FUNC 'VOLT'")
        self._session.write(":FORM:ELEM VOLT,CURR,RES,TIME,STAT")
        read = self._read()
        return self._measured("voltage", read[VOLTAGE]), self._measured("current", read[CURRENT])

    def _mode(self) -> str:
        """`:SOUR:CURR:MODE?`, or of the voltage where it sources one, in words."""
        source = VOLTAGE if (self._function or self._sourced()) == "voltage" else CURRENT
        return str(self._word(f":SOUR:{source}:MODE?", MODES))

    def _unreadable(self) -> str:
        return "" if (mode := self._mode()) == MODES["FIX"] else f"set up for {mode}: {SWEEPS}"

    def _sweeps(self) -> RefusedError:
        what = f"its output is on and it is {self._unreadable()}"
        return refused(self.name, self.resource, what, "Switch its output off at its front panel")

    def _read_A(self) -> float:
        """`:READ?`: the element that is the current.

        Raises
        ------
        RefusedError
            `:READ?` would start a sweep: it was not sent.
        """
        if self._unreadable():
            raise self._sweeps()
        return self._read()[CURRENT]

    def _read(self) -> dict[str, float]:
        """`:FORM:ELEM?`, then `:READ?`: its elements, the current among them."""
        elements = [
            one.strip()[:4].upper() for one in self._session.query(":FORM:ELEM?").split(",")
        ]
        if CURRENT not in elements:
            raise self._session.reject(":FORM:ELEM?", ",".join(elements), "CURR among them")
        return dict(zip(elements, self._session.numbers(":READ?", len(elements)), strict=True))
