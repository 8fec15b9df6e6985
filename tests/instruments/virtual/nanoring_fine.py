"""Fine reference of the nanoring array: 64 ticks a rotation, every rule spelled out, many arrays.

It shares no code with the product: the same published physics, stepped tick by tick, with the
thermal draw of each wall at each tick.
"""

from __future__ import annotations

import numpy as np

TICKS = 64
FREQUENCY_HZ = 37.0
BARRIER_KT = 2.625e-19 / (1.380649e-23 * 293.0)
RELEASE_TICKS = 3  # a wall that leaves at tick k leaves the junction shared for the next three
JUNCTION_RAD = np.arange(4) * np.pi / 2


class FineArrays:
    """`copies` independent arrays of rows × columns rings; arcs are (copies, 4, rows, columns)."""

    def __init__(self, copies: int, rows: int, columns: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        shape = (copies, 4, rows, columns)
        self.arcs = np.ones(shape, dtype=np.int8)
        self.arcs[:, :2] = -1
        self.H0_Oe = 55.0 + self._by_site(self.rng.standard_normal(shape))
        self.roughness_Oe = 20.0 + 0.5 * self._by_site(self.rng.standard_normal(shape))
        self.shared_ticks = np.zeros(shape, dtype=int)
        self.rim = ~self._of_neighbour(np.ones(shape, dtype=bool))

    def _by_site(self, values):
        """Give both rings of a site the same value."""
        values[:, 2, :, 1:] = values[:, 0, :, :-1]
        values[:, 3, 1:] = values[:, 1, :-1]
        return values

    def _of_neighbour(self, values):
        """Values at the touching junction of the neighbour ring; 0 where there is none."""
        there = np.zeros_like(values)
        there[:, 0, :, :-1] = values[:, 2, :, 1:]
        there[:, 2, :, 1:] = values[:, 0, :, :-1]
        there[:, 1, :-1] = values[:, 3, 1:]
        there[:, 3, 1:] = values[:, 1, :-1]
        return there

    def rotate(self, amplitude_Oe: float) -> None:
        for tick in range(TICKS):
            self.tick(amplitude_Oe, 2 * np.pi * (tick + 1) / TICKS)

    def tick(self, amplitude_Oe: float, field_rad: float) -> None:
        arcs = self.arcs
        charge = (np.roll(arcs, 1, axis=1) - arcs) // 2  # +1 head-to-head, −1 tail-to-tail
        walls = charge != 0
        tangential_Oe = amplitude_Oe * np.sin(field_rad - JUNCTION_RAD)[:, None, None]
        force_Oe = charge * tangential_Oe
        beside = walls & (self._of_neighbour(walls) | (self.shared_ticks > 0))
        factor = np.where(beside, 0.81, 1.0)
        reduced = np.clip(1 - np.abs(force_Oe) / (factor * self.H0_Oe), 0, None)
        rate_Hz = 1e10 * np.exp(-factor * BARRIER_KT * reduced**1.5)
        leaves = self.rng.random(arcs.shape) < -np.expm1(-rate_Hz / (TICKS * FREQUENCY_HZ))
        leaves = walls & (leaves | self.rim) & (np.abs(force_Oe) > self.roughness_Oe)
        flips = (leaves & (force_Oe > 0)) | np.roll(leaves & (force_Oe < 0), -1, axis=1)
        flips |= self._nucleate(leaves, tangential_Oe)
        arcs[flips] *= -1
        left_beside = self._of_neighbour(leaves)
        self.shared_ticks = np.where(left_beside, RELEASE_TICKS, self.shared_ticks - 1)

    def _nucleate(self, leaves, tangential_Oe):
        """Beside a leaving wall both adjacent arcs of a vortex turn, if that gains energy."""
        arcs = self.arcs
        vortex = np.abs(arcs.sum(axis=1, keepdims=True)) == 4
        opens = self._of_neighbour(leaves) & vortex & (arcs * tangential_Oe < 0)
        return opens | np.roll(opens, -1, axis=1)

    @property
    def wall_population(self):
        walls = np.roll(self.arcs, 1, axis=1) != self.arcs
        return walls.mean(axis=(1, 2, 3)) * 2

    @property
    def net_magnetisation(self):
        """From the arcs' chords; an onion has 4 radii."""
        edges = np.exp(1j * np.arange(5) * np.pi / 2)
        moment = np.einsum("cqij,q->c", self.arcs.astype(float), np.diff(edges))
        return np.abs(moment) / (4 * self.arcs[0, 0].size)
