"""The nanoring array: domain walls on touching magnetic rings, dragged by a rotating field.

Each ring is four arcs between its junctions E, N, W and S; an arc is magnetised counter-clockwise
or clockwise, and a wall sits where two neighbouring arcs differ. The field turns counter-clockwise
from +x. A wall that leaves its junction turns the adjacent arc that opposed the field; where that
arc's far end held a wall both are gone, and four equal arcs are a vortex. Thermal depinning as
published: τ = τ0 exp(ΔE/kT), ΔE = E0 (1 − H sin(lag)/H0)^1.5, E0 and H0 × 0.81 at a junction
with two walls, none below the edge roughness.

Context: the device must answer in a fraction of a millisecond a rotation. Decision: a junction
feels enough tangential field for a quarter turn about its peaks, and while E and W do, N and S do
not. So a rotation is five windows (N S from the start, E W, N S, E W, N S to the end); in each,
every wall draws when it would leave alone and when beside a second wall. Consequence: what would
happen before a lag of 39° (above some 36 Oe) is late by a few degrees.

Where the published description is open, these choices came nearest to its trends (10×10 rings, 20
rotations from onion; magnetisation at the end of a rotation, its mean over one is the same):

- the outer side of a rim ring is no junction, it holds a wall by roughness only (with a pinning
  rim the array freezes: population 0.84–0.97 at 26 Oe, where the published one is 0.32);
- two walls at a junction leave independently, and the one left behind keeps the lower barrier for
  `release_s` (leaving together or not at all: 0.92 at 28 Oe; no release time: no coherence
  before 34 Oe; 1.6 ms is the best of five values, so the table is no independent check of it);
- beside a vortex a leaving wall turns both adjacent arcs that gain energy: the vortex is an onion;
- a wall crosses an arc at once (following the field at the roughness lag lowered the most
  stochastic field by 1–2 Oe and kept the order of the others).

=====  ==================  ==================  ==================  ==================
H/Oe   M/Ms published      M/Ms here           population publ.    population here
=====  ==================  ==================  ==================  ==================
18     1, pinned           1.00 ± 0.00         1, pinned           1.00 ± 0.00
22     0.15 ± 0.02         0.41 ± 0.02         0.49                0.69 ± 0.03
24     0.15 ± 0.02         0.17 ± 0.04         0.42                0.51 ± 0.04
26     0.02 ± 0.01         0.04 ± 0.02         0.32 ± 0.10         0.35 ± 0.05
28     0.11 ± 0.16         0.02 ± 0.01         0.20 ± 0.17         0.13 ± 0.07
30     0.77 ± 0.38         0.67 ± 0.45         0.80 ± 0.33         0.71 ± 0.40
32     0.12 ± 0.05         1.00 ± 0.00         0.37 ± 0.08         1.00 ± 0.00
36     1.00                1.00 ± 0.00         1.00                1.00 ± 0.00
=====  ==================  ==================  ==================  ==================

What does not agree: the second loss of order at 32 Oe is missing (a release time of 0.8 ms has
it, but then not the order at 30 Oe; the fine reference in the tests keeps a trace of it,
0.92 ± 0.25), and fewer walls are lost at 22 Oe. One release time serves all fields.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruments.virtual.nanoring_lattice import Lattice
from instruments.virtual.nanoring_tables import BUMP, NEVER, TURN, LeavingTimes
from instruments.virtual.nanoring_turn import WINDOWS, turn_of
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

OERSTED_PER_TESLA = 1.0e4


@dataclass(frozen=True)
class NanoringParameters:
    """Everything that fixes the array, its quenched disorder included.

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
    release_s
        Time for which a junction still counts as shared after one of its walls has left. Chosen:
        it puts the most stochastic field at 29–30 Oe, as published.
    roughness_Oe
        Tangential field below which a wall does not move.
    H0_spread_Oe, roughness_spread_Oe
        Standard deviations over the junctions (quenched).
    disorder_seed
        Draws the quenched disorder: one array, whatever the seed of its thermal history.
    temperature_K
        Temperature of the film.
    saturation_Oe
        Amplitude from which a rotation puts every ring back into the onion state.
    elastic_rad
        Angle by which a pinned wall yields reversibly at H = H0: about the width of a wall.
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
    release_s: float = 1.6e-3
    roughness_Oe: float = 20.0
    roughness_spread_Oe: float = 0.5
    disorder_seed: int = 0
    temperature_K: float = 293.0
    saturation_Oe: float = 38.0
    elastic_rad: float = 0.2

    def __post_init__(self) -> None:
        may_vanish = (
            "H0_spread_Oe",
            "roughness_spread_Oe",
            "disorder_seed",
            "elastic_rad",
            "release_s",
        )
        problems = [
            f"{name} = {value!r} must be {'at least 0' if name in may_vanish else 'positive'}"
            for name, value in asdict(self).items()
            if not (value > 0 or (value == 0 and name in may_vanish))
        ]
        raise_problems(InputError, "nanoring parameters", problems)

    def fingerprint(self) -> str:
        """SHA-256 over the canonical parameter values: freezes the device by one number."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class NanoringArray:
    """One array with its thermal history.

    Parameters
    ----------
    parameters
        The physics.
    seed
        Fixes the thermal history: the same drives give the same signal.
    """

    def __init__(self, parameters: NanoringParameters, seed: int) -> None:
        self.parameters = parameters
        self._bits = np.random.PCG64(seed)
        lattice = Lattice(parameters.rows, parameters.columns)
        self._lattice, self._rings = lattice, parameters.rows * parameters.columns
        disorder = np.random.default_rng(parameters.disorder_seed).standard_normal(
            (2, 2, lattice.sites)
        )
        self._leaving = LeavingTimes(
            parameters,
            H0_Oe=parameters.H0_Oe + parameters.H0_spread_Oe * disorder[0],
            roughness_Oe=parameters.roughness_Oe + parameters.roughness_spread_Oe * disorder[1],
            rim=lattice.rim,
            windows=tuple((orientation, part) for orientation, part, _, _ in WINDOWS),
        )
        self._weights = _event_weights()
        release = round(parameters.field_frequency_Hz * parameters.release_s * TURN)
        self._turn = turn_of(lattice, self._leaving, min(release, 255 - NEVER))
        self.saturate()

    def saturate(self) -> None:
        """Put every ring into the onion state along the field's starting direction (+x)."""
        self._lattice.saturate()

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
        pull, bits = self._leaving.pull(amplitude_Oe), self._leaving.bits(self._bits)
        counts, moments = self._turn(bits, pull)
        if saturating:
            self.saturate()
        return self._second_harmonic(counts, moments, amplitude_Oe)

    def _second_harmonic(
        self, counts: list[list[int]], moments: NDArray[np.int64], amplitude_Oe: float
    ) -> NDArray[np.float64]:
        """Fourier integral of the resistance: its steps, each at its mean moment, and the yield.

        A wall at E or W adds, one at N or S subtracts. A pinned wall yields by
        δ = elastic_rad · H/H0 · sin(lag), which adds δ² cos 2φ whatever its junction.
        """
        parts = np.matmul(moments[:, None].astype(np.float64), self._weights)[:, 0]
        in_phase = quadrature = 0.0
        balance = [across - along for across, along in counts]
        for number, (one, other, events) in enumerate(parts.tolist()):
            if events:
                step = (balance[number + 1] - balance[number]) / events
                in_phase += step * one
                quadrature += step * other
        parameters = self.parameters
        yielding = parameters.elastic_rad * amplitude_Oe / parameters.H0_Oe
        walls = sum(map(sum, counts)) / len(counts)
        in_phase += np.pi / 4 * yielding**2 * walls
        return np.array([in_phase, quadrature]) / (2.0 * self._rings)

    @property
    def wall_population(self) -> float:
        """Domain walls over two a ring: 1 all onion, 0 all vortex."""
        return sum(self._lattice.count()) / (2.0 * self._rings)

    @property
    def net_magnetisation(self) -> float:
        """Size of the mean ring moment over the moment of an onion, now."""
        arcs = (2.0 * self._lattice.rings() - 1.0).mean(axis=(1, 2))
        return float(np.hypot(arcs @ (-1, -1, 1, 1), arcs @ (1, -1, -1, 1)) / 4)


def _event_weights() -> NDArray[np.float64]:
    """What a unit step of resistance adds, by window and moment: in-phase, quadrature; and 1.

    Shape (windows, BUMP, 3). The Fourier integral over the turn is scaled by π/4, the inverse of
    a square wave's first coefficient.
    """
    starts = np.array([start for _, _, _, start in WINDOWS])
    phase = 4 * np.pi * (starts[:, None] + np.arange(BUMP) + 0.5) / TURN
    return np.stack([-np.sin(phase) / 8, (np.cos(phase) - 1.0) / 8, np.ones_like(phase)], axis=-1)
