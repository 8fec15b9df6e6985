"""What a fit minimises: proper scoring rules of samples, likelihoods, or the error of the mean."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from models.errors import InputError
from training.likelihood import InnovationsLikelihood, OneStepLikelihood
from training.repeat_effects import evened, residual_covariance

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from models.latent import TwinModel
    from models.simulated import Sampled
    from training.windows import Batch

TINY = 1e-12  # under square roots, whose slope at 0 has no bound, and beneath a divisor
LEAST_NOISE = 0.1  # of the signal's variance, in each channel, that a mean is trusted to at most
LAGS = (0, 1, 2, 4, 8, 16)
FEW = 4  # dimensions of points, up to which differences are faster than products


class Objective(Protocol):
    """A loss of a twin on a batch of whole sequences, from the reset on."""

    def loss(self, model: TwinModel, batch: Batch, generator: torch.Generator) -> Tensor:
        """Scalar, differentiable in the model's weights; lower is better."""
        ...


@dataclass(frozen=True)
class EnergyScore:
    """The fair energy score over windows of several lengths, a proper score of distributions.

    For each window the response becomes a point of width × channels dimensions:
    mean ‖X − Y‖ − ½ mean ‖X − X′‖ over `samples` X of the twin and the real repeats Y (Gneiting &
    Raftery 2007, doi:10.1198/016214506000001437, eq. 22). Windows of one step see the spread,
    longer ones its correlation in time. Channels count in units of their spread, each width is
    divided by its root, windows start at a random offset so that every step meets every other.
    Of few sequences more than `samples` are drawn, up to `paths` in all.

    The score is flat where only correlations are wrong (leaky integrator: autocovariance error 1.65
    of its floor, cross-channel 1.5). So the squared differences of the covariances in time
    (`LAGS`) and between channels are added, times `correlations` over the scatter of a sequence's
    variance from one to the next; each difference is taken by two independent halves of the
    samples: that product has the expectation of the square. Where a few loud moments make most of
    the variance (an infinite scatter) the term is left out: on the nanoring array it made every
    error worse, and of nine fits of 4 or 5 sequences × 8 repeats × 500 steps the spread in all and
    the CRPS in eight (by 20 and 8 % in the mean; 2026-12-02, 1500 iterations, a script).

    There, too, a score of what there is in all says little of the quiet windows, which a network
    drives as often: with `evenness` these count more (`energy_score`). That is for the few
    sequences that the innovations come first for: 384 × 2 of a nanoring gain in every error. Of
    nine pairs of fits to 2560 and 10,240 × 2 the CRPS gains 0.01 of its floor in the mean, mean
    and spread lose 0.02; where noise is even there is nothing to gain (MEASURED.md).

    Where a random effect of each repeat lasts, windows are taken with less of their average
    (`evened`): in all of them it is the same few draws, which outweigh what differs.
    """

    widths: tuple[int, ...] = (1, 4, 16)
    samples: int = 12
    paths: int = 48
    correlations: float = 0.1
    evenness: float = 0.0

    def loss(self, model: Sampled, batch: Batch, generator: torch.Generator) -> Tensor:
        """Average of the scores over the widths."""
        steps, sequences = batch.drive.shape
        samples = max(self.samples, self.paths // sequences)
        drive = batch.drive.repeat_interleave(samples, dim=1)
        x = model.sample(drive, generator).view(steps, sequences, samples, -1) / batch.spread
        x, y = batch.at_reads(x), batch.at_reads(batch.real) / batch.spread
        known, steps = batch.known_at_reads, x.shape[0]
        widths = sorted({min(w, steps) for w in self.widths})
        total = x.new_zeros(())
        for width in widths:
            latest = min(width, steps - width + 1)
            offset = int(torch.randint(latest, (1,), generator=generator, device=x.device))
            even = self.evenness if math.isinf(batch.scatter) else 0.0
            windows = Windows(width, offset, batch.lasting)
            total = total + energy_score(x, y, known, windows, even) / width**0.5
        score = total / len(widths)
        weight = self.correlations / batch.scatter
        if not weight or batch.real.shape[2] < 2:
            return score
        return score + weight * correlation_error(x, y, known)


@dataclass(frozen=True)
class MeanSquares:
    """Squared error of the twin's noise-free path against the mean over repeats.

    Of a twin with noise it is the first phase of a fit: a gradient without noise, at a third of the
    cost, finds the dynamics.

    Parameters
    ----------
    metric
        `(C, C)`, symmetric: the error e counts as e · metric · e / C. None: as |e|² / C.
    """

    metric: Tensor | None = None

    @classmethod
    def of_noise(cls, batch: Batch) -> MeanSquares:
        """The error in a metric in which the noise of these repeats is nearly white.

        metric ∝ (Σ + ε 1)⁻¹, generalised least squares (Aitken 1935): Σ is the covariance of the
        channels over repeats, the less of it between channels the fewer repeats tell of it, ε
        `LEAST_NOISE`, and the signal counts C. Noise that is smooth over neighbouring channels, as
        a spectrum's, spares patterns of them that the signal has: there it is measured with hardly
        any noise. Virtual spin-vortex ice, 640 × 2 repeats: the mean was 12.5 % of the signal off
        by |e|², 7.8 % so (2560 × 2: 5.4, 4.8). With ε = 0.01 likewise, but the autocovariance of
        real repeats rose from 1.04 of its floor to 1.08. Two channels gain nothing (nanoring, 768 ×
        2, five seeds: mean, spread and CRPS alike, autocovariance 1.79 against 1.44 of the floor).
        """
        signal, there = mean_of_repeats(batch)
        noise = residual_covariance(batch)
        channels, degrees = len(noise), float((batch.known.sum(dim=2) - 1).clamp(min=0).sum())
        noise = noise.lerp(torch.diag(noise.diagonal()), channels / (channels + degrees))
        metric = torch.linalg.inv(noise + LEAST_NOISE * torch.eye(channels).to(noise))
        counts = float((signal @ metric.to(signal) * signal).sum() / there.sum())
        return cls((metric * channels / max(counts, TINY)).to(signal))

    def loss(self, model: TwinModel, batch: Batch, generator: torch.Generator) -> Tensor:
        """Average over steps, sequences and channels.

        Where a random effect of each repeat lasts, an error counts as `evened` has it: the mean of
        few repeats is off by their effects, and these a twin can learn by heart.
        """
        mean, there = mean_of_repeats(batch)
        steps, sequences = batch.drive.shape
        still = torch.zeros(steps, sequences, model.latent, device=mean.device)
        start = model.start_mean.expand(sequences, -1)
        path = model.path(start, batch.drive, still)
        error = (model.decode(path, batch.drive) - mean) * there
        if batch.lasting:
            error = evened(error, there, batch.lasting)
        weighed = error if self.metric is None else error @ self.metric
        return (weighed * error).sum() / (there.sum() * mean.shape[-1])


@dataclass(frozen=True)
class Windows:
    """How a response is cut: into windows of `width` steps from `offset` on.

    `lasting`: as `Batch.lasting`.
    """

    width: int
    offset: int
    lasting: float = 0.0

    def of(self, e: Tensor) -> Tensor:
        """`(T, S, N, C)` → points `(windows, S, N, width · C)`."""
        steps, sequences, members, channels = e.shape
        count = (steps - self.offset) // self.width
        part = e[self.offset : self.offset + count * self.width]
        shaped = part.reshape(count, self.width, sequences, members, channels)
        if self.lasting:
            rows = shaped.transpose(0, 1)
            shaped = evened(rows, torch.ones_like(rows[..., :1]), self.lasting).transpose(0, 1)
        return shaped.permute(0, 2, 3, 1, 4).reshape(count, sequences, members, -1)


def mean_of_repeats(batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean over repeats `(T, S, C)`, 0 where there is none, and where there is one `(T, S, 1)`."""
    count = batch.known.sum(dim=2)
    mean = batch.real.sum(dim=2) / count.clamp(min=1).unsqueeze(-1)
    return mean, (count > 0).to(mean).unsqueeze(-1)


def energy_score(
    x: Tensor, y: Tensor, known: Tensor, windows: Windows, evenness: float = 0.0
) -> Tensor:
    """Fair energy score of windows, averaged over them.

    Parameters
    ----------
    x
        `(T, S, M, C)` samples, M ≥ 2.
    y
        `(T, S, R, C)` real repeats.
    known
        `(T, S, R)`: 1 where y was measured; a window with a gap doesn't count for that repeat.
    windows
        Of which.
    evenness
        0: the average. Above, a window counts by 1 / (1 + evenness · s / mean s), s its own
        ½ mean ‖X − X′‖, without a gradient, so that it stays a proper score of each window but for
        this one's scatter (12 samples: a spread 0.3 to 0.7 % too wide), and so that a perfect
        twin's value stays.
    """
    a, b = (windows.of(e) for e in (x, y))
    used = known[windows.offset : windows.offset + len(a) * windows.width]
    whole = used.view(len(a), windows.width, *known.shape[1:]).amin(dim=1)  # (windows, S, R)
    repeats = whole.sum(dim=2)
    centre = a.mean(dim=2, keepdim=True)
    a, b = a - centre, b - centre
    cross = (_distances(a, b).mean(dim=2) * whole).sum(dim=2)
    among, samples = _distances(a, a), x.shape[2]
    pairs = among.sum(dim=(2, 3)) - among.diagonal(dim1=2, dim2=3).sum(dim=2)
    there = (repeats > 0).to(cross)
    half_mean = 0.5 * pairs / (samples * (samples - 1))
    scores = (cross / repeats.clamp(min=1) - half_mean) * there
    if evenness:
        noise = half_mean.detach() * there  # nothing is said of it beyond a sequence's end
        average = noise.sum() / there.sum().clamp(min=1)
        weight = 1 / (1 + evenness * noise / average.clamp(min=TINY))
        scores = scores * weight * noise.sum() / (weight * noise).sum().clamp(min=TINY)
    return scores.sum() / there.sum().clamp(min=1)


def correlation_error(x: Tensor, y: Tensor, known: Tensor) -> Tensor:
    """Mean squared difference of covariances in time and between channels; arguments as above.

    Covariances are averages over sequences and steps that have two repeats. Without bias but for a
    constant: that of the real repeats' own scatter.
    """
    half = x.shape[2] // 2
    all_there, counts = torch.ones_like(known[:, :, :1]), known.sum(dim=2)
    real = _residuals(y, known)
    one, other = (_residuals(e, all_there) for e in (x[:, :, :half], x[:, :, half : 2 * half]))
    error, between, terms = x.new_zeros(()), x.new_zeros(()), 0
    for lag in LAGS:
        if lag >= x.shape[0]:
            break
        late, early = counts[lag:], counts[: counts.shape[0] - lag]
        used = ((early > 1) & (early == late)).to(x)
        target = _covariance(*real, lag, used)
        product = (_covariance(*one, lag, used) - target) * (
            _covariance(*other, lag, used) - target
        )
        error, terms = error + product.diagonal().mean(), terms + 1
        if lag == 0 and x.shape[3] > 1:
            across = torch.triu_indices(x.shape[3], x.shape[3], 1, device=x.device)
            between = product[across[0], across[1]].mean()
    return error / max(terms, 1) + between


def _residuals(e: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """What is left beside the mean over members `(T, S, N, C)`, and members less one `(T, S)`."""
    there = known.expand(e.shape[:3]).unsqueeze(-1)
    count = there.sum(dim=2, keepdim=True)
    rest = (e - (e * there).sum(dim=2, keepdim=True) / count.clamp(min=1)) * there
    return rest, (count[:, :, 0, 0] - 1).clamp(min=1)


def _covariance(rest: Tensor, degrees: Tensor, lag: int, used: Tensor) -> Tensor:
    """Covariance `(C, C)` of residuals with those `lag` steps later, where `used` `(T', S)`."""
    weight = used / degrees[: used.shape[0]] / used.sum().clamp(min=1)
    early = rest[: used.shape[0]] * weight[:, :, None, None]
    return early.flatten(0, 2).t() @ rest[lag:].flatten(0, 2)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """‖a_m − b_r‖ `(…, M, R)` of points `(…, M, K)` and `(…, R, K)`.

    Of many dimensions by |a|² + |b|² − 2 a·b, a matrix product: the points are centred before, so
    that little cancels.
    """
    if a.shape[-1] <= FEW:
        squares = a.new_zeros(())
        for p, q in zip(a.unbind(-1), b.unbind(-1), strict=True):
            squares = squares + (p.unsqueeze(-1) - q.unsqueeze(-2)).square()
    else:
        own = a.square().sum(-1).unsqueeze(-1) + b.square().sum(-1).unsqueeze(-2)
        squares = (own - 2 * (a @ b.transpose(-1, -2))).clamp(min=0)
    return (squares + TINY).sqrt()


EVENNESS = 1.0  # 10 cost the loud windows as much as it gave the quiet ones
OBJECTIVES: dict[str, Callable[[], Objective]] = {
    "energy": EnergyScore,
    "crps": lambda: EnergyScore(widths=(1,), correlations=0.0),
    "mean": MeanSquares,
    "one-step": OneStepLikelihood,
    "innovations": InnovationsLikelihood,
}
RECIPES: dict[str, Callable[[], list[Objective]]] = {  # one after another
    "innovations-energy": lambda: [InnovationsLikelihood(), EnergyScore(evenness=EVENNESS)],
}
PUBLISHED = "published"  # the two-phase method of training.published
NAMES = (*OBJECTIVES, *RECIPES, PUBLISHED)


def objective_named(name: str) -> Objective:
    """Look up an objective.

    Raises
    ------
    InputError
        The name is unknown.
    """
    if name not in OBJECTIVES:
        raise _unknown(name)
    return OBJECTIVES[name]()


def refuse_unknown(name: str) -> None:
    """Raise InputError for a name that no objective, recipe or method has."""
    if name not in NAMES:
        raise _unknown(name)


def _unknown(name: str) -> InputError:
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(NAMES)}"
    return InputError(f"objective {name!r} is unknown; {hint}")


def phases_named(name: str) -> list[Objective]:
    """What a latent twin is fitted with, one after another, once its mean is fitted.

    Raises
    ------
    InputError
        The name is unknown.
    """
    return RECIPES[name]() if name in RECIPES else [objective_named(name)]


def scored_by(name: str) -> Objective:
    """What chooses the snapshot of a fit with noise: the objective where it is a score of samples.

    A likelihood, and what a critic says, are no measure of how a twin runs freely: there it is the
    energy score, without the correlations, of which a few sequences tell little.
    """
    return objective_named(name) if name == "crps" else EnergyScore(correlations=0.0)
