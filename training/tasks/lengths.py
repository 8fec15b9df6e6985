"""The parts of a series: how long each is, and the least that something can be learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from training.tasks.task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

STILL = 1e-9  # of its largest value: a series that changes by no more is constant
LEAST_TRAINED, LEAST_VARYING = 100, 2  # steps before validation; of them behind the washout


@dataclass(frozen=True)
class Lengths:
    """Steps of each part of a series: training (validation its end), washout, test."""

    train: int
    validation: int
    test: int
    washout: int

    @property
    def steps(self) -> int:
        """Steps of all parts."""
        return self.train + self.washout + self.test

    def check(
        self, name: str, others: dict[str, tuple[float, int]] | None = None, horizon: int = 0
    ) -> None:
        """Raise InputError with every value below its least; `others`: name → (value, least).

        `horizon`: how many steps ahead the targets look.
        """
        least = {
            **(others or {}),
            "validation": (self.validation, 1),
            "test": (self.test, 2),
            "washout": (self.washout, 0),
        }
        problems = [
            f"{what} = {value:g} steps must be at least {low}"
            for what, (value, low) in least.items()
            if value < low
        ]
        problems += self._too_short(max(horizon, 0))
        raise_problems(InputError, f"task {name!r}", problems)

    def _too_short(self, horizon: int) -> list[str]:
        """What leaves too little of the training part behind validation, washout and horizon."""
        validation, washout = max(self.validation, 0), max(self.washout, 0)
        before = self.train - validation
        if 0 < before <= horizon:
            return [
                f"horizon = {horizon} steps leaves nothing to train on of "
                f"{before} (train less validation): lower it, or raise train"
            ]
        own = max(LEAST_TRAINED - washout - horizon, LEAST_VARYING)
        least = validation + washout + horizon + own
        if self.train >= least:
            return []
        return [
            f"train = {self.train} steps must be at least {least}: {validation} of validation, "
            f"{washout} of washout, {horizon} of horizon and {own} to train on"
        ]

    def refuse_constant(self, name: str, series: NDArray[np.float64], why: str) -> None:
        """Raise InputError where the training part of a series never changes."""
        seen = series[: self.train]
        if np.ptp(seen) <= STILL * np.abs(seen).max():
            raise InputError(
                f"task {name!r}: the series stays at {seen[-1]:.6g} over its training part: {why}"
            )

    def parts(self, reach: int = 0) -> tuple[NDArray[np.bool_], ...]:
        """Masks `(T,)` of training, validation and test.

        Targets look `reach` steps ahead: those of the training part stop before validation.
        """
        index = np.arange(self.steps)
        return (
            index < self.train - self.validation - reach,
            (index >= self.train - self.validation) & (index < self.train),
            index >= self.train + self.washout,
        )

    def forecast(
        self,
        name: str,
        series: NDArray[np.float64],
        horizon: int,
        options: dict[str, Any],
        about: str,
    ) -> Task:
        """Task to foretell a series `(steps + horizon,)`, scaled to 0…1 by its training part."""
        low, high = series[: self.train].min(), series[: self.train].max()
        series = (series - low) / (high - low)
        train, validation, test = self.parts(horizon)
        return Task(
            name=name,
            inputs=series[: self.steps, None],
            targets=series[horizon : self.steps + horizon, None],
            train=train,
            validation=validation,
            test=test,
            washout=self.washout,
            options=options,
            reach=horizon,
            about=about,
            scaling=(low, high - low),
        )
