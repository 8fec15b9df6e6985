"""Sequences timed by the hardware: the supply plays its list, the read-outs sample into buffers.

Context: a computer's steps jitter with its scheduler and its bus. Decision: a repeat (the reset and
all steps) becomes points of the supply's list, each step lasting `hold_s + gate_s`, and the value
of a step is one sample of the buffer. Where a reading takes a gate, the output that belongs to a
step stands from the end of its dwell for one gate (a lock-in's synchronous filter): the sample in
its middle is taken. Where it takes none, the last samples of the dwell.

Alignment: the buffer is started first. The samples that it has just before and just after the list
was seen to run bracket the list's start, in the read-out's own count. Where the bracket is wider
than a quarter of the time that a value stands, and there is no marker, the alignment is lost. With
the bench key `marker_T` a step at that field comes first, before the reset, and its edge in the
data is the origin.

Loops are refused: what the read-out sees at +H would still be in what it shows at −H.

A list or a buffer that is too short is played in parts: each begins where the one before ended,
and meanwhile the current stays at its last point. Only the first part has a marker.
Consequence: the same recording as by software, and a repeat whose alignment is lost, whose buffer
overflowed or whose count of samples is wrong is void.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from instruments import encoding
from instruments.alignment import AlignmentError, Bracket, edge
from instruments.bench_reading import StepReading, joined
from instruments.sequenced import buffer_of, list_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from instruments.bench_spec import BenchSpec
    from instruments.clock import Clock
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Readout
    from instruments.sequenced import CurrentList, SampleBuffer
    from models.sequence import DriveWindow, Reset

T = TypeVar("T")

SAMPLES_A_STEP = 8  # wanted while a value stands: 512 Hz at 37 steps a second
FEWEST_A_STEP = 4
SLACK_S = 1.0  # of a buffer: start, looks, and the gate behind the end
LOOP = "a loop's field at +H would be read as one at -H is: loops are timed by software"
EARLIER = 1.5  # samples before the end of a dwell, where there is no gate

__all__ = ["AlignmentError", "HardwareTimed", "problems", "unplayable"]


@dataclass(frozen=True)
class _Item:
    """The reset or a step in a part: its current, when it is set and over; a reset isn't read."""

    current_A: float
    set_s: float
    end_s: float
    read: bool


@dataclass(frozen=True)
class _Part:
    """A part of a repeat; `marker_s`: how long the marker lasts that it begins with, 0: none."""

    points: list[tuple[float, float]]
    items: list[_Item]
    marker_s: float

    @property
    def total_s(self) -> float:
        """How long its list lasts."""
        return sum(dwell_s for _, dwell_s in self.points)


def problems(
    spec: BenchSpec, magnet: LimitedMagnet, readouts: Mapping[str, Readout], window: DriveWindow
) -> list[str]:
    """Why a bench can't time its sequences by hardware, in words; empty where it can."""
    found = [LOOP] if window.encoding == "loop" else []
    driver = magnet.magnet.driver
    program = list_of(magnet.magnet)
    if program is None:
        found.append(f"magnet {magnet.name} ({driver}) plays no list")
    dwell_s = window.hold_s + spec.gate_s
    buffers = {name: buffer_of(readout) for name, readout in readouts.items()}
    if not buffers:
        found.append("there is no read-out")
    for name, buffer in buffers.items():
        if buffer is None:
            found.append(f"read-out {name} ({readouts[name].driver}) has no buffer")
            continue
        found += [f"read-out {name}: {words}" for words in buffer.problems()]
        stands_s = spec.gate_s or window.hold_s
        if stands_s * buffer.rates_Hz[-1] < FEWEST_A_STEP:
            found.append(
                f"a value stands for {stands_s:g} s ({'gate_s' if spec.gate_s else 'hold_s'}), "
                f"read-out {name} samples at most at {buffer.rates_Hz[-1]:g} Hz: it needs "
                f"{FEWEST_A_STEP / buffer.rates_Hz[-1]:g} s"
            )
    if program is not None and dwell_s > program.dwell_s[1]:
        found.append(f"a step lasts {dwell_s:g} s, the supply's list {program.dwell_s[1]:g} s")
    if spec.marker_T is not None and (
        beyond := magnet.limits.problem(magnet.limits.current_A(spec.marker_T))
    ):
        found.append(f"marker_T: {beyond}")
    return [f'[drive] timing = "hardware": {words}' for words in found]


def unplayable(
    spec: BenchSpec,
    magnet: LimitedMagnet,
    window: DriveWindow,
    reset: Reset,
    sequences: Sequence[Sequence[float]],
) -> list[str]:
    """Why the first of these sequences (fields in T) that can't be a list can't, in words."""
    program = _sure(list_of(magnet.magnet))
    for fields_T in sequences:
        plan = encoding.plan_T(window, reset, [fields_T], spec.gate_s)
        here_A = 0.0
        for group in magnet.as_list(((t, _dwell_s(program, s)) for t, s in plan), here_A):
            found = magnet.list_problems(group, here_A)
            if found:
                return [f'[drive] timing = "hardware": {words}' for words in found]
            here_A = group[-1][0]
    return []


class HardwareTimed:
    """Plays repeats on a bench that can.

    Parameters
    ----------
    spec
        The bench file.
    magnet
        The drive's.
    readouts
        By name.
    clock
        The bench's device time.
    """

    def __init__(
        self,
        spec: BenchSpec,
        magnet: LimitedMagnet,
        readouts: Mapping[str, Readout],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._gate_s = spec.gate_s
        self._marker_T = spec.marker_T
        self._magnet = magnet
        self._names = tuple(readouts)
        self._program = _sure(list_of(magnet.magnet))
        self._buffers = [_sure(buffer_of(readout)) for readout in readouts.values()]

    def words(self, window: DriveWindow) -> str:
        """How sequences are timed, for people."""
        dwell_s = _dwell_s(self._program, window.hold_s + self._gate_s)
        rate_Hz = self._rate_Hz(window)
        aligned = "the counts around the list's start"
        if self._marker_T is not None:
            aligned = f"a marker at {1e3 * self._marker_T:g} mT"
        return (
            f"timed by hardware: the list of {self._magnet.name} ({self._program.most_points} "
            f"points), {1e3 * dwell_s:g} ms a step, read by the buffer of "
            f"{', '.join(self._names)} at {rate_Hz:g} Hz, aligned by {aligned}"
        )

    def play(
        self, fields_T: Sequence[float], window: DriveWindow, reset: Reset
    ) -> Iterator[StepReading]:
        """Reset the device and play one drive; its steps, part by part as they are known.

        Each was set when its point of the list began, and read at the end of its dwell; the field
        is not measured.

        Raises
        ------
        AlignmentError
            The repeat is void: alignment, overflow or count.
        RefusedError, StoppedError, TwinrigError
            As `LimitedMagnet.play_list`.
        """
        rate_Hz = self._rate_Hz(window)
        self._rest([reset.field_T, *fields_T])
        for part in self._parts(list(fields_T), window, reset, rate_Hz):
            begin_s, rows = self._played(part, rate_Hz)
            for item, values in zip(part.items, rows, strict=True):
                if item.read:
                    set_s, read_s = begin_s + item.set_s, begin_s + item.end_s
                    yield StepReading(item.current_A, values, set_s, read_s)

    def _rest(self, fields_T: list[float]) -> None:
        """Go, where the ramp is slow, to a set-point that the list comes by often.

        A list that is ended early jumps back to the set-point from before it, when it is within one
        step of it (`KepcoBop.take_control`).
        """
        span_T = max(fields_T) - min(fields_T)
        if abs(self._magnet.limits.current_A(span_T)) > self._magnet.reach_A:
            self._magnet.ramp_to_T(float(np.median(fields_T)))

    # ---- what is played

    def _rate_Hz(self, window: DriveWindow) -> float:
        """The slowest rate that every read-out has, with enough samples while a value stands."""
        stands_s = self._gate_s or window.hold_s
        common = set(self._buffers[0].rates_Hz).intersection(*(b.rates_Hz for b in self._buffers))
        rates = sorted(common)
        return next((rate for rate in rates if rate * stands_s >= SAMPLES_A_STEP), rates[-1])

    def _parts(
        self, fields_T: list[float], window: DriveWindow, reset: Reset, rate_Hz: float
    ) -> Iterator[_Part]:
        """The repeat in parts that list and buffers hold."""
        plan = list(encoding.plan_T(window, reset, [fields_T], self._gate_s))
        if self._marker_T is not None:
            plan.insert(0, (self._marker_T, window.hold_s + self._gate_s))
        groups = self._magnet.as_list((t, _dwell_s(self._program, s)) for t, s in plan)
        most_s = min(b.most_points for b in self._buffers) / rate_Hz - SLACK_S
        points: list[tuple[float, float]] = []
        items: list[_Item] = []
        marker_s, at_s = 0.0, 0.0
        if self._marker_T is not None:
            points = groups.pop(0)
            marker_s = at_s = sum(s for _, s in points)
        for number, group in enumerate(groups):
            end_s = at_s + sum(s for _, s in group)
            if points and (len(points) + len(group) > self._program.most_points or end_s > most_s):
                yield _Part(points, items, marker_s)
                end_s, points, items, marker_s = end_s - at_s, [], [], 0.0
            current_A, dwell_s = group[-1]
            items.append(_Item(current_A, end_s - dwell_s, end_s, read=number > 0))
            points, at_s = [*points, *group], end_s
        yield _Part(points, items, marker_s)

    # ---- how it is played

    def _played(self, part: _Part, rate_Hz: float) -> tuple[float, NDArray[np.float64]]:
        """Play one part; device time of its begin, and the values of its items `(N, C)`."""
        counts: list[list[int]] = []
        begun_s: list[float] = []

        def around(start: Callable[[], None]) -> None:
            for buffer in self._buffers:
                buffer.start()
            counts.append([buffer.count() for buffer in self._buffers])
            begun_s.append(self._clock.now_s())
            start()
            counts.append([buffer.count() for buffer in self._buffers])

        with ExitStack() as left:
            for buffer in self._buffers:
                buffer.arm(rate_Hz)
                left.callback(_stop, buffer)
            behind_s = self._gate_s + 2 / rate_Hz
            self._magnet.play_list(part.points, around, behind_s)
            counts.append([buffer.count() for buffer in self._buffers])
            self._magnet.hold(behind_s)
        columns = []
        for number, (name, buffer) in enumerate(zip(self._names, self._buffers, strict=True)):
            before, after, end = (count[number] for count in counts)
            columns.append(self._read(part, Bracket(name, rate_Hz, before, after), buffer, end))
        return begun_s[0], np.array([joined(list(row)) for row in zip(*columns, strict=True)])

    def _read(
        self, part: _Part, bracket: Bracket, buffer: SampleBuffer, end: int
    ) -> NDArray[np.float64]:
        """The values of a part's items out of one buffer `(N, C)`."""
        count = buffer.count()
        bracket.check_count(count, end, part.total_s, buffer.most_points)
        samples = buffer.fetch(count)
        stands_s = self._gate_s or min(item.end_s - item.set_s for item in part.items)
        if part.marker_s:
            edge_s = part.marker_s if self._gate_s else 0.0
            origin_s = edge(samples, bracket, edge_s, stands_s)
            unsure_s = 0.0
        else:
            origin_s, unsure_s = bracket.origin_s(stands_s), bracket.half_s
        # a gate's output stands behind the dwell; without one the dwell's last samples count
        shift_s = self._gate_s / 2 or -(EARLIER / bracket.rate_Hz + unsure_s)
        ends_s = np.array([item.end_s for item in part.items])
        return samples[bracket.rows(origin_s + ends_s + shift_s, count)]


def _dwell_s(program: CurrentList, seconds: float) -> float:
    """A dwell that the list can have, not shorter."""
    return max(program.dwell_s[0], math.ceil(seconds / program.grid_s - 1e-6) * program.grid_s)


def _stop(buffer: SampleBuffer) -> None:
    """Stop a buffer, whatever ended the list: a link that is lost has its own error."""
    with suppress(Exception):
        buffer.stop()


def _sure(found: T | None) -> T:
    """`problems` was asked before."""
    assert found is not None
    return found
