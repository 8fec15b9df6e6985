"""Artificial spin-vortex ice: nanomagnets that reverse, or curl up into a vortex, loop by loop.

Two kinds of islands on a square lattice, as published (Gartside et al., Nature Nanotechnology 17,
460 (2022); Stenning et al., Nature Communications 15, 7377 (2024)): narrow ones that are always a
macrospin along the field axis, wide ones that may also hold a vortex. A field loop +H, −H reverses
what it can; a wide island that is pushed over its barrier below its own full-reversal field ends
as a vortex, and a vortex is annihilated by a stronger field. So the share of vortices climbs over
several loops, is erased by a high one, and remembers.

An island leaves its state by thermal activation over ΔE = E0 (1 − h/Hc)^1.5 with τ = τ0 exp(ΔE/kT),
h the applied field plus that of four neighbours (rows attract, columns repel). It is seen by
ferromagnetic resonance: f = γ/2π √((B + B1)(B + B2)) for a macrospin, B the field along its own
moment, and a weak line that stays for a vortex, each a Lorentzian differentiated by frequency.

Which value is whose: field range, line shapes, activation law and noise are published or measured
(`tests/instruments/virtual/test_spin_vortex_ice.py` compares the noise with real repeats); E0, the
spread of Hc and the neighbours' field are judgement, chosen so that 18–23.5 mT spans the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BOLTZMANN_J_PER_K = 1.380649e-23
GYROMAGNETIC_HZ_PER_T = 29.0e9  # γ/2π of permalloy films
BINS = np.linspace(0.0, 20.0e9, 2001)  # lines are summed on this grid, a thirtieth of a width fine
LONGEST_LOG = 60.0  # beyond it exp(−ΔE/kT) is nothing within any time a rig waits


@dataclass(frozen=True)
class SpinVortexIceParameters:
    """Everything that fixes the array, its quenched disorder included.

    Parameters
    ----------
    rows, columns
        Islands of each kind.
    narrow_T, wide_T
        Fields at which a narrow island reverses and a wide one leaves its macrospin state at 0 K.
    annihilation_T
        … and at which a vortex is driven out.
    full_reversal_T, full_reversal_width_T
        A wide island that leaves its state below this field becomes a vortex, above it reverses.
    spread
        Relative standard deviation of those fields over the islands (quenched).
    row_T, column_T
        Field of one neighbour in the same row (along its moment) and column (against it).
    E0_J, exponent, attempt_time_s, temperature_K
        Activation over the barrier.
    narrow_B_T, wide_B_T
        Demagnetising fields (B1, B2) of the Kittel formula.
    vortex_Hz, vortex_weight
        Line of a vortex and its strength beside a macrospin's.
    linewidth_Hz
        Half width at half maximum of every line.
    narrow_weight
        Strength of a narrow island's line beside a wide one's (volume).
    strength
        Signal of the whole array at a line's steepest place; of order one.
    disorder_seed
        Draws the quenched disorder: one array, whatever its thermal history.
    """

    rows: int = 64
    columns: int = 64
    narrow_T: float = 24.0e-3
    wide_T: float = 21.5e-3
    annihilation_T: float = 24.5e-3
    full_reversal_T: float = 21.0e-3
    full_reversal_width_T: float = 0.2e-3
    spread: float = 0.055
    row_T: float = 0.45e-3
    column_T: float = 0.30e-3
    E0_J: float = 4.0e-17
    exponent: float = 1.5
    attempt_time_s: float = 1.0e-10
    temperature_K: float = 293.0
    narrow_B_T: tuple[float, float] = (0.115, 0.82)
    wide_B_T: tuple[float, float] = (0.065, 0.86)
    vortex_Hz: float = 8.9e9
    vortex_weight: float = 0.25
    linewidth_Hz: float = 0.40e9
    narrow_weight: float = 0.63
    strength: float = 4.9
    disorder_seed: int = 20220502

    def __post_init__(self) -> None:
        positive = (
            "rows", "columns", "narrow_T", "wide_T", "annihilation_T", "full_reversal_T",
            "full_reversal_width_T", "E0_J", "exponent", "attempt_time_s", "temperature_K",
            "vortex_Hz", "linewidth_Hz",
        )  # fmt: skip
        problems = [
            f"{name} = {value} must be above zero"
            for name in positive
            if not (value := getattr(self, name)) > 0
        ]
        if not 0 <= self.spread < 0.3:
            problems.append(f"spread = {self.spread} must be from 0 to below 0.3")
        raise_problems(InputError, "spin-vortex ice", problems)


class SpinVortexIce:
    """The array in its thermal history.

    Attributes
    ----------
    narrow, wide
        `(rows, columns)`: +1 or −1 for a macrospin along or against the field axis, 0 for a vortex.
    """

    def __init__(self, parameters: SpinVortexIceParameters, seed: int) -> None:
        self.parameters = p = parameters
        self._rng = np.random.default_rng(seed)
        disorder = np.random.default_rng(p.disorder_seed)
        shape = (p.rows, p.columns)

        def spread_T(mean_T: float) -> Array:
            return mean_T * (1.0 + p.spread * disorder.standard_normal(shape))

        self._narrow_T, self._wide_T = spread_T(p.narrow_T), spread_T(p.wide_T)
        self._annihilation_T = spread_T(p.annihilation_T)
        self._full_T = spread_T(p.full_reversal_T)
        self.narrow = np.ones(shape)
        self.wide = np.ones(shape)
        self._thermal = p.E0_J / (BOLTZMANN_J_PER_K * p.temperature_K)
        lowest_T = min(float(h.min()) for h in (self._narrow_T, self._wide_T))
        self._firm = 1.0 - (LONGEST_LOG / self._thermal) ** (1.0 / p.exponent)
        self._harmless_T = lowest_T * self._firm - 2.0 * (p.row_T + p.column_T)
        self._seen_at: bytes = b""  # the frequencies that `_shapes` belongs to
        self._shapes = np.empty((0, 0))

    def expose(self, field_T: float, seconds: float) -> None:
        """Let the array feel a field for a time; draws what leaves its state."""
        if abs(field_T) <= self._harmless_T or seconds <= 0:
            return
        sign = 1.0 if field_T > 0 else -1.0
        push_T = abs(field_T) + sign * self._neighbours_T()
        leaves = self._leaving(push_T, self._narrow_T, self.narrow == -sign, seconds)
        gives = self._leaving(push_T, self._wide_T, self.wide == -sign, seconds)
        opens = self._leaving(push_T, self._annihilation_T, self.wide == 0.0, seconds)
        width_T = self.parameters.full_reversal_width_T
        over = (push_T.flat[gives] - self._full_T.flat[gives]) / width_T
        full = self._rng.random(gives.size) < _logistic(over)
        self.narrow.flat[leaves] = sign
        self.wide.flat[opens] = sign
        self.wide.flat[gives] = np.where(full, sign, 0.0)

    def spectrum(self, frequency_Hz: Array, field_T: float) -> Array:
        """Resonance signal `(N,)` at these frequencies in a field along the axis, full scale ±1."""
        p = self.parameters
        local_T = field_T + self._neighbours_T()
        held = self.wide != 0.0
        narrow_Hz = _kittel_Hz(self.narrow * local_T, p.narrow_B_T)
        wide_Hz = _kittel_Hz((self.wide * local_T)[held], p.wide_B_T)
        lines = (
            (narrow_Hz.ravel(), p.narrow_weight),
            (wide_Hz, 1.0),
            (np.full(int(np.count_nonzero(~held)), p.vortex_Hz), p.vortex_weight),
        )
        density = np.zeros(BINS.size)
        for centres_Hz, weight in lines:
            density += weight * _spread_over_bins(centres_Hz)
        total: Array = p.strength / self.wide.size * (self._line_shapes(frequency_Hz) @ density)
        return total

    def _line_shapes(self, frequency_Hz: Array) -> Array:
        """The line of each bin `(N, bins)`, computed once for a frequency axis."""
        if self._seen_at != frequency_Hz.tobytes():
            x = (frequency_Hz[:, None] - BINS) / self.parameters.linewidth_Hz
            self._shapes = -2.0 * x / (1.0 + x * x) ** 2
            self._seen_at = frequency_Hz.tobytes()
        return self._shapes

    @property
    def vortex_share(self) -> float:
        """Share of the wide islands that hold a vortex."""
        return float(np.mean(self.wide == 0.0))

    def _neighbours_T(self) -> Array:
        """Field of the four neighbours, both kinds of islands taking turns on the lattice."""
        p = self.parameters
        moments = 0.5 * (self.narrow + self.wide)
        along = np.roll(moments, 1, axis=1) + np.roll(moments, -1, axis=1)
        beside = np.roll(moments, 1, axis=0) + np.roll(moments, -1, axis=0)
        field_T: Array = p.row_T * along - p.column_T * beside
        return field_T

    def _leaving(
        self, push_T: Array, barrier_T: Array, may: NDArray[np.bool_], seconds: float
    ) -> NDArray[np.int64]:
        """Which of those that may leave do within the time (flat indices); draws for few of them.

        An island whose barrier is so high that it stays for any time needs no draw.
        """
        p = self.parameters
        near = np.flatnonzero(may & (push_T > self._firm * barrier_T))
        left = np.clip(1.0 - push_T.flat[near] / barrier_T.flat[near], 0.0, None) ** p.exponent
        rate_per_s = np.exp(-self._thermal * left) / p.attempt_time_s
        leaves = self._rng.random(near.size) < -np.expm1(-seconds * rate_per_s)
        chosen: NDArray[np.int64] = near[leaves]
        return chosen


def _kittel_Hz(along_T: Array, demagnetising_T: tuple[float, float]) -> Array:
    """Kittel's formula for a macrospin; zero where the field would have turned it."""
    first_T, second_T = demagnetising_T
    stiffness = np.clip(along_T + first_T, 0.0, None) * (along_T + second_T)
    frequency_Hz: Array = GYROMAGNETIC_HZ_PER_T * np.sqrt(np.clip(stiffness, 0.0, None))
    return frequency_Hz


def _spread_over_bins(centres_Hz: Array) -> Array:
    """How many lines sit at each bin; one between two bins is shared by them linearly."""
    place = np.clip(centres_Hz / BINS[1], 0.0, BINS.size - 1.001)
    low = place.astype(np.int64)
    share = place - low
    both = np.bincount(low, 1.0 - share, BINS.size) + np.bincount(low + 1, share, BINS.size)
    counts: Array = both.astype(np.float64)
    return counts


def _logistic(x: Array) -> Array:
    odds: Array = 1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0)))
    return odds
