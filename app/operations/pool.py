"""A pool of trials: started as workers get free, told as they end, kept as files.

A worker that dies loses one trial, which is tried once more; a trial that fails is a result that
says why, and those that wanted it are skipped. What is done already is not run again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from app.operations.events import Note, Progress
from app.operations.learning_events import TrialEnded
from app.operations.pool_trial import MOST_ATTEMPTS
from app.operations.side_by_side import cores
from app.operations.trial import (
    DONE,
    FAILED,
    LOST,
    SKIPPED,
    STOPPED,
    Trial,
    TrialResult,
    begun_anew,
)
from models.errors import InputError, StoppedError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.operations.events import Event

BEAT_S = 1.0  # a stop is noticed within this, also where every trial is silent


class Workers(Protocol):
    """Who runs trials. `heard` tells `event` (an event), `done` (values), or why not."""

    @property
    def room(self) -> int:
        """How many trials more can be given to them now."""

    def at_work(self, given: int) -> str:
        """What they make of so many trials that were given to them, in words."""

    def start(self, trial: Trial) -> None:
        """Run a trial."""

    def heard(self, timeout_s: float) -> tuple[str, str, Any] | None:
        """The next that was said: trial, kind and content; None where nothing was."""

    def close(self) -> None:
        """End what still runs, each keeping its checkpoint."""


def workers_of(scheduler: str | None, count: int | None) -> Workers:
    """Workers of a Dask cluster, or `count` processes of this machine (as many as cores).

    Raises
    ------
    InputError
        The extra `cluster` isn't installed, or `count` is given for a cluster.
    TwinrigError
        No scheduler answers there.
    """
    if scheduler is None:
        from app.operations.pool_local import LocalWorkers

        return LocalWorkers(count or cores())
    if count is not None:
        raise InputError(
            f"--workers {count} is of this machine; a cluster ({scheduler}) has its own"
        )
    from app.operations.pool_dask import DaskWorkers

    return DaskWorkers(scheduler)


def run_pool(
    trials: Sequence[Trial], workers: Workers, job: str
) -> Generator[Event, None, dict[str, TrialResult]]:
    """Run every trial that isn't done; yields their events, returns all results by name.

    Parameters
    ----------
    trials
        In the order in which they should begin.
    workers
        Closed at the end, however it ends.
    job
        What the whole is called, in words.

    Raises
    ------
    InputError
        Names are used twice, a trial waits for one that isn't there, or a result file is damaged.
    TwinrigError
        The disk refuses.
    """
    try:
        pool = _Pool(trials, job)
        yield from pool.had
        yield from pool.events(workers)
        return pool.results
    finally:
        workers.close()


class _Pool:
    """One pool while it runs."""

    def __init__(self, trials: Sequence[Trial], job: str) -> None:
        _refuse_wrong(trials)
        self.trials, self.job = {trial.name: trial for trial in trials}, job
        self.results: dict[str, TrialResult] = {}
        self.running: dict[str, Trial] = {}
        self.had: list[Event] = []
        self.begin_s = self.ended_s = time.monotonic()
        for trial in trials:
            result = trial.result()
            if result is not None and result.status == DONE:
                self.had += self._end(trial, result)
            else:
                begun_anew(trial)
        self.begun_with = len(self.results)

    def events(self, workers: Workers) -> Generator[Event, None, None]:
        """Start, listen, end, until every trial has a result."""
        beat_s = time.monotonic()
        while len(self.results) < len(self.trials):
            yield from self._skipped()
            for trial in self._ready()[: max(workers.room, 0)]:
                self.running[trial.name] = trial
                workers.start(trial)
            heard = workers.heard(BEAT_S) if self.running else None
            if heard is not None:
                yield from self._heard(workers, *heard)
            if heard is None or time.monotonic() - beat_s >= BEAT_S:
                beat_s = time.monotonic()
                yield self._progress(workers)
        yield self._progress(workers)

    def _heard(self, workers: Workers, name: str, kind: str, content: Any) -> list[Event]:
        if name not in self.running:
            return []  # said before it ended, heard after
        if kind == "event":
            return [content]
        trial = self.running[name]
        if kind == STOPPED:
            raise StoppedError(f"{self.job}: {name} was stopped by the user")
        tried = len(trial.attempts())
        if kind == LOST and tried < MOST_ATTEMPTS:
            workers.start(trial)
            return [Note(f"{name}: {content}; it is tried once more", "warning")]
        del self.running[name]
        if kind == DONE:
            return self._end(trial, TrialResult(name, DONE, content))
        result = TrialResult(name, kind, {}, str(content))
        trial.save(result)
        return self._end(trial, result)

    def _end(self, trial: Trial, result: TrialResult) -> list[Event]:
        self.results[trial.name], self.ended_s = result, time.monotonic()
        ended, total = len(self.results), len(self.trials)
        return [TrialEnded(trial.name, result.status, result.values, result.reason, ended, total)]

    def _ready(self) -> list[Trial]:
        """Those that wait for nothing any more."""
        return [
            trial
            for name, trial in self.trials.items()
            if name not in self.results
            and name not in self.running
            and all(before in self.results for before in trial.after)
        ]

    def _skipped(self) -> list[Event]:
        """Those that wait for one that will not be done; until there are no more of them."""
        events: list[Event] = []
        for trial in self._ready():
            missing = [b for b in trial.after if self.results[b].status != DONE]
            if missing:
                reason = f"needs {', '.join(missing)}, which is {self.results[missing[0]].status}"
                result = TrialResult(trial.name, SKIPPED, {}, reason)
                trial.save(result)
                events += self._end(trial, result)
        return [*events, *self._skipped()] if events else []

    def _progress(self, workers: Workers) -> Progress:
        done, total = len(self.results), len(self.trials)
        note = workers.at_work(len(self.running)) if self.running else ""
        elapsed_s = time.monotonic() - self.begin_s
        return Progress(self.job, done, total, "trials", elapsed_s, self._left_s(), note)

    def _left_s(self) -> float | None:
        """Foreseen as the last one ended, and less since; None where those that run take longer."""
        here, left = len(self.results) - self.begun_with, len(self.trials) - len(self.results)
        if not here:
            return None
        foreseen_s = (self.ended_s - self.begin_s) / here * left
        left_s = foreseen_s - (time.monotonic() - self.ended_s) if left else 0.0
        return left_s if left_s >= 0 else None


def _refuse_wrong(trials: Sequence[Trial]) -> None:
    names = [trial.name for trial in trials]
    problems = [f"{name} is named twice" for name in {n for n in names if names.count(n) > 1}]
    problems += [
        f"{trial.name} comes after {before}, which does not stand before it"
        for place, trial in enumerate(trials)
        for before in trial.after
        if before not in names[:place]
    ]
    raise_problems(InputError, "trials", problems)


__all__ = ["DONE", "FAILED", "LOST", "SKIPPED", "Workers", "run_pool", "workers_of"]
