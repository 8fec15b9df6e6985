"""Bootstrap over sequences: scores are sums over them, so that drawing again re-weights sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from models.json_form import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RESAMPLES = 300
FAMILY_RESAMPLES = 100
INTERVAL = (5.0, 95.0)
PART_INTERVAL = (0.5, 99.5)  # many parts are looked at: 90 % would name some by chance


def bootstrap_weights(sequences: int, rng: np.random.Generator) -> Array:
    """How often each sequence is drawn `(1 + resamples, S)`; the first row is the data itself."""
    draws = rng.multinomial(sequences, np.full(sequences, 1 / sequences), RESAMPLES)
    return np.concatenate([np.ones((1, sequences)), draws])


def family_weights(weights: Array, families: Sequence[str], name: str) -> Array:
    """Weights `(1 + FAMILY_RESAMPLES, S)` that draw from one drive family only."""
    of = np.array([family == name for family in families], dtype=float)
    rng = np.random.default_rng(len(families))
    count = int(of.sum())
    draws = rng.multinomial(count, of / count, FAMILY_RESAMPLES)
    return np.concatenate([weights[:1] * of, draws])


def centred(
    values: Array, value: float, sequences: int, between: tuple[float, float] = INTERVAL
) -> Array:
    """Resampled values without their bias, about the value of the data itself, as wide as they are.

    Sequences drawn again make distances near zero larger, floors above all: uncorrected, intervals
    of a ratio far above 1 were measured to lie below the ratio itself. And they differ less among
    each other than other sequences would: by √(1 − 1/S), and as if their spread were known
    (T. Hesterberg, The American Statistician 69, 371, 2015). Of a mean over 8 sequences the usual
    percentiles hold the truth at 83 instead of 90 %.
    """
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if known.size else np.nan
    about = value if np.isfinite(value) else middle
    wider: Array = about + (values - middle) * _widening(sequences, between[1] / 100)
    return wider


def _widening(sequences: int, share: float) -> float:
    """Of an interval up to this quantile over so many sequences; 1 of one: its splits are drawn."""
    if sequences < 2:
        return 1.0
    few = float(stdtrit(sequences - 1, share) / ndtri(share))
    return few * float(np.sqrt(sequences / (sequences - 1)))


def logarithm(values: Array | float) -> Array:
    """Natural logarithm; NaN where there is none."""
    made: Array = np.log(np.where(np.asarray(values) > 0, values, np.nan))
    return made


def interval(
    values: Array, between: tuple[float, float] = INTERVAL
) -> tuple[float | None, float | None]:
    """Where 90 % of those lie that are numbers; None, None where there are none."""
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, between) if known.size else (np.nan, np.nan)
    return number(low), number(high)
