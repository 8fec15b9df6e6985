"""The published twin as a torch module: ReLU networks, delays, coloured auxiliary noise.

After the authors' public twin code (github.com/LucaManneschi/NoiseAwareTwins_Project, read for its
equations; no line is taken over). The state is the observable with its K past values, each with a
drift of its own, and auxiliary Ornstein–Uhlenbeck variables a:

    dx = (F(s, x) + [A softmax(W)]ᵀ (−|θ| a)) dt      the coupling reaches the present values only
    da = −|θ| a dt + G(s, x) dW                        two Gaussians for each auxiliary

Fixed steps of π/10 by stochastic Runge–Kutta 2, one draw a step shared by its stages, which is
torchsde's `heun`. There is no read-out noise: all noise is coloured by the auxiliaries.

Two things the authors' code takes from measured histories have to come from the reset here: the
observable then (`start`, learned in the first phase; all its delays equal), and its spread
(`start_spread`, that of the first step over repeats).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.published_form import AUXILIARIES, NOISES, PublishedForm
from models.simulated import simulated
from models.standard_sde import heun_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.twin import Twin

STEP = math.pi / 10  # time of one input step: twenty samples a rotation
SMALL = 0.02  # standard deviation of the first weights
FASTEST_RATE, NEXT_RATE = 5.0, 0.7  # θ of the auxiliaries: 5 · 0.7^k


class PublishedModel(nn.Module):
    """The published twin of `channels` channels; normalised units as `models.latent`'s.

    Parameters
    ----------
    channels
        C.
    form
        Delays K and hidden layers.
    auxiliaries
        A.
    """

    deterministic = False

    def __init__(self, channels: int, form: PublishedForm, auxiliaries: int = AUXILIARIES) -> None:
        super().__init__()
        self.channels, self.form, self.auxiliaries = channels, form, auxiliaries
        self.observed = channels * (form.delays + 1)
        inputs = 1 + self.observed
        self.drift = relu_network((inputs, *form.layers, self.observed))
        self.diffusion = relu_network((inputs, *form.layers, auxiliaries * NOISES))
        self.coupling = nn.Parameter(torch.ones(auxiliaries, channels))
        self.rates = nn.Parameter(FASTEST_RATE * NEXT_RATE ** torch.arange(float(auxiliaries)))
        self.start = nn.Parameter(torch.zeros(channels))
        self.register_buffer("start_spread", torch.zeros(channels))
        self.register_buffer("offset", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    start_spread: Tensor
    offset: Tensor
    scale: Tensor

    @classmethod
    def from_twin(cls, twin: Twin) -> PublishedModel:
        """The module of a fitted twin of the published method."""
        if twin.published is None:
            raise TypeError("not a twin of the published method")
        model = cls(len(twin.channels), twin.published, twin.latent)
        model.load_state_dict({k: torch.as_tensor(v.copy()) for k, v in twin.weights.items()})
        return model

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Every weight by name, float32, as `Twin.weights` holds them."""
        return {k: v.detach().cpu().float().numpy().copy() for k, v in self.state_dict().items()}

    def state_of(self, history: Tensor) -> Tensor:
        """The state `(B, C (K+1) + A)` of a history `(B, K+1, C)`, newest first; auxiliaries 0."""
        rest = history.new_zeros(len(history), self.auxiliaries)
        return torch.cat([history.flatten(1), rest], dim=1)

    def after_reset(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Observables `(B, C)` drawn from their distribution after a reset."""
        draw = torch.randn(batch, self.channels, generator=generator, device=self.start.device)
        return self.start + self.start_spread * draw

    def path(self, state: Tensor, drive: Tensor, increments: Tensor | None) -> Tensor:
        """Observables with delays `(T, B, C (K+1))` after each step under drive `(T, B)` in 0…1.

        `increments` `(T, B, 2 A)` of unit variance; None: the noise-free path.
        """
        if increments is None:
            still = drive.new_zeros(*drive.shape, 1)
            states = heun_path(self._without_noise, state, 2 * drive - 1, still)
        else:
            states = heun_path(self._terms, state, 2 * drive - 1, increments)
        return states[:, :, : self.observed]

    def draw(self, steps: int, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Increments for `path`."""
        shape = (steps, batch, self.auxiliaries * NOISES)
        return torch.randn(shape, generator=generator, device=self.start.device)

    def sample(self, drive: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Responses `(T, B, C)` in normalised units from the reset under `drive` `(T, B)`."""
        steps, batch = drive.shape
        begin = self.after_reset(batch, generator).unsqueeze(1)
        state = self.state_of(begin.expand(-1, self.form.delays + 1, -1))
        states = self.path(state, drive, self.draw(steps, batch, generator))
        return states[:, :, : self.channels]

    def simulate(
        self, drive: NDArray[np.float64], repeats: int, seed: int = 0
    ) -> NDArray[np.float64]:
        """Responses `(S, R, T, C)` in the device's units to drives `(S, T)`; as `TwinModel`'s."""
        return simulated(self, drive, repeats, seed)

    def _terms(self, state: Tensor, drive: Tensor, increment: Tensor) -> tuple[Tensor, Tensor]:
        """Drift and noise term of a unit step."""
        drift, seen = self._without_noise(state, drive, increment)[0], self._seen(state, drive)
        amplitude = self.diffusion(seen).view(-1, self.auxiliaries, NOISES)
        kick = (amplitude * increment.view(-1, self.auxiliaries, NOISES)).sum(dim=2)
        quiet = kick.new_zeros(len(kick), self.observed)
        return drift, math.sqrt(STEP) * torch.cat([quiet, kick], dim=1)

    def _without_noise(
        self, state: Tensor, drive: Tensor, increment: Tensor
    ) -> tuple[Tensor, Tensor]:
        decay = -self.rates.abs() * state[:, self.observed :]
        present = decay @ (self.auxiliaries * torch.softmax(self.coupling, dim=0))
        drift = self.drift(self._seen(state, drive))
        parts = [drift[:, : self.channels] + present, drift[:, self.channels :], decay]
        return STEP * torch.cat(parts, dim=1), torch.zeros_like(state)

    def _seen(self, state: Tensor, drive: Tensor) -> Tensor:
        """What drift and diffusion depend on: the drive and the observables."""
        return torch.cat([drive.unsqueeze(1), state[:, : self.observed]], dim=1)


def relu_network(sizes: tuple[int, ...]) -> nn.Sequential:
    """Linear layers with a ReLU between two of them, small weights and no bias to begin with."""
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        linear = nn.Linear(before, after)
        nn.init.normal_(linear.weight, 0.0, SMALL)
        nn.init.zeros_(linear.bias)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])
