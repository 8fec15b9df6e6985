"""The twin as a torch module: a latent neural SDE with a linear head and white read-out noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from models.latent_path import NOISE_SCALE, latent_path
from models.simulated import simulated
from models.twin import HIDDEN, LATENT, weight_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.twin import Twin


BLOCKS = (
    ("state_in", "drive_in", "hidden_bias"),
    ("out", "out_bias"),
    ("decoder", "decoder_bias"),
    ("head_state", "head_drive", "head_bias"),
)
SLOW_RATES = (-9.0, -5.0)  # to start from: memories of 8000 to 150 steps
SLOW_NOISE = -6.0
SLOW_SPREAD = 0.5
FACTORING = 100  # rounds in which the channels' own noise is told from what they share
SMALLEST_OWN = 1e-3  # of a channel's variance: it is never known without any noise of its own


class TwinModel(nn.Module):
    """Latent state `D`, hidden layer `H`, channels `C`; the equation stands in `latent_path`.

    The response in normalised units is decoder · x + bias + head(x, u) + white noise; in the
    device's units it is offset + scale × that. The head, silu units of state and drive under linear
    weights, is for read-outs that see the drive itself or many channels, such as a spectrum taken
    in the field; without it (0 units) the read-out is linear.

    Parameters
    ----------
    channels, latent, hidden, head
        C, D, H and the units of the head.
    deterministic
        No diffusion, no spread of the start, no white noise.
    slow
        So many of the states, the last ones, are random effects z of a repeat: drawn at its start,
        they relax to zero over hundreds of steps, at a rate and with a diffusion that neither state
        nor drive changes. They carry what differs from repeat to repeat and drifts slowly within
        one: an offset by the decoder, and a gain, since all the rest of the response is multiplied
        by 1 + `gain` · z. Ordinary states can be slow as well, but a fit hardly finds it: with a
        constant offset of each repeat the error of the autocovariance was 20 times its floor, 1500
        iterations on; with slow states that begin with what lasts in the residuals
        (`training.repeat_effects`) it was 0.9 times, 800 iterations on.
    noise_rank
        The covariance of the white noise is F Fᵀ + diag(o²) with F = `white_factor` of so many
        columns and o = `white_own`. None: any covariance, F Fᵀ with F = tril(`white_factor`).
    """

    def __init__(
        self,
        channels: int,
        latent: int = LATENT,
        hidden: int = HIDDEN,
        deterministic: bool = False,
        head: int = 0,
        slow: int = 0,
        noise_rank: int | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.latent, self.hidden, self.head = channels, latent, hidden, head
        self.slow, self.noise_rank, self.deterministic = slow, noise_rank, deterministic
        shapes = weight_shapes(latent, hidden, channels, head, slow, noise_rank)
        for name, shape in shapes.items():
            if name in ("offset", "scale"):
                self.register_buffer(
                    name, torch.zeros(shape) if name == "offset" else torch.ones(shape)
                )
            else:
                setattr(self, name, nn.Parameter(torch.zeros(shape)))
        with torch.no_grad():
            self.state_in.normal_(0, 1 / math.sqrt(latent))
            self.drive_in.normal_(0, 1.5)
            self.hidden_bias.uniform_(-1, 1)
            self.out.normal_(0, 1 / math.sqrt(hidden))
            # rates of 0.05 to 0.95 a step: memories of one to twenty steps to start from
            self.out_bias[latent : 2 * latent] = torch.linspace(-3, 3, latent)
            self.out_bias[2 * latent :] = -1.0
            self.decoder.normal_(0, 1 / math.sqrt(latent))
            if noise_rank is None:
                self.white_factor.copy_(0.05 * torch.eye(channels))
            else:
                self.white_own.fill_(0.05)
            self.start_spread.fill_(0.05)
            if slow:
                for rows in self.out.view(3, latent, hidden), self.out_bias.view(3, latent):
                    rows[:, latent - slow :] = 0.0
                rates = torch.linspace(*SLOW_RATES, slow)
                self.out_bias.view(3, latent)[1, latent - slow :] = rates
                self.out_bias.view(3, latent)[2, latent - slow :] = SLOW_NOISE
                self.start_spread[latent - slow :] = SLOW_SPREAD
                for into in self.state_in, self.decoder:  # a fit finds what they do to the response
                    into[:, latent - slow :] = 0.0
            if head:
                self.head_state.normal_(0, 1 / math.sqrt(latent))
                self.head_drive.normal_(0, 1.5)
                self.head_bias.uniform_(-1, 1)
                self.head_out.normal_(0, 0.3 / math.sqrt(head))
                self.head_state[:, latent - slow :] = 0.0

    state_in: Tensor
    drive_in: Tensor
    hidden_bias: Tensor
    out: Tensor
    out_bias: Tensor
    start_mean: Tensor
    start_spread: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    white_factor: Tensor
    white_own: Tensor
    gain: Tensor
    offset: Tensor
    scale: Tensor
    head_state: Tensor
    head_drive: Tensor
    head_bias: Tensor
    head_out: Tensor

    @classmethod
    def from_twin(cls, twin: Twin, member: int = 0) -> TwinModel:
        """The module of a fitted twin, or of one of its members."""
        return cls.of_weights(twin.weights_of(member), deterministic=twin.deterministic)

    @classmethod
    def of_weights(
        cls, weights: Mapping[str, NDArray[Any]], *, deterministic: bool = False
    ) -> TwinModel:
        """The module with these weights, whose shapes tell its sizes."""
        channels, latent, hidden = (
            weights[name].size for name in ("decoder_bias", "start_mean", "hidden_bias")
        )
        head = weights["head_bias"].size if "head_bias" in weights else 0
        slow = weights["gain"].shape[1] if "gain" in weights else 0
        rank = weights["white_factor"].shape[1] if "white_own" in weights else None
        model = cls(channels, latent, hidden, deterministic, head, slow, rank)
        model.load_state_dict({k: torch.as_tensor(v.copy()) for k, v in weights.items()})
        return model

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Every weight by name, float32, as `Twin.weights` holds them."""
        return {
            k: v.detach().cpu().numpy().astype(np.float32).copy()
            for k, v in self.state_dict().items()
        }

    def blocks(self) -> list[list[nn.Parameter]]:
        """Weights that act together, of equally many rows: a matrix with its bias, each other."""
        known = dict(self.named_parameters())
        together = [[known.pop(name) for name in block if name in known] for block in BLOCKS]
        return [block for block in (*together, *([one] for one in known.values())) if block]

    def slow_states(self) -> Tensor:
        """Which states `(D,)` are random effects of a repeat: only noise moves them."""
        still: Tensor = (self.out.detach().view(3, self.latent, -1) == 0).all(dim=2).all(dim=0)
        return still

    def hold_slow(self) -> None:
        """Keep the slow states slow: take away the gradients by which others would move them.

        Those of a model with gains act on nothing but the response.
        """
        free = (~self.slow_states()).to(self.out)
        if self.out.grad is not None and self.out_bias.grad is not None:
            self.out.grad.view(3, self.latent, -1).mul_(free.unsqueeze(1))
            self.out_bias.grad.view(3, self.latent)[0].mul_(free)
        if self.start_mean.grad is not None:
            self.start_mean.grad.mul_(free)
        for name in ("state_in", "head_state") if self.slow else ():
            into = getattr(self, name, None)
            if into is not None and into.grad is not None:
                into.grad[:, -self.slow :] = 0.0

    def initial(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """States `(B, D)` drawn from the distribution after a reset."""
        if self.deterministic:
            return self.start_mean.expand(batch, -1)
        draw = torch.randn(batch, self.latent, generator=generator, device=self.start_mean.device)
        return self.start_mean + self.start_spread * draw

    def draw(self, steps: int, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Brownian increments `(T, B, D)` of unit steps; zeros for a deterministic twin."""
        shape, device = (steps, batch, self.latent), self.start_mean.device
        if self.deterministic:
            return torch.zeros(shape, device=device)
        return torch.randn(shape, generator=generator, device=device)

    def path(self, start: Tensor, drive: Tensor, noise: Tensor) -> Tensor:
        """States `(T, B, D)` after each step, from `start` `(B, D)`.

        `drive` is `(T, B)` in 0…1, `noise` `(T, B, D)`. Differentiable in start, drive and weights.
        """
        weights = (self.state_in, self.drive_in, self.hidden_bias, self.out, self.out_bias)
        return latent_path(start, 2 * drive - 1, noise, weights)

    def decode(self, states: Tensor, drive: Tensor) -> Tensor:
        """Mean response `(…, C)` of states `(…, D)` under `drive` `(…,)` in 0…1, normalised units.

        The read-out noise is not in it.
        """
        plain = self.plain(states, drive)
        if not self.slow:
            return plain
        gain, offset = self.effects(states)
        return plain + gain * (plain - offset)

    def plain(self, states: Tensor, drive: Tensor) -> Tensor:
        """As `decode`, before the slow states multiply it."""
        linear = states @ self.decoder.t() + self.decoder_bias
        if not self.head:
            return linear
        inner = states @ self.head_state.t() + (2 * drive - 1).unsqueeze(-1) * self.head_drive
        return linear + nn.functional.silu(inner + self.head_bias) @ self.head_out.t()

    def effects(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """What the slow states `z` of `(…, D)` do to the response: `gain` · z and their offset.

        Both `(…, C)`; of a model with slow states.
        """
        slow = states[..., -self.slow :]
        return slow @ self.gain.t(), slow @ self.decoder[:, -self.slow :].t()

    def white(self, shape: tuple[int, ...], generator: torch.Generator | None = None) -> Tensor:
        """Read-out noise `(*shape, C)` in normalised units; zeros for a deterministic twin."""
        device = self.start_mean.device
        if self.deterministic:
            return torch.zeros(*shape, self.channels, device=device)
        rank = self.noise_rank or 0
        draw = torch.randn(*shape, rank + self.channels, generator=generator, device=device)
        if self.noise_rank is None:
            return draw @ torch.tril(self.white_factor).t()
        return draw[..., :rank] @ self.white_factor.t() + draw[..., rank:] * self.white_own

    def white_covariance(self) -> Tensor:
        """Covariance `(C, C)` of the read-out noise, in normalised units."""
        if self.noise_rank is None:
            factor = torch.tril(self.white_factor)
            return factor @ factor.t()
        return self.white_factor @ self.white_factor.t() + torch.diag(self.white_own.square())

    @torch.no_grad()
    def set_white(self, covariance: Tensor) -> None:
        """Take the read-out noise from a covariance `(C, C)`, or what is nearest to it."""
        if self.noise_rank is None:
            self.white_factor.copy_(torch.linalg.cholesky(covariance))
            return
        own = covariance.diagonal().clone()
        shared = covariance.new_zeros(self.channels, 0)
        for _ in range(FACTORING if self.noise_rank else 0):  # principal factors
            size, direction = torch.linalg.eigh(covariance - torch.diag(own))
            largest = slice(self.channels - self.noise_rank, None)
            shared = direction[:, largest] * size[largest].clamp(min=0).sqrt()
            left = covariance.diagonal() - shared.square().sum(dim=1)
            own = left.clamp(min=SMALLEST_OWN * covariance.diagonal())
        self.white_factor.copy_(shared)
        self.white_own.copy_(own.sqrt())

    def sample(self, drive: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Noisy responses `(T, B, C)` in normalised units from the reset under `drive` `(T, B)`."""
        steps, batch = drive.shape
        states = self.path(
            self.initial(batch, generator), drive, self.draw(steps, batch, generator)
        )
        return self.decode(states, drive) + self.white((steps, batch), generator)

    def simulate(
        self, drive: NDArray[np.float64], repeats: int, seed: int = 0
    ) -> NDArray[np.float64]:
        """Responses `(S, R, T, C)` in the device's units to drives `(S, T)` in 0…1 (NaN: no step).

        Raises
        ------
        InputError
            `repeats` below one.
        """
        return simulated(self, drive, repeats, seed)

    def drift_diffusion(self, state: Tensor, drive: Tensor) -> tuple[Tensor, Tensor]:
        """F and G `(B, D)` of dx = F dt + G dW at `state` `(B, D)`, `drive` `(B,)` in 0…1."""
        inner = state @ self.state_in.t() + (2 * drive - 1).unsqueeze(-1) * self.drive_in
        raw = nn.functional.silu(inner + self.hidden_bias) @ self.out.t() + self.out_bias
        goal, rate, spread = torch.split(raw, self.latent, dim=1)
        drift = torch.sigmoid(rate) * (torch.tanh(goal) - state)
        spread = NOISE_SCALE * nn.functional.softplus(spread)
        return drift, torch.zeros_like(spread) if self.deterministic else spread
