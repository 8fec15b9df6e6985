"""What a repeat has of its own and keeps for long: offsets and gains, found in the residuals.

A residual (a repeat less the mean over repeats) of channel c at step t is taken as

    r_c(t) = o_c(t) + g_c(t) m_c(t) + noise,      m the mean over repeats

with an offset o and a gain g of each channel that differ from repeat to repeat and wander slowly.
Noise that fades within a quarter of a sequence drops out of products of one quarter with another:
these give the covariance of offsets and gains, its largest parts `Effects`, and how each of them
wanders from quarter to quarter. A fit of a twin's slow states (`models.latent`) begins there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from training.windows import Batch

    Array = NDArray[np.float64]

FAR = 20  # reads
LASTING = 0.5  # correlation of residuals far apart, above which a twin has random effects
PARTS = 4  # of a sequence
PAIRS = tuple(combinations(range(PARTS), 2))
FADING = np.geomspace(1e-4, 0.05, 28)  # a step: memories of 20 to 10,000 steps
RIDGE = 1e-6
STEPS_UNSURE = 1.0  # worth of signal, without which nothing is told of an offset or a gain


@dataclass(frozen=True)
class Effect:
    """A random effect of a repeat: an Ornstein–Uhlenbeck process of variance one or so.

    Attributes
    ----------
    offset, gain
        `(C,)`: what an effect of one adds to each channel, and by what share it scales its signal,
        in normalised units.
    rate
        At which it relaxes to zero, a step.
    start, diffusion
        Its standard deviation after the reset, and what noise adds a step.
    """

    offset: Array
    gain: Array
    rate: float
    start: float
    diffusion: float


def lasting(batch: Batch) -> float:
    """Correlation of residuals `FAR` reads apart, averaged over channels.

    Of a sequence with fewer than twice as many, half of its reads apart. 0 where none has two
    reads, or no step was measured twice, for nothing is known.
    """
    known, rest, degrees = _residuals(batch)
    reads = known.amax(dim=(2, 3))  # (T', S)
    own = reads.shape[0] - reads.flip(0).argmax(dim=0)
    apart = (own // 2).clamp(max=FAR)
    rows = torch.arange(reads.shape[0], device=reads.device)[:, None] + apart
    inside = ((rows < own) & (apart > 0)).to(rest)[..., None, None]
    at = rows.clamp(max=reads.shape[0] - 1), torch.arange(reads.shape[1], device=reads.device)
    pairs = (degrees[at] * known[at] * known * inside).sum().clamp(min=1)
    late = (rest[at] * rest * inside).sum(dim=(0, 1, 2)) / pairs
    now = rest.square().sum(dim=(0, 1, 2)) / (degrees * known).sum().clamp(min=1)
    return float((late / now.clamp(min=torch.finfo(now.dtype).tiny)).mean())


def evened(e: Tensor, there: Tensor, lasting: float) -> Tensor:
    """Errors `(T, …, C)` in which what lasts is as large as what doesn't.

    Residuals of n steps that all have the correlation ρ = `lasting` are (1 + n ρ/(1 − ρ)) ^ ½
    times as large in their average as beside it: by so much it is made less. An invertible linear
    map whitens them, so that a proper score stays one, and squares become generalised least squares
    (Aitken 1935; "compound symmetry").

    `there` `(T, …, 1)`: 1 where e was measured, 0 elsewhere, where e is 0.
    """
    steps = there.sum(dim=0).clamp(min=1)
    less = 1 - (1 + steps * lasting / (1 - lasting)).rsqrt()
    return e - less * e.sum(dim=0) / steps * there


def residual_covariance(batch: Batch) -> Tensor:
    """Covariance `(C, C)` of the channels over repeats, averaged over steps; float64."""
    known, rest, degrees = _residuals(batch)
    points = rest.flatten(0, 2)
    return points.t() @ points / (degrees * known).sum().clamp(min=1)


def _residuals(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Of the steps that were read: whether they are known, residuals, and degrees of freedom.

    `(T', S, R, 1)`, `(T', S, R, C)`, 0 where missing, and a repeat's share `(T', S, R, 1)`.
    """
    known = batch.known_at_reads.unsqueeze(-1).double()
    real = batch.at_reads(batch.real)
    count = known.sum(dim=2, keepdim=True)
    mean = (real * known).sum(dim=2, keepdim=True) / count.clamp(min=1)
    degrees = ((count - 1).clamp(min=0) / count.clamp(min=1)).expand_as(known)
    return known, (real - mean) * known, degrees


def effects_of(batch: Batch, most: int) -> tuple[list[Effect], Tensor]:
    """The largest random effects of a repeat, independent of each other, at most so many.

    And the covariance of the channels over repeats that comes from them, averaged over steps
    `(C, C)`.
    """
    known = batch.known.double().cpu().unsqueeze(-1)
    real = batch.real.double().cpu()
    count = known.sum(dim=2)
    signal = (real * known).sum(dim=2) / count.clamp(min=1)  # (T, S, C)
    there = (count > 1).to(signal).expand_as(signal)
    rest = (real - signal.unsqueeze(2)) * known * there.unsqueeze(2)
    features = torch.stack([there, signal * there])  # (2, T, S, C)
    degrees = (count.amax(dim=(0, 2)) - 1).clamp(min=0)
    edges = [round(part * len(signal) / PARTS) for part in range(PARTS + 1)]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    seen = [_Part.of(features[:, part], rest[part]) for part in parts]
    between = {(a, b): seen[a].covariance(seen[b], degrees) for a, b in PAIRS}
    whole = torch.stack([*between.values()]).mean(dim=0)
    size, direction = torch.linalg.eigh((whole + whole.t()) / 2)
    largest = slice(len(size) - min(most, len(size)), None)
    size, direction = size[largest].flip(0).clamp(min=0), direction[:, largest].flip(1)
    centres = [(part.start + part.stop) / 2 for part in parts]
    direction, size = direction[:, size > 0], size[size > 0]
    effects = []
    for one, variance in zip(direction.t(), size, strict=True):
        shares = {pair: float(one @ found @ one / variance) for pair, found in between.items()}
        offset, gain = (one * variance.sqrt()).view(2, -1).numpy()
        effects.append(Effect(offset, gain, *wandering(shares, centres)))
    loads = (direction * size.sqrt()).view(2, real.shape[-1], len(size))
    within = loads.new_zeros(loads.shape[1], loads.shape[1])
    for offset, gain in zip(loads[0].unbind(1), loads[1].unbind(1), strict=True):
        response = ((offset + features[1] * gain) * there).flatten(0, 1)  # (T S, C)
        within += response.t() @ response
    return effects, within / there[..., 0].sum().clamp(min=1)


@dataclass(frozen=True)
class _Part:
    """What a part of each sequence tells of offsets and gains.

    Attributes
    ----------
    told
        `(S, R, 2, C)`: their estimates, drawn to zero where the signal hardly moves.
    seen
        `(S, 2, 2, C)`: what share of the true ones the estimates are on average.
    """

    told: Tensor
    seen: Tensor

    @classmethod
    def of(cls, features: Tensor, rest: Tensor) -> _Part:
        sums = torch.einsum("ftsc,gtsc->scfg", features, features)
        drawn = torch.linalg.inv(sums + STEPS_UNSURE * torch.eye(2).to(sums))
        projected = torch.einsum("ftsc,tsrc->srfc", features, rest)
        told = torch.einsum("scgf,srfc->srgc", drawn, projected)
        return cls(told, (drawn @ sums).permute(0, 2, 3, 1))

    def covariance(self, later: _Part, degrees: Tensor) -> Tensor:
        """Of offsets and gains in this part with those in a later one, `(2 C, 2 C)`.

        By least squares: the products of what both parts tell, summed over the repeats of a
        sequence, are `degrees` `(S,)` times seen · covariance · seenᵀ.
        """
        channels = self.seen.shape[-1]
        one, other = (torch.einsum("sfgc,sfhc->sghc", p.seen, p.seen) for p in (self, later))
        weighted = degrees.square()[:, None, None, None] * one
        known = weighted.flatten(1).t() @ other.flatten(1)
        known = known.view(2, 2, channels, 2, 2, channels).permute(2, 5, 0, 3, 1, 4)
        known = known.reshape(channels, channels, 4, 4)
        first, second = (torch.einsum("sfgc,srfc->srgc", p.seen, p.told) for p in (self, later))
        weighted = degrees[:, None, None, None] * first
        products = weighted.flatten(0, 1).flatten(1).t() @ second.flatten(0, 1).flatten(1)
        products = products.view(2, channels, 2, channels).permute(1, 3, 0, 2).flatten(2)
        ridge = RIDGE * known.diagonal(dim1=2, dim2=3).mean() + torch.finfo(known.dtype).tiny
        solved = torch.linalg.solve(known + ridge * torch.eye(4).to(known), products.unsqueeze(-1))
        square = solved.view(channels, channels, 2, 2).permute(2, 0, 3, 1)
        whole: Tensor = square.reshape(2 * channels, 2 * channels)
        return whole


def wandering(
    covariance: Mapping[tuple[int, int], float], times: Sequence[float]
) -> tuple[float, float, float]:
    """Rate, start and diffusion of the Ornstein–Uhlenbeck process that covariances look like.

    `covariance` of its values at two `times`, by their places, in steps after the reset. Least
    squares over `FADING` and what start and diffusion there may be, neither below zero.
    """
    early, late = (np.array([times[pair[i]] for pair in covariance]) for i in (0, 1))
    target, best = np.array([*covariance.values()]), (np.inf, float(FADING[0]), 0.0, 0.0)
    for rate in FADING:
        lasts = np.exp(-rate * (early + late))
        columns = np.stack([lasts, (np.exp(-rate * (late - early)) - lasts) / (2 * rate)], axis=1)
        for used in ([0, 1], [0], [1]):
            found = np.zeros(2)
            found[used] = np.linalg.lstsq(columns[:, used], target, rcond=None)[0]
            error = float(((columns @ found - target) ** 2).sum())
            if (found >= 0).all() and error < best[0]:
                best = (error, float(rate), float(found[0]), float(found[1]))
    return best[1], best[2] ** 0.5, best[3] ** 0.5
