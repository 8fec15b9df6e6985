"""The read-out: ridge regression from a running covariance of noisy features, never by gradient.

The noise of the features is the regularisation that matters: it tells the regression which
combinations a real device can't repeat. The ridge only keeps the solution finite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from training.course import RIDGE

if TYPE_CHECKING:
    from torch import Tensor

DECAY = 0.98


class RunningRidge:
    """Sums over features and targets in double precision, forgotten by `decay` an update.

    `moments` is float64 `(1 + F + O, 1 + F + O)`: ZᵀZ of Z = (1, features, targets).
    """

    def __init__(self, features: int, outputs: int, decay: float = DECAY) -> None:
        self.features, self.outputs, self.decay = features, outputs, decay
        size = 1 + features + outputs
        self.moments = torch.zeros(size, size, dtype=torch.float64)

    def update(self, features: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Add rows: features `(N, F)`, targets `(N, O)`; what was there before fades by `decay`.

        `weights` `(N,)`: how often each row counts; None: once.
        """
        ones = torch.ones(len(features), 1, dtype=torch.float64)
        rows = torch.cat([ones, features.double(), targets.double()], dim=1)
        if weights is not None:
            rows = rows * weights.double().sqrt().unsqueeze(1)
        self.moments.mul_(self.decay).addmm_(rows.t(), rows)

    def scale_to(self, weight: float) -> None:
        """Give what is there the weight of `weight` rows: how long a first guess shall last."""
        self.moments *= weight / self.moments[0, 0]

    def solve(self, ridge: float = RIDGE, factors: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Weights `(F, O)` and bias `(O,)`, float64; `ridge` is a share of the mean diagonal.

        `factors` `(F,)` multiply it for each feature; None: all alike.
        """
        mean = self.moments[0] / self.moments[0, 0]
        covariance = self.moments / self.moments[0, 0] - torch.outer(mean, mean)
        inside, outside = slice(1, 1 + self.features), slice(1 + self.features, None)
        gram = covariance[inside, inside].clone()
        each = 1.0 if factors is None else factors.double()
        gram.diagonal().add_(ridge * gram.diagonal().mean() * each)
        weights = torch.linalg.solve(gram, covariance[inside, outside])
        return weights, mean[outside] - mean[inside] @ weights


def pooled(columns: Tensor, window: int, pool: str) -> Tensor:
    """`models.score.pooled` for tensors: `(T, B, F)` becomes `(T / window, B, ·)`."""
    if pool == "step":
        return columns
    if pool == "last":
        return columns[window - 1 :: window]
    steps, batch, width = columns.shape
    split = columns.reshape(steps // window, window, batch, width)
    if pool == "late":
        return split[:, window // 2 :].mean(dim=1)
    return split.mean(dim=1) if pool == "mean" else split.movedim(1, 2).flatten(2)
