"""The virtual Keithley 6221 with a 2182A behind it: delta mode, its buffer, error queue.

Commands: PyMeasure's `keithley6221.py` and the Model 6220/6221 reference manual, section 5. Quirks
that bite: nothing of the source can be set while it is armed (-221); `SENS:DATA?` answers while
delta runs only (-221); an overflow is spelled +9.9E37, without the exponent's sign; a run that came
to its end, and an abort, leave the output on.
One `INIT` gates one step of the device, whose in-phase signal is the sample's voltage at
`NOMINAL_A`: another current gives another voltage, the same resistance. Judgement, as the output
behind an abort: that is the worse case for a driver. Its filter is a setting only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments.virtual.scpi import COMMON, ScpiError, ScpiInstrument, boolean, command_table
from instruments.virtual.scpi_settings import (
    Number,
    Setting,
    Switch,
    Word,
    after_reset,
    as_left,
    handlers,
)

if TYPE_CHECKING:
    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,4559777,D04  /700x"
NOMINAL_A = 1e-3
OVERFLOW = 9.9e37
MAX_A = 0.105
MEMORY = 65536
CONVERSION_S = 0.02  # the 2182A at one power line cycle
RANGE_V = 0.12  # the 2182A's, 100 mV and a fifth
DELTA_NOISE = math.sqrt(6.0) / 4.0  # of (a - 2 b + c)/4 beside that of one conversion

_SETTINGS: dict[str, tuple[str, Setting]] = {
    "high": ("SOURce:DELTa:HIGH", Number(0.0, MAX_A, 1e-5)),
    "low": ("SOURce:DELTa:LOW", Number(-MAX_A, 0.0, -1e-5)),
    "delay": ("SOURce:DELTa:DELay", Number(1e-3, 9999.999, 2e-3, form=".6E")),
    "count": ("SOURce:DELTa:COUNt", Number(1, MEMORY, MEMORY, whole=True)),
    "abort": ("SOURce:DELTa:CABort", Switch(False)),
    "cold": ("SOURce:DELTa:CSWitch", Switch(False)),
    "compliance": ("SOURce:CURRent:COMPliance", Number(0.1, 105.0, 10.0, form=".6E")),
    "current": ("SOURce:CURRent[:LEVel][:IMMediate][:AMPLitude]", Number(-MAX_A, MAX_A, 0.0)),
    "unit": ("UNIT[:VOLTage[:DC]]", Word(("V", "OHMS", "W", "SIEMens"), "V")),
    "elements": ("FORMat:ELEMents", Word(("READing", "READing,TSTamp"), "READ,TST")),
    "points": ("TRACe:POINts", Number(1, MEMORY, 100, whole=True)),
    "fed": ("TRACe:FEED", Word(("SENS1", "CALC1", "NONE"), "CALC1")),
    "math": ("CALCulate:STATe", Switch(False)),
    "factor": ("CALCulate:KMATh:MMFactor", Number(-1e20, 1e20, 1.0)),
    "addend": ("CALCulate:KMATh:MBFactor", Number(-1e20, 1e20, 0.0)),
    "filter": ("SENSe:AVERage[:STATe]", Switch(False)),
    "filter_type": ("SENSe:AVERage:TCONtrol", Word(("MOVing", "REPeat"), "MOV")),
    "filter_count": ("SENSe:AVERage:COUNt", Number(2, 300, 10, whole=True)),
    "feed": ("TRACe:FEED:CONTrol", Word(("NEXT", "NEVer"), "NEV")),
}  # fmt: skip
_OF_THE_SOURCE = ("high", "low", "delay", "count", "abort", "cold", "compliance", "current")


class Keithley6221(ScpiInstrument):
    """A 6221 as the bench left it: output off, delta mode not armed, a 2182A connected.

    Parameters
    ----------
    device_time
        The rig's time.
    source
        The device: its in-phase signal is the sample's voltage at `NOMINAL_A`.
    """

    model = "keithley-6221"

    def __init__(self, device_time: DeviceTime, source: Source) -> None:
        super().__init__(device_time)
        self.set: dict[str, Any] = as_left(_SETTINGS)
        self.voltmeter = True
        self.output_on = self.armed = False
        self._source = source
        self._memory: list[tuple[float, float]] = []

    def changed(self, name: str) -> None:
        """What a setting entails; none of the source's may change while it is armed."""
        if self.armed and name in _OF_THE_SOURCE:
            raise ScpiError(-221)
        if name == "high":
            self.set["low"] = -self.set["high"]
        elif name == "fed" and self.set["feed"] == "NEXT":
            raise ScpiError(-221)
        elif name == "points":
            self._memory = []

    def arm(self, _: str) -> None:
        """`SOUR:DELT:ARM`: arrange the 2182A; current flows from now on."""
        if not self.voltmeter:
            raise ScpiError(-221)
        self.armed = self.output_on = True

    def initiate(self, _: str) -> None:
        """`INIT`: `count` delta readings, of one step of the device."""
        if not self.armed:
            raise ScpiError(-213)
        self._memory = []
        count: int = self.set["count"]
        conversion_s: float = self.set["delay"] + CONVERSION_S
        start_ns = self.time.now_ns
        volts = self._source.gate()[0] * (self.set["high"] - self.set["low"]) / (2 * NOMINAL_A)
        passed_s = (self.time.now_ns - start_ns) * 1e-9
        self.time.advance(max(0.0, (count + 2) * conversion_s - passed_s))
        readings = [self._reading(volts) for _ in range(count)]
        if self.set["feed"] == "NEXT":
            stamped = [(volts, n * conversion_s) for n, volts in enumerate(readings)]
            self._memory = stamped[: self.set["points"]]
            self.set["feed"] = "NEV" if len(self._memory) == self.set["points"] else "NEXT"

    def _reading(self, volts: float) -> float:
        """One delta reading in V; beyond its compliance the source gives less."""
        limited = math.copysign(min(abs(volts), self.set["compliance"]), volts)
        reading = limited + DELTA_NOISE * self._source.noise()[0]
        if abs(reading) > RANGE_V:
            return OVERFLOW
        computed = self.set["math"] and self.set["fed"] == "CALC1"
        return self.set["factor"] * reading + self.set["addend"] if computed else reading

    def abort(self, _: str) -> None:
        """`SOUR:SWE:ABOR`: not armed any more; the output stays as it is."""
        self.armed = False

    def latest(self, _: str) -> str:
        """`SENS:DATA?`: the last reading, while armed."""
        if not (self.armed and self._memory):
            raise ScpiError(-221)
        return self._shown(self._memory[-1:])

    def data(self, _: str) -> str:
        """`TRAC:DATA?`: the buffer, which stays."""
        if not self._memory:
            raise ScpiError(-230)
        return self._shown(self._memory)

    def _shown(self, readings: list[tuple[float, float]]) -> str:
        scale = {"V": 1.0, "OHMS": 1 / self.set["high"] if self.set["high"] else math.inf}
        factor = scale.get(self.set["unit"])
        if factor is None:
            raise ScpiError(-221)
        stamps = "TST" in self.set["elements"]
        fields = []
        for volts, seconds in readings:
            shown = "+9.9E37" if volts == OVERFLOW else f"{volts * factor:+.8E}"
            fields += [shown, *([f"{seconds:+.3E}"] if stamps else [])]
        return ",".join(fields)

    def set_output(self, text: str) -> None:
        """`OUTP ON|OFF`; off disarms."""
        self.output_on = boolean(text)
        self.armed = self.armed and self.output_on

    def clear(self, _: str) -> None:
        """`TRAC:CLE`: the buffer is empty."""
        self._memory = []

    def stored(self, _: str) -> str:
        """`TRAC:POIN:ACT?`."""
        return str(len(self._memory))

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings, output off."""
        self.set = after_reset(_SETTINGS)
        self.output_on = self.armed = False


Keithley6221.commands = command_table(
    {
        **handlers(_SETTINGS),
        **COMMON,
        "*IDN?": lambda _unit, _: IDENTITY,
        "*RST": Keithley6221.reset,
        "SOURce:DELTa:NVPResent?": lambda unit, _: "1" if unit.voltmeter else "0",
        "SOURce:DELTa:ARM": Keithley6221.arm,
        "SOURce:DELTa:ARM?": lambda unit, _: "1" if unit.armed else "0",
        "INITiate[:IMMediate]": Keithley6221.initiate,
        "SOURce:SWEep:ABORt": Keithley6221.abort,
        "SENSe:DATA[:LATest]?": Keithley6221.latest,
        "TRACe:DATA?": Keithley6221.data,
        "TRACe:CLEar": Keithley6221.clear,
        "TRACe:POINts:ACTual?": Keithley6221.stored,
        "OUTPut[:STATe]": Keithley6221.set_output,
        "OUTPut[:STATe]?": lambda unit, _: "1" if unit.output_on else "0",
    }
)
