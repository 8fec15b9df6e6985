"""What of a task is no fault and yet likely to spoil its training or its score, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.bad_data import is_wild
from training.tasks.shared import ALIKE, LEAST_STRETCH, MANY, STRETCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.tasks.task import Task

    FloatArray = NDArray[np.float64]

UNLIKE = 10.0  # between the columns of targets: the smaller is a hundredth of the score
FEWEST = 10  # answers of a part: judgement
FEW = 1e-3  # of a column's values, to be called wild: pulses come oftener
ROUNDING = 1e-12  # of a target's variance: what is left of a sum that is exact


def doubts(task: Task) -> list[str]:
    """A sentence on each, the worst first."""
    found = [*_answered(task), *_altered(task), *wild(task)]
    for name, mask in (("validation", task.validation), ("test", task.test)):
        count = int(task.answers(mask).sum())
        if count < FEWEST:
            found.append(
                f"the {name} part has {count} answer{'s' if count > 1 else ''}: a score of so few "
                "is chance, and its NMSE may be huge where their targets are nearly alike"
                if task.labels is None
                else f"the {name} part has {count} answers: a score of so few is chance"
            )
    found += _rare(task)
    spread = task.targets[task.answers(task.test)].std(axis=0)
    if task.labels is None and spread.max() > UNLIKE * spread.min():
        large, small = int(spread.argmax()), int(spread.argmin())
        found.append(
            f"targets, column {large}, vary {spread[large]:.3g}, column {small} {spread[small]:.3g}"
            f": the NMSE is all errors over all variances, so that column {small} hardly counts; "
            "give each a unit in which they vary alike, or make a task of each"
        )
    return found


def _rare(task: Task) -> list[str]:
    """Classes that the validation part lacks, and those on which few answers decide a score."""
    if task.labels is None:
        return []
    found = []
    held, scored = (
        np.bincount(task.labels[task.answers(mask)], minlength=len(task.classes))
        for mask in (task.validation, task.test)
    )
    missing = [name for name, count in zip(task.classes, held, strict=True) if not count]
    if missing:
        found.append(
            f"the validation part has no {', '.join(missing)}: what is chosen by it is chosen "
            f"without {'that class' if len(missing) == 1 else 'those classes'}"
        )
    few = [
        f"{count} of {name}"
        for name, count in zip(task.classes, scored, strict=True)
        if count < FEWEST
    ]
    if few and task.metric == "balanced-error":
        points = 100 / len(scored) / int(scored.min())
        found.append(
            f"the test part has {', '.join(few)}: one answer more or less is up to {points:.2g} "
            "points of a balanced accuracy, which counts every class alike"
        )
    return found


def wild(task: Task) -> list[str]:
    """A sentence for each input and target of which very few values are far from all others."""
    found = []
    answers = () if task.classes else (("targets", task.targets),)
    for name, array in (("inputs", task.inputs), *answers):
        beyond = is_wild(array)
        few = beyond.sum(axis=0) <= max(1.0, FEW * len(array))
        for c in np.flatnonzero(beyond.any(axis=0) & few).tolist():
            rows = np.flatnonzero(beyond[:, c])
            found.append(
                f"{name}, column {c}: {len(rows)} of {len(array)} values are far from all others "
                f"(the first in row {rows[0]}): a glitch? Scaling and training are spoilt by it"
            )
    return found


def _answered(task: Task) -> list[str]:
    """Where an answer is no more than a sum of the inputs of its own step or window."""
    steps = task.inputs.reshape(-1, task.window, task.inputs.shape[1])
    seen = np.concatenate([steps[:, -1], steps.mean(axis=1)][: min(task.window, 2)], axis=1)
    rows = np.column_stack([np.ones(len(seen)), seen])
    known, test = task.answers(task.train), task.answers(task.test)
    if known.sum() <= rows.shape[1]:
        return []  # so few are met by any sum
    weights, *_ = np.linalg.lstsq(rows[known], task.targets[known], rcond=None)
    left = np.mean((task.targets[test] - rows[test] @ weights) ** 2, axis=0)
    exact = np.flatnonzero(left <= ROUNDING * task.targets[test].var(axis=0))
    if not exact.size or (task.classes and exact.size < len(task.classes)):
        return []
    of, whose = (
        ("classes are", "window") if task.classes else (f"targets, column {exact[0]}, are", "step")
    )
    return [
        f"{of} a weighted sum of the inputs of the same {whose}, with nothing left over: is the "
        "answer among the inputs? No device is needed for it"
    ]


def _altered(task: Task) -> list[str]:
    """Where much of the test part is what training has, scaled, moved or played backwards."""
    columns = task.inputs.shape[1]
    long = task.window if task.window > 1 else STRETCH
    if task.repeats or long * columns < LEAST_STRETCH or int(task.test.sum()) < long:
        return []
    seen = task.train | task.validation
    test, known = _pieces(task, task.test, long), _pieces(task, seen, long)
    keys = {key for part in np.array_split(known, len(known) // 4096 + 1) for key in _shapes(part)}
    alike = np.zeros(len(test), dtype=bool)
    for one in (test, -test, test[:, ::-1], -test[:, ::-1]):
        alike |= [key is not None and key in keys for key in _shapes(one)]
    if alike.sum() <= MANY * len(test):
        return []
    what = "windows" if task.window > 1 else f"stretches of {long} steps"
    return [
        f"{int(alike.sum())} of {len(test)} test {what} are what the training or validation part "
        "has, too, scaled, moved or played backwards: if the data were multiplied before they were "
        "split, what is measured is memory; split first, and multiply the training part alone"
    ]


def _pieces(task: Task, mask: NDArray[np.bool_], long: int) -> FloatArray:
    """Windows, or all stretches, of a part: `(N, long, n_in)`."""
    if task.window > 1:
        return task.inputs.reshape(-1, long, task.inputs.shape[1])[task.answers(mask)]
    whole = np.convolve(mask, np.ones(long, dtype=int), "valid") == long
    every = np.lib.stride_tricks.sliding_window_view(task.inputs, long, axis=0)
    return np.moveaxis(every[whole], 2, 1)


def _shapes(pieces: FloatArray) -> list[int | None]:
    """Digests of pieces `(N, long, n_in)` without level and scale; None of too few values."""
    centred = pieces - pieces.mean(axis=1, keepdims=True)
    size = np.sqrt(np.mean(centred**2, axis=(1, 2), keepdims=True))
    shape = np.floor(centred / np.where(size > 0, size, 1.0) / ALIKE + 0.37).astype(np.int64)
    flat = np.sort(shape.reshape(len(shape), -1), axis=1)
    rich = 1 + (np.diff(flat, axis=1) != 0).sum(axis=1) >= LEAST_STRETCH
    return [hash(one.tobytes()) if many else None for one, many in zip(shape, rich, strict=True)]
