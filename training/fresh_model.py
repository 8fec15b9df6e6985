"""The twin that a fit begins with: its sizes, and first guesses of its noise from the repeats."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from models.errors import InputError
from models.latent import SLOW_NOISE, SLOW_SPREAD, TwinModel
from models.latent_path import NOISE_SCALE
from training.repeat_effects import effects_of, residual_covariance
from training.structure import FEW_CHANNELS, Candidate, usual

if TYPE_CHECKING:
    from torch import Tensor

    from training.fit_settings import FitSettings
    from training.windows import Batch, Scales

SHRUNK = 0.05  # of the covariances between channels: few repeats must not make it singular
SLOW = 3  # states that are random effects of a repeat, where the noise asks for them
SLOW_OF_SPECTRUM = 6  # as many whatever it asks for: a spectrum drifts in several patterns
HALF = 0.5  # of the spread is taken for read-out noise to start from
QUIET = -3.0  # softplus⁻¹ of the diffusion of the other states to start from


def refuse_rank(settings: FitSettings, channels: int) -> None:
    """Raise InputError where so many sources of noise can't be shared by so few channels."""
    if settings.noise_rank is not None and settings.noise_rank >= channels:
        raise InputError(
            f"fit: {settings.noise_rank} shared sources of read-out noise for {channels} channels: "
            f"below {channels}, or leave --noise-rank out for the full covariance"
        )


def fresh_model(training: Batch, settings: FitSettings, scales: Scales) -> TwinModel:
    """A model with random weights, in the units `scales`, its noise guessed from the repeats.

    Raises
    ------
    InputError
        Its sizes contradict each other.
    """
    channels = scales.offset.size
    refuse_rank(settings, channels)
    size = _sizes(settings, channels)
    slow = _slow(training, settings, channels, size.latent)
    if slow >= size.latent:
        raise InputError(f"fit: slow = {slow} must be below latent = {size.latent}")
    model = TwinModel(
        channels,
        size.latent,
        size.hidden,
        settings.deterministic,
        size.head,
        slow,
        settings.noise_rank,
    )
    with torch.no_grad():
        model.offset.copy_(torch.as_tensor(scales.offset))
        model.scale.copy_(torch.as_tensor(scales.scale))
        if not settings.deterministic:
            within = _begin_slow(model, training)
            model.set_white(HALF**2 * _white_covariance(training, within))
    return model


def _sizes(settings: FitSettings, channels: int) -> Candidate:
    """Latent states, hidden units and head: what was asked for, the usual ones otherwise."""
    given = {"latent": settings.latent, "hidden": settings.hidden, "head": settings.head}
    chosen = {name: size for name, size in given.items() if size is not None}
    return replace(usual(channels), **chosen)


def _slow(training: Batch, settings: FitSettings, channels: int, latent: int) -> int:
    if settings.slow is not None or settings.deterministic:
        return settings.slow or 0
    if channels > FEW_CHANNELS:
        # the drift of the virtual spin-vortex ice's spectrum, 1 % of its noise, in the error of
        # the autocovariance over its floor: 1.37 without them, 1.14 with them
        return min(SLOW_OF_SPECTRUM, latent // 4)
    return min(SLOW, latent - 1) if training.lasting else 0


def _begin_slow(model: TwinModel, training: Batch) -> Tensor:
    """Let the slow states carry what lasts; returns its covariance between channels `(C, C)`.

    All other noise begins small.
    """
    if not model.slow:
        return torch.zeros(model.channels, model.channels, dtype=torch.float64)
    first = model.latent - model.slow
    effects, within = effects_of(training, model.slow)
    bias = model.out_bias.view(3, model.latent)
    bias[2, :first] = QUIET
    for k, effect in enumerate(effects):
        state = first + k
        model.decoder[:, state] = torch.as_tensor(effect.offset / SLOW_SPREAD)
        model.gain[:, k] = torch.as_tensor(effect.gain / SLOW_SPREAD)
        model.start_spread[state] = SLOW_SPREAD * effect.start
        bias[1, state] = math.log(effect.rate / (1 - effect.rate))
        kick = SLOW_SPREAD * effect.diffusion / NOISE_SCALE
        bias[2, state] = max(math.log(math.expm1(kick)), SLOW_NOISE) if kick else SLOW_NOISE
    return within


def _white_covariance(batch: Batch, within: Tensor) -> Tensor:
    """Covariance `(C, C)` of the channels over repeats, averaged over steps, positive definite.

    `within` `(C, C)`: what of it is not read-out noise. Without repeats it is what `Scales` assume.
    """
    covariance = residual_covariance(batch)
    if not batch.is_repeated:
        return torch.diag(batch.spread.double().square())
    least = batch.spread.double().square().min() * 1e-2
    size, direction = torch.linalg.eigh(covariance - within.to(covariance))
    covariance = (direction * size.clamp(min=0)) @ direction.t()
    own = torch.diag(covariance.diagonal().clamp(min=least))
    white: Tensor = (1 - SHRUNK) * covariance + SHRUNK * own
    return white
