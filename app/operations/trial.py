"""A trial of a pool as a value: what to run, and how it ended. Imports no operation.

A trial runs one of the operations into a folder of its own. Its result is a file, so that it
outlives the program that asked for it. Nothing of it is pickled.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.artefacts import now_iso, plain, read_head, write_bytes, writing
from app.checked_json import with_checksum
from models.errors import InputError, TwinrigError
from models.paths import anything_at, file_at

TRIALS, RESULTS, ATTEMPTS = "trials", "results", "attempts"
KIND, SCHEMA = "trial", 1
OF_TRAIN = ("iterations", "seed", "judge", "readout_from_judge", "beside")
"""Arguments of `train` itself; the rest are its `options`."""
MOST_SEEDS = 1000  # of each setting: more are a slip, and every one is a trial in memory
DONE, FAILED, LOST, SKIPPED, STOPPED = "done", "failed", "lost", "skipped", "stopped"


def of_seeds(seeds: int, least: int = 1) -> list[str]:
    """What is wrong with so many seeds, in words."""
    if seeds < least:
        return [f"{seeds} seeds: at least {least}"]
    return [f"{seeds} seeds: at most {MOST_SEEDS}"] * (seeds > MOST_SEEDS)


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
        One of `trial_verbs.VERBS`.
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
        if not file_at(self.attempts_file):
            return []
        return [json.loads(line) for line in self.attempts_file.read_text("utf-8").splitlines()]

    def result(self) -> TrialResult | None:
        """Its result, if there is one.

        Raises
        ------
        InputError
            The file is damaged, or of a trial that was asked for something else.
        """
        if not file_at(self.result_file):
            return None
        body = read_head(self.result_file, KIND, SCHEMA)
        if [body["verb"], body["arguments"]] != [self.verb, plain(self.arguments)]:
            raise InputError(
                f"{self.result_file}: is of another trial than is asked for: move the folder back "
                "to where it was begun, or take a new one"
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


def begun_anew(trial: Trial) -> None:
    """Forget a result that is not `done` and the attempts, so that the trial is tried again."""
    for file in (trial.result_file, trial.attempts_file):
        with writing(file):
            file.unlink(missing_ok=True)


def set_aside(trial: Trial) -> Path:
    """Move what a trial has made to a folder beside it, so that it begins anew; returns that."""
    taken = (trial.out.with_name(f"{trial.name}-aside-{n}") for n in itertools.count(1))
    aside = next(folder for folder in taken if not anything_at(folder))
    with writing(trial.out):
        trial.out.rename(aside)
    return aside
