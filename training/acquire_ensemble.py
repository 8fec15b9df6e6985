"""A small ensemble of twins that is fitted again, briefly, each time the recording has grown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError
from models.latent import TwinModel
from training.fit import Fit
from training.fit_settings import FitSettings
from training.usual import usual_objective
from training.windows import Scales

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.fit_settings import FitStep

    Array = NDArray[np.float64]
    Part = tuple[Array, Array]

VALIDATED = 10  # every tenth sequence chooses the snapshot
AGAIN = {"mean_share": 0.1, "learning_rate": 2e-3, "mean_learning_rate": 2e-3}
"""Of a fit that goes on: the mean is near already, and the first rates would throw it off."""


@dataclass
class Ensemble:
    """Twins that differ by the seed of their first weights and batches.

    A round goes on from the weights of the round before (each member from its own), in the units
    of the first round, so that the rounds' iterations add up.

    Attributes
    ----------
    size, iterations, seed
        Members, iterations of each in a round, the first member's seed.
    scales
        Units, of the first round's training part.
    weights, losses
        Of each member: the chosen snapshot of the last round, and its validation loss.
    """

    size: int
    iterations: int
    seed: int
    scales: Scales | None = None
    weights: list[dict[str, NDArray[np.float32]]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    _models: list[TwinModel] = field(default_factory=list)

    def fit(self, drive: Array, response: Array) -> Iterator[tuple[int, FitStep]]:
        """Fit every member on drives `(S, T)` and repeats `(S, R, T, C)`: (member, step).

        Raises
        ------
        InputError
            Fewer than two sequences.
        TwinrigError
            A fit diverged.
        """
        training, validation = divided(drive, response)
        self.scales = self.scales or Scales.of(training[1])
        weights, losses, models = [], [], []
        objective = usual_objective(training)
        for member in range(self.size):
            settings = FitSettings(objective, iterations=self.iterations, seed=self.seed + member)
            if self.weights:
                settings = replace(settings, **AGAIN)  # type: ignore[arg-type]
            start = self.weights[member] if self.weights else None
            loop = Fit(training, validation, settings, self.scales, start)
            for step in loop.steps():
                yield member, step
            models.append(loop.best_model())
            weights.append(models[-1].weights())
            losses.append(loop.best_validation)
        self.weights, self.losses, self._models = weights, losses, models

    @property
    def models(self) -> list[TwinModel]:
        """The members as they were chosen in the last round."""
        return self._models

    @property
    def best(self) -> TwinModel:
        """The member with the smallest validation loss."""
        return self._models[int(np.argmin(self.losses))]

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Every member's weights by name, to be restored."""
        return {f"{k}.{name}": v for k, row in enumerate(self.weights) for name, v in row.items()}

    def numbers(self) -> dict[str, Any]:
        """Losses and units as plain values, to be restored with the weights."""
        scales = {} if self.scales is None else vars(self.scales)
        return {"losses": self.losses, "scales": {k: v.tolist() for k, v in scales.items()}}

    def restore(self, arrays: dict[str, NDArray[np.float32]], numbers: dict[str, Any]) -> None:
        """Go on from what `arrays` and `numbers` gave.

        Raises
        ------
        InputError
            They are those of another ensemble.
        """
        try:
            weights = [
                {n.partition(".")[2]: v for n, v in arrays.items() if n.startswith(f"{k}.")}
                for k in range(self.size)
            ]
            self._models = [TwinModel.of_weights(row) for row in weights]
            self.scales = Scales(**{k: np.array(v) for k, v in numbers["scales"].items()})
            self.losses = [float(loss) for loss in numbers["losses"]]
        except (KeyError, IndexError, TypeError, RuntimeError) as error:
            raise InputError(f"ensemble: belongs to another run ({error})") from error
        self.weights = weights


def divided(drive: Array, response: Array) -> tuple[Part, Part]:
    """Training and validation part of `(S, T)` and `(S, R, T, C)`: every tenth one validates.

    Raises
    ------
    InputError
        Fewer than two sequences.
    """
    count = drive.shape[0]
    if count < 2:
        raise InputError(f"{count} sequences are too few to fit and to select on different ones")
    every = np.arange(count)
    chosen = every % VALIDATED == min(VALIDATED // 2, count - 1)
    return (drive[~chosen], response[~chosen]), (drive[chosen], response[chosen])
