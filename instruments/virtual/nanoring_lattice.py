"""The rings' arcs in memory, and how one window of the field's turn moves their walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruments.virtual.nanoring_tables import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Side:
    """One ring's part of all sites: its wall, the arcs on both sides, whether it is a vortex."""

    walls: NDArray[np.bool_]
    ahead: NDArray[np.bool_]
    behind: NDArray[np.bool_]
    vortex: NDArray[np.bool_]


class Lattice:
    """The arcs of all rings, and one window's moves of the walls of one orientation.

    A row of memory is one of the four arcs (or junctions E, N, W, S) of all rings, row by row of
    the lattice with one empty place after each, and an empty row before and behind. The site of
    two touching junctions is then one index into two shifted views: no copies, no edges.
    """

    def __init__(self, rows: int, columns: int) -> None:
        width = columns + 1
        self.sites = (rows + 1) * width
        self._shape = (rows + 2, width)
        self.arcs = np.zeros((4, (rows + 2) * width), dtype=bool)
        self.walls = np.zeros_like(self.arcs)
        self.vortex = np.zeros_like(self.walls[0])
        present = np.zeros(self._shape, dtype=bool)
        present[1:-1, :-1] = True
        self.present = present.ravel()
        self._views: list[tuple[Side, Side]] = []
        rim: list[NDArray[np.bool_]] = []
        for first, shift in ((0, 1), (1, width)):
            ahead = slice(width - shift, width - shift + self.sites)
            behind = slice(width, width + self.sites)
            self._views.append((self._side(first, ahead), self._side(first + 2, behind)))
            rim.append(self.present[ahead] != self.present[behind])
        self.rim = np.stack(rim)
        self._both = np.zeros(self.sites, dtype=bool)
        self._close = np.zeros((2, self.sites), dtype=bool)
        self._leaves = np.zeros((2, self.sites), dtype=bool)
        self._turns = np.zeros((2, self.sites), dtype=bool)

    def _side(self, junction: int, view: slice) -> Side:
        return Side(
            walls=self.walls[junction, view],
            ahead=self.arcs[junction, view],
            behind=self.arcs[junction - 1, view],
            vortex=self.vortex[view],
        )

    def rings(self) -> NDArray[np.bool_]:
        """Arcs of the rings (4, rows, columns): True where counter-clockwise."""
        return self.arcs.reshape(4, *self._shape)[:, 1:-1, :-1]

    def saturate(self) -> None:
        """Put every ring into the onion state along +x."""
        self.rings()[:2] = False
        self.rings()[2:] = True

    def count(self) -> tuple[int, int]:
        """Find the walls; return how many sit at E or W, and at N or S."""
        walls, count = self.walls, np.count_nonzero
        np.not_equal(self.arcs[1:], self.arcs[:-1], out=walls[1:])
        np.not_equal(self.arcs[0], self.arcs[3], out=walls[0])
        return int(count(walls[0]) + count(walls[2])), int(count(walls[1]) + count(walls[3]))

    def advance(
        self,
        orientation: int,
        forward: bool,
        times: NDArray[np.uint8],
        release: np.uint8,
        moments: NDArray[np.uint8],
    ) -> None:
        """Let the walls of one orientation leave; write when into `moments` (2, sites).

        Parameters
        ----------
        orientation
            0: the junctions E and W, 1: N and S.
        forward
            Whether the field at E (or N) points counter-clockwise.
        times
            (alone | beside, first | second ring, sites).
        release
            How long a junction stays shared once one of two walls has left.
        moments
            Filled where a wall leaves.
        """
        sides = self._views[orientation]
        first, second = sides[0].walls, sides[1].walls
        alone, beside = times
        np.logical_and(first, second, out=self._both)
        self._pair(alone, beside, release)
        leaves, turns, vortex = self._leaves, self._turns, self.vortex
        np.less(alone, NEVER, out=leaves)
        leaves[0] &= first
        leaves[1] &= second
        np.copyto(moments, alone, where=leaves)
        np.logical_or(self.walls[0], self.walls[1], out=vortex)
        np.logical_or(vortex, self.walls[2], out=vortex)
        np.greater(self.present, vortex, out=vortex)
        for side, turning, other in zip(sides, turns, leaves[::-1], strict=True):
            np.logical_and(other, side.vortex, out=turning)
        np.logical_or(turns, leaves, out=turns)
        align, oppose = (np.logical_or, np.greater) if forward else (np.greater, np.logical_or)
        for turn, side, turning in zip((align, oppose), sides, turns, strict=True):
            turn(side.ahead, turning, out=side.ahead)
            turn(side.behind, turning, out=side.behind)

    def _pair(self, alone: NDArray[np.uint8], beside: NDArray[np.uint8], release: np.uint8) -> None:
        """Give both walls of a shared junction the lower barrier, until `release` after the first.

        The result replaces `alone`.
        """
        limit = np.minimum(beside[0], beside[1])
        limit += release
        np.less_equal(beside, limit, out=self._close)
        self._close &= self._both
        np.copyto(alone, beside, where=self._close)
