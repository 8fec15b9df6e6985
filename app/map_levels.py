"""Which values of a map of channels by step are white and which full, in window and report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANGE = (1.0, 99.0)  # percentiles shown from end to end: one bad step must not grey the rest


def levels_of(*means: NDArray[np.float64]) -> tuple[float, float]:
    """White and full of maps `(T, C)` on one scale; some of them must be finite."""
    known = np.concatenate([mean[np.isfinite(mean)] for mean in means])
    low, high = (float(value) for value in np.percentile(known, RANGE))
    return low, max(high, low + 1e-12)
