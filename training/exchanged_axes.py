"""Axes of an imported response that seem exchanged: sequence with step, repeat with step.

A device remembers: what it answers at a step depends on the drive of the steps before, and not on
that of other sequences. And a drive is seen in what repeats have in common: means over the repeats
differ from step to step, while means over the steps hardly differ from repeat to repeat. No torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]

LAGS = 3
KNOTS = 10  # of the response to the drive now: one that is bent is no memory
MOST_ROWS, FEWEST_ROWS = 20_000, 100
# Measured: on rings and leaky integrators the steps before explained 0.10 to 0.99, the sequences
# before at most a quarter of that, or half where steps explained 0.5; without memory, on sequences
# of one shape in rising amplitudes, sequences explained 0.22 and steps 0.06 in the worst case.
SIGNIFICANT = 12.0  # of an F test
LEAST, TIMES = 0.1, 4.0
MUCH, TIMES_MUCH = 0.35, 1.5
FEWEST = 3  # repeats and steps, to compare how much their means differ
NOT_SEEN, FAR_APART = 1.5, 10.0  # times chance


def exchanged_words(recording: Recording) -> Iterator[str]:
    """A sentence where two axes of what was imported seem exchanged."""
    response = np.where(recording.complete[:, :, None, None], recording.response, np.nan)
    remembered = sequences_remembered(recording.drive, response)
    if remembered is not None:
        yield (
            "the response follows the drive of the sequences before it "
            f"({100 * remembered[1]:.0f} % of what the drive of its own step leaves open) rather "
            f"than that of the steps before it ({100 * remembered[0]:.0f} %): are sequence and "
            "step exchanged in its map?"
        )
    apart = repeats_apart(response)
    if apart is not None:
        yield (
            f"repeats differ from one another: their means vary {apart[1]:.2g} times as much as by "
            f"chance, those of the steps {apart[0]:.2g} times (where a drive is seen, more than "
            f"{NOT_SEEN:g} times). Are repeat and step exchanged in its map, are these repeats of "
            "several drives, or do they drift?"
        )


def sequences_remembered(drive: Array, response: Array) -> tuple[float, float] | None:
    """How much the drive before explains of a response, along steps and along sequences.

    As shares of what the drive of the same step leaves open. None unless it is that of the
    sequences before which explains it.

    Parameters
    ----------
    drive, response
        `(S, T)`, `(S, R, T, C)`, NaN where there is nothing.
    """
    known = np.isfinite(response)
    mean = np.where(known, response, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean = np.where(known.any(axis=1), mean, np.nan)
    steps, sequences = max(
        (
            (_remembered(drive, mean[..., c], 1), _remembered(drive, mean[..., c], 0))
            for c in range(mean.shape[2])
        ),
        key=lambda shares: shares[1],
    )
    exchanged = (sequences >= LEAST and sequences >= TIMES * steps) or (
        sequences >= MUCH and sequences >= TIMES_MUCH * steps
    )
    return (float(steps), float(sequences)) if exchanged else None


def _remembered(drive: Array, mean: Array, axis: int) -> float:
    """Share of a response `(S, T)` that the drive before along an axis explains beside that now."""
    drive, mean = (np.moveaxis(values, axis, -1) for values in (drive, mean))
    length = drive.shape[1]
    if length < LAGS + 2:
        return 0.0
    rows = max(MOST_ROWS // length, 1)
    drive, mean = drive[:rows], mean[:rows]
    now, value = drive[:, LAGS:].ravel(), mean[:, LAGS:].ravel()
    before = [drive[:, LAGS - k : length - k].ravel() for k in range(1, LAGS + 1)]
    used = np.isfinite([now, value, *before]).all(axis=0)
    if used.sum() < FEWEST_ROWS:
        return 0.0
    bent = _bent(now[used])
    lags = [lag[used] ** power for lag in before for power in (1, 2)]
    both = np.column_stack([bent, *lags])
    (left, terms), (less, more) = (_left_open(one, value[used]) for one in (bent, both))
    free = used.sum() - more
    if more == terms or free < 1 or left == 0:
        return 0.0
    is_chance = (left - less) / (more - terms) < SIGNIFICANT * less / free
    return 0.0 if is_chance else max(1 - less / free / (left / (used.sum() - terms)), 0.0)


def _bent(drive: Array) -> Array:
    """A basis of what is linear between knots: whatever a response without memory may be."""
    knots = np.unique(np.quantile(drive, np.linspace(0, 1, KNOTS)))
    return np.column_stack([np.interp(drive, knots, one) for one in np.eye(len(knots))])


def _left_open(terms: Array, value: Array) -> tuple[float, int]:
    """Sum of squares that a linear regression leaves, and how many of its terms count."""
    weights, _, rank, _ = np.linalg.lstsq(terms, value, rcond=1e-8)
    return float(((value - terms @ weights) ** 2).sum()), int(rank)


def repeats_apart(response: Array) -> tuple[float, float] | None:
    """How much means of steps and of repeats vary, over what chance alone would make.

    `response` `(S, R, T, C)`. None unless repeats differ much and steps do not, and where there are
    too few of either.
    """
    found = []
    for sequence in response:
        whole = sequence[np.isfinite(sequence).any(axis=(1, 2))]
        there = np.isfinite(whole).all(axis=(0, 2))
        if len(whole) >= FEWEST and there.sum() >= FEWEST:
            used = whole[:, there]
            found.append((_over_chance(used, 0), _over_chance(used, 1)))
    if not found:
        return None
    steps, repeats = np.mean(found, axis=0)
    channel = int(np.argmax(steps))
    if steps[channel] >= NOT_SEEN or repeats.max() < FAR_APART:
        return None
    return float(steps[channel]), float(repeats.max())


def _over_chance(values: Array, axis: int) -> Array:
    """Variance of the means over an axis of `(R, T, C)`, over that by chance, of each channel."""
    between = values.mean(axis=axis).var(axis=0, ddof=1)
    chance = values.var(axis=axis, ddof=1).mean(axis=0) / values.shape[axis]
    scale = np.maximum(chance, 1e-18 * np.maximum(between, 1e-300))
    ratio: Array = between / scale
    return ratio
