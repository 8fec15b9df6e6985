"""The metrics of every task, and how a window's steps become one row of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

METRICS = ("nmse", "error-rate", "balanced-error")
"""Lower is better for all of them."""
CLASSIFIES = ("error-rate", "balanced-error")
"""Those that take one-hot targets and judge by the column of the largest prediction."""
POOLS = ("step", "last", "mean", "late", "all")


def nmse(prediction: FloatArray, target: FloatArray) -> float:
    """Mean squared error over the variance of the target; arrays `(N,)` or `(N, n_out)`."""
    error = np.mean((prediction - target) ** 2)
    return float(error / np.mean((target - target.mean(axis=0)) ** 2))


def by_output(prediction: FloatArray, target: FloatArray) -> FloatArray:
    """NMSE of each output, its error over its own variance: `(n_out,)`; arrays `(N, n_out)`.

    NaN of one whose target is constant.
    """
    variance = target.var(axis=0)
    error = np.mean((prediction - target) ** 2, axis=0)
    return np.asarray(error / np.where(variance > 0, variance, np.nan))


def error_rate(prediction: FloatArray, target: FloatArray) -> float:
    """Share of rows whose largest column is another than the target's; `(N, classes)` each."""
    return float(np.mean(np.argmax(prediction, axis=1) != np.argmax(target, axis=1)))


def balanced_error(prediction: FloatArray, target: FloatArray) -> float:
    """One minus balanced accuracy: the error rate of each class, averaged over the classes.

    Classes that no target row holds are left out; `(N, classes)` each.
    """
    truth = np.argmax(target, axis=1)
    wrong = np.argmax(prediction, axis=1) != truth
    return float(np.mean([wrong[truth == label].mean() for label in np.unique(truth)]))


def score(metric: str, prediction: FloatArray, target: FloatArray) -> float:
    """Score by one of `METRICS`, lower is better.

    Parameters
    ----------
    metric
        A name of `METRICS`.
    prediction, target
        `(answers, n_out)`; one-hot targets for the metrics of `CLASSIFIES`.

    Raises
    ------
    InputError
        An unknown metric.
    """
    known = {"nmse": nmse, "error-rate": error_rate, "balanced-error": balanced_error}
    if metric not in known:
        raise InputError(f"metric {metric!r} is none of {', '.join(METRICS)}")
    return known[metric](np.asarray(prediction), np.asarray(target))


def pooled(features: FloatArray, window: int, pool: str) -> FloatArray:
    """Rows that a read-out sees, one an answer.

    Parameters
    ----------
    features
        `(T, …, F)`, T a multiple of `window`.
    window, pool
        As in a `Task`: "step" as they are (window 1), "last" step of each window, their "mean",
        that of the "late" half (of an odd number the longer one),
        or "all" steps side by side, the first step's features first.

    Returns
    -------
    `(T / window, …, F)`, for "all" `(T / window, …, window · F)`.
    """
    if pool == "step":
        return features
    if pool == "last":
        return features[window - 1 :: window]
    split = features.reshape(len(features) // window, window, *features.shape[1:])
    if pool == "late":
        return np.asarray(split[:, window // 2 :].mean(axis=1))
    if pool == "mean":
        return np.asarray(split.mean(axis=1))
    beside = np.moveaxis(split, 1, -2)
    return beside.reshape(*beside.shape[:-2], -1)
