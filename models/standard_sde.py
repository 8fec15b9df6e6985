"""The twin as a torchsde SDE: the one module that knows torchsde (dormant since 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torchsde
from torch import Tensor, nn

if TYPE_CHECKING:
    from models.latent import TwinModel


class StandardSDE(nn.Module):
    """Itô SDE with diagonal noise whose drive is constant over each unit of time.

    `torchsde.sdeint(sde, x0, ts, dt=1.0, method="euler", bm=…)` gives the states of
    `TwinModel.path` at the integers on the same Brownian increments.

    Parameters
    ----------
    model
        The twin.
    drive
        `(T, B)` in 0…1, step t holding from time t to t + 1.
    """

    noise_type = "diagonal"
    sde_type = "ito"

    def __init__(self, model: TwinModel, drive: Tensor) -> None:
        super().__init__()
        self.model = model
        self.rows = drive.unbind()

    def _drive(self, t: Tensor | float) -> Tensor:
        return self.rows[min(int(float(t) + 1e-6), len(self.rows) - 1)]

    def f(self, t: Tensor, x: Tensor) -> Tensor:
        """Drift `(B, D)`."""
        return self.model.drift_diffusion(x, self._drive(t))[0]

    def g(self, t: Tensor, x: Tensor) -> Tensor:
        """Diffusion `(B, D)`, the diagonal."""
        return self.model.drift_diffusion(x, self._drive(t))[1]

    def f_and_g(self, t: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Drift and diffusion from one evaluation of the shared network."""
        return self.model.drift_diffusion(x, self._drive(t))


class GivenIncrements(nn.Module):
    """A Brownian motion whose increments over unit steps are given: `(T, B, D)`."""

    def __init__(self, increments: Tensor) -> None:
        super().__init__()
        self.increments = increments
        self.shape = tuple(increments.shape[1:])
        self.dtype, self.device = increments.dtype, increments.device
        self.levy_area_approximation = "none"

    def __call__(self, ta: float, tb: float | None = None, **_: Any) -> Tensor:
        """The increment from integer time `ta` to `ta + 1`."""
        return self.increments[round(float(ta))]


def standard_path(model: TwinModel, start: Tensor, drive: Tensor, noise: Tensor) -> Tensor:
    """States `(T, B, D)` by torchsde's Euler method; the arguments of `TwinModel.path`."""
    steps = drive.shape[0]
    times = torch.arange(steps + 1, dtype=start.dtype, device=start.device)
    states: Tensor = torchsde.sdeint(
        StandardSDE(model, drive), start, times, bm=GivenIncrements(noise), dt=1.0, method="euler"
    )
    return states[1:]
