"""Keithley 2400 series SourceMeters (2400, 2401, 2410, 2420, 2425, 2430, 2440), SCPI.

Commands: Series 2400 manual, chapters 17 and 18, as in PyMeasure's keithley2400.py and QCoDeS'
Keithley_2400.py. On an inductor the off-state NORMAL is "not recommended" (manual p. 13-10) and
HIMP opens a relay: `prepare` chooses ZERO. It goes to HIMP by itself when it is too hot and at
power-up: a coil wants a clamp outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from instruments.drivers.keithley_source import SWITCH, KeithleySource

if TYPE_CHECKING:
    from collections.abc import Mapping

CURRENT = "CURR"


class Keithley2400(KeithleySource):
    """A 2400 whose range and measuring settings stay as its front panel has them."""

    driver = "keithley-2400"
    RATINGS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "2400": (1.05, 210.0), "2401": (1.05, 21.0), "2410": (1.05, 1100.0), "2420": (3.15, 63.0),
        "2425": (3.15, 105.0), "2430": (3.15, 105.0), "2440": (5.25, 42.0),
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
        """As of any SourceMeter; and no output that goes off by itself (`:SOUR:CLE:AUTO`)."""
        changed = super().take_control(reach_A)
        if self._word(":SOUR:CLE:AUTO?", SWITCH):
            self._session.write(":SOUR:CLE:AUTO OFF")
            changed += ("automatic output-off was switched off",)
        return changed

    def _read_A(self) -> float:
        """`:FORM:ELEM?`, then `:READ?`: the element that is the current."""
        elements = [
            one.strip()[:4].upper() for one in self._session.query(":FORM:ELEM?").split(",")
        ]
        if CURRENT not in elements:
            raise self._session.reject(":FORM:ELEM?", ",".join(elements), "CURR among them")
        return self._session.numbers(":READ?", len(elements))[elements.index(CURRENT)]
