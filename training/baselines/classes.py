"""The read-out of classes of an echo-state network: every way that a device's network has, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.baselines.ridge import PassesRidge
from training.fitted import DEVICES, LOGISTIC_PASSES
from training.logistic import STRENGTHS, fit_logistic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]
    Model = tuple[FloatArray, FloatArray]


class PassesClasses(PassesRidge):
    """Ridge and logistic regression on all passes of a task of classes, the better by validation.

    As for a network's read-out (`training.foresee.best_readout`) columns of states have a penalty
    of their own, and the logistic regression is fitted to a few of the passes.

    Parameters
    ----------
    task
        The task, of classes.
    states
        Which columns are states, bool `(F,)`; the others are inputs.
    usable
        Answers that may be fitted, bool `(answers,)`; None: all.
    """

    def __init__(
        self, task: Task, states: NDArray[np.bool_], usable: NDArray[np.bool_] | None = None
    ) -> None:
        super().__init__(task, usable)
        self._states = states
        self._few: list[FloatArray] = []  # the training part's rows

    def add(self, columns: FloatArray) -> FloatArray:
        """Take in a pass's columns `(answers, F)`, of all answers; those of `PassesRidge.add`."""
        rows = super().add(columns)
        if len(self._few) < LOGISTIC_PASSES:
            self._few.append(rows[self._fitted])
        return rows

    def scores(self) -> tuple[float, float]:
        """Validation and test score of the read-out that validation prefers.

        Infinity and NaN where no answer of the training part may be fitted.
        """
        if not self._few or not self._fitted.any():
            return float("inf"), float("nan")
        by_ridge = [(*self.chosen(self._factors(device)), device) for device in DEVICES]
        by_logistic = [one for device in DEVICES for one in self._logistic(device)]
        tried = [*by_ridge, *by_logistic]
        best = int(np.argmin([validation for validation, _, _ in tried]))
        validation, penalty, device = tried[best]
        if best < len(by_ridge):
            return validation, self.test_score(penalty, self._factors(device))
        part = self._task.answers(self._task.validation)
        known = self._usable[part]
        few = zip(self._few, self._validation, strict=False)
        rows = [np.concatenate([fitted, more[known]]) for fitted, more in few]
        targets = [self._task.targets[self._fitted], self._task.targets[part][known]]
        model = self._fit(rows, np.concatenate(targets), penalty, device)
        return validation, self._score(model, self._test, self._task.test)

    def _logistic(self, device: float) -> Iterator[tuple[float, float, float]]:
        """Validation score, penalty and `device`; each fit begins where a stricter one ended."""
        model: Model | None = None
        targets = self._task.targets[self._fitted]
        for strength in sorted(STRENGTHS, reverse=True):
            model = self._fit(self._few, targets, strength, device, model)
            yield self._score(model, self._validation, self._task.validation), strength, device

    def _fit(
        self, passes: list[FloatArray], targets: FloatArray, strength: float, device: float,
        start: Model | None = None,
    ) -> Model:  # fmt: skip
        return fit_logistic(
            np.concatenate(passes), np.tile(targets, (len(passes), 1)), strength,
            alike=self._task.metric == "balanced-error", factors=self._factors(device), start=start,
        )  # fmt: skip

    def _factors(self, device: float) -> FloatArray:
        """How many times as strict each kept column's penalty is."""
        kept = self._standard.kept if self._standard is not None else np.ones(0, dtype=bool)
        states = self._states[kept] if kept.any() else np.zeros(1)
        return np.where(states, device, 1.0)
