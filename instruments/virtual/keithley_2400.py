"""The virtual Keithley 2400 on a coil: its SCPI dialect, elements, and no reading while it is off.

Quirks that bite: `:READ?` with the output off is error 803 and no answer; an element that was not
measured answers +9.910000E+37; `:SOUR:CLE:AUTO` switches the output off after each reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.virtual.keithley_source import (
    NOT_MEASURED,
    KeithleySource,
    common_commands,
    common_settings,
)
from instruments.virtual.scpi import ScpiError, command_table
from instruments.virtual.scpi_settings import Setting, Switch

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.coil import CoilParameters
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,4103187,C32   Oct  4 2010 14:20:11/A02  /U/K"
NO_ERROR = '0,"No error"'
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT")
SOURCES_CURRENT = 1 << 12  # of the status word
_SETTINGS: dict[str, tuple[str, Setting]] = {
    **common_settings("[SENSe:]VOLTage:PROTection[:LEVel]", "OUTPut:SMODe"),
    "auto_clear": ("[SOURce:]CLEar:AUTO", Switch(False)),
    "concurrent": ("[SENSe:]FUNCtion:CONCurrent", Switch(True)),
}


class Keithley2400(KeithleySource):
    """A 2400 that measures volts and amperes at once.

    Attributes
    ----------
    measured
        The functions that are measured: `VOLT`, `CURR`, `RES`.
    elements
        What a reading has.
    """

    model = "keithley-2400"
    settings = _SETTINGS

    def __init__(self, device_time: DeviceTime, coil: CoilParameters | None = None) -> None:
        super().__init__(device_time, coil)
        self.measured = {"VOLT", "CURR"}
        self.elements = list(ELEMENTS)
        self._errors_803 = 0

    def set_elements(self, text: str) -> None:
        """`:FORM:ELEM VOLT,CURR,…`: which, not in which order."""
        chosen = {_element(one) for one in text.split(",")}
        self.elements = [one for one in ELEMENTS if one in chosen]

    def set_measured(self, text: str) -> None:
        """`:SENS:FUNC 'VOLT'[,…]`: measured besides what is (`CONC ON`), or alone."""
        chosen = {one.strip().strip("'\"").upper().split(":")[0][:4] for one in text.split(",")}
        if not chosen <= {"VOLT", "CURR", "RES"}:
            raise ScpiError(-224 if text else -109)
        self.measured = self.measured | chosen if self.set["concurrent"] else chosen

    def unset_measured(self, text: str) -> None:
        """`:SENS:FUNC:OFF 'VOLT'[,…]`."""
        self.measured -= {one.strip().strip("'\"").upper()[:4] for one in text.split(",")}

    def read(self, _: str) -> str | None:
        """`:READ?`: one reading; with the output off error 803 and no answer."""
        if not self.supply.output_on:
            self._errors_803 += 1
            return None
        volts, amperes = self.measure()
        values = dict.fromkeys(ELEMENTS, NOT_MEASURED)
        values["TIME"], values["STAT"] = self.time.now_s, float(SOURCES_CURRENT)
        # what is sourced and not measured is answered as it was set (manual, :FORM:ELEM)
        values["VOLT"] = volts if "VOLT" in self.measured else NOT_MEASURED
        values["CURR"] = amperes if "CURR" in self.measured else self.supply.setpoint_A
        if "RES" in self.measured and amperes:
            values["RES"] = volts / amperes
        if self.set["auto_clear"]:
            self.set_output("OFF")
        return ",".join(f"{values[one]:+.6E}" for one in self.elements)

    def next_error(self, _: str) -> str:
        """`:SYST:ERR?`: 803 is not of SCPI's own."""
        if self._errors_803:
            self._errors_803 -= 1
            return '803,"Not permitted with OUTPUT off"'
        reply = self.status.next_error()
        return NO_ERROR if reply.startswith("0,") else reply


def _element(text: str) -> str:
    word = text.strip().upper()
    for one in ELEMENTS:
        if word[:3] == one[:3]:
            return one
    raise ScpiError(-224 if text else -109)


_COMMANDS: dict[str, Callable[[Any, str], str | None]] = {
    **common_commands(_SETTINGS, IDENTITY, NO_ERROR),
    "SYSTem:ERRor[:NEXT]?": Keithley2400.next_error,
    "[SENSe:]VOLTage:PROTection:TRIPped?": KeithleySource.tripped,
    "FORMat:ELEMents": Keithley2400.set_elements,
    "FORMat:ELEMents?": lambda unit, _: ",".join(unit.elements),
    "[SENSe:]FUNCtion[:ON]": Keithley2400.set_measured,
    "[SENSe:]FUNCtion:OFF": Keithley2400.unset_measured,
    "READ?": Keithley2400.read,
}
Keithley2400.commands = command_table(_COMMANDS)
