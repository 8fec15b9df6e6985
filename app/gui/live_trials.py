"""Networks that are trained side by side, as their pool tells of them: seeds, or the table."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from app.gui.live_train import against
from app.gui.scores import NMSE, said
from app.gui.widgets.columns import ColumnRow
from app.gui.widgets.dots import MEASURED, SOFTWARE, Dot, DotRow
from app.gui.widgets.tables import ScoreRow
from app.gui.words import count, score, shown_name
from app.operations.events import Progress, Result, Stage
from app.operations.learning_events import TrialEnded, TrialProgress, TrialStarted
from app.operations.trial import TRIALS
from app.words import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.operations.compare_networks_table import Row, Table
    from app.operations.events import Event

DONE = "done"
NOT_ENDED = ("waiting", "running", "stopped")  # nothing to put into a table
MOST_REASONS = 3  # that are told in sentences
HEADS = ("foreseen", "on device", "ratio", "inside")


@dataclass
class Trial:
    """One network: `scores` are (iterations done, validation error) as it is trained."""

    name: str
    status: str = "waiting"
    done: float = 0.0
    total: float = 0.0
    stage: str = ""
    scores: list[tuple[float, float]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def share(self) -> float:
        """How far it is."""
        return self.done / self.total if self.total else 0.0

    @property
    def predicted(self) -> dict[str, float]:
        """Score to expect on the device; empty before its end."""
        return dict(self.values.get("predicted") or {})

    @property
    def words(self) -> str:
        """Where it stands."""
        if self.status == "running":
            far = f"{self.done:.0f} of {self.total:.0f}" if self.total else ""
            return self.stage if self.stage and not self.done else far or "begins"
        return why(self.reason) or self.status


@dataclass
class LiveTrials:
    """A pool so far; `result` is empty before its end, `error` says what ended it as a whole."""

    trials: dict[str, Trial] = field(default_factory=dict)
    ended: int = 0
    total: int = 0
    left_s: float | None = None
    stage: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of trials are left alone."""
        if isinstance(event, TrialStarted):
            self._of(event.name).status = "running"
        elif isinstance(event, TrialProgress):
            self._progress(event)
        elif isinstance(event, TrialEnded):
            trial = self._of(event.name)
            trial.status, trial.values, trial.reason = event.status, event.values, event.reason
            self.ended, self.total = event.ended, event.total
        elif isinstance(event, Progress):
            self.left_s, self.total = event.remaining_s, int(event.total)
        elif isinstance(event, Stage):
            self.stage = event.name
        elif isinstance(event, Result):
            self.result = dict(event.values)

    def end(self) -> None:
        """The job is over: what ran still was stopped, and is not told as running."""
        for trial in self.trials.values():
            trial.status = "stopped" if trial.status == "running" else trial.status

    def _of(self, name: str) -> Trial:
        return self.trials.setdefault(name, Trial(name))

    def _progress(self, event: TrialProgress) -> None:
        trial = self._of(event.name)
        trial.stage = event.stage or trial.stage
        if event.stage:
            trial.done = 0.0
            return
        trial.done, trial.total = event.done, event.total
        if event.score is not None and event.score > 0:
            trial.scores.append((event.done, event.score))

    @property
    def share(self) -> float:
        """Share done, running trials counted by how far they are."""
        running = sum(t.share for t in self.trials.values() if t.status == "running")
        return min(1.0, (self.ended + running) / self.total) if self.total else 0.0

    @property
    def best(self) -> Trial | None:
        """The trial with the best validation so far."""
        known = [t for t in self.trials.values() if t.values.get("validation") is not None]
        return min(known, key=lambda t: float(t.values["validation"])) if known else None

    @property
    def baselines(self) -> dict[str, float]:
        """Those that a finished training tells."""
        return next((dict(t.values["baselines"]) for t in self.trials.values()
                     if t.values.get("baselines")), {})  # fmt: skip

    @property
    def metric(self) -> str:
        """The task's; NMSE before it is known."""
        found = (t.values.get("metric") for t in self.trials.values())
        return str(next((metric for metric in found if metric), NMSE))

    def seed_rows(self) -> list[ScoreRow]:
        """Every seed with its interval, the best by validation marked, then the baselines."""
        rows, best, metric = [], self.best, self.metric
        for trial in self.trials.values():
            predicted = trial.predicted
            value = predicted.get("value", trial.scores[-1][1] if trial.scores else float("nan"))
            strong = trial is best
            word = "" if trial.status == DONE else trial.words
            word = ("best" if self.result else "best so far") if strong else word
            name = trial.name.replace("seed-", "Seed ")
            rows.append(
                ScoreRow(
                    name, value, predicted.get("low"), predicted.get("high"), word, strong,
                    "twin", said(value, metric),
                )
            )  # fmt: skip
        reference = best.predicted if best is not None else {}
        for name, value in sorted(self.baselines.items(), key=lambda item: item[1]):
            word = against(reference, value)
            rows.append(ScoreRow(shown_name(name), value, word=word, shown=said(value, metric)))
        return rows

    def failures(self) -> list[str]:
        """Why it or its trials failed, in sentences, each reason once."""
        bad = (why(t.reason) for t in self.trials.values() if t.status in ("failed", "lost"))
        told = [f"{count(n, 'trial')} failed: {said}." for said, n in Counter(bad).items()]
        more = len(told) - MOST_REASONS
        rest = [f"And {count(more, 'other reason')}: see the rows."] if more > 0 else []
        return [
            *([f"Failed: {why(self.error)}"] if self.error else []),
            *told[:MOST_REASONS],
            *rest,
        ]

    def running_rows(self, names: Mapping[str, str] | None = None) -> list[ColumnRow]:
        """Those that run, or failed, for the foot of a table; `names`: as they are called there."""
        said = {t.name: (names or {}).get(t.name, t.name) for t in self.trials.values()}
        wanted = [t for t in self.trials.values() if t.status == "running"]
        rows = [ColumnRow(said[t.name], (), t.words, fraction=t.share) for t in wanted]
        bad = [t for t in self.trials.values() if t.status in ("failed", "lost", "skipped")]
        return [*rows, *(ColumnRow(said[t.name], (), t.words, "fault") for t in bad)]


def why(reason: str) -> str:
    """A reason without the trial's path that it may begin with: what is wrong comes first."""
    place, _, rest = reason.partition(f"{os.sep}{TRIALS}{os.sep}")
    return rest.partition(": ")[2] or reason if ": " not in place else reason


def table_so_far(plan: Any, live: LiveTrials) -> Table:
    """The comparison table of the trials that have ended."""
    from app.operations.compare_networks_table import table_of
    from app.operations.trial import TrialResult

    ended = {
        trial.name: TrialResult(trial.name, trial.status, trial.values, trial.reason)
        for trial in live.trials.values()
        if trial.status not in NOT_ENDED
    }
    return table_of(plan, ended, None)


def table_rows(table: Table) -> list[DotRow]:
    """The rows of a comparison table, the best on the device (else foreseen) marked."""
    measured = any(row.measured for row in table.rows)
    means = {
        row.label: fmean(row.measured if measured and row.scores else row.predicted)
        for row in table.rows
        if (row.measured if measured and row.scores else row.predicted)
    }
    best = min(means, key=lambda label: means[label]) if means else ""
    return [_table_row(row, table.metric or NMSE, row.label == best) for row in table.rows]


def _table_row(row: Row, metric: str, best: bool) -> DotRow:
    inside, of = row.within
    change = MISSING if row.ratio is None else f"× {row.ratio:.2f}"
    if metric != NMSE:
        change = MISSING if row.points is None else f"{-row.points:+.1f} points"
    cells = (
        mean_words(row.predicted, metric), mean_words(row.measured, metric) if row.scores else "",
        change if row.scores else "", f"{inside} of {of}" if of else "",
    )  # fmt: skip
    word, level = "best" if best else "", "ok"
    if row.failed:
        word, level = f"{len(row.failed)} failed", "fault"
    opens = row.scores[0].cell.name if row.scores else ""  # the best one would be one of the test's
    return DotRow(row.label, cells, word, level, best, dots=_dots(row), opens=opens)


def _dots(row: Row) -> tuple[Dot, ...]:
    """Every score: software a stroke, foreseen with its interval, measured on top."""
    if not row.scores:
        return tuple(Dot(value, SOFTWARE) for value in row.software.values())
    foreseen = [
        Dot(s.predicted["value"], low=s.predicted.get("low"), high=s.predicted.get("high"))
        for s in row.scores
    ]
    return (*foreseen, *(Dot(value, MEASURED) for value in row.measured))


def mean_words(values: Sequence[float], metric: str) -> str:
    """Mean and, of several, standard deviation."""
    if not values:
        return MISSING
    text = said(fmean(values), metric)
    spread = stdev(values) if len(values) > 1 else 0.0
    return f"{text} ± {score(spread)}" if spread else text
