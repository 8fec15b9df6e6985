"""The virtual Keithley 2182A nanovoltmeter: its SCPI dialect, reading times, error queue.

Commands: `shared/rig.md` 3.6 and PyMeasure's `keithley2182.py`. Quirks that bite: a reading beyond
the range is ±9.9E37; `:READ?` while the unit measures continuously (as at power on) is error −213
and no answer; `:FETC?` with nothing measured is −230 and no answer. One `:READ?` gates one step of
the device, of whose signal the voltmeter sees the in-phase part; where a reading takes longer than
the step, the rest of its time passes, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments.virtual.scpi import (
    COMMON,
    ScpiError,
    ScpiInstrument,
    command_table,
    spellings,
)
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
    from collections.abc import Callable

    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime
    from instruments.virtual.scpi import Commands

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2182A,1340129,C02  /A02"
OVERFLOW = 9.9e37
LINE_HZ = 50
RANGES_V = {1: (0.01, 0.1, 1.0, 10.0, 100.0), 2: (0.1, 1.0, 10.0)}
OVERRANGE = 1.2
ANALOGUE_FILTER_S = 0.125

_SETTINGS: dict[str, tuple[str, Setting]] = {
    "function": ("[SENSe:]FUNCtion", Word(("VOLTage:DC", "VOLTage", "TEMPerature"), "VOLT:DC",
                                          quoted=True)),
    "channel": ("[SENSe:]CHANnel", Number(0, 2, 1, whole=True)),
    "nplc": ("[SENSe:]VOLTage[:DC]:NPLCycles", Number(0.01, LINE_HZ, 1.0, 5.0, ".2f")),
    "digits": ("[SENSe:]VOLTage[:DC]:DIGits", Number(4, 8, 8, whole=True)),
    "autozero": ("SYSTem:AZERo[:STATe]", Switch(True)),
    "continuous": ("INITiate:CONTinuous", Switch(True, False)),
    "trigger": ("TRIGger:SOURce",
                Word(("IMMediate", "BUS", "EXTernal", "TIMer", "MANual"), "IMM")),
    "trigger_count": ("TRIGger:COUNt", Number(1, 9999, 1, whole=True)),
    "trigger_delay": ("TRIGger:DELay", Number(0.0, 999999.999, 0.0, form=".3f")),
    "sample_count": ("SAMPle:COUNt", Number(1, 1024, 1, whole=True)),
    "ratio": ("[SENSe:]VOLTage[:DC]:RATio", Switch(False)),
    "delta": ("[SENSe:]VOLTage[:DC]:DELTa", Switch(False)),
    "math": ("CALCulate:STATe", Switch(False)),
    "elements": ("FORMat:ELEMents", Word(("READing",), "READ")),
    "display": ("DISPlay:ENABle", Switch(True)),
}  # fmt: skip
_PER_CHANNEL: dict[str, tuple[str, Setting]] = {
    "range": ("RANGe[:UPPer]", Number(0.0, 120.0, 0.01, 100.0, ".6f")),
    "autorange": ("RANGe:AUTO", Switch(True)),
    "lowpass": ("LPASs[:STATe]", Switch(False, True)),
    "filter": ("DFILter[:STATe]", Switch(False, True)),
    "filter_count": ("DFILter:COUNt", Number(1, 100, 10, whole=True)),
    "filter_type": ("DFILter:TCONtrol", Word(("MOVing", "REPeat"), "REP", "MOV")),
    "filter_window": ("DFILter:WINDow", Number(0.0, 10.0, 0.01, form=".2f")),
    "relative": ("REFerence:STATe", Switch(False)),
    "reference": ("REFerence", Number(-120.0, 120.0, 0.0)),
}


class Keithley2182A(ScpiInstrument):
    """A 2182A as the bench left it: channel 1, one power line cycle, autorange, continuous.

    Parameters
    ----------
    device_time
        The rig's time.
    source
        What channel 1 is connected to; channel 2 is shorted.
    """

    model = "keithley-2182a"

    def __init__(self, device_time: DeviceTime, source: Source) -> None:
        super().__init__(device_time)
        self.set: dict[str, Any] = as_left(_SETTINGS) | as_left(_both())
        self._source = source
        self._latest: float | None = None
        self._standing = 0.0  # what the last gate left at the input

    def changed(self, name: str) -> None:
        """A range that is set turns autorange off and takes the next one up."""
        if name == "function" and self.set[name] == "VOLT":
            self.set[name] = "VOLT:DC"  # what its query answers, however it was set
        kind, _, number = name.partition("#")
        if kind == "range":
            channel = int(number)
            ranges = RANGES_V[channel]
            if self.set[name] > OVERRANGE * ranges[-1]:
                raise ScpiError(-222)
            self.set[name] = next((r for r in ranges if self.set[name] <= r), ranges[-1])
            self.set[f"autorange#{number}"] = False

    @property
    def reading_s(self) -> float:
        """How long one reading takes with the present settings."""
        channel = max(1, self.set["channel"])
        seconds: float = self.set["nplc"] / LINE_HZ * (2 if self.set["autozero"] else 1)
        if self.set[f"filter#{channel}"] and self.set[f"filter_type#{channel}"] == "REP":
            seconds *= self.set[f"filter_count#{channel}"]
        if self.set[f"lowpass#{channel}"]:
            seconds += ANALOGUE_FILTER_S
        return seconds + float(self.set["trigger_delay"])

    def read(self, _: str) -> str:
        """`:READ?`: a new reading of each sample and trigger."""
        if self.set["continuous"]:
            raise ScpiError(-213)
        if self.set["trigger"] in {"BUS", "MAN"}:
            raise ScpiError(-214)
        count = self.set["sample_count"] * self.set["trigger_count"]
        return ",".join(self._shown(self._measure()) for _ in range(count))

    def fetch(self, _: str) -> str:
        """`:FETC?`: the latest reading; a unit that measures continuously always has one."""
        if self.set["continuous"]:
            self._latest = self._measure(gating=False)
        if self._latest is None:
            raise ScpiError(-230)
        return self._shown(self._latest)

    def _measure(self, gating: bool = True) -> float:
        """One reading in V; without gating it is what stands at the input."""
        start_ns = self.time.now_ns
        volts = 0.0
        if self.set["channel"] == 1 and gating:
            volts = self._source.gate()[0]
            self._standing = volts
        elif self.set["channel"] == 1:
            volts = self._standing
        self.time.advance(max(0.0, self.reading_s - (self.time.now_ns - start_ns) * 1e-9))
        reading = self._in_range(volts + self._noise())
        self._latest = reading
        return reading

    def _noise(self) -> float:
        """Read-out noise; an average over n conversions has 1/√n of it."""
        channel = max(1, self.set["channel"])
        averaged: int = self.set[f"filter_count#{channel}"] if self.set[f"filter#{channel}"] else 1
        return self._source.noise()[0] / math.sqrt(averaged)

    def _in_range(self, volts: float) -> float:
        channel = max(1, self.set["channel"])
        ranges = RANGES_V[channel]
        if self.set[f"autorange#{channel}"]:
            fitting = (full for full in ranges if abs(volts) <= OVERRANGE * full)
            self.set[f"range#{channel}"] = next(fitting, ranges[-1])
        if abs(volts) > OVERRANGE * self.set[f"range#{channel}"]:
            return OVERFLOW if volts > 0 else -OVERFLOW
        if self.set[f"relative#{channel}"]:
            volts -= float(self.set[f"reference#{channel}"])
        return volts

    @staticmethod
    def _shown(volts: float) -> str:
        return f"{volts:+.8E}"

    def acquire(self, channel: int) -> None:
        """`REF:ACQ`: the latest reading becomes the reference."""
        self.set[f"reference#{channel}"] = self._latest or 0.0

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings; what was measured is forgotten."""
        self.set = after_reset(_SETTINGS) | after_reset(_both())
        self._latest = None


def _both() -> dict[str, tuple[str, Setting]]:
    """The settings of channels 1 and 2, their names with `#1` and `#2`."""
    return {
        f"{name}#{channel}": (header, setting)
        for channel in (1, 2)
        for name, (header, setting) in _PER_CHANNEL.items()
    }


def _acquirer(channel: int) -> Callable[[Keithley2182A, str], None]:
    return lambda meter, _: meter.acquire(channel)


def _channel_table() -> Commands:
    """`VOLT:CHAN2:…`, and `VOLT:…` or `VOLT:CHAN1:…`: digits are no part of `scpi.spellings`."""
    table: Commands = {}
    for channel in (1, 2):
        own = {f"{name}#{channel}": one for name, one in _PER_CHANNEL.items()}
        words = command_table(handlers(own))
        words |= dict.fromkeys(spellings("REFerence:ACQuire"), _acquirer(channel))
        places = [f"CHAN{channel}:", f"CHANNEL{channel}:", *([""] if channel == 1 else [])]
        for head in spellings("[SENSe:]VOLTage[:DC]"):
            for place in places:
                table |= {f"{head}:{place}{tail}": handler for tail, handler in words.items()}
    return table


Keithley2182A.commands = _channel_table() | command_table(
    {
        **handlers(_SETTINGS),
        **COMMON,
        "*IDN?": lambda _meter, _: IDENTITY,
        "*RST": Keithley2182A.reset,
        "SYSTem:LFRequency?": lambda _meter, _: str(LINE_HZ),
        "STATus:PRESet": lambda _meter, _: None,
        "STATus:QUEue:CLEar": lambda meter, _: meter.status.clear(),
        "READ?": Keithley2182A.read,
        "FETCh?": Keithley2182A.fetch,
        "[SENSe:]DATA[:LATest]?": Keithley2182A.fetch,
        "ABORt": lambda _meter, _: None,
    }
)
