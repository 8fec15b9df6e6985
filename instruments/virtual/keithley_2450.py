"""The virtual Keithley 2450 on a coil: its SCPI dialect, and the other languages that it speaks.

Quirks that bite: in TSP it answers `*IDN?` and `*LANG?`, and any SCPI header is error −285; a
change of language counts from the next power cycle on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.keithley_source import KeithleySource, common_commands, common_settings
from instruments.virtual.scpi import ScpiError, command_table
from instruments.virtual.scpi_settings import Setting, Switch

if TYPE_CHECKING:
    from instruments.virtual.coil import CoilParameters
    from instruments.virtual.instrument import DeviceTime
    from instruments.virtual.scpi import Commands

IDENTITY = "KEITHLEY INSTRUMENTS,MODEL 2450,04386922,1.7.12b"
NO_ERROR = '0,"No error;0;0 0"'
LANGUAGES = ("SCPI", "TSP", "SCPI2400")
_SETTINGS: dict[str, tuple[str, Setting]] = {
    **common_settings(
        "[SOURce:]CURRent:VLIMit[:LEVel]",
        "OUTPut:CURRent:SMODe",
        "[SOURce:]VOLTage:ILIMit[:LEVel]",
    ),
    "read_back": ("[SOURce:]CURRent:READ:BACK", Switch(True)),
    "voltage_back": ("[SOURce:]VOLTage:READ:BACK", Switch(True)),
}


class Keithley2450(KeithleySource):
    """A 2450.

    Attributes
    ----------
    language
        What it speaks: `SCPI`, `TSP` or `SCPI2400`.
    measured
        What a reading measures: `VOLT` or `CURR`.
    """

    model = "keithley-2450"
    settings = _SETTINGS

    def __init__(self, device_time: DeviceTime, coil: CoilParameters | None = None) -> None:
        super().__init__(device_time, coil)
        self.measured = "VOLT"
        self.language = "SCPI"
        self._next_language = "SCPI"

    def respond(self, message: str) -> str:
        """As it speaks: in another language nothing but `*IDN?` and `*LANG` is understood."""
        if self.language != "SCPI" and not message.upper().startswith(("*IDN?", "*LANG")):
            return ""
        return super().respond(message)

    def set_language(self, text: str) -> None:
        """`*LANG SCPI|TSP|SCPI2400`: from the next power cycle on."""
        if text.upper() not in LANGUAGES:
            raise ScpiError(-224 if text else -109)
        self._next_language = text.upper()

    def power_cycle(self) -> None:
        """Be switched off and on: output off, the language that was chosen."""
        self.reset("")
        self.status = type(self.status)()
        self.language = self._next_language

    def read(self, text: str) -> str:
        """`:READ? ["buffer"[, SOUR|READ, …]]`: the source's read-back, the reading, or both."""
        wanted = [one.strip().upper()[:4] for one in text.split(",")[1:]] or ["READ"]
        if not set(wanted) <= {"SOUR", "READ"}:
            raise ScpiError(-224)
        volts, amperes = self.measure()
        if self.supply.current_mode:
            source = amperes if self.set["read_back"] else self.current_A
        else:
            source = volts if self.set["voltage_back"] else self.voltage_V
        reading = {"VOLT": volts, "CURR": amperes}[self.measured]
        return ",".join(f"{source if one == 'SOUR' else reading:.6E}" for one in wanted)

    def measure_current(self, text: str) -> str:
        """`:MEAS:CURR? ["buffer"[, SOUR|READ, …]]`: from now on the current, and one reading."""
        self.measured = "CURR"
        return self.read(text)


_COMMANDS: Commands = {
    **common_commands(_SETTINGS, IDENTITY, NO_ERROR),
    "*LANG": Keithley2450.set_language,
    "*LANG?": lambda unit, _: unit.language,
    "[SOURce:]CURRent:VLIMit:TRIPped?": KeithleySource.tripped,
    "READ?": Keithley2450.read,
    "MEASure:CURRent[:DC]?": Keithley2450.measure_current,
}
Keithley2450.commands = command_table(_COMMANDS)
