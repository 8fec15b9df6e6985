"""Separate windows (images, stretches of a signal) joined into the one series of a `Task`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from training.tasks.task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Which windows are for what: indices, each part in any order."""

    train: IntArray
    validation: IntArray
    test: IntArray


def joined_windows(
    name: str,
    windows: NDArray[np.float64],
    labels: IntArray,
    split: Split,
    *,
    classes: tuple[str, ...],
    pool: str,
    metric: str,
    washout: int,
    seed: int,
    options: dict[str, Any],
    quantity: str,
    about: str,
    shift: float = 0.0,
    scaling: tuple[float | NDArray[np.float64], float | NDArray[np.float64]] = (0.0, 1.0),
) -> Task:
    """Classification task whose parts are shuffled, so that neighbours tell nothing of a class.

    The order is training, validation, `washout` training windows once more (run, not scored),
    test: the device is reset once, before the run.

    Parameters
    ----------
    windows
        `(N, window, n_in)`, scaled by the training part alone.
    labels
        `(N,)`, indices into `classes`.
    washout
        Windows before the test part.
    seed
        Of the order.
    shift, scaling
        As in `Task`.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(part) for part in (split.train, split.validation, split.test)]
    check_washout(name, washout, len(split.train))
    warm = rng.choice(split.train, washout, replace=False)
    order = np.concatenate([orders[0], orders[1], warm, orders[2]])
    window = windows.shape[1]
    part = np.repeat([0, 1, 2, 3], [len(orders[0]), len(orders[1]), washout, len(orders[2])])
    step = np.repeat(part, window)
    return Task(
        name=name,
        inputs=np.ascontiguousarray(windows[order].reshape(-1, windows.shape[2])),
        targets=np.eye(len(classes))[labels[order]],
        train=step == 0,
        validation=step == 1,
        test=step == 3,
        washout=washout * window,
        metric=metric,
        options=options,
        window=window,
        pool=pool,
        labels=labels[order],
        classes=classes,
        quantity=quantity,
        about=about,
        shift=shift,
        scaling=scaling,
    )


def check_washout(name: str, washout: int, train: int) -> None:
    """Raise InputError where the washout windows are none or more than the training has."""
    problems = []
    if not 1 <= washout <= train:
        problems.append(
            f"washout = {washout} windows must be within 1…{train}: the device starts from its "
            "reset, and training windows are run before the first that counts"
        )
    raise_problems(InputError, f"task {name!r}", problems)


def stratified_folds(labels: IntArray, folds: int, seed: int) -> IntArray:
    """Fold of each window, every class spread evenly: `(N,)`, values 0…`folds` − 1.

    The folds of scikit-learn's `StratifiedKFold(folds, shuffle=True, random_state=seed)`, so
    that figures mean the same as those of other programs.
    """
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    # classes are numbered by their first appearance
    rank = np.argsort(np.argsort(first))[inverse]
    ordered, count = np.sort(rank), len(first)
    shares = np.asarray([np.bincount(ordered[i::folds], minlength=count) for i in range(folds)])
    rng = np.random.RandomState(seed)  # the very draws of scikit-learn
    out = np.empty(len(labels), dtype=np.int64)
    for label in range(count):
        own = np.arange(folds).repeat(shares[:, label])
        rng.shuffle(own)
        out[rank == label] = own
    return out


def last_share(indices: IntArray, labels: IntArray, share: float, seed: int) -> Split:
    """`indices` shuffled and divided, class by class: the last `share` of each is validation."""
    rng = np.random.default_rng(seed)
    train, validation = [], []
    for label in np.unique(labels[indices]):
        own = rng.permutation(indices[labels[indices] == label])
        kept = max(1, round(share * len(own)))
        train.append(own[:-kept])
        validation.append(own[-kept:])
    return Split(
        np.concatenate(train), np.concatenate(validation), np.empty(0, dtype=np.int64)
    )  # fmt: skip
