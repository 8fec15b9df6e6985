"""Sequences timed by the hardware: the supply plays its list, the read-outs sample into buffers.

Context: a computer's steps jitter with its scheduler and its bus. Decision: a repeat (the reset and
all steps) becomes points of the supply's list, each step lasting `hold_s + gate_s` (a loop: +H for
`hold_s` before), and the value of a step is one sample of the buffer. Where a reading takes a gate,
the output that belongs to a step stands from the end of its dwell for one gate (a lock-in's
synchronous filter): the sample in its middle is taken. Where it takes none, the last samples of
the dwell.

Alignment, the best that the bench file says there is:
* `trigger = true`: the supply gives a pulse at the begin of its list, and the read-outs' buffers,
  whose trigger inputs are wired to it, start with it;
* `marker_T`: a step at that field comes first, before the reset, and its edge in the data is the
  origin;
* else the counts: the buffer is started first; the samples that it has just before and just after
  the list was seen to run bracket its start, in the read-out's own count. Where the bracket is
  wider than a quarter of the time that a value stands, the alignment is lost.

Loops are read at −H: what the read-out's filter has seen at +H must be gone after `hold_s`, which
the read-out's buffer is asked for (`left_over`).

A list or a buffer that is too short is played in parts: each begins where the one before ended,
and meanwhile the current stays at its last point. Only the first part has a marker.
Consequence: the same recording as by software, and a repeat whose alignment is lost, whose buffer
overflowed or whose count of samples is wrong is void. Whether a bench times so: `step_clock`.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from instruments import encoding
from instruments.alignment import AlignmentError, Bracket, Seen, edge
from instruments.bench_reading import StepReading, joined
from instruments.list_parts import Room, dwell_s, parts_of
from instruments.sequenced import (
    buffer_of,
    free_s,
    list_of,
    looks_back_s,
    pulses,
    starts_by_trigger,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from instruments.bench_spec import BenchSpec
    from instruments.clock import Clock, Stop
    from instruments.limits import LimitedMagnet
    from instruments.list_parts import Part
    from instruments.protocols import Readout
    from instruments.sequenced import SampleBuffer
    from models.sequence import DriveWindow, Reset

T = TypeVar("T")

SAMPLES_A_STEP = 8  # wanted while a value stands: 512 Hz at 37 steps a second
SLACK_S = 1.0  # of a buffer: start, looks, and the gate behind the end
EARLIER = 1.5  # samples before the end of a dwell, where there is no gate

__all__ = ["AlignmentError", "HardwareTimed"]


def rate_of(buffer: SampleBuffer, stands_s: float) -> float:
    """A buffer's slowest rate with enough samples while a value stands; its fastest otherwise."""
    rates_Hz = buffer.rates_Hz
    return next((rate for rate in rates_Hz if rate * stands_s >= SAMPLES_A_STEP), rates_Hz[-1])


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
    stop
        What ends a list must not keep a buffer from being stopped.
    """

    def __init__(
        self,
        spec: BenchSpec,
        magnet: LimitedMagnet,
        readouts: Mapping[str, Readout],
        clock: Clock,
        stop: Stop,
    ) -> None:
        self._clock = clock
        self._stop = stop
        self._gate_s = spec.gate_s
        self._marker_T = spec.marker_T
        self._trigger = spec.trigger
        self._magnet = magnet
        self._names = tuple(readouts)
        self._program = _sure(list_of(magnet.magnet))
        self._lead_s = _sure(pulses(self._program)).lead_s if spec.trigger else ()
        self._buffers = [_sure(buffer_of(readout)) for readout in readouts.values()]

    def words(self, window: DriveWindow) -> str:
        """How sequences are timed, for people."""
        step_s = dwell_s(self._program, window.hold_s + self._gate_s)
        if window.encoding == "loop":
            step_s += dwell_s(self._program, window.hold_s)
        rates = zip(self._names, self._rates_Hz(window), strict=True)
        aligned = "the counts around the list's start"
        if self._trigger:
            aligned = f"the trigger of {self._magnet.name}"
        elif self._marker_T is not None:
            aligned = f"a marker at {1e3 * self._marker_T:g} mT"
        return (
            f"timed by hardware: the list of {self._magnet.name} ({self._program.most_points} "
            f"points), {1e3 * step_s:g} ms a step, read by the buffer of "
            f"{', '.join(f'{name} at {rate_Hz:g} Hz' for name, rate_Hz in rates)}, "
            f"aligned by {aligned}"
        )

    def play(
        self,
        fields_T: Sequence[float],
        window: DriveWindow,
        reset: Reset,
        holds: Sequence[int],
    ) -> Iterator[StepReading]:
        """Reset the device and play one drive; its steps, part by part as they are known.

        Each was set when its point of the list began (a loop's: that of −H), and read at the end
        of its dwell; the field is not measured.

        Raises
        ------
        AlignmentError
            The repeat is void: alignment, overflow or count.
        RefusedError, StoppedError, TwinrigError
            As `LimitedMagnet.play_list`.
        """
        rates_Hz = self._rates_Hz(window)
        visited = [encoding.fields_T(window.encoding, t) for t in (reset.field_T, *fields_T)]
        self._rest([field_T for fields in visited for field_T in fields])
        clocked = zip(self._buffers, rates_Hz, strict=True)
        most_s = min(buffer.most_points / rate_Hz for buffer, rate_Hz in clocked) - SLACK_S
        parts = parts_of(
            self._magnet, self._program, window, reset, list(fields_T), list(holds), self._gate_s,
            self._marker_T, self._lead_s, Room(self._program.most_points, most_s),
        )  # fmt: skip
        for part in parts:
            begin_s, rows = self._played(part, rates_Hz)
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

    def _rates_Hz(self, window: DriveWindow) -> list[float]:
        """Each read-out's slowest rate with enough samples while a value stands."""
        stands_s = self._gate_s or window.hold_s
        return [rate_of(buffer, stands_s) for buffer in self._buffers]

    # ---- how it is played

    def _played(self, part: Part, rates_Hz: list[float]) -> tuple[float, NDArray[np.float64]]:
        """Play one part; device time of its begin, and the values of its items `(N, C)`."""
        counts: list[list[int]] = []
        begun_s: list[float] = []

        def around(start: Callable[[], None]) -> None:
            for buffer in () if self._trigger else self._buffers:
                buffer.start()
            counts.append([buffer.count() for buffer in self._buffers])
            begun_s.append(self._clock.now_s())
            start()
            counts.append([buffer.count() for buffer in self._buffers])

        with ExitStack() as left:
            for buffer, rate_Hz in zip(self._buffers, rates_Hz, strict=True):
                if self._trigger:
                    _sure(starts_by_trigger(buffer)).arm_trigger(rate_Hz)
                else:
                    buffer.arm(rate_Hz)
                left.callback(self._end, buffer)
            behind_s = self._gate_s + 2 / min(rates_Hz)
            ran_s, over_s = self._magnet.play_list(part.points, around, behind_s, part.pulse_at)
            ends = [
                Seen(buffer.count(), self._clock.now_s(), ran_s, over_s) for buffer in self._buffers
            ]
            self._magnet.hold(behind_s)
        columns = []
        sampled = zip(self._names, self._buffers, rates_Hz, *counts, ends, strict=True)
        for name, buffer, rate_Hz, before, after, end in sampled:
            columns.append(self._read(part, Bracket(name, rate_Hz, before, after), buffer, end))
        return begun_s[0], np.array([joined(list(row)) for row in zip(*columns, strict=True)])

    def _read(
        self, part: Part, bracket: Bracket, buffer: SampleBuffer, end: Seen
    ) -> NDArray[np.float64]:
        """The values of a part's items out of one buffer `(N, C)`."""
        count = buffer.count()
        sampled_s = part.total_s
        if part.pulse_at is not None:
            edge_s = self._edge_s(part, buffer)
            bracket = bracket.triggered(end.count)
            sampled_s -= edge_s
        bracket.check_count(count, end.count, sampled_s, buffer.most_points)
        samples = buffer.fetch(count)
        stands_s = self._gate_s or min(item.end_s - item.set_s for item in part.items)
        if part.pulse_at is not None:
            origin_s, unsure_s = bracket.middle_s - edge_s, bracket.half_s
        elif part.marker_s:
            at_s = part.marker_s if self._gate_s else 0.0
            origin_s, unsure_s = edge(samples, bracket, at_s, stands_s), 0.0
        else:
            free = free_s(buffer, stands_s)
            origin_s, unsure_s = bracket.origin_s(free), bracket.half_s
        bracket.check_clocks(end, origin_s, part.total_s, stands_s)
        # a filter's output of a gate stands behind the dwell, readings are taken in the middle of
        # the gate; without one the dwell's last samples count
        back_s = looks_back_s(buffer)
        middle_s = self._gate_s / 2 if back_s is None else (back_s - self._gate_s) / 2
        shift_s = middle_s if self._gate_s else -(EARLIER / bracket.rate_Hz + unsure_s)
        ends_s = np.array([item.end_s for item in part.items])
        return samples[bracket.rows(origin_s + ends_s + shift_s, count)]

    def _end(self, buffer: SampleBuffer) -> None:
        """Stop a buffer, whatever ended the list: a link that is lost has its own error."""
        with self._stop.shield(), suppress(Exception):
            buffer.stop()

    @staticmethod
    def _edge_s(part: Part, buffer: SampleBuffer) -> float:
        """When, in a part, the edge comes that starts a buffer: the pulse is low while it lasts."""
        assert part.pulse_at is not None
        behind = 1 if _sure(starts_by_trigger(buffer)).trigger_rises else 0
        return sum(seconds for _, seconds in part.points[: part.pulse_at + behind])


def _sure(found: T | None) -> T:
    """`problems` was asked before."""
    assert found is not None
    return found
