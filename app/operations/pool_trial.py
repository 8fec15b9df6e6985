"""One trial of a pool: what to run as JSON, and its result as a file.

A trial runs one of the operations `VERBS` into a folder of its own. Whoever runs it (a process of
this machine, a worker of a cluster that sees the same disk) writes the result file when it is done,
so that a result outlives the program that asked for it. Nothing of it is pickled.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import now_iso, plain, read_head, write_bytes, writing
from app.checked_json import with_checksum
from app.operations.events import (
    FitProgress,
    Progress,
    Result,
    Stage,
    TrainProgress,
    TrialProgress,
    TrialStarted,
)
from models.errors import InputError, RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from app.operations.events import Event

    Events = Generator[Event, None, Any]

TRIALS, RESULTS, ATTEMPTS = "trials", "results", "attempts"
KIND, SCHEMA = "trial", 1
MOST_ATTEMPTS = 2  # whose worker died is tried once more
TOLD_EVERY_S = 0.5
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TRAINED = ("task", "twins", "layers")
OF_TRAIN = ("iterations", "seed", "judge", "readout_from_judge")  # the rest are its `options`
DONE, FAILED, LOST, SKIPPED, STOPPED = "done", "failed", "lost", "skipped", "stopped"


class LostError(TwinrigError):
    """The workers of a trial died as often as it is tried."""


@dataclass(frozen=True)
class Trial:
    """What to run.

    Attributes
    ----------
    name
        Its folder's and its result's; unique in the pool.
    verb
        One of `VERBS`.
    arguments
        Of the operation, as JSON; paths are text.
    root
        The pool's folder.
    after
        Trials that must be done before this one begins.
    """

    name: str
    verb: str
    arguments: dict[str, Any]
    root: str
    after: tuple[str, ...] = ()

    @property
    def out(self) -> Path:
        """Folder of its artefact."""
        return Path(self.root) / TRIALS / self.name

    @property
    def result_file(self) -> Path:
        """Where its result is written."""
        return Path(self.root) / RESULTS / f"{self.name}.json"

    @property
    def attempts_file(self) -> Path:
        """One line for each time that it was begun."""
        return Path(self.root) / ATTEMPTS / f"{self.name}.jsonl"

    def text(self) -> str:
        """As one JSON text, for whoever runs it."""
        return json.dumps([self.name, self.verb, self.arguments, self.root], allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> Trial:
        """The trial of `text`."""
        return cls(*json.loads(text))

    def attempts(self) -> list[dict[str, Any]]:
        """Each time that it was begun: `host`, `pid`, `began`."""
        if not self.attempts_file.is_file():
            return []
        return [json.loads(line) for line in self.attempts_file.read_text("utf-8").splitlines()]

    def result(self) -> TrialResult | None:
        """Its result, if there is one.

        Raises
        ------
        InputError
            The file is damaged, or of a trial that was asked for something else.
        """
        if not self.result_file.is_file():
            return None
        body = read_head(self.result_file, KIND, SCHEMA)
        if [body["verb"], body["arguments"]] != [self.verb, plain(self.arguments)]:
            raise InputError(
                f"{self.result_file}: is of another trial than is asked for; take a new folder"
            )
        return TrialResult(self.name, body["status"], body["values"], body["reason"])

    def save(self, result: TrialResult) -> None:
        """Write the result, whole or not at all; one that failed before is replaced."""
        body = plain({
            "kind": KIND, "schema": SCHEMA, "name": self.name, "verb": self.verb,
            "arguments": self.arguments, "status": result.status, "values": result.values,
            "reason": result.reason, "attempts": self.attempts(), "ended": now_iso(),
        })  # fmt: skip
        content = json.dumps(with_checksum(body), indent=1, allow_nan=False)
        with writing(self.result_file):
            self.result_file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.result_file, content.encode("utf-8"))

    def begin(self) -> int:
        """Note that it begins here; returns which attempt this is, from 1."""
        line = {"host": platform.node(), "pid": os.getpid(), "began": now_iso()}
        with writing(self.attempts_file):
            self.attempts_file.parent.mkdir(parents=True, exist_ok=True)
            with self.attempts_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return len(self.attempts())


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended: `done`, `failed`, `lost` or `skipped`; its operation's values, or why."""

    name: str
    status: str
    values: dict[str, Any]
    reason: str = ""


def run_trial(text: str) -> Events:
    """Run the trial of a JSON text; yields how far it is, returns its result's values.

    Raises
    ------
    LostError
        It was begun too often: its workers died.
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
    if trial.verb not in VERBS:
        raise InputError(f"trial {trial.name}: verb {trial.verb!r} is none of {', '.join(VERBS)}")
    begun = _begun(trial)
    values = yield from driven(trial, VERBS[trial.verb](trial.arguments, trial.out, begun))
    return values


def driven(trial: Trial, events: Events, *, every: bool = False) -> Events:
    """Drive an operation for a trial; its result becomes a file.

    `every`: yield each of its events but the result; else how far it is, now and then.
    """
    values: dict[str, Any] = {}
    told_s = 0.0
    began_s = time.monotonic()
    try:
        for event in events:
            if isinstance(event, Result):
                values = plain(event.values)
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
        case Progress(_, done, total):
            return TrialProgress(name, done, total)
        case Stage(words):
            return TrialProgress(name, 0, 1, None, words)
    return None


def begun_anew(trial: Trial) -> None:
    """Forget a result that is not `done` and the attempts, so that the trial is tried again."""
    for file in (trial.result_file, trial.attempts_file):
        with writing(file):
            file.unlink(missing_ok=True)


def _begun(trial: Trial) -> bool:
    """Whether the operation can go on in the trial's folder; what it can't use is cleared away."""
    from app.fit_checkpoint import FILE_NAME

    if (trial.out / ("nodes" if trial.verb == "deploy" else FILE_NAME)).exists():
        return True
    with writing(trial.out):
        if trial.out.exists():
            shutil.rmtree(trial.out)  # the pool's own folder, with nothing to go on from
        trial.out.parent.mkdir(parents=True, exist_ok=True)
    return False


def _fit(arguments: dict[str, Any], out: Path, begun: bool) -> Events:
    from app.operations.fit import fit

    if begun:
        return fit([], out, resume=True)
    rest = {name: value for name, value in arguments.items() if name != "recordings"}
    return fit([Path(path) for path in arguments["recordings"]], out, **rest)


def _train(arguments: dict[str, Any], out: Path, begun: bool) -> Events:
    from app.operations.train import train

    if begun:
        return train(None, None, None, out, resume=True)
    rest = {name: value for name, value in arguments.items() if name not in TRAINED}
    own = {name: rest.pop(name) for name in OF_TRAIN if name in rest}
    task, twins, layers = (arguments[name] for name in TRAINED)
    return train(task, twins, layers, out, **own, options=rest)


def _deploy(arguments: dict[str, Any], out: Path, begun: bool) -> Events:
    """On a virtual bench of its own: the same device, its noise by `noise_seed`."""
    import math

    from app.operations.deploy import deploy
    from instruments.bench import Bench
    from instruments.bench_file import read_bench

    spec = read_bench(arguments["bench"])
    if spec.virtual is None or spec.virtual.device is None:
        raise RefusedError(
            f"bench {arguments['bench']}: is one rig, and a pool would want it several times at "
            "once; deployments on it run one after another, outside the pool"
        )
    virtual = replace(spec.virtual, seed=arguments["noise_seed"], accelerate=math.inf)
    with Bench.connect(replace(spec, virtual=virtual)) as bench:
        yield from deploy(Path(arguments["network"]), bench, out, resume=begun)


VERBS: dict[str, Callable[[dict[str, Any], Path, bool], Events]] = {
    "fit": _fit,
    "train": _train,
    "deploy": _deploy,
}
