"""What the Record page is asked to record, what it looks like and what it costs; no Qt.

A design says what the form, or one place of the queue, asks for. `foreseen` makes a `Plan` of it:
field in time, where its steps go, time, size, and what refuses it. The operation that runs it makes
the sequences anew, from the same seed, in its own thread.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from app.gui.record_about import TOLD, About
from app.gui.record_coverage import Coverage
from app.gui.words import count, size
from app.operations.adaptive_rounds import ForTwin
from app.operations.record_room import (
    BY_STEP,
    BYTES_A_VALUE,
    HEAD_BYTES,
    folder_problems,
    recording_bytes,
)
from app.operations.reference import reference_problems
from app.words import duration
from models.errors import InputError, TwinrigError
from models.sequence import DriveWindow, FieldSequence, Reset, make_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.bench_file import BenchSpec
    from instruments.clock import Pause

LOOKED_AT = 50_000  # steps: looked at in 0.3 s, and they show no less than all
AT_ONCE = 2_400  # steps that are looked at within a frame, 18 ms: a twin's usual first round
NO_BENCH = "no bench connected: time and limits are known once it is"


@dataclass(frozen=True)
class Plan:
    """What a design is and costs; `problem` says why it can't run, `level` how grave that is.

    `sequences` are those that were looked at, `of` how many there will be; `seconds` device time.
    """

    sequences: list[FieldSequence] = field(default_factory=list)
    window: DriveWindow | None = None
    coverage: Coverage | None = None
    of: int = 0
    repeats: int = 0
    seconds: float | None = None
    bytes: float = 0.0
    problem: str = ""
    level: str = ""

    def refused_by(self, bench: Bench, window: DriveWindow, reset: Reset) -> list[str]:
        """What the bench refuses of the sequences; it asks no instrument: nothing may wait."""
        try:
            bench.check_sequences(self.sequences, window, reset, ask=False)
        except TwinrigError as error:
            return [str(error)]
        return []

    def judged(self, wrong: list[str]) -> Plan:
        """The plan with what is wrong with it; nothing: it can be recorded."""
        return replace(self, problem="; ".join(wrong), level="fault" if wrong else "")

    @property
    def cost(self) -> str:
        """Time, size, and whether limits allow it; or what refuses it."""
        if self.problem:
            return self.problem if self.level == "attention" else f"refused: {self.problem}"
        return f"{self.price} · within limits"

    @property
    def price(self) -> str:
        """Time and size."""
        time = duration(self.seconds) if self.seconds is not None else "time not known"
        return f"{time} · {size(self.bytes)}"


@dataclass(frozen=True)
class Design(About):
    """Sequences of one family, each so many times; fields in tesla."""

    kind: ClassVar[str] = "sequences"
    family: str = "mixed"
    count: int = 40
    steps: int = 100
    holds: int = 1
    seed: int = 0
    low_T: float = 0.0
    high_T: float = 0.0
    repeats: int = 8
    reset_T: float = 0.0
    interleave: bool = True
    reference: int = 0
    stop_at: float = 0.0

    @property
    def name(self) -> str:
        """The sequences' short form."""
        held = f"x{self.holds}" if self.holds > 1 else ""
        return f"{self.family}:{self.count}x{self.steps}{held}@{self.seed}"

    @property
    def note(self) -> str:
        """What it is, in words."""
        return f"{count(self.count, 'sequence')} × {count(self.repeats, 'repeat')}"

    @property
    def verb(self) -> str:
        """What a press does."""
        return count(self.count * self.repeats, "repeat")

    @property
    def is_quick(self) -> bool:
        """Whether it is looked at within a frame."""
        return min(self.count * self.steps, LOOKED_AT) <= AT_ONCE

    def sequences(self) -> list[FieldSequence]:
        """All of them; InputError where there is nothing, or more than a rig plays in a month."""
        return make_sequences(self.family, self.count, self.steps, self.seed, self.holds)

    def conditions(self, spec: BenchSpec) -> tuple[DriveWindow, Reset]:
        """The bench's window and reset with the fields that are asked for."""
        window = replace(spec.window, low_T=self.low_T, high_T=self.high_T)
        return window, replace(spec.reset, field_T=self.reset_T)

    def foreseen(self, spec: BenchSpec, bench: Bench | None) -> Plan:
        """The plan; raises what makes it none (an empty window, more steps than a month has)."""
        window, reset = self.conditions(spec)
        most = min(self.count, max(1, LOOKED_AT // self.steps))
        if most < self.count:
            _refuse_endless(self)
        sequences = make_sequences(self.family, most, self.steps, self.seed, self.holds)
        plan = Plan(sequences, window, Coverage.of(sequences), self.count, self.repeats)
        if bench is None:
            return replace(plan, problem=NO_BENCH, level="attention")
        total = self.count * self.repeats
        times = [bench.predicted_s(s.steps, s.length, window, reset) for s in sequences]
        seconds = sum(times) / most * total
        if self.reference:
            seconds += bench.predicted_s(self.reference, None, window, reset) * total
        lengths, channels = [self.steps] * self.count, len(bench.channels)
        room = recording_bytes(lengths, self.repeats, channels, self.reference)
        plan = replace(plan, seconds=seconds, bytes=room)
        wrong = reference_problems(self.reference, self.stop_at, total)
        return plan.judged(wrong or plan.refused_by(bench, window, reset))

    def start(self, bench: Bench, out: Path, pause: Pause) -> Iterator[Event]:
        """The operation; called in the thread that runs it."""
        from app.operations.record import record

        window, reset = self.conditions(bench.spec)
        return record(
            bench, self.sequences(), self.repeats, out, seed=self.seed,
            interleave=self.interleave, window=window, reset=reset, meta=self.meta, pause=pause,
            reference=self.reference, stop_at_drift=self.stop_at,
        )  # fmt: skip


@dataclass(frozen=True)
class TwinDesign(About):
    """A recording that measures what twins don't know yet, until they are at the floor."""

    kind: ClassVar[str] = "twin"
    budget: int = ForTwin.budget
    target: float = ForTwin.target
    steps: int = ForTwin.steps
    repeats: int = ForTwin.repeats
    iterations: int = ForTwin.iterations
    seed: int = 0
    holds: int = ForTwin.holds
    network: str = ForTwin.network

    @property
    def is_quick(self) -> bool:
        """Whether its first round is looked at within a frame."""
        return ForTwin.first * self.steps <= AT_ONCE

    @property
    def name(self) -> str:
        """What it is."""
        return f"for a twin, at most {self.budget}"

    @property
    def note(self) -> str:
        """What it is, in words."""
        held = f", held up to {self.holds}" if self.holds > 1 else ""
        return f"{self.target:g} × floor · {self.steps} steps{held} × {self.repeats} repeats"

    @property
    def verb(self) -> str:
        """What a press does."""
        return f"up to {self.budget} for a twin"

    @property
    def asked(self) -> ForTwin:
        """Of the operation; InputError where it makes no sense."""
        asked = {name: value for name, value in asdict(self).items() if name not in TOLD}
        return ForTwin(**asked)

    def foreseen(self, spec: BenchSpec, bench: Bench | None) -> Plan:
        """The plan of its first round; time and size of the whole budget, fits not counted."""
        asked = self.asked
        sequences = make_sequences(
            "mixed", asked.first, asked.steps, 1000 * asked.seed, asked.holds
        )
        scored = asked.scoring * asked.scoring_repeats
        plan = Plan(
            sequences, spec.window, Coverage.of(sequences), asked.first, asked.first_repeats
        )
        if bench is None:
            return replace(plan, problem=NO_BENCH, level="attention")
        total = asked.budget + scored
        numbers = total * asked.steps * (len(bench.channels) + BY_STEP)
        lengths = [bench.predicted_s(s.steps, s.length) for s in sequences]
        seconds = total * sum(lengths) / len(lengths)
        plan = replace(plan, seconds=seconds, bytes=2 * BYTES_A_VALUE * numbers + HEAD_BYTES)
        return plan.judged(plan.refused_by(bench, spec.window, spec.reset))

    def start(self, bench: Bench, out: Path, pause: Pause) -> Iterator[Event]:
        """The operation, its twins fitted in a process of their own."""
        from app.operations.adaptive_child import record_for_twin

        return record_for_twin(bench, out, self.asked, meta=self.meta, pause=pause)


def with_room(plan: Plan, folder: Path) -> Plan:
    """A plan beside the disk of its folder, which is asked here: a share that hangs lets wait."""
    if plan.problem:
        return plan
    wrong = folder_problems(plan.bytes, folder)
    return plan.judged(wrong) if wrong else plan


def _refuse_endless(design: Design) -> None:
    """Raise what `make_sequences` would say of the whole, without making it."""
    from models.sequence import MOST_STEPS

    total = design.count * design.steps * design.holds
    if total > MOST_STEPS:
        raise InputError(
            f"sequences: {design.name.split('@')[0]} steps are more than {MOST_STEPS}, "
            "a month of a rig"
        )
