"""What times the steps of a bench: the computer, or its instruments; the choice, and why.

`[drive] timing`: `software` (the default), `hardware` (refused where it can't be), or `auto`: by
hardware where supply, read-outs and sequences allow it and nothing on the bench asks for the
computer between two steps; else by software. Either way the run says which and why.

Decision: `auto` is not the default. A run by hardware shows its steps part by part instead of one
by one, and its field is not measured; who writes a bench file chooses that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instruments import encoding
from instruments.alignment import STANDS_SHARE
from instruments.hardware_timed import SLACK_S, HardwareTimed, rate_of
from instruments.list_parts import groups_of
from instruments.sequenced import (
    buffer_of,
    free_s,
    left_over,
    list_of,
    looks_back_s,
    no_list,
    pulses,
    starts_by_trigger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from instruments.bench_reading import StepReading
    from instruments.bench_spec import BenchSpec
    from instruments.clock import Clock
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Readout
    from instruments.sequenced import SampleBuffer
    from models.sequence import DriveWindow, Reset

FEWEST_A_STEP = 4  # samples while a value stands
FORGOTTEN = 0.01  # judgement: so much of what stood at +H may be left in a reading at -H
LOOKS = 3  # at a link, for how well it would bracket the start of a list
ROTATION = "a rotation has two supplies, and nothing starts two lists at the same time"
PROBED = "a field probe measures the field of each step, which only a computer asks it between two"


@dataclass(frozen=True)
class Choice:
    """By what the steps are timed, and why, in words; no words where the bench file says so."""

    by_hardware: bool
    why: str = ""


class StepClock:
    """What times the steps of one bench.

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
        self._spec = spec
        self._magnet = magnet
        self._readouts = readouts
        self._clock = clock
        self._choice = None if spec.timing == "auto" else Choice(spec.timing == "hardware")

    @property
    def by_hardware(self) -> bool:
        """Whether the instruments time the steps; chosen at the latest here."""
        return self._chosen().by_hardware

    def refuse(
        self, window: DriveWindow, reset: Reset, sequences: Sequence[Sequence[float]] = ()
    ) -> list[str]:
        """Why sequences (fields in T) can't be timed as the bench file says; the choice is made.

        Only queries are sent.
        """
        if self._spec.timing == "auto":
            self._choice = self._choose(window, reset, sequences)
        if self._spec.timing != "hardware":
            return []
        found = self._problems(window, reset, sequences)
        return [f'[drive] timing = "hardware": {words}' for words in found]

    def play(
        self, fields_T: Sequence[float], window: DriveWindow, reset: Reset
    ) -> Iterator[StepReading]:
        """One repeat by hardware, as `HardwareTimed.play`."""
        return self._hardware().play(fields_T, window, reset)

    def words(self) -> str:
        """How steps are timed, for people; empty where the bench file says: by the computer."""
        choice = self._chosen()
        if choice.by_hardware:
            words = self._hardware().words(self._spec.window)
            return f"{words}; chosen because {choice.why}" if choice.why else words
        return f"timed by software, because {choice.why}" if choice.why else ""

    # ---- the choice

    def _chosen(self) -> Choice:
        if self._choice is None:
            window = self._spec.window
            ends = [[window.low_T, window.high_T]]
            self._choice = self._choose(window, self._spec.reset, ends)
        return self._choice

    def _choose(
        self, window: DriveWindow, reset: Reset, sequences: Sequence[Sequence[float]]
    ) -> Choice:
        if self._spec.rotation is not None:
            return Choice(False, ROTATION)
        if self._spec.teslameters:
            return Choice(False, PROBED)
        found = self._problems(window, reset, sequences)
        if not found and self._spec.marker_T is None and not self._spec.trigger:
            found = self._loose(window)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            return Choice(False, found[0] + more)
        return Choice(True, "supply and read-outs can, and nothing asks the computer between steps")

    def _problems(
        self, window: DriveWindow, reset: Reset, sequences: Sequence[Sequence[float]]
    ) -> list[str]:
        given = (self._spec, self._magnet)
        return problems(*given, self._readouts, window) or [
            *unplayable(*given, window, reset, sequences),
            *overflowing(self._spec, self._readouts, window),
        ]

    def _loose(self, window: DriveWindow) -> list[str]:
        """Why this link would not bracket the start of a list well enough, in words.

        The messages around a start are sent, without a start: each buffer's count, twice, and what
        the list does.
        """
        program = list_of(self._magnet.magnet)
        buffers = [buffer_of(readout) for readout in self._readouts.values()]
        step_s = self._spec.gate_s or window.hold_s
        stands_s = min(free_s(buffer, step_s) for buffer in buffers if buffer is not None)
        longest_s = 0.0
        for _ in range(LOOKS):
            begin_s = self._clock.now_s()
            for buffer in (*buffers, *buffers):
                assert buffer is not None
                buffer.count()
            assert program is not None
            program.running()
            longest_s = max(longest_s, self._clock.now_s() - begin_s)
        if longest_s / 2 <= STANDS_SHARE * stands_s:
            return []
        return [
            f"the messages around the start of a list take {1e3 * longest_s:.3g} ms on these "
            f"links, and a value stands for {1e3 * stands_s:.3g} ms: with marker_T, or a trigger, "
            "it could be timed by hardware"
        ]

    def _hardware(self) -> HardwareTimed:
        return HardwareTimed(self._spec, self._magnet, self._readouts, self._clock)


def problems(
    spec: BenchSpec, magnet: LimitedMagnet, readouts: Mapping[str, Readout], window: DriveWindow
) -> list[str]:
    """Why a bench can't time its sequences by hardware, in words; empty where it can."""
    found = _of_magnet(spec, magnet)
    if not readouts:
        found.append("there is no read-out")
    for name, readout in readouts.items():
        buffer = buffer_of(readout)
        if buffer is None:
            found.append(f"read-out {name} ({readout.driver}) has no buffer")
        else:
            found += [f"read-out {name}{words}" for words in _of_buffer(spec, buffer, window)]
    for probe in spec.teslameters.values():
        if math.isfinite(getattr(probe, "tolerance_T", math.inf)):
            found.append(
                f"teslameter {probe.name} is to check the field of each step (tolerance_T), which "
                "a computer asks it between the steps"
            )
    return found


def _of_magnet(spec: BenchSpec, magnet: LimitedMagnet) -> list[str]:
    named = f"magnet {magnet.name} ({magnet.magnet.driver})"
    program = list_of(magnet.magnet)
    if program is None:
        return [f"{named} {no_list(magnet.magnet)}"]
    found = []
    if spec.marker_T is not None and (
        beyond := magnet.limits.problem(magnet.limits.current_A(spec.marker_T))
    ):
        found.append(f"marker_T: {beyond}")
    if spec.trigger and not pulses(program):
        found.append(f"trigger = true: {named} gives no pulse when its list begins")
    return found


def _of_buffer(spec: BenchSpec, buffer: SampleBuffer, window: DriveWindow) -> list[str]:
    """What a buffer can't, each to be read behind the read-out's name."""
    found = [f": {words}" for words in buffer.problems()]
    stands_s = spec.gate_s or window.hold_s
    most_Hz = buffer.rates_Hz[-1]
    if stands_s * most_Hz < FEWEST_A_STEP:
        found.append(
            f" samples at most at {most_Hz:g} Hz, and a value stands for {stands_s:g} s "
            f"({'gate_s' if spec.gate_s else 'hold_s'}): it needs {FEWEST_A_STEP / most_Hz:g} s"
        )
    back_s = looks_back_s(buffer)
    if back_s is not None and (stands_s - back_s) * most_Hz < FEWEST_A_STEP:
        found.append(
            f" makes a value of {1e3 * back_s:g} ms of readings, and a step's stands for "
            f"{1e3 * stands_s:g} ms: fewer samples, so that {FEWEST_A_STEP} intervals are left"
        )
    if back_s is not None and spec.marker_T is not None:
        found.append(": its values are of many readings, in which no marker_T has an edge")
    if spec.trigger and not starts_by_trigger(buffer):
        found.append(": trigger = true, and its buffer isn't started by one")
    if window.encoding == "loop" and (left := left_over(buffer, window.hold_s)) > FORGOTTEN:
        found.append(
            f" still shows {100 * left:.2g} % of what it saw at +H after hold_s = "
            f"{window.hold_s:g} s at -H, where a loop is read ({100 * FORGOTTEN:g} % at most): a "
            "longer hold_s, or a shorter time constant"
        )
    return found


def overflowing(spec: BenchSpec, readouts: Mapping[str, Readout], window: DriveWindow) -> list[str]:
    """Which buffers a single step would overflow, in words: no part of a repeat is shorter."""
    buffers = ((name, buffer_of(readout)) for name, readout in readouts.items())
    return [
        f"read-out {name}{words}"
        for name, buffer in buffers
        if buffer is not None and (words := _overflow(spec, buffer, window))
    ]


def _overflow(spec: BenchSpec, buffer: SampleBuffer, window: DriveWindow) -> str | None:
    """Why a single step is more than a buffer holds, behind the read-out's name; None: it isn't."""
    stands_s = spec.gate_s or window.hold_s
    rate_Hz = rate_of(buffer, stands_s)
    holds_s = buffer.most_points / rate_Hz - SLACK_S
    step_s = len(encoding.fields_T(window.encoding, 0.0)) * window.hold_s + spec.gate_s
    if step_s <= holds_s:
        return None
    key = "gate_s" if spec.gate_s else "hold_s"
    return (
        f" holds {buffer.most_points} samples, which is {holds_s:.3g} s at the {rate_Hz:g} Hz "
        f"that {key} = {stands_s:g} s needs, and a step lasts {step_s:g} s: its buffer would "
        'overflow. A shorter hold_s, a longer gate_s, or timing = "software"'
    )


def unplayable(
    spec: BenchSpec,
    magnet: LimitedMagnet,
    window: DriveWindow,
    reset: Reset,
    sequences: Sequence[Sequence[float]],
) -> list[str]:
    """Why the first of these sequences (fields in T) that can't be a list can't, in words."""
    program = list_of(magnet.magnet)
    if program is None:
        return []  # `problems` says so
    for fields_T in sequences:
        plan = list(encoding.plan_T(window, reset, [fields_T], spec.gate_s))
        here_A, visits = 0.0, len(encoding.fields_T(window.encoding, 0.0))
        for group, _ in groups_of(magnet, program, plan, visits, here_A):
            found = magnet.list_problems(group, here_A)
            if found:
                return found
            here_A = group[-1][0]
    return []
