"""Twins as torchsde SDEs: the one module that knows torchsde (dormant since 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

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


class HeldDrive(GivenIncrements):
    """Given increments that know which step is being taken: torchsde asks for them first.

    So both stages of a step see the drive that holds during it, not that of the next step.
    """

    def __init__(self, increments: Tensor) -> None:
        super().__init__(increments)
        self.step = 0

    def __call__(self, ta: float, tb: float | None = None, **_: Any) -> Tensor:
        """The increment of the step that begins at `ta`."""
        self.step = round(float(ta))
        return self.increments[self.step]


class DriftAndNoise(Protocol):
    """Drift `(B, D)` and noise term `(B, D)` at state `(B, D)`, drive `(B,)`, increment."""

    def __call__(self, state: Tensor, drive: Tensor, increment: Tensor) -> tuple[Tensor, Tensor]:
        """Both, of unit steps."""
        ...


class StratonovichSDE(nn.Module):
    """A Stratonovich SDE with any noise, by its drift and noise term under a drive `(T, B)`."""

    noise_type = "general"
    sde_type = "stratonovich"

    def __init__(self, terms: DriftAndNoise, drive: Tensor, held: HeldDrive) -> None:
        super().__init__()
        self.terms, self.rows, self.held = terms, drive.unbind(), held

    def f_and_g_prod(self, t: Tensor, y: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Drift and noise term, as torchsde calls them."""
        return self.terms(y, self.rows[self.held.step], v)


def heun_path(terms: DriftAndNoise, start: Tensor, drive: Tensor, increments: Tensor) -> Tensor:
    """States `(T, B, D)` after each unit step by torchsde's stochastic Heun method.

    That is the second-order Runge–Kutta step with one Gaussian draw shared by both stages.
    `drive` is `(T, B)`, `increments` `(T, B, M)`.
    """
    held = HeldDrive(increments)
    times = torch.arange(len(drive) + 1, dtype=start.dtype, device=start.device)
    sde = StratonovichSDE(terms, drive, held)
    states: Tensor = torchsde.sdeint(sde, start, times, bm=held, dt=1.0, method="heun")
    return states[1:]
