"""The virtual Keithley 2400 on a coil: its SCPI dialect, elements, and no reading while it is off.

Quirks that bite: `:READ?` with the output off is error 803 and no answer; an element that was not
measured answers +9.910000E+37; `:SOUR:CLE:AUTO` switches the output off after each reading; in the
mode SWE or LIST a reading plays the sweep (of two points here, `:STAR` and `:STOP`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.keithley_source import (
    MAX_A,
    MAX_V,
    NOT_MEASURED,
    KeithleySource,
    common_commands,
    common_settings,
)
from instruments.virtual.scpi import ScpiError, command_table
from instruments.virtual.scpi_settings import Number, Setting, Switch, Word

if TYPE_CHECKING:
    from instruments.virtual.coil import CoilParameters
    from instruments.virtual.instrument import DeviceTime
    from instruments.virtual.scpi import Commands

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,4103187,C32   Oct  4 2010 14:20:11/A02  /U/K"
NO_ERROR = '0,"No error"'
MOST_READINGS = 2500  # of arm and trigger count together
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT")
SOURCES_CURRENT = 1 << 12  # of the status word
_SETTINGS: dict[str, tuple[str, Setting]] = {
    **common_settings(
        "[SENSe:]VOLTage:PROTection[:LEVel]",
        "OUTPut:SMODe",
        "[SENSe:]CURRent[:DC]:PROTection[:LEVel]",
    ),
    "auto_clear": ("[SOURce:]CLEar:AUTO", Switch(False)),
    "mode": ("[SOURce:]CURRent:MODE", Word(("FIXed", "LIST", "SWEep"), "FIX")),
    "voltage_mode": ("[SOURce:]VOLTage:MODE", Word(("FIXed", "LIST", "SWEep"), "FIX")),
    "sweep_start": ("[SOURce:]CURRent:STARt", Number(-MAX_A, MAX_A, 0.0, form="E")),
    "sweep_stop": ("[SOURce:]CURRent:STOP", Number(-MAX_A, MAX_A, 0.0, form="E")),
    "arm_count": ("ARM:COUNt", Number(1, MOST_READINGS, 1, whole=True)),
    "trigger_count": ("TRIGger:COUNt", Number(1, MOST_READINGS, 1, whole=True)),
    "concurrent": ("[SENSe:]FUNCtion:CONCurrent", Switch(True)),
    # kept and answered; the simulated converter knows neither delay nor filter nor range
    "auto_zero": ("SYSTem:AZERo[:STATe]", Switch(True)),
    "sense_wires": ("SYSTem:RSENse", Switch(False)),
    "line_Hz": ("SYSTem:LFRequency", Number(50, 60, 50, whole=True)),
    "resistance_mode": ("[SENSe:]RESistance:MODE", Word(("MANual", "AUTO"), "MAN")),
    "display": ("DISPlay:ENABle", Switch(True)),
    "delay": ("[SOURce:]DELay", Number(0.0, 999.9999, 0.0, form="E")),
    "delay_auto": ("[SOURce:]DELay:AUTO", Switch(True)),
    "filter": ("[SENSe:]AVERage[:STATe]", Switch(False)),
    "filter_type": ("[SENSe:]AVERage:TCONtrol", Word(("REPeat", "MOVing"), "REP")),
    "filter_count": ("[SENSe:]AVERage:COUNt", Number(1, 100, 10, whole=True)),
    "voltage_range": ("[SENSe:]VOLTage[:DC]:RANGe", Number(0.0, MAX_V, 21.0, form="E")),
    "voltage_auto": ("[SENSe:]VOLTage[:DC]:RANGe:AUTO", Switch(True)),
    "current_range": ("[SENSe:]CURRent[:DC]:RANGe", Number(0.0, MAX_A, 1.05, form="E")),
    "current_auto": ("[SENSe:]CURRent[:DC]:RANGe:AUTO", Switch(True)),
    "current_nplc": ("[SENSe:]CURRent[:DC]:NPLCycles", Number(0.01, 10.0, 1.0, form=".2f")),
}  # fmt: skip


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

    def changed(self, name: str) -> None:
        """As of any; a reading is of 2500 at most (judgement: which error says so)."""
        if self.set["arm_count"] * self.set["trigger_count"] > MOST_READINGS:
            raise ScpiError(-221)
        super().changed(name)

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
        """`:READ?`: a reading or a sweep of them; with the output off error 803 and no answer."""
        if not self.supply.output_on:
            self._errors_803 += 1
            return None
        if self.set["mode" if self.supply.current_mode else "voltage_mode"] == "FIX":
            count = self.set["arm_count"] * self.set["trigger_count"]
            found = [self._reading() for _ in range(count)]
        else:
            found = []
            for level_A in (self.set["sweep_start"], self.set["sweep_stop"]):
                self.current_A = level_A
                self._apply()
                found.append(self._reading())
        if self.set["auto_clear"]:
            self.set_output("OFF")
        return ",".join(found)

    def _reading(self) -> str:
        volts, amperes = self.measure()
        values = dict.fromkeys(ELEMENTS, NOT_MEASURED)
        values["TIME"], values["STAT"] = self.time.now_s, float(SOURCES_CURRENT)
        # what is sourced and not measured is answered as it was set (manual, :FORM:ELEM)
        current, voltage = self.current_A, NOT_MEASURED
        if not self.supply.current_mode:
            current, voltage = NOT_MEASURED, self.voltage_V
        values["VOLT"] = volts if "VOLT" in self.measured else voltage
        values["CURR"] = amperes if "CURR" in self.measured else current
        if "RES" in self.measured and amperes:
            values["RES"] = volts / amperes
        return ",".join(f"{values[one]:+.6E}" for one in self.elements)

    def measure_only(self, kind: str) -> str | None:
        """`:MEAS:VOLT|CURR|RES?`: that function measured, beside what is, and one reading."""
        self.measured = self.measured | {kind}
        return self.read("")

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


_COMMANDS: Commands = {
    **common_commands(_SETTINGS, IDENTITY, NO_ERROR),
    "SYSTem:ERRor[:NEXT]?": Keithley2400.next_error,
    "[SENSe:]VOLTage:PROTection:TRIPped?": KeithleySource.tripped,
    "FORMat:ELEMents": Keithley2400.set_elements,
    "FORMat:ELEMents?": lambda unit, _: ",".join(unit.elements),
    "[SENSe:]FUNCtion[:ON]": Keithley2400.set_measured,
    "[SENSe:]FUNCtion[:ON]?": lambda unit, _: ",".join(
        f'"{one}:DC"' if one != "RES" else '"RES"' for one in sorted(unit.measured)
    ),
    "[SENSe:]FUNCtion:OFF": Keithley2400.unset_measured,
    "[SENSe:]FUNCtion[:ON]:ALL": lambda unit, _: setattr(unit, "measured", {"VOLT", "CURR", "RES"}),
    "SYSTem:BEEPer[:IMMediate]": lambda _unit, _: None,
    "MEASure:VOLTage[:DC]?": lambda unit, _: unit.measure_only("VOLT"),
    "MEASure:CURRent[:DC]?": lambda unit, _: unit.measure_only("CURR"),
    "MEASure:RESistance?": lambda unit, _: unit.measure_only("RES"),
    "READ?": Keithley2400.read,
}
Keithley2400.commands = command_table(_COMMANDS)
