"""Train one network from several seeds side by side; the best by validation is the folder's own.

Layout: `seeds.json` (what was asked, then every seed's scores), `trials/seed-0` … (a network each),
`results/`; when all are done, `network.json` and its arrays: a copy of the best by validation.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from app.artefacts import plain, read_head, write_bytes
from app.checked_json import with_checksum
from app.disk import read_bytes
from app.operations.events import Note, Result
from app.operations.finished_training import finished_training
from app.operations.pool import run_pool, workers_of
from app.operations.results import spent
from app.operations.sweep import refuse_wrong_tasks
from app.operations.trial import DONE, Trial, of_seeds
from app.run_lock import RunLock
from app.store import new_directory
from app.train_request import refuse_wrong
from app.twin_digests import changed, digests_of
from app.weights_store import FORECAST_FILE, NETWORK_FILE, WEIGHTS_FILE
from models.errors import InputError, TwinrigError, raise_problems
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from app.operations.events import Event
    from app.operations.trial import TrialResult

FILE_NAME, KIND, SCHEMA = "seeds.json", "seeds", 1


def train_seeds(
    asked: Mapping[str, Any] | None,
    seeds: int,
    out: Path,
    *,
    seed: int = 0,
    workers: int | None = None,
    resume: bool = False,
) -> Generator[Event, None, Path]:
    """Train from `seeds` seeds, `seed` and the next ones; returns the best one's `network.json`.

    Parameters
    ----------
    asked
        Arguments of `app.operations.train.train` as JSON, without `out` and `seed`; None with
        `resume`, which reads them.
    seeds
        How many.
    out
        A new folder, or with `resume` that of seeds that ended early: each goes on from its
        checkpoint, and those that are done stay.
    workers
        Processes of this machine (as many as cores).

    Raises
    ------
    InputError
        Fewer than two seeds, untrained networks, `out` in use, nothing to go on with.
    StoppedError
        Stopped; every training keeps its checkpoint with the best so far.
    TwinrigError
        No seed could be trained, or the disk refuses.
    """
    out, began_s = Path(out).resolve(), time.monotonic()
    if resume and (done := finished_training(out)) is not None:
        rows = read_head(out / FILE_NAME, KIND, SCHEMA)["rows"]
        done.pop("seconds", None)  # of the one seed
        yield Result({**done, **_told(out, rows, _best(rows))})
        return out / NETWORK_FILE
    if resume or asked is None:
        asked, numbers, digests = _so_far(out)
        flat = _flat(asked)
    else:
        _refuse(asked, seeds)
        numbers, flat = list(range(seed, seed + seeds)), _flat(asked)
        refuse_wrong([flat])
        tasks = [asked["task"]] if asked.get("task") else []
        refuse_wrong_tasks(tasks)
        digests = digests_of(map(str, asked.get("twins") or ()), tasks)  # a network knows its own
        new_directory(out)
        _write(out, asked, numbers, digests, [])
    trials = [Trial(f"seed-{n}", "train", {**flat, "seed": n}, str(out)) for n in numbers]
    with RunLock(out):
        yield Note(f"{len(numbers)} seeds, {numbers[0]} to {numbers[-1]}; best by validation")
        results = yield from run_pool(trials, workers_of(None, workers), "train")
        pairs = zip(numbers, trials, strict=True)
        rows = [_row(number, trial, results[trial.name]) for number, trial in pairs]
        best = _best(rows)
        _write(out, asked, numbers, digests, rows)
        _copy(Path(best["path"]).parent, out)
    values = {**results[f"seed-{best['seed']}"].values, **_told(out, rows, best)}
    yield Result({**values, **spent(began_s, resume=resume)})
    return out / NETWORK_FILE


def _flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for as the arguments of a trial."""
    flat = {name: value for name, value in asked.items() if name != "options"}
    return flat | (asked.get("options") or {})


def _so_far(out: Path) -> tuple[dict[str, Any], list[int], dict[str, str]]:
    """What the seeds of a folder were asked for, their numbers, their twins' digests.

    Raises
    ------
    InputError
        A twin has changed since: seeds of two don't compare.
    """
    said = read_head(out / FILE_NAME, KIND, SCHEMA)
    known = said.get("digests", {})  # an older version kept none
    raise_problems(InputError, "train --resume", changed(known, "the seeds were begun"))
    return said["asked"], said["numbers"], known


def _refuse(asked: Mapping[str, Any], seeds: int) -> None:
    """Raise InputError where so many seeds make no sense."""
    problems = of_seeds(seeds, least=2)
    if asked.get("iterations") == 0:
        problems.append("untrained networks have no validation score to choose by: one at once")
    raise_problems(InputError, "train", problems)


def _best(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row of the best validation score; TwinrigError where no seed could be trained."""
    good = [row for row in rows if row["validation"] is not None]
    if not good:
        raise TwinrigError(f"train: no seed could be trained: {rows[0]['reason']}")
    return min(good, key=lambda row: row["validation"])


def _told(out: Path, rows: Sequence[dict[str, Any]], best: Mapping[str, Any]) -> dict[str, Any]:
    """What a result says beside the values of the best seed's own."""
    good = [row["predicted"]["value"] for row in rows if row["validation"] is not None]
    spread = {"std": stdev(good)} if len(good) > 1 else {}
    return {
        "path": str(out / NETWORK_FILE),
        "seed": best["seed"],
        "seeds": {f"seed {row['seed']}": _words(row) for row in rows},
        "over_seeds": {"mean": fmean(good), **spread},
    }


def is_of_seeds(out: Path) -> bool:
    """Whether a folder holds, or will hold, a training of several seeds."""
    return file_at(Path(out) / FILE_NAME)


def _row(seed: int, trial: Trial, result: TrialResult) -> dict[str, Any]:
    values = result.values
    return {
        "seed": seed,
        "status": result.status,
        "validation": values.get("validation") if result.status == DONE else None,
        "predicted": values.get("predicted", {}),
        "path": str(trial.out / NETWORK_FILE),
        "reason": result.reason,
    }


def _words(row: dict[str, Any]) -> dict[str, float]:
    """Of a row, what a result line shows; nothing of a seed that failed."""
    if row["validation"] is None:
        return {}
    return {"validation": row["validation"], "predicted": row["predicted"]["value"]}


def _write(
    out: Path,
    asked: Mapping[str, Any],
    numbers: Sequence[int],
    digests: Mapping[str, str],
    rows: list[dict[str, Any]],
) -> None:
    body = {"kind": KIND, "schema": SCHEMA, "asked": dict(asked), "numbers": list(numbers)}
    whole = plain({**body, "digests": dict(digests), "rows": rows})
    text = json.dumps(with_checksum(whole), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(out / FILE_NAME, text.encode("utf-8"))


def _copy(network: Path, out: Path) -> None:
    """Copy a network's files, its JSON last: it is there whole or not at all."""
    for name in (WEIGHTS_FILE, FORECAST_FILE, NETWORK_FILE):
        write_bytes(out / name, read_bytes(network / name))
