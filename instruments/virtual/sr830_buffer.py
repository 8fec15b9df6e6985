"""The SR830's data buffers: 16383 points of X and Y at a rate, in device time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instruments.virtual.instrument import DeviceTime

CAPACITY = 16383
BY_TRIGGER = 14  # SRAT: a point at each trigger, instead of 62.5 mHz · 2^i


class Buffer:
    """Filled lazily: outputs change only at a gate, so every point since the last one is known.

    It stores what the two displays show.

    Parameters
    ----------
    device_time
        The rig's time.

    Attributes
    ----------
    running
        Whether it stores.
    by_trigger
        Whether a trigger starts it (`TSTR 1`).
    idle_ns
        Since when it stores nothing.
    """

    def __init__(self, device_time: DeviceTime) -> None:
        self._time = device_time
        self._rate_Hz: float | None = 1.0
        self._loop = True
        self.running = self.by_trigger = False
        self.reset()

    def reset(self) -> None:
        """`REST`: stop and forget."""
        self.running = False
        self.idle_ns = self._time.now_ns
        self._points: list[tuple[float, float]] = []
        self._begin_ns = 0
        self._taken = 0  # since the last start

    @property
    def awaited(self) -> bool:
        """Whether it stores, or will as soon as a trigger comes."""
        return self.running or self.by_trigger

    @property
    def points(self) -> int:
        """How many are stored."""
        return len(self._points)

    def configure(self, rate: int, *, loop: bool) -> None:
        """`SRAT` and `SEND`; a change of either empties the buffer."""
        self._rate_Hz = None if rate == BY_TRIGGER else 0.0625 * 2.0**rate
        self._loop = loop
        self.reset()

    def command(self, verb: str, outputs: tuple[float, float]) -> None:
        """`STRT`, `PAUS`, `REST`, `TRIG`."""
        self.catch_up(outputs)
        if verb == "REST":
            self.reset()
        elif verb == "PAUS":
            self.running, self.idle_ns = False, self._time.now_ns
        elif verb == "STRT" or self.by_trigger:
            self._start(self._time.now_ns)
        elif self.running and self._rate_Hz is None:
            self._store(outputs, 1)

    def triggered(self, edges_ns: list[int]) -> None:
        """Rising edges at the trigger input while it was idle: the first has started it."""
        if edges_ns:
            self._start(edges_ns[0])

    def _start(self, begin_ns: int) -> None:
        if not self.running:
            self.running, self._begin_ns, self._taken = True, begin_ns, 0

    def catch_up(self, outputs: tuple[float, float], until_ns: int | None = None) -> None:
        """Store the points that have fallen due, all at the outputs that stood until then (now)."""
        if not self.running or self._rate_Hz is None:
            return
        end_ns = self._time.now_ns if until_ns is None else until_ns
        seconds = (end_ns - self._begin_ns) * 1e-9
        due = int(seconds * self._rate_Hz + 1e-9) - self._taken
        if due > 0:
            self._taken += due
            self._store(outputs, due)

    def _store(self, outputs: tuple[float, float], count: int) -> None:
        self._points += [outputs] * min(count, CAPACITY)
        if self._loop:
            del self._points[: max(0, len(self._points) - CAPACITY)]
        elif len(self._points) >= CAPACITY:
            del self._points[CAPACITY:]
            self.running = False

    def trace(self, trace: int, start: int, count: int) -> str:
        """Points of trace 1 (X) or 2 (Y); a comma behind each value, the last one too."""
        part = self._points[start : start + count]
        return "".join(f"{point[trace - 1]:.7g}," for point in part)

    def binary(self, trace: int, start: int, count: int) -> str:
        """The same points as 32-bit floats, least significant byte first, with nothing behind."""
        part = [point[trace - 1] for point in self._points[start : start + count]]
        return struct.pack(f"<{len(part)}f", *part).decode("latin-1")
