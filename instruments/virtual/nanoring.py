"""The nanoring array: domain walls on touching magnetic rings, dragged by a rotating field.

Each ring is four arcs between its junctions E, N, W and S; an arc is magnetised counter-clockwise
or clockwise, and a domain wall sits where two neighbouring arcs differ. A move, an annihilation
and a nucleation are then one thing: an arc flips to align with the field's tangential part.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOLTZMANN_J_PER_K = 1.380649e-23
OERSTED_PER_TESLA = 1.0e4
_JUNCTION_RAD = np.arange(4) * (np.pi / 2)  # E, N, W, S
_RATIO_MAX = 1.25  # of H/H0: beyond it every wall leaves whatever its draw
_RATIO_BINS = 2500
_QUADRATURE = 32  # points a sub-step for the depinning rate's integral


@dataclass(frozen=True)
class NanoringParameters:
    """Everything that fixes the physics of the array; its disorder follows from the seed.

    Parameters
    ----------
    rows, columns
        Rings along y and x.
    field_frequency_Hz
        Turns of the field per second.
    E0_J, H0_Oe, exponent, attempt_time_s
        Depinning from a junction: ΔE = E0 (1 − H sin(lag)/H0)^exponent and τ = τ0 exp(ΔE/kT).
    shared_factor
        Multiplies E0 and H0 where both rings of a junction hold a wall.
    roughness_Oe
        Tangential field below which a wall does not move.
    H0_spread_Oe, roughness_spread_Oe
        Standard deviations over the junctions (quenched).
    temperature_K
        Temperature of the film.
    saturation_Oe
        Amplitude from which a rotation puts every ring back into the onion state.
    substeps
        Steps of the field a turn, a multiple of 4.
    """

    rows: int = 16
    columns: int = 16
    field_frequency_Hz: float = 37.0
    E0_J: float = 2.625e-19
    H0_Oe: float = 55.0
    H0_spread_Oe: float = 1.0
    exponent: float = 1.5
    attempt_time_s: float = 1.0e-10
    shared_factor: float = 0.81
    roughness_Oe: float = 20.0
    roughness_spread_Oe: float = 0.5
    temperature_K: float = 293.0
    saturation_Oe: float = 38.0
    substeps: int = 16

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {value!r} must be positive"
            for name, value in asdict(self).items()
            if not name.endswith("_spread_Oe") and not value > 0
        ]
        if self.substeps % 4:
            problems.append(f"substeps = {self.substeps} must be a multiple of 4")
        raise_problems(InputError, "nanoring parameters", problems)

    def fingerprint(self) -> str:
        """SHA-256 over the canonical parameter values: freezes the device by one number."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class NanoringArray:
    """One array with its own disorder and random numbers, both from the seed.

    Parameters
    ----------
    parameters
        The physics.
    seed
        Fixes the disorder and the thermal history: the same drives give the same signal.
    """

    def __init__(self, parameters: NanoringParameters, seed: int) -> None:
        self.parameters = parameters
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._rings = rings = parameters.rows * parameters.columns
        steps = parameters.substeps
        self._partner, self._site, horizontal = _lattice(parameters.rows, parameters.columns)
        sites = int(self._site.max()) + 1
        disorder = self._rng.standard_normal((2, sites))
        H0_Oe = parameters.H0_Oe + parameters.H0_spread_Oe * disorder[0]
        self._roughness_Oe = parameters.roughness_Oe + parameters.roughness_spread_Oe * disorder[1]
        self._bins_per_Oe = _RATIO_BINS / (_RATIO_MAX * H0_Oe)
        self._orientations = (slice(0, horizontal), slice(horizontal, sites))
        self._tables = _depinning_tables(parameters)
        self._peaks = _peak_sines(steps)
        self._forward, self._arc_pull = _field_sides(steps)
        self._weights = _harmonic_weights(steps)
        self._arcs = np.zeros((4, rings), dtype=bool)
        self._walls = np.zeros((steps + 1, 4, rings), dtype=bool)
        self._single = np.zeros((steps, sites), dtype=bool)
        self._shared = np.zeros((steps, sites), dtype=bool)
        self._padded = np.zeros(4 * rings + 1, dtype=bool)  # its last entry: no neighbour there
        self._beside = np.zeros(4 * rings, dtype=bool)
        self._flips = np.zeros((4, rings), dtype=bool)
        self.saturate()

    def saturate(self) -> None:
        """Put every ring into the onion state along the field's starting direction (+x)."""
        self._arcs[:2] = False
        self._arcs[2:] = True

    def rotate(self, amplitude_T: float) -> NDArray[np.float64]:
        """Turn the field once and return what a lock-in at its second harmonic sees.

        Parameters
        ----------
        amplitude_T
            Field amplitude (T), at least 0.

        Returns
        -------
        ndarray
            (2,): in-phase and quadrature part, about 1 in size for a coherently turning array.

        Raises
        ------
        InputError
            The amplitude is negative or not finite.
        """
        if not 0 <= amplitude_T < np.inf:
            raise InputError(f"nanoring array: amplitude {amplitude_T} T must be finite and ≥ 0")
        amplitude_Oe = amplitude_T * OERSTED_PER_TESLA
        saturating = amplitude_Oe >= self.parameters.saturation_Oe
        if saturating:
            self.saturate()
        self._draw(amplitude_Oe)
        single = self._single.take(self._site, axis=1)
        shared = self._shared.take(self._site, axis=1)
        for step in range(self.parameters.substeps):
            self._advance(step, single[step], shared[step])
        if saturating:
            self.saturate()
        self._find_walls(self._walls[-1])
        counts = np.count_nonzero(self._walls, axis=2)
        difference = counts[:, 0] - counts[:, 1] + counts[:, 2] - counts[:, 3]
        signal: NDArray[np.float64] = self._weights @ (difference / (2.0 * self._rings))
        return signal

    @property
    def wall_population(self) -> float:
        """Domain walls over two a ring: 1 all onion, 0 all vortex."""
        walls = self._arcs != np.roll(self._arcs, 1, axis=0)
        return int(np.count_nonzero(walls)) / (2.0 * self._rings)

    @property
    def net_magnetisation(self) -> float:
        """Size of the mean ring moment over the moment of an onion, now."""
        arcs = np.mean(2.0 * self._arcs - 1.0, axis=1)
        return float(np.hypot(arcs @ (-1, -1, 1, 1), arcs @ (1, -1, -1, 1)) / 4)

    def _draw(self, amplitude_Oe: float) -> None:
        """Draw for every site and step whether a lone wall leaves, and whether one of two does."""
        index = np.minimum(amplitude_Oe * self._bins_per_Oe, _RATIO_BINS).astype(np.intp)
        stuck = amplitude_Oe * self._peaks[:, None] < self._roughness_Oe
        steps = self.parameters.substeps
        draws = self._rng.random((2, steps // 2, index.size), dtype=np.float32)
        for table, leaves in zip(self._tables, (self._single, self._shared), strict=True):
            probability = table.take(index, axis=1)
            probability[stuck] = 0.0
            across, along = self._orientations
            halves = leaves.reshape(2, steps // 2, -1)
            np.less(draws[..., across], probability[:, across], out=halves[..., across])
            quarter = np.roll(probability[:, along], steps // 4, axis=0)
            np.less(draws[..., along], quarter, out=halves[..., along])

    def _find_walls(self, walls: NDArray[np.bool_]) -> None:
        np.not_equal(self._arcs[1:], self._arcs[:-1], out=walls[1:])
        np.not_equal(self._arcs[0], self._arcs[3], out=walls[0])

    def _advance(self, step: int, single: NDArray[np.bool_], shared: NDArray[np.bool_]) -> None:
        """Let walls leave their junctions: the arc ahead of each turns with the field."""
        walls, padded, beside, flips = self._walls[step], self._padded, self._beside, self._flips
        moving = padded[:-1]
        self._find_walls(walls)
        moving[:] = walls.ravel()
        padded.take(self._partner, out=beside, mode="clip")
        beside &= shared
        beside |= single
        moving &= beside
        if not moving.any():
            return
        moves = moving.reshape(4, -1)
        np.not_equal(self._arcs, self._forward[step], out=flips)
        flips &= moves
        backward = moves & ~flips
        flips[:3] |= backward[1:]
        flips[3] |= backward[0]
        padded.take(self._partner, out=beside, mode="clip")
        vortices = ~walls.any(axis=0)
        nucleating = beside.reshape(4, -1) & vortices
        if nucleating.any():
            self._nucleate(step, nucleating)
        np.not_equal(self._arcs, flips, out=self._arcs)

    def _nucleate(self, step: int, nucleating: NDArray[np.bool_]) -> None:
        """Flip in a vortex, beside a leaving wall, the adjacent arc that gains more energy."""
        pull = self._arc_pull[step]
        gain = np.where(self._arcs, -pull, pull)
        before = np.roll(gain, 1, axis=0)
        ahead = nucleating & (gain >= before) & (gain > 0)
        behind = nucleating & (before > gain) & (before > 0)
        self._flips |= ahead
        self._flips |= np.roll(behind, -1, axis=0)


def _lattice(rows: int, columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Neighbour junction and site of each junction, and how many sites lie between columns.

    Junctions count as junction × rings + ring (E, N, W, S); the neighbour 4·rings means none. A
    site is a junction with its partner, or one on the rim alone; those of E and W come first.
    """
    ring = np.arange(rows * columns).reshape(rows, columns)
    rings = ring.size
    partner = np.full((4, rows, columns), 4 * rings, dtype=np.intp)
    partner[0, :, :-1] = 2 * rings + ring[:, 1:]
    partner[2, :, 1:] = ring[:, :-1]
    partner[1, :-1] = 3 * rings + ring[1:]
    partner[3, 1:] = rings + ring[:-1]
    horizontal, vertical = rows * (columns + 1), columns * (rows + 1)
    across = np.arange(horizontal).reshape(rows, columns + 1)
    upward = horizontal + np.arange(vertical).reshape(rows + 1, columns)
    site = np.stack([across[:, 1:], upward[1:], across[:, :-1], upward[:-1]])
    return partner.ravel(), site.ravel(), horizontal


def _depinning_tables(parameters: NanoringParameters) -> tuple[NDArray[np.float32], ...]:
    """P(leave within a sub-step) of a lone wall and of one of two: (substeps/2, ratio H/H0)."""
    half = parameters.substeps // 2
    points = (np.arange(half * _QUADRATURE) + 0.5).reshape(half, _QUADRATURE)
    sine = np.sin(np.pi * points / (half * _QUADRATURE))
    ratio = (np.arange(_RATIO_BINS + 1) + 0.5) * (_RATIO_MAX / _RATIO_BINS)
    duration_s = 1.0 / (parameters.field_frequency_Hz * parameters.substeps)
    thermal_J = BOLTZMANN_J_PER_K * parameters.temperature_K
    tables = []
    for factor in (1.0, parameters.shared_factor):
        barrier = np.clip(1.0 - sine[..., None] * ratio / factor, 0.0, None) ** parameters.exponent
        rate_Hz = (
            np.exp(-factor * parameters.E0_J / thermal_J * barrier) / parameters.attempt_time_s
        )
        tables.append((-np.expm1(-duration_s * rate_Hz.mean(axis=1))).astype(np.float32))
    return tuple(tables)


def _peak_sines(substeps: int) -> NDArray[np.float64]:
    """Return the largest |sin(lag)| within each sub-step of half a turn (substeps/2,)."""
    edges = np.sin(2 * np.pi * np.arange(substeps // 2 + 1) / substeps)
    peaks: NDArray[np.float64] = np.maximum(edges[1:], edges[:-1])
    return peaks


def _field_sides(substeps: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Sign of the counter-clockwise field at each junction, its value at each arc's middle.

    Both are (substeps, 4, 1); the value is for unit amplitude.
    """
    turn = 2 * np.pi * (np.arange(substeps) + 0.5)[:, None, None] / substeps
    lag = turn - _JUNCTION_RAD[:, None]
    return np.sin(lag) > 0, np.sin(lag - np.pi / 4)


def _harmonic_weights(substeps: int) -> NDArray[np.float64]:
    """Weights (2, substeps + 1) that turn R at the sub-steps' edges into its second harmonic.

    Within a sub-step R changes at an unknown moment: it enters with the mean of its edges. Scaled
    by π/4, the first Fourier component of a square wave: a coherent array gives 1.
    """
    turn = 2 * np.pi * np.arange(substeps + 1) / substeps
    integrals = np.stack([np.diff(np.sin(2 * turn)), np.diff(-np.cos(2 * turn))]) / (2 * np.pi)
    weights = np.zeros((2, substeps + 1))
    weights[:, :-1] += integrals / 2
    weights[:, 1:] += integrals / 2
    return weights * (np.pi / 4)
