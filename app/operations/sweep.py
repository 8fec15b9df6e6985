"""Train networks over a grid of settings and seeds in a pool; the table is by validation score."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import (
    code_version,
    new_directory,
    now_iso,
    plain,
    read_head,
    refuse_never_begun,
    write_bytes,
)
from app.checked_json import with_checksum
from app.library.kinds import head_of
from app.operations.events import Note, Result
from app.operations.learning_events import TrialEnded
from app.operations.pool import DONE, FAILED, run_pool, workers_of
from app.operations.results import spent
from app.operations.sweep_grid import Grid
from app.operations.sweep_table import Row, csv_text, mean_baselines, table_lines
from app.run_lock import RunLock
from app.twin_digests import changed, digests_of
from app.words import counted
from models.errors import InputError, raise_problems
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from app.operations.events import Event
    from app.operations.trial import Trial, TrialResult

FILE_NAME, KIND, SCHEMA = head_of("sweep")


def sweep(
    grid: Grid | None,
    out: Path,
    *,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Generator[Event, None, Path]:
    """Train every setting of a grid from every seed; the value is the path of `sweep.json`.

    Parameters
    ----------
    grid
        What to train; None with `resume`, which reads it.
    out
        A new folder: `trials/` (a network each), `results/`, `sweep.json`, `sweep.md`, `sweep.csv`;
        with `resume` that of a sweep that ended early. Trainings that are done stay; those that
        failed or were lost are tried again.
    workers
        Processes of this machine (as many as cores).
    scheduler
        A Dask scheduler's address instead.

    Raises
    ------
    InputError
        A grid that makes no sense, `out` in use, nothing to go on with.
    StoppedError
        Stopped; trainings keep their checkpoints.
    TwinrigError
        The disk refuses, or no scheduler answers.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    out, begin_s = Path(out), time.monotonic()
    grid, digests = _grid_of(None if resume else grid, out)
    out = out.resolve()
    cells = list(grid.trials(out))
    with RunLock(out), ExitStack() as ends:
        results = {name: one for name, one in _results(cells).items() if one.status == DONE}
        if resume:
            _written(out, grid, digests, results, "running")
        # a new `out` stays free where there are none
        team = ends.enter_context(closing(workers_of(scheduler, workers)))
        _written(out, grid, digests, results, "running")
        settings = counted(len(grid.settings), "setting")
        yield Note(f"{counted(len(cells), 'training')}: {settings} × {counted(grid.seeds, 'seed')}")
        yield from (Note(words, "warning") for words in grid.left_out)
        pool = run_pool([trial for _, _, trial in cells], team, "sweep")
        try:
            for event in pool:
                yield event
                if isinstance(event, TrialEnded):
                    trial = next(trial for _, _, trial in cells if trial.name == event.name)
                    result = trial.result()
                    if result is not None:
                        results[event.name] = result
                    _written(out, grid, digests, results, "running")
        finally:
            pool.close()
        rows = _written(out, grid, digests, results, DONE)
    failed = sum(len(row.failed) for row in rows)
    yield Result(
        {
            "path": str(out / FILE_NAME),
            "status": DONE if failed < len(cells) else FAILED,
            "trials": len(cells),
            "failed": failed,
            "best": _best(rows),
            "table": table_lines(rows),
            **spent(begin_s, resume=resume),
        }
    )
    return out / FILE_NAME


def _grid_of(grid: Grid | None, out: Path) -> tuple[Grid, dict[str, str]]:
    """What is trained (None: as `out` says), and the digests of its files; raises as `sweep`."""
    if grid is None:
        refuse_never_begun(out, "sweep", FILE_NAME)
        head = read_head(out / FILE_NAME, KIND, SCHEMA)
        grid = Grid.from_json(head["grid"])
        # an older version kept none
        digests = head.get("digests") or digests_of(grid.files, grid.tasks)
        problems = changed(digests, "the sweep was begun")
        raise_problems(InputError, "twinrig sweep --resume", problems)
    else:
        refuse_wrong_tasks(grid.tasks)
        digests = digests_of(grid.files, grid.tasks)
        new_directory(out)
    return grid, digests


def _best(rows: Sequence[Row]) -> dict[str, Any]:
    """The first row; of several tasks, whose scores don't compare, that of each by its name."""
    first: dict[str, Any] = {}
    for row in rows:
        first.setdefault(row.setting.task, row.to_json())
    return first if len(first) > 1 else rows[0].to_json()


def refuse_wrong_tasks(tasks: Iterable[str]) -> None:
    """Make each task once: a wrong one is said before anything is begun.

    Raises
    ------
    InputError
        Every task that is unknown or makes no sense, with why.
    """
    from training.tasks import make_task

    problems = []
    for task in tasks:
        try:
            make_task(task)
        except InputError as error:
            problems.append(str(error))
    raise_problems(InputError, "the tasks", problems)


def rows_of(grid: Grid, results: Mapping[str, TrialResult]) -> list[Row]:
    """Settings with what is known of them: task by task best validation first, unknown last."""
    rows = []
    for setting in grid.settings:
        every = {
            seed: results[setting.name(seed)]
            for seed in range(grid.seed, grid.seed + grid.seeds)
            if setting.name(seed) in results
        }
        done = {seed: result.values for seed, result in every.items() if result.status == DONE}
        failed = {seed: r.reason for seed, r in every.items() if r.status != DONE}
        rows.append(
            Row(
                setting,
                tuple(values.get("validation") for values in done.values()),
                tuple(float(values["predicted"]["value"]) for values in done.values()),
                tuple(done),
                failed,
                mean_baselines([values.get("baselines", {}) for values in done.values()]),
            )
        )

    def place(row: Row) -> tuple[int, float]:
        score = float("inf") if row.mean is None else row.mean
        return grid.tasks.index(row.setting.task), score

    return sorted(rows, key=place)


def read_sweep(path: Path) -> tuple[Grid, dict[str, TrialResult]]:
    """The grid of a sweep's folder, and what is known of its trials by name.

    Raises
    ------
    InputError
        None is there, it or a result is damaged, or a twin of it is gone.
    """
    out = path if folder_at(path) else path.parent
    grid = Grid.from_json(read_head(out / FILE_NAME, KIND, SCHEMA)["grid"])
    return grid, _results(grid.trials(out.resolve()))


def _results(cells: Iterable[tuple[Any, int, Trial]]) -> dict[str, TrialResult]:
    """What is known of trials, by name."""
    found = ((trial.name, trial.result()) for _, _, trial in cells)
    return {name: result for name, result in found if result is not None}


def _written(
    out: Path,
    grid: Grid,
    digests: Mapping[str, str],
    results: Mapping[str, TrialResult],
    status: str,
) -> list[Row]:
    """Write the table as JSON, Markdown and CSV; each whole at any moment."""
    rows = rows_of(grid, results)
    body = plain({
        "kind": KIND, "schema": SCHEMA, "created": now_iso(), "code_version": code_version(),
        "status": status, "grid": grid.to_json(), "digests": dict(digests),
        "rows": [row.to_json() for row in rows],
    })  # fmt: skip
    content = json.dumps(with_checksum(body), indent=1, allow_nan=False)
    write_bytes(out / FILE_NAME, content.encode("utf-8"))
    lines = "".join(f"{line}\n" for line in table_lines(rows))
    write_bytes(out / "sweep.md", lines.encode("utf-8", "replace"))
    write_bytes(out / "sweep.csv", csv_text(rows).encode("utf-8", "replace"))
    return rows
