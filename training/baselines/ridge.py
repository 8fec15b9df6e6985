"""Ridge regression on what a read-out sees in one pass, or in many noisy ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.score import score
from training.baselines.algebra import product, solution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]
    Factors = FloatArray | float
    Model = tuple[FloatArray, FloatArray]

# of the mean diagonal; chosen on the validation part. Neighbouring steps of a smooth series are
# nearly the same column: from 1e-9 on, 18 of Mackey-Glass lost half of what they can tell
RIDGES = (1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 1e-1)


@dataclass(frozen=True)
class Standard:
    """Mean and spread of columns, of those that are not constant.

    Attributes
    ----------
    kept
        Which columns these are, bool `(F,)`.
    mean, spread
        Of the kept ones.
    """

    kept: NDArray[np.bool_]
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, seen: FloatArray) -> Standard:
        """Those of rows `(N, F)`; of no row: all columns are constant."""
        spread = seen.std(axis=0) if len(seen) else np.zeros(seen.shape[1])
        kept = spread > 1e-12 * max(float(spread.max()), 1e-300)
        return cls(kept, seen[:, kept].mean(axis=0) if kept.any() else np.zeros(0), spread[kept])

    def __call__(self, columns: FloatArray) -> FloatArray:
        """Columns `(N, F)` in these units; one of zeros where none is kept."""
        if not self.kept.any():
            return np.zeros((len(columns), 1))
        chosen = columns if self.kept.all() else columns[:, self.kept]
        return np.asarray((chosen - self.mean) / self.spread)


@dataclass(frozen=True)
class Moments:
    """Sums over rows x `(F,)` and targets y `(n_out,)`, each row by its weight."""

    weight: float
    x: FloatArray
    y: FloatArray
    xx: FloatArray
    xy: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, targets: FloatArray, weights: FloatArray) -> Moments:
        """Those of rows `(N, F)`, targets `(N, n_out)` and weights `(N,)`."""
        each = weights[:, None]
        by = (each * rows).T
        return cls(
            float(weights.sum()), by.sum(axis=1), (each * targets).sum(axis=0),
            product(by, rows), product(by, targets),
        )  # fmt: skip

    def __add__(self, other: Moments) -> Moments:
        """Those of both sets of rows."""
        return Moments(
            self.weight + other.weight, self.x + other.x, self.y + other.y,
            self.xx + other.xx, self.xy + other.xy,
        )  # fmt: skip

    def solve(self, ridge: float, factors: Factors = 1.0) -> Model:
        """Weights `(F, n_out)` and the free intercept `(n_out,)`; `ridge` of the mean diagonal.

        `factors` `(F,)` multiply it for each column.
        """
        mean_x, mean_y = self.x / self.weight, self.y / self.weight
        gram = self.xx - self.weight * np.outer(mean_x, mean_x)
        cross = self.xy - self.weight * np.outer(mean_x, mean_y)
        loaded = gram + np.eye(len(gram)) * factors * ridge * np.trace(gram) / len(gram)
        weights = solution(loaded, cross)
        return weights, np.asarray(mean_y - mean_x @ weights)


class PassesRidge:
    """Ridge regression fitted to all passes through a task at once, and scored pass by pass.

    A network's read-out is fitted so, too: what it sees has another noise in each pass. Columns are
    standardised by the training part of the first one; the intercept is free, and answers count as
    in a network's read-out. Of a pass only the sums that a fit needs are kept, and the rows that
    are scored.

    Parameters
    ----------
    task
        The task.
    usable
        Answers that may be fitted, bool `(answers,)`; None: all.
    """

    def __init__(self, task: Task, usable: NDArray[np.bool_] | None = None) -> None:
        self._task = task
        self._usable = np.ones(len(task.targets), dtype=bool) if usable is None else usable
        self._fitted = task.answers(task.train) & self._usable
        self._standard: Standard | None = None
        self._moments: Moments | None = None
        self._validation: list[FloatArray] = []
        self._test: list[FloatArray] = []

    def add(self, columns: FloatArray) -> FloatArray:
        """Take in a pass's columns `(answers, F)`; for `chosen` they may end before the test.

        Returns them in the units of the fit, constant ones left out.
        """
        ran, task = len(columns), self._task
        if self._standard is None:
            self._standard = Standard.of(columns[self._fitted[:ran]])
        rows = self._standard(columns)
        found = self._sums(rows[self._fitted[:ran]], self._fitted)
        self._moments = found if self._moments is None else self._moments + found
        self._validation.append(rows[task.answers(task.validation)[:ran]])
        self._test.append(rows[task.answers(task.test)[:ran]])
        return rows

    def scores(self) -> tuple[float, float]:
        """Validation and test score of the model that validation prefers."""
        validation, best = self.chosen()
        return validation, self.test_score(best)

    def chosen(self, factors: Factors = 1.0) -> tuple[float, float]:
        """Least score on the validation part of models of the training part, and its ridge.

        The mean over the passes; infinity where no answer of the training part may be fitted.
        `factors` `(F,)` multiply the ridge of each kept column.
        """
        if self._moments is None or not self._fitted.any():
            return float("inf"), RIDGES[0]
        models = [self._moments.solve(ridge, factors) for ridge in RIDGES]
        tried = [self._score(model, self._validation, self._task.validation) for model in models]
        best = int(np.argmin(tried))
        return tried[best], RIDGES[best]

    def test_score(self, ridge: float, factors: Factors = 1.0) -> float:
        """Score on the test part, the mean over the passes, of the model of all other parts."""
        if self._moments is None or not self._fitted.any():
            return float("nan")
        task, moments = self._task, self._moments
        part = task.answers(task.validation)
        known = self._usable[part]
        for rows in self._validation if known.any() else ():
            moments = moments + self._sums(rows[known], part & self._usable)
        return self._score(moments.solve(ridge, factors), self._test, task.test)

    def _sums(self, rows: FloatArray, where: NDArray[np.bool_]) -> Moments:
        return Moments.of(rows, self._task.targets[where], self._task.answer_weights[where])

    def _score(self, model: Model, passes: list[FloatArray], part: NDArray[np.bool_]) -> float:
        weights, bias = model
        truth, metric = self._task.targets[self._task.answers(part)], self._task.metric
        return float(np.mean([score(metric, product(p, weights) + bias, truth) for p in passes]))


def passes_scores(
    task: Task, passes: Iterable[FloatArray], usable: NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Validation and test score of ridge regression on the columns `(answers, F)` of passes."""
    ridge = PassesRidge(task, usable)
    for columns in passes:
        ridge.add(columns)
    return ridge.scores()


def ridge_scores(
    task: Task, columns: FloatArray, usable: NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Validation and test score of ridge regression on the columns `(answers, F)` of one pass."""
    return passes_scores(task, [columns], usable)


def validation_score(
    task: Task, columns: FloatArray, usable: NDArray[np.bool_] | None = None
) -> float:
    """The first of them alone: nobody asks what a model scores that is not chosen."""
    ridge = PassesRidge(task, usable)
    ridge.add(columns)
    return ridge.chosen()[0]


def solve_ridge(X: FloatArray, y: FloatArray, ridge: float) -> FloatArray:
    """Weights `(F, n_out)` of X w ≈ y; `ridge` is a share of the mean diagonal of XᵀX."""
    gram = product(X.T, X)
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    return solution(gram, product(X.T, y))
