"""Record for a twin: round by round, what is measured next is what the twins don't know yet.

A round is recorded, a small ensemble of twins is fitted on all rounds so far, and the sequences of
the next round are drawn where the ensemble disagrees. Sequences of all families with many repeats,
measured first and never fitted, tell when the floor is reached. The rig is brought to its safe
state between rounds, while the processor works.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import new_directory, new_id, now_iso, refuse_never_begun
from app.operations.adaptive_rounds import BEGUN, PLAN_NAME, SCORING, ForTwin, Round, Rounds
from app.operations.adaptive_sent import SentWindows, played_by
from app.operations.adaptive_twins import Twins
from app.operations.events import Note, RepeatRecorded, Result, RunPlan, Stage
from app.operations.record import record
from app.operations.record_begin import differences
from app.operations.results import result_values, spent
from app.operations.runs import status_of
from app.recording_reader import FILE_NAME
from app.run_lock import RunLock
from models.errors import InputError, RefusedError, TwinrigError, raise_problems
from models.paths import file_at, folder_at
from models.sequence import FieldSequence
from training.bad_data import problems_of, still_of, warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from app.operations.adaptive_child import ChildTwins
    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause, Stop

CHOICE = 8  # candidates for each sequence that is wanted, at least
SCORING_SEED = 500_009  # apart from the seeds of the candidates
ENOUGH = "{}; enough: mean, spread, autocovariance and CRPS decide, at most {:g}"
LOOKED = "; these sequences were looked at {} times: on others expect a little more"
"""Where a device and improving twins were simulated it stopped at 1.18 on average (of 12 sequences
with 16 repeats); other ones said 1.25, and 8 of 19 stops were above the target there."""


def record_for_twin(
    bench: Bench,
    out: Path,
    asked: ForTwin | None = None,
    *,
    meta: Mapping[str, Any] | None = None,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    twins: Callable[[Rounds, Stop], Twins | ChildTwins] = Twins,
) -> Generator[Event, None, Path]:
    """Record until a twin is at the floor or the budget is used; returns the recording's path.

    Parameters
    ----------
    bench
        Connected; nothing energised. It is made safe after each round, however it ends.
    out
        A new folder, or with `resume` that of a run that ended early (or at its budget or target,
        to go on with a larger or smaller one).
    asked
        How much at most, and how; with `resume` None, or another budget and target.
    meta
        sample, operator, temperature_K, notes: kept with the recording.
    pause, retries
        As of `app.operations.record`.
    twins
        Fits after each round: here, or in a child process (`app.operations.adaptive_child`).

    Raises
    ------
    RefusedError
        Beyond a limit, or a bench that differs from the one of the rounds before.
    InputError
        `out` holds something else, or nothing to go on with.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    out, begin_s = Path(out), time.monotonic()
    if resume:
        refuse_never_begun(out, BEGUN, PLAN_NAME)
    with ExitStack() as held:
        if resume:  # before the plan is read: another program may be adding to it
            held.enter_context(RunLock(out))
        rounds = Rounds.load(out) if resume else _begun(out, asked or ForTwin(), meta)
        rounds.asked = asked or rounds.asked
        run = _Run(bench, rounds, pause, retries, twins)
        bench.check_sequences(run.candidates(0), bench.spec.window, bench.spec.reset)
        bench.refuse_forbidden()
        yield from run.foreseen()
        if not resume:
            new_directory(out)
            held.enter_context(RunLock(out))
        rounds.save()
        try:
            yield from run.events()
        except BaseException as fault:
            if isinstance(fault, RefusedError) and not run.has_recorded:
                raise  # nothing has happened: what is there stays what it was
            values = _values(rounds, fault, spent(begin_s, resume=resume))
            if isinstance(fault, TwinrigError) and values:
                yield Result(values)
            raise
        yield Result(_values(rounds, None, spent(begin_s, resume=resume)))
    return out / FILE_NAME


def _begun(out: Path, asked: ForTwin, meta: Mapping[str, Any] | None) -> Rounds:
    if file_at(out) or (folder_at(out) and any(out.iterdir())):
        raise InputError(f"{out}: holds something already, and nothing is ever overwritten")
    return Rounds(out, asked, new_id("rec", out), {"created": now_iso(), **(meta or {})})


def _values(rounds: Rounds, fault: BaseException | None, took: dict[str, Any]) -> dict[str, Any]:
    """Write the one recording of all rounds; the result's values, empty where nothing is there.

    A disk that refuses it hides no `fault` by which the run failed: that may be an unsafe magnet.
    """
    try:
        whole = rounds.merge(status_of(fault))
    except TwinrigError as refused:
        if fault is None or status_of(fault) != "failed":
            raise
        fault.add_note(f"On the way out: {refused}")
        return {}
    if whole is None:
        return {}
    scored = [r for r in rounds.fitted if r.scores]
    last = scored[-1].scores if scored else {}
    return {
        **result_values(whole, rounds.out / FILE_NAME, took["seconds"]),
        **took,
        "measurements": rounds.measurements,
        "scoring_measurements": sum(r.measurements for r in rounds.rounds if r.what == SCORING),
        "target": rounds.asked.target,
        "reached": bool(last) and scored[-1].worst <= rounds.asked.target,
        "rounds": _history(rounds),
        **{name: last[name] for name in ("errors", "coverage", "verdict") if name in last},
    }


def _history(rounds: Rounds) -> dict[str, dict[str, Any]]:
    """Of each fitted round: measurements so far, and its ratios to the floor."""
    history, measured = {}, 0
    for one in rounds.fitted:
        measured += one.measurements
        ratios = {n: row["ratio"] for n, row in one.scores.get("errors", {}).items()}
        worst = {"worst": one.scores["worst"]} if one.scores else {}
        history[one.folder.rpartition("/")[2]] = {"measurements": measured, **worst, **ratios}
    return history


class _Run:
    """One run between its first and last round."""

    def __init__(
        self,
        bench: Bench,
        rounds: Rounds,
        pause: Pause | None,
        retries: int,
        twins: Callable[[Rounds, Stop], Twins | ChildTwins],
    ) -> None:
        self.bench, self.rounds, self.asked = bench, rounds, rounds.asked
        self.pause, self.retries = pause, retries
        self.twins, self.has_recorded = twins(rounds, bench.stop), False
        self._played = played_by(bench, self.asked.network) if self.asked.network else ()
        self._sent = SentWindows([])

    def foreseen(self) -> Iterator[Event]:
        """Know what the network will send, before anything is recorded; without one, nothing."""
        if self._played:
            yield Stage("what the network sends over the training part of its task")
            drives = yield from self.twins.sent(self._played)
            self._sent = SentWindows(drives)

    def events(self) -> Iterator[Event]:
        """Round after round: what is missing of the newest one, then what it tells."""
        rounds, asked = self.rounds, self.asked
        if not rounds.rounds:
            rounds.add(SCORING, self._scoring(), asked.scoring_repeats)
        while True:
            for index, one in enumerate(rounds.rounds):
                if not rounds.is_complete(one):
                    yield from self._recorded(index, one)
            newest = rounds.rounds[-1]
            if newest.what == SCORING:
                yield from self._looked_at(newest)
                rounds.add("first", self._first(), asked.first_repeats)
            elif not newest.scores:
                yield from self.twins.scored(newest)
                if not self._is_enough(newest):
                    yield Note(self._words(newest))
            elif self._is_enough(newest):
                yield Note(self._words(newest))
                return
            else:
                yield from self._chosen()

    def candidates(self, turn: int, wanted: int = 0) -> list[FieldSequence]:
        """The sequences among which a round chooses, apart from those that a network sends."""
        from training.acquire import pool

        a = self.asked
        count = max(a.pool, CHOICE * wanted)
        return pool(count, a.steps, 1000 * a.seed + turn + 1, a.families, a.holds)

    def _scoring(self) -> list[FieldSequence]:
        from training.acquire import pool

        a = self.asked
        own = pool(a.scoring, a.steps, SCORING_SEED + a.seed, a.families, a.holds)
        wanted = max(a.scoring // (len(a.families) + 1), 1)
        return [*own, *self._of_network(min(wanted, self._sent.count // 2), SCORING_SEED)]

    def _first(self) -> list[FieldSequence]:
        """The first round knows nothing: every family alike, and what the network sends."""
        sent = self._of_network(self.asked.first // 2, 0)
        own = self.asked.first - len(sent)
        return [*self.candidates(0, own)[:own], *sent]

    def _of_network(self, count: int, seed: int) -> list[FieldSequence]:
        played = [s for one in self.rounds.rounds for s in one.sequences]
        return self._sent.drawn(count, played, self.asked.seed, seed)

    def _recorded(self, index: int, one: Round) -> Iterator[Event]:
        """Measure a round, or what is missing of it; its own result is no result of this run."""
        rounds, bench = self.rounds, self.bench
        before = [r for r in rounds.rounds[:index] if rounds.is_complete(r)]
        if before:
            spec, so_far = bench.spec, rounds.recording(before[0])
            problems = differences(so_far, bench, spec.window, spec.reset)
            raise_problems(RefusedError, f"{rounds.out} can't be continued", problems)
        yield Stage(f"record round {index} ({one.what}), {one.measurements} measurements")
        events = record(
            bench, one.sequences, one.repeats, rounds.out / one.folder,
            seed=self.asked.seed + index, meta={**rounds.meta, "round": index, "of": rounds.id},
            resume=rounds.can_go_on(one), pause=self.pause, retries=self.retries,
        )  # fmt: skip
        with closing(events):  # the magnet is at zero before anything else is done
            for event in events:
                if isinstance(event, RunPlan):
                    yield replace(event, path=str(rounds.out / FILE_NAME), run_id=rounds.id)
                elif not isinstance(event, Result):
                    self.has_recorded |= isinstance(event, RepeatRecorded)
                    yield event
        rounds.merge("interrupted")

    def _looked_at(self, measured: Round) -> Iterator[Event]:
        """What a fit would doubt, told while little is measured; TwinrigError for what it refuses.

        A channel that is not connected would never be at the floor: the whole budget was used up.
        """
        recording = self.rounds.recording(measured)
        problems = [*still_of(recording), *problems_of(recording)]
        raise_problems(TwinrigError, f"{self.rounds.out}: no twin can be fitted to it", problems)
        for words in warnings_of(recording):
            yield Note(words, "warning")

    def _is_enough(self, newest: Round) -> bool:
        return newest.worst <= self.asked.target or self._next_count() < 1

    def _next_count(self) -> int:
        """Sequences of the next round: a share of what is there, within the budget."""
        asked, rounds = self.asked, self.rounds
        grown = round(asked.growth * rounds.measurements / asked.repeats)
        return min(max(grown, 1), (asked.budget - rounds.measurements) // asked.repeats)

    def _chosen(self) -> Iterator[Event]:
        """Decide on the next round."""
        asked, turn, count = self.asked, len(self.rounds.rounds), self._next_count()
        sent = self._of_network(max(asked.pool, CHOICE * (count // 2)), turn)
        of_network = min(count // 2, len(sent))
        parts = [(self.candidates(turn, count), count - of_network), (sent, of_network)]
        chosen, words = list[FieldSequence](), ""
        for candidates, wanted in (part for part in parts if part[1]):
            more, said = self.twins.drawn(candidates, wanted, turn)
            chosen, words = [*chosen, *more], words + said
        families = [s.family for s in chosen]
        each = ", ".join(f"{families.count(f)} {f}" for f in dict.fromkeys(families))
        yield Note(f"next round: {each}{words}")
        self.rounds.add("chosen", chosen, asked.repeats)

    def _words(self, one: Round) -> str:
        """Where the run stands, in a sentence."""
        asked = self.asked
        ratios = [
            f"{name} {row['ratio']:.2f}"
            for name, row in one.scores["errors"].items()
            if row.get("ratio") is not None
        ]
        head = f"{one.scores['measurements']} measurements: {', '.join(ratios)} times the floor"
        if one.worst <= asked.target:
            looks = sum(bool(r.scores) for r in self.rounds.fitted)
            return ENOUGH.format(head, asked.target) + (LOOKED.format(looks) if looks > 1 else "")
        if self._next_count() < 1:
            return f"{head}; the budget of {asked.budget} measurements is used"
        return head
