"""One turn of the field over the array: its five windows, in numpy and, the same bits, in C.

Context: half of a virtual recording's time went into the turns in numpy, some hundred calls each.
Decision: where there is a C compiler `nanoring_turn.c` does the same (a rotation takes a quarter of
the time, `tests/benchmarks`); `NumpyTurn` is the reference.
Consequence: both take the same random bits and reckon with whole numbers, so that a device answers
the same with either.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from instruments.virtual.nanoring_tables import BUMP, EARLY, FULL, LATE, NEVER, RATIOS
from models import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from instruments.virtual.nanoring_lattice import Lattice
    from instruments.virtual.nanoring_tables import LeavingTimes, Pull

# A rotation: orientation (0: E W, 1: N S), part of its bump, whether the field at E (N) points
# counter-clockwise, and where the bump begins (units of the turn).
WINDOWS = (
    (1, LATE, False, -36),
    (0, FULL, True, 28),
    (1, FULL, True, 92),
    (0, FULL, False, 156),
    (1, EARLY, False, 220),
)


class NumpyTurn:
    """Moves the walls of a lattice by one turn.

    Parameters
    ----------
    lattice
        Whose walls.
    leaving
        When they leave.
    release
        How long a junction stays shared once one of two walls has left, units of the turn.
    """

    def __init__(self, lattice: Lattice, leaving: LeavingTimes, release: int) -> None:
        self._lattice, self._leaving, self._release = lattice, leaving, np.uint8(release)
        self._moments = np.full((len(WINDOWS), 2, lattice.sites), NEVER, dtype=np.uint8)
        self._origin = (256 * np.arange(len(WINDOWS), dtype=np.intp))[:, None, None]

    def __call__(
        self, bits: NDArray[np.uint16], pull: Pull
    ) -> tuple[list[list[int]], NDArray[np.int64]]:
        """One turn with these random bits.

        Returns
        -------
        tuple
            Walls at E or W, and at N or S, before the first and after each window; how many
            walls left at each moment, (windows, BUMP).
        """
        self._leaving.draw(bits, pull)
        self._moments.fill(NEVER)
        lattice = self._lattice
        counts = [lattice.count()]
        for number, (orientation, _, forward, _) in enumerate(WINDOWS):
            times, moments = self._leaving.times[number], self._moments[number]
            lattice.advance(orientation, forward, times, self._release, moments)
            counts.append(lattice.count())
        bins = np.bincount((self._moments + self._origin).ravel(), minlength=256 * len(WINDOWS))
        return [list(each) for each in counts], bins.reshape(len(WINDOWS), 256)[:, :BUMP]


class _Array(ctypes.Structure):
    """`Array` of `nanoring_turn.c`."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("sites", "width")),
        *(
            (name, ctypes.c_void_p)
            for name in ("arcs", "walls", "vortex", "present", "rim", "table", "levels")
        ),
        *((name, ctypes.c_int64) for name in ("ratios", "windows")),
        *((name, ctypes.c_void_p) for name in ("orientation", "part", "forward")),
        ("release", ctypes.c_uint8),
    )


class CompiledTurn:
    """What `NumpyTurn` does, by the C source; `rotate` is what `built` returns."""

    def __init__(
        self,
        lattice: Lattice,
        leaving: LeavingTimes,
        release: int,
        rotate: Callable[..., None],
    ) -> None:
        orientation, part, forward, _ = np.array(WINDOWS, dtype=np.int64).T.copy()
        self._rotate = rotate
        self._counts = np.zeros((len(WINDOWS) + 1, 2), dtype=np.int64)
        self._moments = np.zeros((len(WINDOWS), BUMP), dtype=np.int64)
        arrays = (lattice.arcs, lattice.walls, lattice.vortex, lattice.present, lattice.rim)
        tables = (leaving.table, leaving.levels)
        windows = (orientation, part, forward)
        self._held = (*arrays, *tables, *windows)  # what the addresses are of
        self._array = _Array(
            lattice.sites,
            lattice.present.size - lattice.sites,
            *(a.ctypes.data for a in (*arrays, *tables)),
            RATIOS,
            len(WINDOWS),
            *(a.ctypes.data for a in windows),
            release,
        )

    def __call__(
        self, bits: NDArray[np.uint16], pull: Pull
    ) -> tuple[list[list[int]], NDArray[np.int64]]:
        """As `NumpyTurn`."""
        given = (bits, pull.start, pull.stuck, pull.on_rim, self._counts, self._moments)
        self._rotate(ctypes.byref(self._array), *(a.ctypes.data for a in given))
        return self._counts.tolist(), self._moments


def turn_of(lattice: Lattice, leaving: LeavingTimes, release: int) -> NumpyTurn | CompiledTurn:
    """The faster one that is to be had; arguments as `NumpyTurn`'s."""
    rotate = built()
    if rotate is None:
        return NumpyTurn(lattice, leaving, release)
    return CompiledTurn(lattice, leaving, release, rotate)


def built() -> Callable[..., None] | None:
    """The C source's function; None where it could not be built."""
    library, _ = compiled.library("instruments.virtual", "nanoring_turn", ())
    if library is None:
        return None
    rotate: Callable[..., None] = library.rotate
    rotate.argtypes = (ctypes.POINTER(_Array), *(ctypes.c_void_p,) * 6)  # type: ignore[attr-defined]
    rotate.restype = None  # type: ignore[attr-defined]
    return rotate
