"""How far one ensemble of repeats is from another: mean, spread, autocovariance, CRPS, coverage.

Every score is a function of sums over sequences: `SCORES[name].sums` gives those of each sequence,
`SCORES[name].value` the score of any weighted total of them. A bootstrap over sequences therefore
only re-weights sums that are already there.

Shapes: ensembles are float64 `(S, R, T, C)`: sequences, repeats, steps, channels. Padding beyond a
sequence's length is NaN; `complete_repeats` takes missing repeats out beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from training.ensembles import LONGEST_LAG, Ground

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ENERGY_WINDOW = 16
COVERED = 0.90
COVERAGE_SAMPLES = 200
PIT_BINS = 20
MOST_PAIRS = 2000  # of channels: all 20,100 of 201 took a minute, and say no more


@dataclass(frozen=True)
class Score:
    """A score of ensemble X against ensemble Y by way of sums over sequences.

    Attributes
    ----------
    sums
        `(x, y, ground) -> (S, K…)`, of ensembles as `ground.inside` gives them.
    value
        `(…, K…) -> (…)`, of totals over sequences; NaN where nothing could be scored.
    unit
        Which of the K is what the score is in units of, where halves of the repeats may differ in
        it by much: then all splits are in units of its average (`training.halves`).
    """

    sums: Callable[[Array, Array, Ground], Array]
    value: Callable[[Array], Array]
    unit: int | None = None

    def __call__(self, x: Array, y: Array, ground: Ground | None = None) -> float:
        """Score of `x` `(S, M, T, C)` against `y` `(S, R, T, C)`."""
        ground = ground or Ground.of(y)
        sums = self.sums(ground.inside(x), ground.inside(y), ground)
        return float(self.value(sums.sum(axis=0)))


def residuals(ensemble: Array) -> Array:
    """What is left of each repeat beside the mean over repeats; exactly 0 where all are the same.

    Beside the first one, for the mean of equal numbers may differ from them by rounding, and noise
    by rounding correlates with itself as any other does.
    """
    beside = ensemble - ensemble[:, :1]
    rest: Array = beside - beside.mean(axis=1, keepdims=True)
    return rest


def autocorrelation(total: Array) -> Array:
    """ρ `(…, lags, C)` for lags 1… from summed products and counts `(…, 2, 1 + lags, C)`.

    An ensemble without spread has no noise to be correlated: ρ = 0.
    """
    average = _ratio(total[..., 0, :, :], total[..., 1, :, :])
    rho = _ratio(average[..., 1:, :], average[..., :1, :])
    return np.where(average[..., :1, :] > 0, rho, 0.0)


def lag_sums(ensemble: Array, ground: Ground) -> Array:
    """Products of residuals k steps apart and their counts, `(S, 2, 1 + lags, C)`.

    Of an ensemble as `ground.inside` gives it; steps without real spread are left out. By way of
    the power spectrum: lag by lag it took four times as long.
    """
    steps = ensemble.shape[2]
    lags = min(LONGEST_LAG, steps - 1)
    used = ground.used
    width = next_fast_len(steps + lags, real=True)
    wave = rfft(residuals(ensemble) * used[:, None], width, axis=2)
    power = (wave.real**2 + wave.imag**2).sum(axis=1)
    out = np.empty((ensemble.shape[0], 2, lags + 1, ensemble.shape[3]))
    out[:, 0] = irfft(power, width, axis=1)[:, : lags + 1]
    out[:, 1] = ground.pairs[:, : lags + 1] * ensemble.shape[1]
    return out


def _mean_sums(x: Array, y: Array, ground: Ground) -> Array:
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    steps = np.broadcast_to(ground.valid.sum(axis=1)[:, None], (x.shape[0], x.shape[3]))
    floor = ground.signal_floor**2 * steps
    return np.stack(
        [((mean_x - mean_y) ** 2).sum(axis=1), mean_y.sum(axis=1), (mean_y**2).sum(axis=1), steps,
         floor], axis=1,
    )  # fmt: skip


def _mean_value(total: Array) -> Array:
    squares, first, second, steps, floor = (total[..., i, :] for i in range(5))
    variance = _ratio(second, steps) - _ratio(first, steps) ** 2
    error = np.sqrt(_ratio(squares, steps)) / np.sqrt(np.where(variance > 0, variance, np.nan))
    return _average(error, variance > _ratio(floor, steps))


def _spread_sums(x: Array, y: Array, ground: Ground) -> Array:
    std_x, std_y = (_std(e) * (ground.spread > 0) for e in (x, y))
    return np.stack([np.abs(std_x - std_y).sum(axis=1), std_y.sum(axis=1)], axis=1)


def _std(ensemble: Array) -> Array:
    squares = (residuals(ensemble) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(squares / max(ensemble.shape[1] - 1, 1)))


def _spread_value(total: Array) -> Array:
    return _average(_ratio(total[..., 0, :], total[..., 1, :]), total[..., 1, :] > 0)


def _autocovariance_sums(x: Array, y: Array, ground: Ground) -> Array:
    return np.stack([lag_sums(x, ground), lag_sums(y, ground)], axis=1)


def _autocovariance_value(total: Array) -> Array:
    x, y = (autocorrelation(total[..., i, :, :, :]) for i in range(2))
    scored = (total[..., 1, 1, 1:, :] > 0) & (total[..., 1, 0, :1, :] > 0)
    difference = np.where(scored, x - y, 0.0) ** 2
    flat = (*difference.shape[:-2], -1)
    return np.sqrt(_average(difference.reshape(flat), scored.reshape(flat)))


def _cross_sums(x: Array, y: Array, ground: Ground) -> Array:
    """Of each pair the summed products, and the squares of the one and of the other channel."""
    one, other = _pairs(x.shape[3])
    sums = []
    for ensemble in (x, y):
        rest = residuals(ensemble) * ground.used[:, None]
        rest = rest.reshape(len(rest), -1, rest.shape[3])
        products = rest.transpose(0, 2, 1) @ rest
        squares = np.diagonal(products, axis1=1, axis2=2)
        sums.append(np.stack([products[:, one, other], squares[:, one], squares[:, other]], 1))
    return np.stack(sums, axis=1)


def _pairs(channels: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of channels, each once; of more than `MOST_PAIRS` every so many, near ones and far."""
    one, other = np.triu_indices(channels, 1)
    step = -(-one.size // MOST_PAIRS)
    return one[::step], other[::step]


def _cross_value(total: Array) -> Array:
    products, one, other = (total[..., k, :] for k in range(3))
    size = np.sqrt(one * other)
    pairs = np.divide(products, size, out=np.zeros_like(products), where=size > 0)
    scored = (one[..., 1, :] > 0) & (other[..., 1, :] > 0)
    return np.sqrt(_average((pairs[..., 0, :] - pairs[..., 1, :]) ** 2, scored))


def fair_crps(x: Array, y: Array) -> Array:
    """CRPS of ensemble `x` `(S, M, …)` over outcomes `y` `(S, R, …)`, averaged over R, `(S, …)`.

    The fair estimator (Ferro 2014, doi:10.1002/qj.2270): in expectation that of infinitely many
    samples, so that ensembles of any size M ≥ 2 compare. With M = 1 it is the absolute error.
    """
    count = x.shape[1]
    cross = sum(np.abs(x - y[:, j : j + 1]).mean(axis=1) for j in range(y.shape[1])) / y.shape[1]
    if count == 1:
        return np.asarray(cross)
    rank = (2 * np.arange(count) - count + 1).reshape((1, -1) + (1,) * (x.ndim - 2))
    pairs = (rank * np.sort(x, axis=1)).sum(axis=1)  # Σ over i < j of |x_i − x_j|
    return np.asarray(cross - pairs / (count * (count - 1)))


def _crps_sums(x: Array, y: Array, ground: Ground) -> Array:
    scale = np.where(ground.spread > 0, ground.spread, np.inf)
    scores = fair_crps(x / scale, y / scale).sum(axis=1)
    steps = ground.valid.sum(axis=1)[:, None] * (ground.spread > 0)
    return np.stack([scores, steps], axis=1)


def _crps_value(total: Array) -> Array:
    return _average(_ratio(total[..., 0, :], total[..., 1, :]), total[..., 1, :] > 0)


def _energy_sums(x: Array, y: Array, ground: Ground) -> Array:
    scale = np.where(ground.spread > 0, ground.spread, np.inf)
    width = min(ENERGY_WINDOW, x.shape[2])
    total = np.zeros((x.shape[0], 2))
    if not (varied := int((ground.spread > 0).sum())):
        return total
    size = np.sqrt(width * varied)
    x, y = x / (scale * size), y / (scale * size)
    for start in range(0, x.shape[2] - width + 1, width):
        part = slice(start, start + width)
        whole = ground.valid[:, part].all(axis=1)
        a, b = (e[:, :, part].reshape(e.shape[0], e.shape[1], -1) for e in (x, y))
        pairs = distances(a, a).sum(axis=(1, 2)) / max(a.shape[1] * (a.shape[1] - 1), 1)
        total[:, 0] += whole * (distances(a, b).mean(axis=(1, 2)) - 0.5 * pairs)
        total[:, 1] += whole
    return total


def _energy_value(total: Array) -> Array:
    return _ratio(total[..., 0], total[..., 1])


def distances(a: Array, b: Array) -> Array:
    """‖a_m − b_n‖ `(S, M, N)` of points `(S, M, K)` and `(S, N, K)`."""
    apart: Array = np.sqrt(((a[:, :, None] - b[:, None]) ** 2).sum(axis=-1))
    return apart


def _ratio(a: Array, b: Array) -> Array:
    out: Array = np.full(np.broadcast_shapes(a.shape, b.shape), np.nan)
    return np.divide(a, b, out=out, where=b > 0)


def _average(values: Array, where: Mask) -> Array:
    """Mean over the last axis of what is scored; NaN where that is nothing."""
    return _ratio(np.where(where, values, 0.0).sum(axis=-1), where.sum(axis=-1).astype(float))


mean_error = Score(_mean_sums, _mean_value)
"""RMSE of the ensemble means over the standard deviation of Y's mean; by channel, then averaged."""

spread_error = Score(_spread_sums, _spread_value, unit=1)
"""Mean |std X − std Y| over mean std Y; by channel (units differ), then averaged."""

autocovariance_error = Score(_autocovariance_sums, _autocovariance_value)
"""RMS over channels and lags 1…20 of ρ_X − ρ_Y, each by its own variance."""

cross_correlation_error = Score(_cross_sums, _cross_value)
"""RMS over `_pairs` of channels of the difference in the residuals' correlation at lag 0."""

crps = Score(_crps_sums, _crps_value)
"""Fair CRPS in units of each channel's real spread, averaged over channels."""

energy16 = Score(_energy_sums, _energy_value)
"""Fair energy score on whole windows of 16 steps and all channels, in units of the spread."""

SCORES: dict[str, Score] = {
    "mean": mean_error,
    "spread": spread_error,
    "autocovariance": autocovariance_error,
    "crps": crps,
    "energy16": energy16,
    "cross_correlation": cross_correlation_error,
}


def coverage(samples: Array, real: Array) -> tuple[float, Array, int]:
    """Coverage of the central 90 % interval of the samples, and the PIT histogram.

    Parameters
    ----------
    samples
        `(S, 200, T, C)`; with another number of samples the expectation is not 0.891.
    real
        `(S, R, T, C)`, every held-out repeat.

    Returns
    -------
    tuple
        Share of the real values within the interval (NaN where no step has spread); the PIT's
        density in 20 bins (1 everywhere for a perfect twin); the number of steps (s, t, c) that
        were left out because the real repeats don't differ there.
    """
    ground = Ground.of(real)
    used = ground.used
    within, counts = 0, np.zeros(samples.shape[1] + 1)
    for s in range(real.shape[0]):
        x, y = samples[s][:, used[s]], real[s][:, used[s]]
        low, high = np.quantile(x, [(1 - COVERED) / 2, (1 + COVERED) / 2], axis=0)
        within += int(((y >= low) & (y <= high)).sum())
        below = ranks_below(x, y).astype(np.int64)
        counts += np.bincount(below.ravel(), minlength=counts.size)
    total = counts.sum()
    left_out = int(ground.valid.sum()) * real.shape[3] - int(used.sum())
    return (
        within / total if total else float("nan"),
        density(counts / total) if total else np.full(PIT_BINS, np.nan),
        left_out,
    )


def ranks_below(x: Array, y: Array) -> Array:
    """How many samples `x` `(M, …)` lie below each outcome `y` `(R, …)`; equal ones count half."""
    twice = np.zeros(y.shape, dtype=np.int32)
    for one in x:
        twice += y > one
        twice += y >= one
    return twice / 2


def density(ranks: Array) -> Array:
    """Density in 20 equal bins of shares by rank, each rank spread evenly over its own width."""
    up_to = np.concatenate([[0.0], np.cumsum(ranks)])
    edges = np.linspace(0.0, 1.0, PIT_BINS + 1)
    shares: Array = np.diff(np.interp(edges, np.linspace(0.0, 1.0, up_to.size), up_to))
    return shares * PIT_BINS
