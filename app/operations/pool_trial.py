"""One trial of a pool: what to run as JSON, and its result as a file.

A trial runs one of the operations of `trial_verbs` into a folder of its own. Whoever runs it (a
process of this machine, a worker of a cluster that sees the same disk) writes the result file when
it is done, so that a result outlives the program that asked for it. Nothing of it is pickled.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from app.artefacts import plain, writing
from app.operations.events import Progress, Result, Stage
from app.operations.learning_events import FitProgress, TrainProgress, TrialProgress, TrialStarted
from app.operations.trial import DONE, LostError, Trial, TrialResult
from models.errors import InputError
from models.paths import anything_at

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event
    from instruments.clock import Stop

    Events = Generator[Event, None, Any]

MOST_ATTEMPTS = 2  # whose worker died is tried once more
TOLD_EVERY_S = 0.5
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
VERBS_OF = "app.operations.trial_verbs"


def run_trial(text: str, stop: Stop | None = None) -> Events:
    """Run the trial of a JSON text; yields how far it is, returns its result's values.

    `stop`: heard within what takes a training long between two events, too.

    Raises
    ------
    LostError
        It was begun too often: its workers died.
    StoppedError
        By `stop`.
    TwinrigError
        What its operation raised.
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")  # read when numpy and torch are loaded, just below
    trial = Trial.from_text(text)
    known = trial.result()
    if known is not None and known.status == DONE:
        return known.values  # a cluster may ask twice
    attempt = trial.begin()
    if attempt > MOST_ATTEMPTS:
        raise LostError(f"{trial.name}: its worker died {MOST_ATTEMPTS} times")
    yield TrialStarted(trial.name, attempt, f"{platform.node()}, process {os.getpid()}")
    # by name: what only starts and watches trials, as the window does, never loads torch
    verbs = import_module(VERBS_OF).VERBS
    if trial.verb not in verbs:
        raise InputError(f"trial {trial.name}: verb {trial.verb!r} is none of {', '.join(verbs)}")
    begun = _begun(trial)
    events = verbs[trial.verb](trial.arguments, trial.out, begun, stop)
    values = yield from driven(trial, events, stop=stop)
    return values


def driven(
    trial: Trial, events: Events, *, every: bool = False, stop: Stop | None = None
) -> Events:
    """Drive an operation for a trial; its result becomes a file.

    `every`: yield each of its events but the result; else how far it is, now and then, and nothing
    for long where its baselines are scored: `stop` is heard at each event of its own.

    Raises
    ------
    StoppedError
        By `stop`; the operation was closed.
    """
    values: dict[str, Any] = {}
    told_s = 0.0
    began_s = time.monotonic()
    try:
        for event in events:
            if isinstance(event, Result):
                values = plain(event.values)
            elif stop is not None:
                stop.check()
            told = None if every else _told(trial.name, event)
            if every and not isinstance(event, Result):
                yield event
            if told is not None and (told.stage or time.monotonic() - told_s >= TOLD_EVERY_S):
                told_s = told_s if told.stage else time.monotonic()
                yield told
    finally:
        events.close()
    values["seconds"] = values.get("seconds", round(time.monotonic() - began_s, 1))
    trial.save(TrialResult(trial.name, DONE, values))
    return values


def _told(name: str, event: Event) -> TrialProgress | None:
    match event:
        case TrainProgress(iteration, total, _, validation) | FitProgress(
            iteration, total, _, validation
        ):
            return TrialProgress(name, iteration, total, validation)
        case Progress("baselines"):  # a stage of its own, not the share of the whole
            return None
        case Progress(_, done, total):
            return TrialProgress(name, done, total)
        case Stage(words):
            return TrialProgress(name, 0, 1, None, words)
    return None


def _begun(trial: Trial) -> bool:
    """Whether the operation can go on in the trial's folder; what it can't use is cleared away."""
    from app.fit_checkpoint import FILE_NAME

    if anything_at(trial.out / ("nodes" if trial.verb == "deploy" else FILE_NAME)):
        return True
    with writing(trial.out):
        if anything_at(trial.out):
            shutil.rmtree(trial.out)  # the pool's own folder, with nothing to go on from
        trial.out.parent.mkdir(parents=True, exist_ok=True)
    return False
