"""The virtual Keysight 34465A multimeter: its SCPI dialect, sample timing, error queue.

Commands: `shared/rig.md` 3.8 and QCoDeS' `Keysight_344xxA_submodules.py`. One `READ?` (or `INIT`)
gates one step of the device: the samples see, from the step's start on, its signal as a wave at the
source's harmonic, X cos + Y sin, with read-out noise on each. Quirks that bite: a sample beyond the
range is ±9.9E37, setting a range turns autorange off, `READ?` with a bus trigger is a deadlock
(−214) and not answered, as is `FETC?` with nothing measured (−230).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.virtual.instrument import VirtualInstrument
from instruments.virtual.scpi import ScpiError, StatusRegisters, carry_out, command_table, integer
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

    from numpy.typing import NDArray

    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "Keysight Technologies,34465A,MY54506462,A.03.03-03.15-03.03-00.52-05-02"
OVERLOAD = 9.9e37
LINE_HZ = 50
RANGES_V = (0.1, 1.0, 10.0, 100.0, 1000.0)
OVERRANGE = 1.2
CYCLES = (0.001, 0.002, 0.006, 0.02, 0.06, 0.2, 1.0, 10.0, 100.0)
OVERHEAD_S = 2.0e-5  # judgement: what a sample takes beside its integration

_SETTINGS: dict[str, tuple[str, Setting]] = {
    "function": ("[SENSe:]FUNCtion[:ON]",
                 Word(("VOLTage", "VOLTage:AC", "CURRent", "CURRent:AC", "RESistance",
                       "FRESistance"), "VOLT", quoted=True)),
    "nplc": ("[SENSe:]VOLTage[:DC]:NPLCycles", Number(0.001, 100.0, 0.02, 10.0)),
    "range": ("[SENSe:]VOLTage[:DC]:RANGe[:UPPer]", Number(0.0, 1000.0, 0.1, 10.0)),
    "autorange": ("[SENSe:]VOLTage[:DC]:RANGe:AUTO", Switch(False, True)),
    "autozero": ("[SENSe:]VOLTage[:DC]:ZERO:AUTO", Switch(False, True)),
    "aperture_on": ("[SENSe:]VOLTage[:DC]:APERture:ENABled", Switch(False)),
    "trigger": ("TRIGger:SOURce",
                Word(("IMMediate", "BUS", "EXTernal", "INTernal"), "IMM")),
    "trigger_count": ("TRIGger:COUNt", Number(1, 1e9, 1, whole=True)),
    "trigger_delay": ("TRIGger:DELay", Number(0.0, 3600.0, 0.0)),
    "samples": ("SAMPle:COUNt", Number(1, 1e9, 1, whole=True)),
    "pretrigger": ("SAMPle:COUNt:PRETrigger", Number(0, 49999, 0, whole=True)),
    "timing": ("SAMPle:SOURce", Word(("IMMediate", "TIMer"), "IMM")),
    "display": ("DISPlay[:STATe]", Switch(True)),
}  # fmt: skip
MEMORY = 50_000


class Keysight34465A(VirtualInstrument):
    """A 34465A as the bench left it: 100 mV, 0.02 power line cycles, autozero off.

    Parameters
    ----------
    device_time
        The rig's time.
    source
        What its input is connected to.
    """

    model = "keysight-34465a"

    def __init__(self, device_time: DeviceTime, source: Source) -> None:
        super().__init__(device_time)
        self.set: dict[str, Any] = as_left(_SETTINGS)
        self._timer_s = 1.0
        self.status = StatusRegisters()
        self._source = source
        self._memory: NDArray[np.float64] | None = None
        self._waiting = False  # for a trigger

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries, joined by `;`, in one reply."""
        replies = carry_out(self, message, _COMMANDS, self.status)
        return ";".join(replies) + "\n" if replies else ""

    def changed(self, name: str) -> None:
        """What a setting entails; the reading memory is cleared by all but the display."""
        if name == "range":
            self.set["autorange"] = False
            self.set["range"] = next((r for r in RANGES_V if self.set["range"] <= r), RANGES_V[-1])
        elif name == "nplc":
            self.set["aperture_on"] = False
            self.set["nplc"] = next(c for c in CYCLES if self.set["nplc"] <= c)
        if name != "display":
            self._memory = None

    # ---- timing

    @property
    def shortest_s(self) -> float:
        """`SAMP:TIM? MIN`: what a sample takes with the present settings."""
        conversions = 2 if self.set["autozero"] else 1
        return float(conversions * self.set["nplc"] / LINE_HZ + OVERHEAD_S)

    @property
    def interval_s(self) -> float:
        """Between two samples of a burst."""
        return self._timer_s if self.set["timing"] == "TIM" else self.shortest_s

    def set_timer(self, text: str) -> None:
        """`SAMP:TIM x`: not below what a sample takes."""
        limits = Number(self.shortest_s, 3600.0, 1.0)
        self._timer_s = limits.read(text)
        self._memory = None

    def ask_timer(self, text: str) -> str:
        """`SAMP:TIM? [MIN|MAX]`."""
        limits = Number(self.shortest_s, 3600.0, 1.0)
        return limits.show(limits.read(text) if text else self._timer_s)

    # ---- readings

    def read(self, _: str) -> str:
        """`READ?`: a new burst."""
        if self.set["trigger"] == "BUS":
            raise ScpiError(-214)
        self._take()
        return self.fetch("")

    def initiate(self, _: str) -> None:
        """`INIT`: take a burst now, or wait for `*TRG`."""
        self._memory = None
        if self.set["trigger"] == "BUS":
            self._waiting = True
        else:
            self._take()

    def trigger(self, _: str) -> None:
        """`*TRG`."""
        if not self._waiting:
            raise ScpiError(-213)
        self._waiting = False
        self._take()

    def fetch(self, _: str) -> str:
        """`FETC?`: the memory, which stays."""
        if self._memory is None:
            raise ScpiError(-230)
        return ",".join(f"{volts:+.8E}" for volts in self._memory.tolist())

    def _take(self) -> None:
        """One step of the device, sampled; what the burst takes beyond it passes, too."""
        count = self.set["samples"] * self.set["trigger_count"]
        if count > MEMORY:
            raise ScpiError(-223)
        start_ns = self.time.now_ns
        x_V, y_V = self._source.gate()
        seconds = np.arange(count) * self.interval_s + self.set["trigger_delay"]
        angle = 2.0 * np.pi * self._source.harmonic * self._source.frequency_Hz * seconds
        noise = [value for _ in range((count + 1) // 2) for value in self._source.noise()]
        volts = x_V * np.cos(angle) + y_V * np.sin(angle) + np.array(noise[:count])
        passed_s = (self.time.now_ns - start_ns) * 1e-9
        self.time.advance(max(0.0, count * self.interval_s - passed_s))
        self._memory = self._in_range(volts)

    def _in_range(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.set["autorange"]:
            peak_V = float(np.max(np.abs(volts)))
            fitting = (full for full in RANGES_V if peak_V <= OVERRANGE * full)
            self.set["range"] = next(fitting, RANGES_V[-1])
        limit_V = OVERRANGE * self.set["range"]
        clipped: NDArray[np.float64] = np.where(
            np.abs(volts) > limit_V, np.copysign(OVERLOAD, volts), volts
        )
        return clipped

    def points(self, _: str) -> str:
        """`DATA:POIN?`: how many readings the memory has."""
        return f"{0 if self._memory is None else self._memory.size:+d}"

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings; the memory is empty."""
        self.set = after_reset(_SETTINGS)
        self._timer_s, self._memory, self._waiting = 1.0, None, False

    def abort(self, _: str) -> None:
        """`ABOR`: wait for no trigger any more."""
        self._waiting = False


_COMMANDS: dict[str, Callable[[Any, str], str | None]] = command_table(
    {
        **handlers(_SETTINGS),
        "*IDN?": lambda _meter, _: IDENTITY,
        "*OPT?": lambda _meter, _: "0",
        "*RST": Keysight34465A.reset,
        "*CLS": lambda meter, _: meter.status.clear(),
        "*ESR?": lambda meter, _: meter.status.read_event(),
        "*STB?": lambda meter, _: meter.status.status_byte(),
        "*ESE": lambda meter, text: setattr(meter.status, "event_enable", integer(text, 0, 255)),
        "*OPC?": lambda _meter, _: "1",
        "*TRG": Keysight34465A.trigger,
        "SYSTem:ERRor[:NEXT]?": lambda meter, _: meter.status.next_error(),
        "SYSTem:LFRequency?": lambda _meter, _: str(LINE_HZ),
        "SAMPle:TIMer": Keysight34465A.set_timer,
        "SAMPle:TIMer?": Keysight34465A.ask_timer,
        "READ?": Keysight34465A.read,
        "FETCh?": Keysight34465A.fetch,
        "INITiate[:IMMediate]": Keysight34465A.initiate,
        "ABORt": Keysight34465A.abort,
        "DATA:POINts?": Keysight34465A.points,
    }
)
