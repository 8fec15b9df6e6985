"""Likelihoods of measured repeats under a latent twin: each step foreseen from those before it.

A latent twin is a state-space model: x′ = x + drift(x, u) + g(x, u) ξ, y = C x + b + W ε. The state
is followed along each measured repeat; every step's response is foreseen as a Gaussian N(ŷ, S), and
the loss is the mean of −ln N(y; ŷ, S). A read-out with a head is taken as linear about the state.
Two observers, by what they believe a response tells:

- `OneStepLikelihood`: everything. The state moves so that its decoded value is what was measured,
  as in models whose observable is their state; nothing about the state stays unknown.
- `InnovationsLikelihood`: what a Kalman filter says, linearised about the path (extended filter:
  Jazwinski 1970, ch. 8; innovations form: Ljung, System Identification, § 4.3). The standardised
  one-step error drives the state through the filter's own gain. For a linear twin the likelihood is
  exact, and so is the noise that it then shows running freely.

Neither has to hold free-running for a strongly nonlinear device: science.md counts divergence among
their failures, and a snapshot is therefore chosen by the energy score of free runs.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from models.latent_path import NOISE_SCALE
from training.innovations import by_kernel, kernel_of

if TYPE_CHECKING:
    from torch import Tensor

    from models.latent import TwinModel
    from training.windows import Batch

SMALLEST_INNOVATION = 0.03  # of a channel's spread: below it a step's error has no bound
RIDGE = 1e-3


@dataclass(frozen=True)
class OneStepLikelihood:
    """Gaussian likelihood of a step, the step before it taken as the state.

    `repeats`: measured repeats of each sequence of a batch, drawn where there are more.
    """

    repeats: int = 4

    def loss(self, model: TwinModel, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean over steps and channels of −ln N."""
        real, known, drive = _drawn(batch, self.repeats, generator)
        noise = _read_noise(model, batch)
        ridge = RIDGE * torch.eye(model.latent, device=real.device, dtype=real.dtype)
        state, _ = _begin(model, drive.shape[1])
        total = state.new_zeros(())
        for u, y, there in zip(drive.unbind(), real.unbind(), known.unbind(), strict=True):
            state, variance = moved(model, state, u)
            error, seen = y - model.decode(state, u), readout_slope(model, state, u)
            covariance = seen * variance.unsqueeze(1) @ seen.mT + noise
            total = total + (_surprise(error, covariance)[0] * there).sum()
            told = seen.mT @ (error * there.unsqueeze(1)).unsqueeze(2)  # (B, D, 1)
            state = state + torch.linalg.solve(seen.mT @ seen + ridge, told).squeeze(2)
        return _mean_surprise(total, known, model.channels)


@dataclass(frozen=True)
class InnovationsLikelihood:
    """Gaussian likelihood of a step given all before it, by an extended Kalman filter.

    `repeats`: measured repeats of each sequence of a batch, drawn where there are more.
    """

    repeats: int = 4

    def loss(self, model: TwinModel, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean over steps and channels of −ln N, computed in double precision.

        What is known of the state after a precise reading is a small difference of large numbers:
        in single precision two of three fits to the nanoring (320 sequences × 16 repeats) ended in
        what was no covariance any more. What the C kernel holds it computes, wherever the model is:
        a loop of small steps is nothing for a GPU.
        """
        device = batch.real.device if kernel_of(model) is None else torch.device("cpu")
        drawn = _drawn(batch, self.repeats, generator)
        real, known, drive = (x.to(device, torch.float64) for x in drawn)
        precise = in_double(model, device)
        return innovations(precise, drive, real, known, _read_noise(precise, batch))


def in_double(model: TwinModel, device: torch.device | None = None) -> TwinModel:
    """The model in double precision, on this device; gradients go to the model's own weights."""
    precise = copy.copy(model)
    for kept in ("_parameters", "_buffers"):
        given = vars(model)[kept].items()
        moved_there = {k: None if v is None else v.to(device, torch.float64) for k, v in given}
        setattr(precise, kept, moved_there)
    return precise


def innovations(
    model: TwinModel, drive: Tensor, real: Tensor, known: Tensor, noise: Tensor
) -> Tensor:
    """Mean over steps and channels of −ln N(y; ŷ, S) along repeats.

    Parameters
    ----------
    model
        The twin.
    drive, real, known
        `(T, B)` in 0…1, `(T, B, C)` in normalised units, `(T, B)`: 1 where measured.
    noise
        Covariance of the read-out noise `(C, C)`.
    """
    total = by_kernel(model, drive, real, known, noise)
    if total is None:
        total = followed(model, drive, real, known, noise)
    return _mean_surprise(total, known, model.channels)


def followed(model: TwinModel, drive: Tensor, real: Tensor, known: Tensor, noise: Tensor) -> Tensor:
    """Sum over steps and paths of (eᵀ S⁻¹ e + ln det S) / 2; arguments as above."""
    state, first = _begin(model, drive.shape[1])
    covariance = torch.diag_embed(first)
    total = state.new_zeros(())
    for u, y, there in zip(drive.unbind(), real.unbind(), known.unbind(), strict=True):
        state, variance, slope = moved_with_slope(model, state, u)
        covariance = slope @ covariance @ slope.mT + torch.diag_embed(variance)
        error, seen = y - model.decode(state, u), readout_slope(model, state, u)
        shared = covariance @ seen.mT  # (B, D, C)
        surprise, factor = _surprise(error, seen @ shared + noise)
        total = total + (surprise * there).sum()
        white = torch.linalg.solve_triangular(factor, shared.mT, upper=False)  # (B, C, D)
        white = white * there[:, None, None]
        error = torch.linalg.solve_triangular(factor, error.unsqueeze(2), upper=False)
        state = state + (white.mT @ error).squeeze(2)
        covariance = covariance - white.mT @ white
    return total


def moved(model: TwinModel, state: Tensor, drive: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the noise `(B, D)` one step on; see `latent_path`.

    `state` is `(B, D)`, `drive` `(B,)` in 0…1.
    """
    inner = _inside(model, state, drive)
    return torch.lerp(state, inner.goal, inner.rate), inner.spread.square()


def moved_with_slope(
    model: TwinModel, state: Tensor, drive: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As `moved`, and the slope of the mean in the state `(B, D, D)`."""
    inner, latent = _inside(model, state, drive), model.latent
    goal, rate = inner.goal, inner.rate
    to_goal = (rate * (1 - goal.square())).unsqueeze(2) * model.out[:latent]
    to_rate = (rate * (1 - rate) * (goal - state)).unsqueeze(2) * model.out[latent : 2 * latent]
    bend = inner.gate + inner.hidden * (1 - inner.gate)  # slope of silu
    slope = ((to_goal + to_rate) * bend.unsqueeze(1)) @ model.state_in
    mean = torch.lerp(state, goal, rate)
    return mean, inner.spread.square(), slope + torch.diag_embed(1 - rate)


def readout_slope(model: TwinModel, state: Tensor, drive: Tensor) -> Tensor:
    """Slope of the decoded response in the state: `(B, C, D)`, of a linear read-out `(1, C, D)`.

    `state` is `(B, D)`, `drive` `(B,)` in 0…1.
    """
    slope = _plain_slope(model, state, drive)
    if not model.slow:
        return slope
    gain, offset = model.effects(state)
    scaled = slope * (1 + gain).unsqueeze(2)
    by_offset = gain.unsqueeze(2) * model.decoder[:, -model.slow :]
    by_gain = (model.plain(state, drive) - offset).unsqueeze(2) * model.gain
    slow = scaled[..., -model.slow :] - by_offset + by_gain
    return torch.cat([scaled[..., : -model.slow], slow], dim=2)


def _plain_slope(model: TwinModel, state: Tensor, drive: Tensor) -> Tensor:
    """As `readout_slope`, of the response before slow states multiply it."""
    if not model.head:
        return model.decoder.unsqueeze(0)
    driven = (2 * drive - 1).unsqueeze(1) * model.head_drive + model.head_bias
    before = torch.addmm(driven, state, model.head_state.t())
    gate = torch.sigmoid(before)
    bend = gate + before * gate * (1 - gate)  # slope of silu
    return model.decoder + (bend.unsqueeze(1) * model.head_out) @ model.head_state


class Inside(NamedTuple):
    """What a step computes: gate and value of the hidden layer `(B, H)`; the rest `(B, D)`."""

    gate: Tensor
    hidden: Tensor
    goal: Tensor
    rate: Tensor
    spread: Tensor


def _inside(model: TwinModel, state: Tensor, drive: Tensor) -> Inside:
    inputs = model.hidden_bias + (2 * drive - 1).unsqueeze(1) * model.drive_in
    before = torch.addmm(inputs, state, model.state_in.t())
    gate = torch.sigmoid(before)
    hidden = before * gate
    raw = torch.addmm(model.out_bias, hidden, model.out.t())
    goal, rate, spread = torch.split(raw, model.latent, dim=1)
    noise = NOISE_SCALE * functional.softplus(spread)
    return Inside(gate, hidden, torch.tanh(goal), torch.sigmoid(rate), noise)


def _begin(model: TwinModel, batch: int) -> tuple[Tensor, Tensor]:
    """Mean and variance `(B, D)` of the state after the reset."""
    spread = model.start_spread.square().expand(batch, -1)
    return model.start_mean.expand(batch, -1), spread


def _read_noise(model: TwinModel, batch: Batch) -> Tensor:
    least = (SMALLEST_INNOVATION * batch.spread).square()
    noise = model.white_covariance()
    return noise + torch.diag(least).to(noise)


def _surprise(error: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """−ln N(error; 0, seen) `(B,)` less its constant; the Cholesky factor of `seen` `(B, C, C)`.

    Of what is no covariance any more both are NaN: a fit then stops and says so.
    """
    factor, wrong = torch.linalg.cholesky_ex(seen)
    if bool(wrong.any()):
        factor = factor * torch.nan
    white = torch.linalg.solve_triangular(factor, error.unsqueeze(2), upper=False)
    size = factor.diagonal(dim1=1, dim2=2).log().sum(dim=1)
    return 0.5 * white.square().sum(dim=(1, 2)) + size, factor


def _mean_surprise(total: Tensor, known: Tensor, channels: int) -> Tensor:
    """Mean over steps and channels of −ln N, from the sum over steps and paths of surprises."""
    constant, measured = 0.5 * channels * math.log(2 * math.pi), known.sum()
    return (total + constant * measured) / (measured.clamp(min=1) * channels)


def _drawn(batch: Batch, repeats: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Measured repeats of each sequence, drawn where there are more: real, known, drive."""
    there = batch.known.amax(dim=0)  # (S, R)
    most = min(repeats, int(there.sum(dim=1).max()))
    keys = torch.rand(there.shape, generator=generator, device=there.device)
    chosen = (keys + there).topk(most, dim=1).indices  # those there first, each once
    rows = torch.arange(batch.sequences, device=chosen.device).unsqueeze(1).expand_as(chosen)
    pick = (rows.reshape(-1), chosen.reshape(-1))
    real, known = batch.real[:, pick[0], pick[1]], batch.known[:, pick[0], pick[1]]
    return real, known, batch.drive.repeat_interleave(chosen.shape[1], dim=1)
