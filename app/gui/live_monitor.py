"""What the Monitor page shows, taken from readings and from the events of runs; no Qt."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.alarms import Alarms, Raised
from app.civil_time import CivilTime
from app.derived import derived_of
from app.gui.flowing import field_of
from app.operations.bench_read import BenchRead
from app.operations.events import PointMeasured, StepRead
from app.operations.monitor_export import Seen
from app.trace_store import TraceStore, View
from app.words import duration, prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.bench_reading import BenchReading

    FloatArray = NDArray[np.float64]

MOST_MARKERS = 200
QUIET_S, QUIET_READINGS = 2.0, 3.0
"""Judgement: longer than both, the second in readings at their rate, there is none for now."""
MOST_TRACES = 64
"""Judgement: read-outs beyond it (a spectrum of hundreds of points) have no strip chart of their
own; the spectrum view shows their latest values."""


@dataclass(frozen=True)
class Trace:
    """One thing that is watched: name, SI unit, colour token, and what may bound it.

    `shown_unit` and `factor`: a unit that is fixed (mT); else the prefix follows the values.
    """

    name: str
    unit: str
    token: str
    factor: float | None = None
    shown_unit: str = ""
    limit: float = math.inf


@dataclass(frozen=True)
class Marker:
    """Something that a person wants to remember: when, also by the clock on the wall, and what."""

    time_s: float
    clock: str
    text: str


def traces_of(bench: Bench) -> tuple[Trace, ...]:
    """Field, set-point, supply, field probe, temperatures, read-outs, and what follows of them."""
    spec = bench.spec
    limits = spec.magnets[spec.drive_magnet].limits
    top_A = limits.highest_A
    top_T = top_A * abs(limits.tesla_per_ampere)
    found = [
        Trace("Field", "T", "field", 1e3, "mT", top_T),
        Trace("Set point", "T", "text2", 1e3, "mT", top_T),
        Trace(f"Supply {spec.drive_magnet}", "A", "field", *prefix(top_A, "A"), top_A),
    ]
    if bench.probe is not None:
        found.append(Trace("Field, probe", "T", "field", 1e3, "mT", top_T))
    pairs = list(zip(bench.live_channels, bench.live_units, strict=True))[:MOST_TRACES]
    found += [Trace(name, unit, "measured") for name, unit in pairs]
    found += [Trace(one.name, one.unit, "measured") for one in derived_of(*names_of(bench))]
    found += [Trace(f"Temperature {name}", "K", "text2", 1.0, "K") for name in bench.thermometers]
    return tuple(found)


def names_of(bench: Bench) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The read-out channels that have a chart, and their units."""
    return bench.live_channels[:MOST_TRACES], bench.live_units[:MOST_TRACES]


class LiveMonitor:
    """The traces of one bench, in a store of fixed size.

    Parameters
    ----------
    bench
        Connected: its channels are known.

    Attributes
    ----------
    values
        The latest values `(C,)`, by trace; NaN where there is none now.
    spectrum
        The latest values of every read-out channel.
    lost
        Why there is no reading now; empty where there is one.
    """

    def __init__(self, bench: Bench) -> None:
        self.traces = traces_of(bench)
        self.names = tuple(trace.name for trace in self.traces)
        self.store = TraceStore(len(self.traces))
        self.alarms, self.civil = Alarms(), CivilTime()
        self.markers: deque[Marker] = deque(maxlen=MOST_MARKERS)
        self.values: FloatArray = np.full(len(self.traces), np.nan)
        self.spectrum: FloatArray = np.full(len(bench.live_channels), np.nan)
        self.channels = bench.live_channels
        self.lost = ""
        self.rates: deque[tuple[float, int]] = deque(maxlen=32)
        self._derived = derived_of(*names_of(bench))
        self._probe = bench.probe is not None
        self._scale_T = bench.spec.magnets[bench.spec.drive_magnet].limits.tesla_per_ampere
        self._drive, self._spec = bench.spec.drive_magnet, bench.spec
        self._temperatures = len(bench.thermometers)

    def reading(self, reading: BenchReading | BenchRead, now_s: float) -> list[Raised]:
        """Take one look at the bench at a host time; the alarms that it changes."""
        supply = [field_of(self._spec, reading), reading.setpoint_T, reading.current_A]
        probe = [reading.measured_field_T] if self._probe else []
        temperatures = list(reading.temperatures_K) or [math.nan] * self._temperatures
        values = np.asarray(reading.values, dtype=float)
        row = self._row([*supply, *probe], values[:, None], temperatures)
        return self._push(np.array([now_s]), row, values)

    def events(self, events: Sequence[Event], now_s: float) -> list[Raised]:
        """Take the events of one frame of a run; the alarms that they change.

        Steps carry no time of the host: those of a frame are spread since the last reading.
        """
        raised: list[Raised] = []
        for event in events:
            if isinstance(event, BenchRead):
                raised += self.reading(event, now_s)
        steps = [event for event in events if isinstance(event, StepRead)]
        points = [event for event in events if isinstance(event, PointMeasured)]
        if points:
            raised += self._points(points, now_s)
        if steps:
            values = np.stack([step.values for step in steps], axis=1)
            field_T = [step.field_T for step in steps]
            current_A = [step.current_A for step in steps]
            nothing = [[math.nan] * len(steps)]
            supply = [field_T, field_T, current_A, *(nothing if self._probe else [])]
            row = self._row(supply, values, nothing * self._temperatures)
            raised += self._push(self._spread(len(steps), now_s), row, values[:, -1])
        return raised

    def _points(self, points: list[PointMeasured], now_s: float) -> list[Raised]:
        """Points of a calibration: the field is the probe's, no read-out is read."""
        mine = [point for point in points if point.magnet == self._drive]
        if not mine:
            return []
        measured_A = np.array([point.measured_A for point in mine])
        supply = [
            measured_A * self._scale_T,
            np.array([point.set_A for point in mine]) * self._scale_T,
            measured_A,
            *([np.array([point.field_T for point in mine])] if self._probe else []),
        ]
        nothing = np.full((len(self.channels), len(mine)), np.nan)
        row = self._row(supply, nothing, [[math.nan] * len(mine)] * self._temperatures)
        return self._push(self._spread(len(mine), now_s), row, nothing[:, -1])

    def way(self, field_T: float, current_A: float, now_s: float) -> list[Raised]:
        """Take what flows while nothing is read, as on the way to a field: no point of a chart."""
        self.values[:3] = field_T, field_T, current_A
        known = zip(self.names[:3], self.values[:3].tolist(), strict=True)
        return self.alarms.look(dict(known), now_s)

    def gap(self, words: str, now_s: float) -> None:
        """There is no reading now: the lines break, the values are gone."""
        if not self.lost:
            self.store.push([now_s], np.full((len(self.traces), 1), np.nan))
        self.lost = words
        self.values = np.full(len(self.traces), np.nan)
        self.spectrum = np.full(len(self.channels), np.nan)

    def mark(self, text: str, now_s: float) -> Marker:
        """Remember this moment."""
        self.civil.look()
        marker = Marker(now_s, self.clock(now_s), text)
        self.markers.append(marker)
        return marker

    def clock(self, time_s: float) -> str:
        """What the clock on the wall showed."""
        return time.strftime("%H:%M:%S", time.localtime(float(self.civil.of(time_s))))

    def seen(self, shown: Sequence[int], from_s: float, until_s: float) -> Seen:
        """A copy of what is kept of some traces between two times; for another thread, too."""
        view, wanted = self.store.view(from_s, until_s), list(shown)
        low = view.low[wanted].copy()
        high = low if view.factor == 1 else view.high[wanted].copy()
        traces = [self.traces[number] for number in wanted]
        marks = tuple((m.time_s, m.text) for m in self.markers if from_s <= m.time_s <= until_s)
        names, units = tuple(t.name for t in traces), tuple(t.unit for t in traces)
        cut = View(view.times_s.copy(), low, high, view.factor)
        return Seen(cut, names, units, marks, self.civil.of(cut.times_s))

    @property
    def silent(self) -> str:
        """Which read-out channels give no value beside others that answer, and why that may be."""
        none = np.flatnonzero(np.isnan(self.spectrum))
        if self.lost or not none.size or not self.store.count:
            return ""
        more = f" and {none.size - 1} more" if none.size > 1 else ""
        return f"no value of {self.channels[none[0]]}{more}: shown once a run has set it up"

    @property
    def per_second(self) -> float:
        """Readings a second, lately."""
        if len(self.rates) < 2 or self.rates[-1][0] <= self.rates[0][0]:
            return 0.0
        count = sum(number for _, number in list(self.rates)[1:])
        return count / (self.rates[-1][0] - self.rates[0][0])

    def pace(self, now_s: float) -> str:
        """How often there is a reading, in words; how long there was none where that is long."""
        rate = self.per_second
        waited_s = now_s - self.store.last_s
        if not math.isfinite(waited_s):
            return "no reading yet"
        if waited_s > max(QUIET_S, QUIET_READINGS / rate if rate else 0.0):
            return f"no reading for {duration(waited_s)}"
        slow = 0.0 < rate < 1.0
        return f"a reading each {duration(1.0 / rate)}" if slow else f"{rate:.1f} readings a second"

    def _row(
        self, supply: Sequence[object], values: FloatArray, temperatures: Sequence[object]
    ) -> FloatArray:
        count = values.shape[1]
        if values.shape[0] != len(self.channels):  # a rotation's steps have other channels
            values = np.full((len(self.channels), count), np.nan)
        shown = values[:MOST_TRACES]
        rows = [*supply, *shown, *(one.of(shown) for one in self._derived), *temperatures]
        return np.stack([np.broadcast_to(np.asarray(r, dtype=float), count) for r in rows])

    def _spread(self, count: int, now_s: float) -> FloatArray:
        last_s = self.store.last_s
        begin_s = last_s if math.isfinite(last_s) and now_s - last_s < 1.0 else now_s - 0.033
        return np.linspace(begin_s, now_s, count + 1)[1:]

    def _push(self, times_s: FloatArray, rows: FloatArray, latest: FloatArray) -> list[Raised]:
        self.lost = ""
        self.civil.look()
        self.store.push(times_s, rows)
        self.values = rows[:, -1].copy()
        if latest.size == len(self.channels):
            self.spectrum = latest.copy()
        self.rates.append((float(times_s[-1]), times_s.size))
        low, high = np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)
        raised: list[Raised] = []
        for extreme in (low, high) if self.alarms.by_channel else ():
            raised += self._judge(extreme)
        if raised:  # what has left its band within a frame, and is back, is both
            raised += self._judge(self.values)
        return raised

    def _judge(self, values: FloatArray) -> list[Raised]:
        return self.alarms.look(
            dict(zip(self.names, values.tolist(), strict=True)), self.store.last_s
        )
