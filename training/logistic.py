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
    X: FloatArray,
    one_hot: FloatArray,
    strength: float,
    *,
    alike: bool = False,
    factors: FloatArray | None = None,
    start: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Weights `(F, classes)` and bias of the least mean cross-entropy + ½ `strength` Σ weights².

    By L-BFGS; `strength` n is the 1 / C of scikit-learn. `alike`: every class has the same weight.
    `factors` `(F,)` multiply the penalty of each column's weights. `start`: weights and bias to
    begin from, such as those of a neighbouring strength; they shorten the way, not where it ends.
    """
    # weights w of a column times s are s w of the column: a factor s⁻² of their penalty
    scale = np.ones(X.shape[1]) if factors is None else 1.0 / np.sqrt(factors)
    rows, truth = torch.from_numpy(X * scale), torch.from_numpy(one_hot.argmax(1))
    known = (np.zeros((X.shape[1], one_hot.shape[1])), np.zeros(one_hot.shape[1]))
    begin, bias_begin = known if start is None else start
    weights = torch.tensor(begin / scale[:, None], dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(bias_begin, dtype=torch.float64, requires_grad=True)
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
    return weights.detach().numpy() * scale[:, None], bias.detach().numpy()
