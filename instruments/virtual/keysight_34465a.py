"""The virtual Keysight 34465A multimeter: its SCPI dialect, sample timing, error queue.

Commands: `shared/rig.md` 3.8, QCoDeS' `Keysight_344xxA_submodules.py` and the Truevolt guide
(`R?`). One `READ?` gates one step of the device: the samples see, from the step's start on, its
signal as a wave at the source's harmonic, X cos + Y sin, with read-out noise on each. `INIT` begins
a burst and answers other messages meanwhile; each point of a supply's list gates the device then
(`virtual.bipolar`), and where none did, `FETC?` does once. Quirks that bite: a sample beyond the
range is ±9.9E37, setting a range turns autorange off, `READ?` with a bus trigger is a deadlock
(−214) and not answered, as is `FETC?` with nothing measured (−230). What scaling and smoothing
would make of a reading is left out: their switches answer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.ieee_block import as_block
from instruments.virtual.keysight_memory import TimedBurst
from instruments.virtual.keysight_settings import (
    CYCLES,
    LINE_HZ,
    OVERHEAD_S,
    OVERLOAD,
    OVERRANGE,
    RANGES_V,
    SETTINGS,
)
from instruments.virtual.scpi import COMMON, ScpiError, ScpiInstrument, command_table, integer
from instruments.virtual.scpi_settings import Number, after_reset, as_left, handlers
from instruments.virtual.trigger_wire import TriggerIn, not_wired

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "Keysight Technologies,34465A,MY54506462,A.03.03-03.15-03.03-00.52-05-02"
MEMORY = 50_000


class Keysight34465A(ScpiInstrument):
    """A 34465A as the bench left it: 100 mV, 0.02 power line cycles, autozero off.

    Parameters
    ----------
    device_time
        The rig's time.
    source
        What its input is connected to.

    Attributes
    ----------
    trigger_in
        The wire at Ext Trig: its edges since an instant, when in ns and whether it rose.
    """

    model = "keysight-34465a"

    def __init__(self, device_time: DeviceTime, source: Source) -> None:
        super().__init__(device_time)
        self.set: dict[str, Any] = as_left(SETTINGS)
        self._timer_s = 1.0
        self._source = source
        self.trigger_in: TriggerIn = not_wired
        self._memory: NDArray[np.float64] | None = None
        self._burst: TimedBurst | None = None
        self._standing = (0.0, 0.0)  # the signal that the last gate left
        self._waiting = False  # for a trigger by the bus

    def changed(self, name: str) -> None:
        """What a setting entails; the reading memory is cleared by all but the display."""
        if name == "trigger_delay":
            self.set["auto_delay"] = False
        if name == "range":
            self.set["autorange"] = False
            self.set["range"] = next((r for r in RANGES_V if self.set["range"] <= r), RANGES_V[-1])
        elif name == "nplc":
            self.set["aperture_on"] = False
            self.set["nplc"] = next(c for c in CYCLES if self.set["nplc"] <= c)
        elif name == "aperture_s":
            self.set["aperture_on"] = True
        if name != "display":
            self._end_burst()
            self._memory = None

    # ---- timing

    @property
    def shortest_s(self) -> float:
        """`SAMP:TIM? MIN`: what a sample takes with the present settings, as it is answered."""
        conversions = 2 if self.set["autozero"] else 1
        cycles_s = self.set["nplc"] / LINE_HZ
        integration_s = self.set["aperture_s"] if self.set["aperture_on"] else cycles_s
        return round(float(conversions * integration_s + OVERHEAD_S), 9)

    @property
    def interval_s(self) -> float:
        """Between two samples of a burst."""
        return self._timer_s if self.set["timing"] == "TIM" else self.shortest_s

    def set_timer(self, text: str) -> None:
        """`SAMP:TIM x`: not below what a sample takes."""
        limits = Number(self.shortest_s, 3600.0, 1.0)
        self._timer_s = limits.read(text)
        self.changed("timer")

    def ask_timer(self, text: str) -> str:
        """`SAMP:TIM? [MIN|MAX]`."""
        limits = Number(self.shortest_s, 3600.0, 1.0)
        return limits.show(limits.read(text) if text else self._timer_s)

    # ---- readings

    def read(self, _: str) -> str:
        """`READ?`: a new burst."""
        if self.set["trigger"] == "BUS":
            raise ScpiError(-214)
        self._end_burst()
        self._take()
        return self.fetch("")

    def initiate(self, _: str) -> None:
        """`INIT`: begin a burst, or wait for `*TRG` or for an edge at Ext Trig."""
        self._end_burst()
        self._memory = None
        self._waiting = self.set["trigger"] == "BUS"
        if self._waiting:
            return
        now_ns = self.time.now_ns
        delay_ns = round(self.set["trigger_delay"] * 1e9)
        begin_ns = None if self.set["trigger"] == "EXT" else now_ns + delay_ns
        self._burst = TimedBurst(
            begin_ns, now_ns, self.interval_s, self.shortest_s, self._count(),
            self._omega_per_s, [(now_ns, *self._standing)],
        )  # fmt: skip
        self._source.watch_list(True)

    def trigger(self, _: str) -> None:
        """`*TRG`."""
        if not self._waiting:
            raise ScpiError(-213)
        self._waiting = False
        self._take()

    def fetch(self, _: str) -> str:
        """`FETC?`: the memory, which stays; it waits for a burst that was begun."""
        self._wait_for_burst()
        if self._memory is None:
            raise ScpiError(-230)
        return ",".join(f"{volts:+.8E}" for volts in self._memory.tolist())

    def remove(self, text: str) -> str:
        """`R? [n]`: a block of the oldest n readings at most, which are erased."""
        most = integer(text, 1, 2_000_000) if text else MEMORY
        self._follow()
        if self._burst is not None:
            self._burst.work_out(self.time.now_ns, self._source.noise)
            begin = self._burst.removed
            found = self._in_range(np.array(self._burst.taken[begin : begin + most]))
            self._burst.removed += found.size
        else:
            kept = np.empty(0) if self._memory is None else self._memory
            found, self._memory = kept[:most], kept[most:]
        readings = ",".join(f"{volts:+.8E}" for volts in found.tolist())
        return as_block(readings.encode("ascii")).decode("ascii")

    def _take(self) -> None:
        """One step of the device, sampled; what the burst takes beyond it passes, too."""
        count = self._count()
        start_ns = self.time.now_ns
        self._standing = x_V, y_V = self._source.gate()
        seconds = np.arange(count) * self.interval_s + self.set["trigger_delay"]
        angle = self._omega_per_s * seconds
        noise = [value for _ in range((count + 1) // 2) for value in self._source.noise()]
        volts = x_V * np.cos(angle) + y_V * np.sin(angle) + np.array(noise[:count])
        passed_s = (self.time.now_ns - start_ns) * 1e-9
        taken_s = self.set["trigger_delay"] + count * self.interval_s
        self.time.advance(max(0.0, taken_s - passed_s))
        self._memory = self._in_range(volts)

    def _count(self) -> int:
        count: int = self.set["samples"] * self.set["trigger_count"]
        if count > MEMORY:
            raise ScpiError(-223)
        return count

    @property
    def _omega_per_s(self) -> float:
        return 2.0 * math.pi * self._source.harmonic * self._source.frequency_Hz

    # ---- a burst that was begun

    def _follow(self) -> None:
        """Note the gates of a list, and the edge that starts a burst; end one that is complete."""
        burst = self._burst
        if burst is None:
            return
        gate_ns = round(1e9 / self._source.frequency_Hz)
        for end_ns, signal in self._source.list_gates():
            self._standing = signal
            burst.gates.append((end_ns - gate_ns, *signal))
        if burst.begin_ns is None:
            rising = self.set["slope"] == "POS"
            edges = [at for at, rises in self.trigger_in(burst.armed_ns) if rises == rising]
            if edges:
                burst.begin_ns = edges[0] + round(self.set["trigger_delay"] * 1e9)
        if burst.due(self.time.now_ns) == burst.count:
            self._end_burst(followed=True)

    def _end_burst(self, followed: bool = False) -> None:
        """What was sampled goes into the memory; no harm where no burst runs."""
        if not followed:
            self._follow()
        burst, self._burst = self._burst, None
        if burst is not None:
            burst.work_out(self.time.now_ns, self._source.noise)
            self._memory = self._in_range(np.array(burst.taken[burst.removed :]))
            self._source.watch_list(False)

    def _wait_for_burst(self) -> None:
        self._follow()
        burst = self._burst
        if burst is None:
            return
        if burst.begin_ns is None:  # nobody gives the edge while it waits here (judgement)
            raise ScpiError(-230)
        if len(burst.gates) == 1:  # no list has gated the device: the burst is one step of it
            self._burst = None
            self._source.watch_list(False)
            self._take()
            return
        left_ns = burst.begin_ns - self.time.now_ns
        self.time.advance(max(0.0, burst.count * self.interval_s + left_ns * 1e-9))
        self._end_burst()

    def _in_range(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.set["autorange"] and volts.size:
            peak_V = float(np.max(np.abs(volts)))
            fitting = (full for full in RANGES_V if peak_V <= OVERRANGE * full)
            self.set["range"] = next(fitting, RANGES_V[-1])
        limit_V = OVERRANGE * self.set["range"]
        null_V = self.set["null_V"] if self.set["null"] else 0.0
        clipped: NDArray[np.float64] = np.where(
            np.abs(volts) > limit_V, np.copysign(OVERLOAD, volts), volts - null_V
        )
        return clipped

    def points(self, _: str) -> str:
        """`DATA:POIN?`: how many readings the memory has, while it samples, too."""
        self._follow()
        if self._burst is not None:
            return f"{self._burst.due(self.time.now_ns) - self._burst.removed:+d}"
        return f"{0 if self._memory is None else self._memory.size:+d}"

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings; the memory is empty."""
        self._end_burst()
        self.set = after_reset(SETTINGS)
        self._timer_s, self._memory, self._waiting = 1.0, None, False

    def abort(self, _: str) -> None:
        """`ABOR`: sample no more, wait for no trigger; what was sampled stays."""
        self._end_burst()
        self._waiting = False


Keysight34465A.commands = command_table(
    {
        **handlers(SETTINGS),
        **COMMON,
        "*IDN?": lambda _meter, _: IDENTITY,
        "*OPT?": lambda _meter, _: "0",
        "*RST": Keysight34465A.reset,
        "*TRG": Keysight34465A.trigger,
        "SYSTem:LFRequency?": lambda _meter, _: str(LINE_HZ),
        "SAMPle:TIMer": Keysight34465A.set_timer,
        "SAMPle:TIMer?": Keysight34465A.ask_timer,
        "READ?": Keysight34465A.read,
        "FETCh?": Keysight34465A.fetch,
        "R?": Keysight34465A.remove,
        "INITiate[:IMMediate]": Keysight34465A.initiate,
        "ABORt": Keysight34465A.abort,
        "DATA:POINts?": Keysight34465A.points,
    }
)
