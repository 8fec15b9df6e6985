"""A recording of the sequences in a file, or of another recording's; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from app.gui.record_about import About
from app.gui.record_coverage import Coverage
from app.gui.record_design import NO_BENCH, Plan
from app.gui.words import count
from app.operations.record_room import recording_bytes
from app.operations.reference import reference_problems
from app.sequence_files import Resolved, sequences_from
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.bench_file import BenchSpec
    from instruments.clock import Pause


@dataclass(frozen=True)
class FileDesign(About):
    """Sequences of a file, with its window and reset where it has them, else the bench's."""

    kind: ClassVar[str] = "file"
    is_quick: ClassVar[bool] = False  # the file may lie on a share
    file: str = ""
    repeats: int = 8
    seed: int = 0
    interleave: bool = True
    reference: int = 0
    stop_at: float = 0.0

    @property
    def name(self) -> str:
        """The file's name; of a recording that of its folder."""
        path = Path(self.file)
        return path.parent.name if path.name == "recording.nc" else path.name

    @property
    def note(self) -> str:
        """What it is, in words."""
        return f"sequences of a file × {count(self.repeats, 'repeat')}"

    @property
    def verb(self) -> str:
        """What a press does."""
        return f"{count(self.repeats, 'repeat')} of each"

    def resolved(self) -> Resolved:
        """Sequences, window and reset as the file has them; InputError where it has none."""
        if not self.file:
            raise InputError("choose a file of sequences, or a recording that has them")
        return sequences_from(Path(self.file).expanduser())

    def foreseen(self, spec: BenchSpec, bench: Bench | None) -> Plan:
        """The plan; raises what the file is not. It reads the file: beside the window."""
        sequences, window, reset = self.resolved()
        window, reset = window or spec.window, reset or spec.reset
        number = len(sequences)
        plan = Plan(sequences, window, Coverage.of(sequences), number, self.repeats)
        if bench is None:
            return replace(plan, problem=NO_BENCH, level="attention")
        seconds = sum(bench.predicted_s(s.steps, s.length, window, reset) for s in sequences)
        if self.reference:
            seconds += number * bench.predicted_s(self.reference, None, window, reset)
        lengths = [s.steps for s in sequences]
        room = recording_bytes(lengths, self.repeats, len(bench.channels), self.reference)
        plan = replace(plan, seconds=self.repeats * seconds, bytes=room)
        wrong = reference_problems(self.reference, self.stop_at, number * self.repeats)
        return plan.judged([*wrong, *plan.refused_by(bench, window, reset)])

    def start(self, bench: Bench, out: Path, pause: Pause) -> Iterator[Event]:
        """The operation; called in the thread that runs it."""
        from app.operations.record import record

        sequences, window, reset = self.resolved()
        return record(
            bench, sequences, self.repeats, out, seed=self.seed, interleave=self.interleave,
            window=window, reset=reset, meta=self.meta, pause=pause,
            reference=self.reference, stop_at_drift=self.stop_at,
        )  # fmt: skip
