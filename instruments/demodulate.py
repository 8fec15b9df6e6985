"""Components at multiples of a rotation's frequency, from readings at known angles.

Least squares of y(θ) = mean + Σ_k (x_k cos kθ + y_k sin kθ) over the angles that have a reading.
With all points of whole rotations it is the discrete Fourier sum; where some are missing it is
still exact for what holds no other harmonic, which a Fourier sum would not be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

HARMONICS = (1, 2)
PARTS = ("x", "y")  # in-phase with the cosine, and quadrature: with the sine


def demodulate(
    phase_rad: FloatArray, values: FloatArray, harmonics: Sequence[int] = HARMONICS
) -> FloatArray:
    """In-phase and quadrature components of each channel; its mean is taken out.

    Parameters
    ----------
    phase_rad
        `(N,)`: angle at each reading.
    values
        `(N, C)`: readings; NaN where one is missing.
    harmonics
        Multiples of the rotation's frequency.

    Returns
    -------
    NDArray
        `(C, H, 2)` in the unit of the values: amplitudes of cos kθ and of sin kθ. NaN for a channel
        whose readings do not tell them apart.

    Raises
    ------
    InputError
        Shapes that don't fit, or an angle that is no number.
    """
    if values.ndim != 2 or phase_rad.shape != values.shape[:1] or not len(harmonics):
        raise InputError(
            f"demodulate: {phase_rad.shape} angles for {values.shape} readings, expected (N,) and "
            "(N, C), and at least one harmonic"
        )
    if not np.isfinite(phase_rad).all():
        raise InputError(f"demodulate: angle {int(np.argmin(np.isfinite(phase_rad)))} is no number")
    order = np.asarray(harmonics, dtype=np.float64)
    turned = np.outer(phase_rad, order)
    design = np.concatenate([np.ones((len(turned), 1)), np.cos(turned), np.sin(turned)], axis=1)
    found = np.full((values.shape[1], order.size, 2), np.nan)
    there = np.isfinite(values)
    for pattern in np.unique(there, axis=1).T:  # channels that miss the same readings go together
        same = (there == pattern[:, None]).all(axis=0)
        rows = design[pattern]
        if np.linalg.matrix_rank(rows) < design.shape[1]:
            continue
        solved = np.linalg.lstsq(rows, values[np.ix_(pattern, same)], rcond=None)[0][1:]
        found[same] = solved.reshape(2, order.size, -1).transpose(2, 1, 0)
    return found


def component_names(channels: Sequence[str], harmonics: Sequence[int] = HARMONICS) -> list[str]:
    """Names of the components, in the order of `demodulate`'s axes: `X.1f.x`, `X.1f.y`, …."""
    return [f"{c}.{k}f.{part}" for c in channels for k in harmonics for part in PARTS]
