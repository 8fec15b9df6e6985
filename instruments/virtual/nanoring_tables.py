"""When walls leave their junctions: thermal leaving times, drawn from tables once a rotation.

The tangential field at a junction peaks twice a turn; a peak is a bump of a quarter turn about a
lag of 90°. A wall with the unit-exponential draw ξ leaves where its integrated rate
Λ(lag) = ∫ dt/τ reaches ξ, so that P(left by then) = 1 − exp(−Λ), exact for any step. The tables
hold that lag over a grid of H/H0 and ξ, for a lone wall and for one of two at a junction.
"""

from __future__ import annotations

from dataclasses import dataclass
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

_RATIO_LOW, _RATIO_STEP, RATIOS = 0.3, 0.001, 700  # grid of H/H0
LEVELS = 256  # of ξ, in equal steps of its logarithm
_LOG_XI = np.linspace(np.log(7.6e-6), np.log(11.8), LEVELS)  # what 16 random bits reach
_POINTS = 4  # of the rate's integral a unit


@dataclass(frozen=True)
class Pull:
    """What a field does to the walls of one array.

    Attributes
    ----------
    start
        (orientations, sites), int64: where the site's row of ξ begins in a part of the table.
    stuck
        (orientations, sites): True where the field is below the roughness.
    on_rim
        (FULL | LATE | EARLY), uint8: when a wall on the rim leaves.
    """

    start: NDArray[np.int64]
    stuck: NDArray[np.bool_]
    on_rim: NDArray[np.uint8]


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
    table
        The leaving times (FULL | LATE | EARLY, alone | beside, H/H0, ξ), flat.
    levels
        Level of ξ of each value of 16 random bits.
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
        self.table = _tabulate(parameters).ravel()
        entries = (kind[:, None] * 2 + np.arange(2)) * (RATIOS * LEVELS)
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
        self.levels = _levels()

    def pull(self, amplitude_Oe: float) -> Pull:
        """What a field of this amplitude does to the walls."""
        row = amplitude_Oe * self._rows_per_Oe
        row -= _RATIO_LOW / _RATIO_STEP
        np.maximum(row, 0, out=row)
        np.minimum(row, RATIOS - 1, out=row)
        ratio = min(1.0, self._nominal_roughness_Oe / max(amplitude_Oe, 1e-9))
        lag = int(np.arcsin(ratio) * TURN / (2 * np.pi)) - BUMP_START
        first = min(max(lag, 0), PEAK - 1)  # as soon as the field overcomes the roughness
        return Pull(
            start=row.astype(np.int64) * LEVELS,
            stuck=amplitude_Oe < self._roughness_Oe,
            on_rim=np.array([first, PEAK, first], dtype=np.uint8),
        )

    def bits(self, source: np.random.PCG64) -> NDArray[np.uint16]:
        """Sixteen random bits for each of `times`, low byte first, in their order."""
        words = source.random_raw(-(-self.times.size // 4)).astype("<u8", copy=False)
        return words.view("<u2")[: self.times.size]

    def draw(self, bits: NDArray[np.uint16], pull: Pull) -> None:
        """Draw all leaving times of one rotation into `times`."""
        entry = self._entry
        np.add(self._offset, pull.start[self._orientation][:, None, None], out=entry)
        self.levels.take(bits, out=self._level, mode="clip")
        entry += self._level.reshape(entry.shape)
        self.table.take(entry, out=self.times, mode="clip")
        self.times.reshape(-1)[self._rim] = pull.on_rim[self._rim_kind]
        if pull.stuck.any():
            stuck = pull.stuck[self._orientation][:, None, None]
            self.times[np.broadcast_to(stuck, self.times.shape)] = NEVER


def _levels() -> NDArray[np.uint8]:
    """Level of ξ = −ln(1 − u) for each of the 65536 values of 16 random bits."""
    xi = -np.log1p(-(np.arange(65536) + 0.5) / 65536)
    level = (np.log(xi) - _LOG_XI[0]) / (_LOG_XI[1] - _LOG_XI[0])
    levels: NDArray[np.uint8] = np.clip(np.rint(level), 0, LEVELS - 1).astype(np.uint8)
    return levels


@lru_cache(maxsize=4)
def _tabulate(parameters: NanoringParameters) -> NDArray[np.uint8]:
    """Leaving times (FULL | LATE | EARLY, alone | beside, H/H0, ξ)."""
    lag = BUMP_START + (np.arange(BUMP * _POINTS) + 0.5) / _POINTS
    sine = np.sin(2 * np.pi * lag / TURN).reshape(BUMP, _POINTS)
    ratio = _RATIO_LOW + _RATIO_STEP * (np.arange(RATIOS) + 0.5)
    unit_s = 1.0 / (parameters.field_frequency_Hz * TURN)
    thermal_J = BOLTZMANN_J_PER_K * parameters.temperature_K
    xi = np.exp(_LOG_XI)
    times = np.full((3, 2, RATIOS, LEVELS), NEVER, dtype=np.uint8)
    for beside, factor in enumerate((1.0, parameters.shared_factor)):
        reduced = np.clip(1.0 - ratio[:, None, None] * sine / factor, 0.0, None)
        barrier = factor * parameters.E0_J / thermal_J * reduced**parameters.exponent
        hazard = unit_s / parameters.attempt_time_s * np.exp(-barrier).mean(axis=2)
        for kind, (start, stop) in enumerate(_PARTS):
            reached = np.cumsum(hazard[:, start:stop], axis=1)
            for row in range(RATIOS):
                unit = start + np.searchsorted(reached[row], xi)
                times[kind, beside, row] = np.where(unit < stop, unit, NEVER)
    times.setflags(write=False)
    return times
