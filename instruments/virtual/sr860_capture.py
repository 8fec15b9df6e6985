"""The SR860's capture buffer: up to 4096 kB of float32, in device time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from instruments.virtual.stanford_words import EXECUTION_ERROR, CommandError, one_of

if TYPE_CHECKING:
    from instruments.virtual.instrument import DeviceTime
    from instruments.virtual.trigger_wire import TriggerIn

LONGEST_KB, BLOCK_KB, MOST_KB_AT_ONCE = 4096, 2, 64
FASTEST_HZ = 1.25e6  # at 1 µs; that it halves until it is below 10 / time constant is judgement
CONFIGS = {"X": 0, "XY": 1, "RT": 2, "XYRT": 3}
WIDTH = (1, 2, 2, 4)  # values a sample: CAPTURECFG X, XY, RT, XYRT
RUNNING, TRIGGERED, WRAPPED = 1, 2, 4  # bits of CAPTURESTAT?


class CaptureBuffer:
    """Filled lazily: outputs change only at a gate, so every sample since the last one is known.

    Parameters
    ----------
    device_time
        The rig's time.
    """

    def __init__(self, device_time: DeviceTime) -> None:
        self._time = device_time
        self.config = 0
        self.length_kB = 2
        self.divider = 0
        self.running = False
        self._waits_ns: int | None = None  # since when, for a trigger
        self.wrapped = False
        self._continuous = False
        self._rate_Hz = 1.0
        self._begin_ns = 0
        self._due = 0
        self._taken: list[tuple[tuple[float, ...], int]] = []  # values, how many samples
        self._data = np.empty(0, dtype="<f4")

    @staticmethod
    def fastest_Hz(time_constant_s: float) -> float:
        """`CAPTURERATEMAX?`: what the time constant allows."""
        halvings = math.ceil(math.log2(FASTEST_HZ * time_constant_s / 10.0))
        return FASTEST_HZ / 2.0 ** min(20, max(0, halvings))

    @property
    def capacity(self) -> int:
        """Samples that fit."""
        return self.length_kB * 1024 // (4 * WIDTH[self.config])

    def configure(self, name: str, text: str) -> None:
        """`CAPTURECFG`, `CAPTURELEN`, `CAPTURERATE`; not while a capture runs."""
        if self.running or self._waits_ns is not None:
            raise CommandError(EXECUTION_ERROR)
        if name == "CFG":
            word = text.replace(" ", "").upper()
            self.config = CONFIGS[word] if word in CONFIGS else one_of(text, 0, 3)
        elif name == "LEN":
            kB = one_of(text, 1, LONGEST_KB)
            self.length_kB = kB + kB % BLOCK_KB
        else:
            self.divider = one_of(text, 0, 20)

    def answer(self, name: str, fastest_Hz: float) -> str:
        """The answer to a question for state or setting."""
        return {
            "STAT": f"{self.status}",
            "BYTES": f"{self.captured_bytes}",
            "PROG": f"{self.progress_kB}",
            "CFG": f"{self.config}",
            "LEN": f"{self.length_kB}",
            "RATE": f"{fastest_Hz / 2.0**self.divider:.9g}",
            "RATEMAX": f"{fastest_Hz:.9g}",
        }[name]

    def start(self, *, continuous: bool, fastest_Hz: float, by_trigger: bool = False) -> None:
        """`CAPTURESTART`: forget what was captured and begin, now or by a trigger."""
        self.running, self.wrapped, self._continuous = not by_trigger, False, continuous
        self._waits_ns = self._time.now_ns if by_trigger else None
        self._rate_Hz = fastest_Hz / 2.0**self.divider
        self._begin_ns, self._due = self._time.now_ns, 0
        self._taken = []
        self._data = np.empty(0, dtype="<f4")

    def look(self, trigger_in: TriggerIn) -> None:
        """Begin at the first falling edge since it waits for one."""
        if self._waits_ns is None:
            return
        falling = [edge_ns for edge_ns, rises in trigger_in(self._waits_ns) if not rises]
        if falling:
            self.running, self._begin_ns, self._waits_ns = True, falling[0], None

    def catch_up(self, outputs: tuple[float, float], until_ns: int | None = None) -> None:
        """Store the samples due until then (now), all at the outputs that stood until then."""
        if not self.running:
            return
        end_ns = self._time.now_ns if until_ns is None else until_ns
        seconds = (end_ns - self._begin_ns) * 1e-9
        due = int(seconds * self._rate_Hz + 1e-9)
        fresh, self._due = due - self._due, due
        if not self._continuous:
            fresh = min(fresh, self.capacity - self.samples)
        if fresh > 0:
            self._taken.append((self._values(outputs), fresh))
        self.wrapped |= self.samples > self.capacity
        if not self._continuous and self.samples >= self.capacity:
            self._end()

    def stop(self) -> None:
        """`CAPTURESTOP`: no harm where nothing runs; `catch_up` comes before it."""
        self._waits_ns = None
        if self.running:
            self._end()

    def _end(self) -> None:
        self.running = False
        samples = [np.tile(np.array(values, "<f4"), count) for values, count in self._taken]
        data = np.concatenate(samples) if samples else np.empty(0, "<f4")
        size = self.capacity * WIDTH[self.config]
        if data.size > size:  # a ring: the newest sample overwrites the oldest where that is
            kept = data[-size:]
            data = np.roll(kept, data.size % size)
        self._data = data.astype("<f4")

    def _values(self, outputs: tuple[float, float]) -> tuple[float, ...]:
        x, y = outputs
        polar = (math.hypot(x, y), math.degrees(math.atan2(y, x)))
        return ((x,), (x, y), polar, (x, y, *polar))[self.config]

    @property
    def samples(self) -> int:
        """How many were taken since the start."""
        return sum(count for _, count in self._taken)

    @property
    def captured_bytes(self) -> int:
        """`CAPTUREBYTES?`: valid bytes, no fill."""
        return 4 * WIDTH[self.config] * min(self.samples, self.capacity)

    @property
    def status(self) -> int:
        """`CAPTURESTAT?`."""
        triggered = TRIGGERED if self.running or self._taken else 0
        return (RUNNING if self.running else 0) | triggered | (WRAPPED if self.wrapped else 0)

    @property
    def progress_kB(self) -> int:
        """`CAPTUREPROG?`: captured so far, in whole blocks of 2 kB."""
        return BLOCK_KB * math.ceil(self.captured_bytes / (1024 * BLOCK_KB))

    def block(self, offset_kB: int, length_kB: int) -> bytes:
        """A part of the buffer, filled up with zeros to whole blocks; not while it runs."""
        if self.running:
            raise CommandError(EXECUTION_ERROR)
        filled = self._data.tobytes().ljust(1024 * self.progress_kB, b"\0")
        return filled[1024 * offset_kB : 1024 * (offset_kB + length_kB)]
