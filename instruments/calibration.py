"""Ampere to tesla: a line through both branches of a walk, and what the yoke adds to it.

Model: B(I) = offset + slope · I ± half a width, the upper sign on the falling branch. Both branches
visit the same currents, so that the line (least squares over all points) lies midway between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

FEWEST_POINTS = 5  # of a branch: a line, its error, and a bend that would show
SIGNIFICANT = 5.0  # slopes below so many errors are none
DIFFERS_ERRORS = 3.0
DIFFERS_SHARE = (
    0.02  # judgement: a Hall probe, put in again by hand, finds a field back to a per cent
)


@dataclass(frozen=True)
class Calibration:
    """What a walk up and down says of a magnet.

    Attributes
    ----------
    tesla_per_ampere, tesla_per_ampere_error
        Slope; its standard error: the scatter about the line, and half the difference between the
        slopes of the two branches, in quadrature.
    offset_T, offset_T_error
        Field at zero current, midway between the branches: earth, probe zero.
    hysteresis_T, hysteresis_T_error
        Largest width between the branches at one current, and the error of a width by noise.
    remanence_T
        Half the width at zero current, positive where the falling branch lies above.
    residual_T
        Root mean square distance of all points from the line: noise, bend and hysteresis.
    bend_T
        Largest distance of the middle of the branches from the line: saturation, or a probe beyond
        its range.
    """

    tesla_per_ampere: float
    tesla_per_ampere_error: float
    offset_T: float
    offset_T_error: float
    hysteresis_T: float
    hysteresis_T_error: float
    remanence_T: float
    residual_T: float
    bend_T: float

    @property
    def sees_the_magnet(self) -> bool:
        """Whether the field follows the current at all."""
        return abs(self.tesla_per_ampere) > SIGNIFICANT * self.tesla_per_ampere_error

    def share_off(self, tesla_per_ampere: float) -> float:
        """How far this slope is from another, as a share of that one; signed."""
        return self.tesla_per_ampere / tesla_per_ampere - 1.0

    def differs(self, tesla_per_ampere: float, error: float = 0.0) -> bool:
        """Whether another slope is another calibration: by 2 %, and beyond what errors explain."""
        apart = abs(self.tesla_per_ampere - tesla_per_ampere)
        error = math.hypot(self.tesla_per_ampere_error, error)
        return apart > max(DIFFERS_SHARE * abs(tesla_per_ampere), DIFFERS_ERRORS * error)


def fit_calibration(
    current_A: FloatArray, falling_T: FloatArray, rising_T: FloatArray, noise_T: float = 0.0
) -> Calibration:
    """Slope, offset and hysteresis of two branches.

    Parameters
    ----------
    current_A
        `(N,)`: currents of both branches, in any order.
    falling_T, rising_T
        `(N,)`: field at each of them, the current coming from above and from below.
    noise_T
        Standard error of one field by the scatter of its readings.

    Raises
    ------
    InputError
        Fewer than `FEWEST_POINTS`, numbers missing, or one current only.
    """
    shapes = {current_A.shape, falling_T.shape, rising_T.shape}
    if len(shapes) != 1 or current_A.ndim != 1 or current_A.size < FEWEST_POINTS:
        raise InputError(
            f"calibration: branches of {sorted(shapes)} points, expected two of the same "
            f"{FEWEST_POINTS} or more"
        )
    order = np.argsort(current_A)
    current_A, falling_T, rising_T = current_A[order], falling_T[order], rising_T[order]
    if not np.isfinite([current_A, falling_T, rising_T]).all() or np.ptp(current_A) == 0:
        raise InputError("calibration: a point is no number, or all are at one current")
    middle_T, width_T = (falling_T + rising_T) / 2, falling_T - rising_T
    slope, offset_T, slope_error, offset_error = _line(current_A, middle_T)
    branches = (_line(current_A, falling_T)[0], _line(current_A, rising_T)[0])
    line_T = offset_T + slope * current_A
    residual = np.concatenate([falling_T - line_T, rising_T - line_T])
    return Calibration(
        slope,
        math.hypot(slope_error, (branches[0] - branches[1]) / 2),
        offset_T,
        offset_error,
        float(np.abs(width_T).max()),
        math.sqrt(2.0) * noise_T,
        float(np.interp(0.0, current_A, width_T)) / 2,
        float(np.sqrt(np.mean(residual**2))),
        float(np.abs(middle_T - line_T).max()),
    )


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float, float, float]:
    """Least squares: slope, offset, and the standard error of each."""
    dx = x - x.mean()
    sum_xx = float(np.sum(dx**2))
    slope = float(np.sum(dx * y)) / sum_xx
    offset = float(y.mean() - slope * x.mean())
    variance = float(np.sum((y - offset - slope * x) ** 2)) / (x.size - 2)
    offset_variance = variance * (1 / x.size + float(x.mean()) ** 2 / sum_xx)
    return slope, offset, math.sqrt(variance / sum_xx), math.sqrt(offset_variance)
