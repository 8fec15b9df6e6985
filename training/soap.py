"""Adam in the eigenbasis of the gradients' own covariances, for weights that act together.

SOAP (Vyas et al. 2024, arXiv:2409.11321, algorithm 3). A twin runs freely for a hundred steps, so
that the weights of its few states pull on each other and on everything after them: directions in
which the loss is steep lie across the weights, and Adam, which scales each weight by itself, crawls
along the flat ones. A block's gradient G `(r, c)` has the covariances G Gᵀ and Gᵀ G; turned into
their eigenbases it is nearly uncorrelated, and there Adam's scaling fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

TINY = 1e-8  # beside the root of a mean square, as in Adam
LEAST = 1e-12  # on the diagonal of a first covariance, of a gradient that may be zero


class Soap(torch.optim.Optimizer):
    """One step for all blocks; its state is that of each block's first parameter.

    Parameters
    ----------
    blocks
        Parameters that act together: with as many rows each (a vector: one column), side by side
        they are one matrix. A matrix and its bias are a block.
    rate
        Learning rate.
    betas
        Of the running mean of the gradients and of their squares.
    memory
        Of the covariances, a step.
    every
        Steps between two looks for the eigenbases, by one step of the power method each.
    decay
        Decoupled decay of the matrices (Loshchilov & Hutter, ICLR 2019), not of the vectors.

    A weight that never had a gradient stays exactly where it is, as with Adam.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[Tensor]],
        rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        memory: float = 0.95,
        every: int = 10,
        decay: float = 0.0,
    ) -> None:
        groups = [{"params": list(block)} for block in blocks]
        given = {"lr": rate, "betas": betas, "memory": memory, "every": every, "decay": decay}
        super().__init__(groups, given)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every block that has a gradient; the first step only measures."""
        for group in self.param_groups:
            block = group["params"]
            if any(parameter.grad is not None for parameter in block):
                self._move(group, block)

    def _move(self, group: dict[str, Any], block: list[Tensor]) -> None:
        gradient = torch.cat([_rows(p if p.grad is None else p.grad, p.grad) for p in block], dim=1)
        state = self.state[block[0]]
        if not state:
            state.update(_begun(gradient))
            return
        state["step"] += 1
        state["seen"] |= gradient != 0
        update = _update(state, gradient, int(state["step"]), group["betas"])
        _remember(state, gradient, group["memory"])
        if int(state["step"]) % group["every"] == 0:
            _turn(state)
        update *= state["seen"]
        widths = [parameter.numel() // parameter.shape[0] for parameter in block]
        for parameter, part in zip(block, torch.split(update, widths, dim=1), strict=True):
            if parameter.dim() > 1:
                parameter.mul_(1 - group["lr"] * group["decay"])
            parameter.add_(part.reshape(parameter.shape), alpha=-group["lr"])


def _rows(like: Tensor, gradient: Tensor | None) -> Tensor:
    """A parameter's gradient as a matrix; zeros where it has none."""
    there = torch.zeros_like(like) if gradient is None else gradient
    return there.reshape(there.shape[0], -1)


def _begun(gradient: Tensor) -> dict[str, Tensor]:
    """The state of a block that has had one gradient."""
    left, right = gradient @ gradient.t(), gradient.t() @ gradient
    return {
        "step": torch.zeros(()),
        "seen": gradient != 0,
        "mean": torch.zeros_like(gradient),
        "square": torch.zeros_like(gradient),
        "left": left,
        "right": right,
        "left_basis": _eigenbasis(left),
        "right_basis": _eigenbasis(right),
    }


def _eigenbasis(covariance: Tensor) -> Tensor:
    least = LEAST * torch.eye(len(covariance)).to(covariance)
    basis: Tensor = torch.linalg.eigh(covariance + least).eigenvectors.contiguous()
    return basis


def _update(
    state: dict[str, Tensor], gradient: Tensor, step: int, betas: tuple[float, float]
) -> Tensor:
    """Adam's direction, scaled in the eigenbases and turned back."""
    left, right = state["left_basis"], state["right_basis"]
    state["mean"].lerp_(gradient, 1 - betas[0])
    turned = left.t() @ gradient @ right
    state["square"].lerp_(turned.square(), 1 - betas[1])
    mean = left.t() @ state["mean"] @ right / (1 - betas[0] ** step)
    size = (state["square"] / (1 - betas[1] ** step)).sqrt() + TINY
    update: Tensor = left @ (mean / size) @ right.t()
    return update


def _remember(state: dict[str, Tensor], gradient: Tensor, memory: float) -> None:
    state["left"].lerp_(gradient @ gradient.t(), 1 - memory)
    state["right"].lerp_(gradient.t() @ gradient, 1 - memory)


def _turn(state: dict[str, Tensor]) -> None:
    """Bring the bases nearer to the covariances' eigenvectors; the squares keep their places."""
    for side, along in (("left", 0), ("right", 1)):
        covariance, basis = state[side], state[f"{side}_basis"]
        order = (basis.t() @ covariance @ basis).diagonal().argsort(descending=True)
        state["square"] = state["square"].index_select(along, order)
        # contiguous: a layout that a checkpoint keeps, so that a resumed fit rounds alike
        state[f"{side}_basis"] = torch.linalg.qr(covariance @ basis[:, order]).Q.contiguous()
