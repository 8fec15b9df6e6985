"""What times the steps of a bench: the computer, or its instruments; the choice, and why.

`[drive] timing`: `software` (the default), `hardware` (refused where it can't be), or `auto`: by
hardware where supply, read-outs and sequences allow it and nothing on the bench asks for the
computer between two steps (`not_by_hardware`); else by software. Either way the run says which and
why.

Decision: `auto` is not the default. A run by hardware shows its steps part by part instead of one
by one, and its field is not measured; who writes a bench file chooses that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from instruments.alignment import STANDS_SHARE
from instruments.hardware_timed import HardwareTimed
from instruments.not_by_hardware import of_magnet, overflowing, problems, unplayable
from instruments.sequenced import buffer_of, free_s, list_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from instruments.bench_reading import StepReading
    from instruments.bench_spec import BenchSpec
    from instruments.clock import Clock, Stop
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Readout
    from models.sequence import DriveWindow, Reset

LOOKS = 3  # at a link, for how well it would bracket the start of a list
ROTATION = "a rotation has two supplies, and nothing starts two lists at the same time"
PROBED = "a field probe measures the field of each step, and only a computer can ask it"

ELSE = 'or give timing = "auto": by hardware where that can be, else by the computer'


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
    stop
        Ends what is played, and keeps no buffer from being stopped.
    """

    def __init__(
        self,
        spec: BenchSpec,
        magnet: LimitedMagnet,
        readouts: Mapping[str, Readout],
        clock: Clock,
        stop: Stop,
    ) -> None:
        self._spec = spec
        self._stop = stop
        self._magnet = magnet
        self._readouts = readouts
        self._clock = clock
        self._choice = None if spec.timing == "auto" else Choice(spec.timing == "hardware")

    @property
    def by_hardware(self) -> bool:
        """Whether the instruments time the steps; chosen at the latest here."""
        return self._chosen().by_hardware

    def refuse(
        self,
        window: DriveWindow,
        reset: Reset,
        sequences: Sequence[Sequence[float]] = (),
        holds: Sequence[Sequence[int]] | None = None,
        *,
        ask: bool = True,
    ) -> list[str]:
        """Why sequences (fields in T) can't be timed as the bench file says; the choice is made.

        `holds` of their steps; None: one each.

        Only queries are sent; without `ask` none, what the instruments would say stays open, and
        so does the choice.
        """
        if self._spec.timing == "auto" and ask:
            self._choice = self._choose(window, reset, sequences, holds)
        if self._spec.timing != "hardware":
            return []
        if not ask:
            given = (self._spec, self._magnet)
            found = of_magnet(*given) or unplayable(*given, window, reset, sequences, holds)
            return _named(found)
        return _named(self._problems(window, reset, sequences, holds))

    def play(
        self,
        fields_T: Sequence[float],
        window: DriveWindow,
        reset: Reset,
        holds: Sequence[int],
    ) -> Iterator[StepReading]:
        """One repeat by hardware, as `HardwareTimed.play`."""
        return self._hardware().play(fields_T, window, reset, holds)

    def words(self, window: DriveWindow) -> str:
        """How steps are timed, for people; empty where the bench file says: by the computer."""
        choice = self._chosen()
        if choice.by_hardware:
            words = self._hardware().words(window)
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
        self,
        window: DriveWindow,
        reset: Reset,
        sequences: Sequence[Sequence[float]],
        holds: Sequence[Sequence[int]] | None = None,
    ) -> Choice:
        if self._spec.rotation is not None:
            return Choice(False, ROTATION)
        if self._spec.teslameters:
            return Choice(False, PROBED)
        found = self._problems(window, reset, sequences, holds)
        if not found and self._spec.marker_T is None and not self._spec.trigger:
            found = self._loose(window)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            return Choice(False, found[0] + more)
        return Choice(True, "supply and read-outs can, and nothing asks the computer between steps")

    def _problems(
        self,
        window: DriveWindow,
        reset: Reset,
        sequences: Sequence[Sequence[float]],
        holds: Sequence[Sequence[int]] | None = None,
    ) -> list[str]:
        given = (self._spec, self._magnet)
        longest = max((n for counts in holds or () for n in counts), default=1)
        return problems(*given, self._readouts, window) or [
            *unplayable(*given, window, reset, sequences, holds),
            *overflowing(self._spec, self._readouts, window, longest),
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
        return HardwareTimed(self._spec, self._magnet, self._readouts, self._clock, self._stop)


def _named(found: list[str]) -> list[str]:
    """The same, with the key that asks for it, and behind the last what else it may be."""
    named = [f'[drive] timing = "hardware": {words}' for words in found]
    return [*named[:-1], f"{named[-1]}; {ELSE}"] if named else []
