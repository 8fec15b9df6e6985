"""Linear models of a task's inputs: what needs no device and hardly a computer."""

from __future__ import annotations

from itertools import product as pairs
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from models.score import pooled, score
from models.wiring import delayed
from training.baselines.algebra import product
from training.baselines.ridge import Standard, ridge_scores
from training.logistic import STRENGTHS, fit_logistic

Knob = TypeVar("Knob")
BY_VALIDATION = itemgetter(0)
"""Of scores `(validation, test)` what chooses: as tuples, equal ones would go by the test score."""

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]
    Fit = Callable[[Task, FloatArray, NDArray[np.bool_]], tuple[float, float]]

SAME_VALUE = 1e-4  # of the largest: files hold values with few digits


def chosen_on_validation(
    task: Task,
    fit: Callable[[NDArray[np.bool_], Knob], FloatArray],
    knobs: Sequence[Knob],
    usable: NDArray[np.bool_],
) -> tuple[float, float]:
    """Best score on the validation part, and the test score of the model chosen by it.

    Infinity and NaN where no answer of the training part may be fitted.

    Parameters
    ----------
    fit
        Predictions `(answers, n_out)` of the model fitted to the marked answers, of a knob.
    knobs
        Tried on models of the training part; the best is fitted to training and validation.
    usable
        Answers that may be fitted, bool `(answers,)`.
    """
    train, validation, test = (task.answers(m) for m in (task.train, task.validation, task.test))
    if not (train & usable).any():
        return float("inf"), float("nan")
    tried = [
        score(task.metric, fit(train & usable, knob)[validation], task.targets[validation])
        for knob in knobs
    ]
    best = int(np.argmin(tried))
    prediction = fit((train | validation) & usable, knobs[best])
    return tried[best], score(task.metric, prediction[test], task.targets[test])


def persistence(task: Task) -> float:
    """Score of answering with the present input; NaN where the targets are no later inputs.

    Inputs and targets may be in units of their own: how they go together is read from the training
    part, where each target is the input of `reach` steps later.
    """
    if task.reach < 1 or task.inputs.shape[1] != task.targets.shape[1]:
        return float("nan")
    now = np.flatnonzero(task.train)
    now = now[now + task.reach < len(task.inputs)]
    x, y = task.inputs[now + task.reach], task.targets[now]
    about_x, about_y = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = (about_x * about_y).sum(axis=0) / np.maximum((about_x**2).sum(axis=0), 1e-300)
    if (np.abs(about_y - scale * about_x) > SAME_VALUE * np.abs(about_y).max(axis=0)).any():
        return float("nan")
    answer = y.mean(axis=0) + scale * (task.inputs - x.mean(axis=0))
    return score(task.metric, answer[task.test], task.targets[task.test])


def autoregression(task: Task, lags: int) -> float:
    """Score of ridge regression on the inputs at this and the `lags` − 1 steps before it.

    Of classes that are told at every step, of logistic regression. NaN where so many steps don't
    stand before the test part, or before all of training.
    """
    fit = logistic_scores if task.classes else ridge_scores
    return _of_inputs(task, range(lags), (fit,))


def _of_inputs(task: Task, delays: Sequence[int], fits: Sequence[Fit]) -> float:
    """Test score of the fit that validation prefers, on the inputs at `delays`, pooled."""
    known = filled(task, delays)
    if not known[task.answers(task.test)].all():
        return float("nan")
    columns = pooled(lagged(task.inputs, delays), task.window, task.pool)
    return min((fit(task, columns, known) for fit in fits), key=BY_VALIDATION)[1]


def lagged(columns: FloatArray, delays: Sequence[int]) -> FloatArray:
    """Columns `(T, F)` as they were each of `delays` steps ago, side by side `(T, F · delays)`."""
    return np.concatenate([delayed(columns, delay) for delay in delays], axis=1)


def filled(task: Task, delays: Sequence[int]) -> NDArray[np.bool_]:
    """Answers for which the series reaches back far enough, bool `(answers,)`.

    Nothing is known before its first step: a fit would take the zeros there for values.
    """
    return np.arange(len(task.targets)) * task.window >= max(delays)


def without_device(task: Task, delays: Sequence[int] = (0,)) -> float:
    """Score of a network's read-out with the device's columns removed.

    It sees the inputs at the `delays` of that read-out, pooled as the task says, and is fitted as
    that one: by ridge or, for classes, by logistic regression where validation prefers it. NaN as
    `autoregression`.
    """
    fits = (ridge_scores, logistic_scores) if task.classes else (ridge_scores,)
    return _of_inputs(task, delays, fits)


def majority(task: Task) -> float:
    """Score of always answering the class that the training part has most of."""
    if task.labels is None:
        raise ValueError(f"task {task.name!r} has no classes")
    counts = task.targets[task.answers(task.train)].sum(axis=0)
    truth = task.targets[task.answers(task.test)]
    return score(task.metric, np.broadcast_to(counts, truth.shape), truth)


def logistic(task: Task, pool: str) -> float:
    """Score of multinomial logistic regression on the windows' inputs, pooled by `pool`."""
    return logistic_scores(task, pooled(task.inputs, task.window, pool))[1]


def logistic_scores(
    task: Task, columns: FloatArray, usable: NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Validation and test score of multinomial logistic regression on `columns` `(answers, F)`.

    Where the error is balanced, weighting the classes alike is tried, too: no straw man.
    """
    usable = np.ones(len(columns), dtype=bool) if usable is None else usable
    standard = Standard.of(columns[task.answers(task.train) & usable])(columns)

    def fit(rows: NDArray[np.bool_], knob: tuple[float, bool]) -> FloatArray:
        weights, bias = fit_logistic(standard[rows], task.targets[rows], knob[0], alike=knob[1])
        return product(standard, weights) + bias

    alike = (False, True) if task.metric == "balanced-error" else (False,)
    return chosen_on_validation(task, fit, list(pairs(STRENGTHS, alike)), usable)
