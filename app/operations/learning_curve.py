"""Learning curves: the errors of twins that were fitted on parts of one set of recordings."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.artefacts import (
    code_version,
    moved_with,
    new_directory,
    now_iso,
    read_head,
    refuse_never_begun,
    write_bytes,
)
from app.checked_json import with_checksum
from app.library.kinds import head_of
from app.operations.events import Note, Progress, Result, Stage
from app.operations.fit_input import FitInput, refuse_changed
from app.operations.fit_words import steps_told
from app.operations.learning_events import CurvePoint
from app.operations.results import spent
from app.operations.trial import of_seeds
from app.run_lock import RunLock
from app.words import capitalised
from models.command import command_line
from models.errors import InputError, TwinrigError, raise_problems
from training.acquire_curve import (
    TARGET,
    Grid,
    medians,
    needed,
    needed_between,
    nested,
    parts_of,
    worst_ratio,
)
from training.alike_drives import alike
from training.fit import begin_fit
from training.fit_settings import FitSettings
from training.reads import in_single_holds
from training.usual import as_usual
from training.validation import score_model

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from app.operations.events import Event

FILE_NAME, KIND, SCHEMA = head_of("curve")
SHARES = (0.125, 0.25, 0.5, 1.0)
FEWEST = 4  # sequences: one of them selects


def learning_curve(
    recordings: Sequence[Path],
    out: Path,
    *,
    sequences: Sequence[int] = (),
    repeats: Sequence[int] = (),
    iterations: int = 4000,
    minutes: float | None = None,
    seeds: int = 1,
    target: float = TARGET,
    seed: int = 0,
    resume: bool = False,
) -> Generator[Event, None, Path]:
    """Fit on growing subsets; the last event is the Result, the value `learning-curve.json`'s path.

    All are scored on the same held-out sequences (those that `fit` would hold out). Subsets are
    nested, with every drive family in its share. What selects a snapshot counts as measured; what
    only scores does not.

    Parameters
    ----------
    recordings
        Of one device under one setting; may be empty with `resume`.
    out
        A new folder (`learning-curve.json`, `report.html` and its figure), or with `resume` that
        of a curve that ended early: points that are there stay.
    sequences, repeats
        Of the subsets; by default an eighth, a quarter, half and all, of the repeats from a
        quarter on.
    iterations, minutes
        Of each fit.
    seeds, seed
        Fits of each point.
    target
        Ratio to the floor for which the measurements are told.

    Raises
    ------
    InputError
        Recordings that can't be read, joined or fitted; more asked for than there is; `out` in use.
    TwinrigError
        The disk refuses.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    torch.set_num_threads(1)
    out, begin_s = Path(out), time.monotonic()
    if resume:
        refuse_never_begun(out, "learning curve", FILE_NAME)
    body = read_head(out / FILE_NAME, KIND, SCHEMA) if resume else {}
    begun = [moved_with(Path(p["path"]), out) for p in body.get("parents", [])]
    paths = begun or [Path(p) for p in recordings]
    first = body["grid"]["seed"] if body else seed
    yield Stage("read recordings")
    source = FitInput.read(paths, seed=first, deterministic=False)
    for text in source.notes:
        yield Note(text, "warning")
    yield Note(source.parts.note)
    if words := source.unscorable():
        raise InputError(f"learning-curve: {words}: record more repeats")
    yield from map(Note, source.scoring_notes())
    if body:
        grid = Grid.from_json(body["grid"])
        refuse_changed(source.parents, body["parents"], "the curve was begun; begin anew")
        source.refuse_divided(body.get("held_out"))
    else:
        grid = _grid(source, sequences, repeats, (iterations, minutes, seeds, seed, target))
        new_directory(out)
    points = list(body.get("points", []))
    with RunLock(out):
        _save(out, source, grid, points)
        yield from _fitted(out, source, grid, points)
        yield Result({**_values(out, source, grid, points), **spent(begin_s, resume=resume)})
    return out / FILE_NAME


def _grid(
    source: FitInput,
    sequences: Sequence[int],
    repeats: Sequence[int],
    rest: tuple[int, float | None, int, int, float],
) -> Grid:
    """The grid that is asked for, or that of shares; InputError where the recording has less."""
    pool, most = _pool(source), _repeats(source)
    if pool.size < FEWEST:
        raise InputError(
            f"learning-curve: {pool.size} sequences are left to fit on: at least {FEWEST}"
        )
    chosen_s = sorted(set(sequences) or {max(round(s * pool.size), FEWEST) for s in SHARES})
    chosen_r = sorted(set(repeats) or {max(round(s * most), 1) for s in SHARES[1:]})
    problems = [
        f"{n} {what}: this recording has {least} to {have} for it"
        for what, wanted, least, have in (
            ("sequences", chosen_s, FEWEST, pool.size), ("repeats", chosen_r, 1, most),
        )
        for n in wanted
        if not least <= n <= have
    ]  # fmt: skip
    iterations, minutes, seeds, seed, target = rest
    problems += of_seeds(seeds)
    above = f"target {target:g}: a ratio to the floor, above 1, such as {TARGET}"
    problems += [above] * (not target > 1)
    raise_problems(InputError, "learning-curve", problems)
    return Grid(tuple(chosen_s), tuple(chosen_r), iterations, minutes, seeds, seed, target)


def _pool(source: FitInput) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The sequences that may be fitted: those that are not held out for the score."""
    if np.array_equal(source.parts.training, source.parts.test):
        return source.parts.training
    return np.concatenate([source.parts.training, source.parts.validation])


def _repeats(source: FitInput) -> int:
    """Repeats that each of them has."""
    return int(source.recording.complete[_pool(source)].sum(axis=1).min())


def _fitted(
    out: Path, source: FitInput, grid: Grid, points: list[dict[str, Any]]
) -> Iterator[Event]:
    """Every point, those that are there first; each of the others is kept at once."""
    yield from map(CurvePoint.of, points)
    had = {(p["sequences"], p["repeats"], p["seed"]) for p in points}
    todo = [point for point in grid.points if point not in had]
    total, begin_s = len(grid.points), time.monotonic()
    for index, (sequences, repeats, seed) in enumerate(todo):
        name = f"{sequences} sequences × {repeats} repeats, seed {seed}"
        yield Stage(name, total - len(todo) + index + 1, total)
        points.append((yield from _point(source, grid, sequences, repeats, seed)))
        yield CurvePoint.of(points[-1])
        if points[-1]["problem"]:
            yield Note(f"{name}: {points[-1]['problem']}", "warning")
        _save(out, source, grid, points)
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / (index + 1) * (len(todo) - index - 1)
        yield Progress(
            "learning curve", total - len(todo) + index + 1, total, "fits", elapsed_s, left_s
        )


def _point(
    source: FitInput, grid: Grid, sequences: int, repeats: int, seed: int
) -> Generator[Event, None, dict[str, Any]]:
    """One fit and its scores; one that diverges is a point that says why."""
    pool, recording = _pool(source), source.recording
    chosen = pool[nested([recording.families[int(i)] for i in pool], seed)[:sequences]]
    split = parts_of(chosen, alike([(recording, chosen)]))
    parts = [_part(source, part, repeats, seed) for part in split]
    row: dict[str, Any] = {
        "sequences": sequences, "repeats": repeats, "seed": seed,
        "measurements": sequences * repeats, "errors": {}, "coverage": {}, "worst": None,
        "problem": "",
    }  # fmt: skip
    asked = FitSettings(iterations=grid.iterations, minutes=grid.minutes, seed=seed)
    settings = as_usual(asked, parts[0])  # what `fit` gives of so many
    try:
        loop = begin_fit(parts[0], parts[1], settings)
        yield from steps_told(loop)
    except InputError:
        raise
    except TwinrigError as error:
        return {**row, "problem": str(error)}
    drive, real = source.part("test")
    scores = score_model(loop.best_model(), drive, real, grid.seed)
    worst = worst_ratio(scores.errors)
    return {
        **row,
        "errors": scores.errors,
        "coverage": scores.coverage,
        "worst": worst if np.isfinite(worst) else None,
        "objective": settings.objective,
        "members": settings.members,
        "iterations": loop.iteration,
        "seconds": round(loop.elapsed_s, 1),
    }


def _part(
    source: FitInput, index: Any, repeats: int, seed: int
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    """Drives and as many repeats of these sequences, the same ones for every larger number."""
    recording = source.recording
    rows = []
    for s in index:
        there = np.flatnonzero(recording.complete[s])
        order = np.random.default_rng([seed, 29, int(s)]).permutation(there)
        rows.append(recording.response[s, order[:repeats]])
    return in_single_holds(recording.drive[index], np.stack(rows), recording.holds[index])


def _save(out: Path, source: FitInput, grid: Grid, points: Sequence[dict[str, Any]]) -> None:
    body = {
        "kind": KIND, "schema": SCHEMA, "created": now_iso(), "code_version": code_version(),
        "parents": source.parents, "held_out": source.parts.to_json(), "grid": asdict(grid),
        "points": list(points), "needed": _needed(grid, points),
    }  # fmt: skip
    text = json.dumps(with_checksum(body), indent=1, allow_nan=False)
    write_bytes(out / FILE_NAME, text.encode())


def _needed(grid: Grid, points: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """By repeats a sequence: measurements at which no deciding error is above the target."""
    return {
        repeats: needed(
            [r["measurements"] for r in rows], [r["worst"] for r in rows], grid.target
        )
        for repeats, rows in _scored_rows(grid, points).items()
    }  # fmt: skip


def _scored_rows(grid: Grid, points: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By repeats a sequence: what was scored, by measurements."""
    rows = [row for row in medians(points) if row["worst"] is not None]
    found = {str(n): [row for row in rows if row["repeats"] == n] for n in grid.repeats}
    return {repeats: mine for repeats, mine in found.items() if mine}


def _values(
    out: Path, source: FitInput, grid: Grid, points: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Write the page; the result's values."""
    from app.report.curve import curve_page, sentences

    words = ["twinrig", "learning-curve", *(p["path"] for p in source.parents),
             "--sequences", ",".join(map(str, grid.sequences)),
             "--repeats", ",".join(map(str, grid.repeats)), "--iterations", str(grid.iterations),
             *(["--minutes", f"{grid.minutes:g}"] if grid.minutes else []),
             "--seeds", str(grid.seeds), "--seed", str(grid.seed),
             "--target", f"{grid.target:g}", "--out", f"{out}-again"]  # fmt: skip
    rows, found = medians(points), _needed(grid, points)
    said, notes = sentences(rows, found, grid.target), source.scoring_notes()
    held_out = ". ".join([source.parts.note, *map(capitalised, notes)])
    page = curve_page(rows, said, held_out, grid.target, command_line(words)).write(out)
    return {
        "path": str(out / FILE_NAME),
        "report": str(page),
        "status": "done",
        "target": grid.target,
        "needed": found,
        "needed_between": {
            repeats: list(needed_between(mine, grid.target))
            for repeats, mine in _scored_rows(grid, points).items()
        },
        "verdict": said,
        "notes": notes,
        "points": {
            f"{r['sequences']} × {r['repeats']}": {
                "measurements": r["measurements"], "worst": r["worst"],
                **{name: row["ratio"] for name, row in r["errors"].items()},
                "coverage": r["coverage"],
            }
            for r in rows
        },
    }  # fmt: skip
