"""The noise beyond its spread: spectra of the residuals, ranks among samples and their bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.metrics import PIT_BINS, density, ranks_below, residuals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from training.ensembles import Ground

    Array = NDArray[np.float64]

LONGEST_SEGMENT = 64  # steps of a Welch segment: 32 frequencies, narrow bands for 100 steps
SHORTEST_SEGMENT = 8
COUNTED = 0.9  # of all steps lie in sequences that are as long as a segment, or longer
BAND = (5.0, 95.0)
LEVELS = 101  # of the rank plots' axis
TRIALS = 400
COLUMNS = 20_000  # of a sequence's steps and channels, ranked at once


def spectrum(ensemble: Array, ground: Ground) -> tuple[Array, Array] | None:
    """Power of the residuals by frequency, averaged over sequences and channels.

    Welch's method: half overlapping segments of at most 64 steps under a Hann window, short enough
    that sequences with nine tenths of the steps count (the few shorter ones don't). Of each
    channel in units of the real repeats' variance, so that white noise as strong as the device's
    is 1 at every frequency.

    Parameters
    ----------
    ensemble
        `(S, R, T, C)`, R ≥ 2.
    ground
        Of the real repeats.

    Returns
    -------
    tuple or None
        Frequency in cycles a step, power; None where nearly all sequences are shorter than 8 steps.
    """
    lengths = ground.valid.sum(axis=1)
    width = min(LONGEST_SEGMENT, _reached(lengths))
    if width < SHORTEST_SEGMENT or not (ground.spread > 0).any():
        return None
    window = np.hanning(width + 1)[:-1]
    repeats, kept = ensemble.shape[1], ground.spread > 0
    unbiased = repeats / (repeats - 1)
    total, count = np.zeros(width // 2 + 1), 0
    for part, own in ground.parts(ensemble):
        rest = residuals(own.inside(part))[..., kept] / np.sqrt(ground.variance[kept])
        for one, length in zip(rest, own.valid.sum(axis=1), strict=True):
            for start in range(0, int(length) - width + 1, max(width // 2, 1)):
                piece = one[:, start : start + width] * window[:, None]
                power = np.abs(np.fft.rfft(piece, axis=1)) ** 2
                total += unbiased * power.mean(axis=(0, 2)) / (window**2).sum()
                count += 1
    return np.arange(total.size) / width, total / max(count, 1)


def _reached(lengths: NDArray[np.integer[Any]]) -> int:
    """The largest length that sequences with 0.9 of all steps have, or more."""
    longest_first = np.sort(lengths)[::-1]
    steps = np.cumsum(longest_first)
    return int(longest_first[np.searchsorted(steps, COUNTED * steps[-1])])


def spectra(
    samples: Array, real: Array, halves: Iterable[Array], ground: Ground
) -> dict[str, Array]:
    """Spectra of the device, of the twin, and the band of 90 % of halves of the real repeats.

    Names as in `Scores.details`: `spectrum_frequency`, `…_real`, `…_twin`, `…_low`, `…_high`.
    """
    measured, twin = spectrum(real, ground), spectrum(samples, ground)
    if measured is None or twin is None:
        return {}
    parts = [found[1] for found in (spectrum(half, ground) for half in halves) if found]
    low, high = np.percentile(parts, BAND, axis=0)
    return {
        "spectrum_frequency": measured[0],
        "spectrum_real": measured[1],
        "spectrum_twin": twin[1],
        "spectrum_low": low,
        "spectrum_high": high,
    }


def rank_plots(samples: Array, real: Array, ground: Ground, seed: int = 0) -> dict[str, Any]:
    """Share of whole repeats ranked below each level, less the level itself; 0 for a perfect twin.

    A value's histogram may be flat while whole repeats are wrong, as where noise that lasts is
    drawn anew each step. So each real repeat is ranked among the twin's by its mean, its roughness
    and its extent. Where nothing differs but chance these ranks have one distribution whatever the
    device (repeats and samples could be exchanged), so the band is exact: it holds 90 % of such
    curves as a whole.

    Returns
    -------
    dict
        `rank_level` `(101,)`, `rank_band` (half the band's width), `rank_lines`: name → `(101,)`.
    """
    levels = np.linspace(0.0, 1.0, LEVELS)
    lines = {}
    for name, feature in FEATURES.items():
        placed = _places(feature, samples, real, ground)
        if placed.size:
            lines[name] = (placed[:, None] <= levels).mean(axis=0) - levels
    shape = (real.shape[0], real.shape[1], samples.shape[1])
    return {"rank_level": levels, "rank_band": _band(*shape, seed), "rank_lines": lines}


def _places(
    feature: Callable[[Array], Array], samples: Array, real: Array, ground: Ground
) -> Array:
    placed = []
    channels = np.flatnonzero(ground.spread > 0)
    for s in range(real.shape[0]):
        inside = ground.valid[s]
        if int(inside.sum()) < 2:
            continue
        x, y = (feature(e[s][:, inside][:, :, channels]) for e in (samples, real))
        placed.append((ranks_below(x, y) + 0.5) / (len(x) + 1))
    return np.concatenate([p.ravel() for p in placed]) if placed else np.empty(0)


def _level(paths: Array) -> Array:
    """Mean over the steps."""
    mean: Array = paths.mean(axis=1)
    return mean


def _roughness(paths: Array) -> Array:
    """Root mean square of the change a step."""
    rough: Array = np.sqrt((np.diff(paths, axis=1) ** 2).mean(axis=1))
    return rough


def _extent(paths: Array) -> Array:
    """Largest minus smallest value."""
    extent: Array = np.ptp(paths, axis=1)
    return extent


FEATURES = {"level": _level, "roughness": _roughness, "extent": _extent}
"""What of a whole repeat `(R, T, C)` is ranked: `(R, C)`."""


def _band(sequences: int, repeats: int, members: int, seed: int) -> float:
    """Largest distance from 0 that 90 % of a perfect twin's curves keep, one channel counted.

    Channels of one repeat go together, so that more of them make the curve no surer.
    """
    rng = np.random.default_rng([seed, 29])
    levels, farthest = np.linspace(0.0, 1.0, LEVELS), []
    for _ in range(TRIALS):
        x = np.sort(rng.random((sequences, members)), axis=1)
        y = rng.random((sequences, repeats))
        ranks = np.stack([np.searchsorted(a, b) for a, b in zip(x, y, strict=True)])
        place = np.sort(((ranks + 0.5) / (members + 1)).ravel())
        curve = np.searchsorted(place, levels, side="right") / place.size - levels
        farthest.append(float(np.abs(curve).max()))
    return float(np.percentile(farthest, 90.0))


def pit_band(samples: Array, ground: Ground, repeats: int, seed: int = 0) -> dict[str, Array]:
    """Between which densities 90 % of a perfect twin's PIT histograms have each of their bins.

    Values of one repeat go together, so that there are far fewer draws than values: whole samples
    are drawn in place of the repeats, and ranked among all. Its width is that of a device whose
    noise lasts as the twin's does.

    Parameters
    ----------
    samples
        `(S, M, T, C)` of the twin.
    ground
        Of the real repeats; `repeats` of each sequence.
    seed
        Of the draws.

    Returns
    -------
    dict
        `pit_low`, `pit_high` `(20,)`; empty where no step has spread.
    """
    members = samples.shape[1]
    bins = np.array([density(one) for one in np.eye(members)])
    rng = np.random.default_rng([seed, 31])
    total, count = np.zeros((TRIALS, PIT_BINS)), 0
    for one, used in zip(samples, ground.used, strict=True):
        values = one[:, used]
        drawn = rng.multinomial(repeats, np.full(members, 1 / members), size=TRIALS)
        total += drawn @ (_rank_counts(values) @ bins)
        count += repeats * values.shape[1]
    if count == 0:
        return {}
    low, high = np.percentile(total / count, BAND, axis=0)
    return {"pit_low": low, "pit_high": high}


def _rank_counts(values: Array) -> Array:
    """How often each sample of `(M, N)` has each rank among them, `(M, M)`."""
    members = len(values)
    counts, first = np.zeros((members, members)), np.arange(members)[:, None] * members
    for begin in range(0, values.shape[1], COLUMNS):
        ranks = values[:, begin : begin + COLUMNS].argsort(axis=0).argsort(axis=0)
        found = np.bincount((first + ranks).ravel(), minlength=members**2)
        counts += found.reshape(members, members)
    return counts
