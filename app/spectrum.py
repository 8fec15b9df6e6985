"""The amplitude spectral density of a channel, from readings that come about evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

LEAST, SEGMENT = 32, 1024


def amplitude_density(times_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Frequencies `(K,)` in Hz and density `(K,)` in unit/√Hz; empty below 32 readings.

    The readings are put on an even grid of their mean distance, and segments of at most 1024,
    halfway overlapping, are averaged under a Hann window (Welch 1967).

    Parameters
    ----------
    times_s
        `(N,)`, rising.
    values
        `(N,)`; gaps (NaN) are left out.
    """
    good = np.isfinite(values)
    times_s, values = times_s[good], values[good]
    nothing = np.empty(0)
    if values.size < LEAST or not times_s[-1] > times_s[0]:
        return nothing, nothing
    step_s = (times_s[-1] - times_s[0]) / (values.size - 1)
    even = np.interp(times_s[0] + step_s * np.arange(values.size), times_s, values)
    length = min(SEGMENT, even.size)
    starts = range(0, even.size - length + 1, max(1, length // 2))
    window = np.hanning(length)
    power = np.zeros(length // 2 + 1)
    for start in starts:
        piece = even[start : start + length]
        power += np.abs(np.fft.rfft((piece - piece.mean()) * window)) ** 2
    power *= 2.0 * step_s / (len(starts) * float(np.sum(window**2)))
    return np.fft.rfftfreq(length, step_s)[1:], np.sqrt(power[1:])
