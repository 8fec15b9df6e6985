"""When walls leave their junctions: thermal leaving times, drawn from tables once a rotation.

The tangential field at a junction peaks twice a turn; a peak is a bump of a quarter turn about a
lag of 90°. A wall with the unit-exponential draw ξ leaves where its integrated rate
Λ(lag) = ∫ dt/τ reaches ξ, so that P(left by then) = 1 − exp(−Λ), exact for any step. The tables
hold that lag over a grid of H/H0 and ξ, for a lone wall and for one of two at a junction.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.virtual.nanoring import NanoringParameters

BOLTZMANN_J_PER_K = 1.380649e-23
TURN = 256  # units of time a turn of the field
BUMP_START = 28  # the lag at which a bump begins: 39°
BUMP = 64  # its length: a quarter turn
PEAK = 36  # units from its start to a lag of 90°
NEVER = 128  # the leaving time of a wall that stays
FULL, LATE, EARLY = range(3)  # a whole bump, its half after and its half before the peak
_PARTS = ((0, BUMP), (PEAK, BUMP), (0, PEAK))

_RATIO_LOW, _RATIO_STEP, _RATIOS = 0.3, 0.001, 700  # grid of H/H0
_LEVELS = 256  # of ξ, in equal steps of its logarithm
_LOG_XI = np.linspace(np.log(7.6e-6), np.log(11.8), _LEVELS)  # what 16 random bits reach
_POINTS = 4  # of the rate's integral a unit


class LeavingTimes:
    """Leaving times of every wall there could be, for one array's disorder.

    Parameters
    ----------
    parameters
        The physics.
    H0_Oe, roughness_Oe
        (orientations, sites): disorder.
    rim
        (orientations, sites): True where only one ring stands, which pins nothing there.
    windows
        (orientation, FULL | LATE | EARLY) of each window of a rotation.

    Attributes
    ----------
    times
        (windows, alone | beside another wall, first | second ring, sites), uint8: units since the
        bump began, or `NEVER`.
    """

    def __init__(
        self,
        parameters: NanoringParameters,
        H0_Oe: NDArray[np.float64],
        roughness_Oe: NDArray[np.float64],
        rim: NDArray[np.bool_],
        windows: tuple[tuple[int, int], ...],
    ) -> None:
        sites = rim.shape[1]
        orientation, kind = np.array(windows).T
        shape = (len(windows), 2, 2, sites)
        self.times = np.full(shape, NEVER, dtype=np.uint8)
        self._table = _tabulate(parameters).ravel()
        entries = (kind[:, None] * 2 + np.arange(2)) * (_RATIOS * _LEVELS)
        self._offset = np.broadcast_to(entries[..., None, None], shape).astype(np.intp)
        self._entry = np.zeros(shape, dtype=np.intp)
        self._level = np.zeros(self._entry.size, dtype=np.uint8)
        self._orientation = orientation
        self._rows_per_Oe = 1.0 / (_RATIO_STEP * H0_Oe)
        on_rim = np.broadcast_to(rim[orientation][:, None, None], shape)
        self._rim = np.flatnonzero(on_rim)
        self._rim_kind = np.broadcast_to(kind[:, None, None, None], shape)[on_rim]
        self._roughness_Oe = roughness_Oe
        self._nominal_roughness_Oe = parameters.roughness_Oe
        self._levels = _levels()

    def draw(self, bits: np.random.PCG64, amplitude_Oe: float) -> None:
        """Draw all leaving times of one rotation into `times`."""
        row = amplitude_Oe * self._rows_per_Oe
        row -= _RATIO_LOW / _RATIO_STEP
        np.maximum(row, 0, out=row)
        np.minimum(row, _RATIOS - 1, out=row)
        start = (row.astype(np.intp) * _LEVELS)[self._orientation]
        entry = self._entry
        np.add(self._offset, start[:, None, None], out=entry)
        random = bits.random_raw(-(-entry.size // 4)).astype("<u8", copy=False).view("<u2")
        self._levels.take(random[: entry.size], out=self._level, mode="clip")
        entry += self._level.reshape(entry.shape)
        self._table.take(entry, out=self.times, mode="clip")
        self._follow_on_rim(amplitude_Oe)
        stuck = amplitude_Oe < self._roughness_Oe
        if stuck.any():
            shape = self.times.shape
            self.times[np.broadcast_to(stuck[self._orientation][:, None, None], shape)] = NEVER

    def _follow_on_rim(self, amplitude_Oe: float) -> None:
        """Let a rim wall follow as soon as the field overcomes the roughness."""
        ratio = min(1.0, self._nominal_roughness_Oe / max(amplitude_Oe, 1e-9))
        lag = int(np.arcsin(ratio) * TURN / (2 * np.pi)) - BUMP_START
        start = min(max(lag, 0), PEAK - 1)
        by_kind = np.array([start, PEAK, start], dtype=np.uint8)
        self.times.reshape(-1)[self._rim] = by_kind[self._rim_kind]


def _levels() -> NDArray[np.uint8]:
    """Level of ξ = −ln(1 − u) for each of the 65536 values of 16 random bits."""
    xi = -np.log1p(-(np.arange(65536) + 0.5) / 65536)
    level = (np.log(xi) - _LOG_XI[0]) / (_LOG_XI[1] - _LOG_XI[0])
    levels: NDArray[np.uint8] = np.clip(np.rint(level), 0, _LEVELS - 1).astype(np.uint8)
    return levels


@lru_cache(maxsize=4)
def _tabulate(parameters: NanoringParameters) -> NDArray[np.uint8]:
    """Leaving times (FULL | LATE | EARLY, alone | beside, H/H0, ξ)."""
    lag = BUMP_START + (np.arange(BUMP * _POINTS) + 0.5) / _POINTS
    sine = np.sin(2 * np.pi * lag / TURN).reshape(BUMP, _POINTS)
    ratio = _RATIO_LOW + _RATIO_STEP * (np.arange(_RATIOS) + 0.5)
    unit_s = 1.0 / (parameters.field_frequency_Hz * TURN)
    thermal_J = BOLTZMANN_J_PER_K * parameters.temperature_K
    xi = np.exp(_LOG_XI)
    times = np.full((3, 2, _RATIOS, _LEVELS), NEVER, dtype=np.uint8)
    for beside, factor in enumerate((1.0, parameters.shared_factor)):
        reduced = np.clip(1.0 - ratio[:, None, None] * sine / factor, 0.0, None)
        barrier = factor * parameters.E0_J / thermal_J * reduced**parameters.exponent
        hazard = unit_s / parameters.attempt_time_s * np.exp(-barrier).mean(axis=2)
        for kind, (start, stop) in enumerate(_PARTS):
            reached = np.cumsum(hazard[:, start:stop], axis=1)
            for row in range(_RATIOS):
                unit = start + np.searchsorted(reached[row], xi)
                times[kind, beside, row] = np.where(unit < stop, unit, NEVER)
    times.setflags(write=False)
    return times
