"""Multinomial logistic regression: of baselines, and of a network's read-out of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)  # of the penalty; chosen on the validation part


def fit_logistic(
    X: FloatArray, one_hot: FloatArray, strength: float, *, alike: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Weights `(F, classes)` and bias of the least mean cross-entropy + ½ `strength` Σ weights².

    By L-BFGS; `strength` n is the 1 / C of scikit-learn. `alike`: every class has the same weight.
    """
    rows, truth = torch.from_numpy(np.ascontiguousarray(X)), torch.from_numpy(one_hot.argmax(1))
    weights = torch.zeros(X.shape[1], one_hot.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(one_hot.shape[1], dtype=torch.float64, requires_grad=True)
    counts = torch.bincount(truth, minlength=one_hot.shape[1]).double()
    each = 1.0 / counts.clamp(min=1.0) if alike else None
    optimiser = torch.optim.LBFGS(
        [weights, bias], max_iter=300, tolerance_grad=1e-6, history_size=20,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        wrong = torch.nn.functional.cross_entropy(rows @ weights + bias, truth, each)
        value = wrong + 0.5 * strength * (weights**2).sum()
        torch.autograd.backward(value)
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach().numpy(), bias.detach().numpy()
