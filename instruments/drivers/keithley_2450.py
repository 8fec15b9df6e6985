"""Keithley 2450, 2460, 2461 and 2470 SourceMeters, SCPI command set.

Commands: Model 2450 reference manual (2450-901-01), chapter 6, as in PyMeasure's keithley2450.py
and QCoDeS' Keithley_2450.py. The unit speaks TSP or SCPI2400, too: `*LANG?` must answer SCPI.
The measured current is the source's read-back (`:READ? "defbuffer1", SOUR`), so that the measuring
function stays the front panel's.
A 2450's largest current and voltage don't go together (data sheet: 1 A at 20 V, 100 mA at 200 V);
of the others, which have three such ranges, nothing is foretold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from instruments.drivers.keithley_source import SWITCH, KeithleySource
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Keithley2450(KeithleySource):
    """A 2450 whose range and measuring settings stay as its front panel has them."""

    driver = "keithley-2450"
    RATINGS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "2450": (1.05, 210.0), "2460": (7.35, 105.0), "2461": (7.35, 105.0), "2470": (1.05, 1100.0),
    }  # fmt: skip
    HIGH_VOLTAGE: ClassVar[Mapping[str, tuple[float, float]]] = {"2450": (21.0, 0.105)}
    LIMIT = ":SOUR:CURR:VLIM"
    OFF_STATE = ":OUTP:CURR:SMOD"

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line, on every interface."""
        return "\n"

    def identify(self) -> str:
        """`*IDN?`, e.g. `KEITHLEY INSTRUMENTS,MODEL 2450,04386922,1.7.12b`; `*LANG?`.

        Raises
        ------
        WrongInstrumentError
            Another model, or another unit than before, answers.
        RefusedError
            It speaks another command set.
        """
        identity = super().identify()
        language = self._session.query("*LANG?").strip()
        if language != "SCPI":
            raise RefusedError(
                f"{self.name} ({self.resource}): its command set is {language}, not SCPI. Choose "
                "SCPI at its front panel (MENU, System, Settings, Command Set) or send `*LANG "
                "SCPI`, then switch it off and on"
            )
        return identity

    def settings(self) -> dict[str, Any]:
        """What is sourced, its range and limits, and the output's off-state."""
        return {
            "function": self._session.query(":SOUR:FUNC?").strip(),
            "range_A": self._session.number(":SOUR:CURR:RANG?"),
            "auto_range": self._word(":SOUR:CURR:RANG:AUTO?", SWITCH),
            "compliance_V": self._session.number(":SOUR:CURR:VLIM?"),
            "read_back": self._word(":SOUR:CURR:READ:BACK?", SWITCH),
            "off_state": self._session.query(":OUTP:CURR:SMOD?").strip(),
            "terminals": self._session.query(":ROUT:TERM?").strip(),
        }

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """As of any SourceMeter; and a source that is read back (`:SOUR:CURR:READ:BACK`)."""
        changed = super().take_control(reach_A)
        if not self._word(":SOUR:CURR:READ:BACK?", SWITCH):
            self._session.write(":SOUR:CURR:READ:BACK ON")
            changed += ("source read-back was switched on",)
        return changed

    def load_VA(self) -> tuple[float, float]:
        """The source's read-back and the current that is measured beside it."""
        if not self._word(":SOUR:VOLT:READ:BACK?", SWITCH):
            self._session.write(":SOUR:VOLT:READ:BACK ON")
        volts, amperes = self._session.numbers(':MEAS:CURR? "defbuffer1", SOUR, READ', 2)
        return self._measured("voltage", volts), self._measured("current", amperes)

    def _read_A(self) -> float:
        """The source's read-back; where that is a voltage, what is measured beside it."""
        if (self._function or self._sourced()) == "voltage":
            return self.load_VA()[1]
        return self._session.number(':READ? "defbuffer1", SOUR')
