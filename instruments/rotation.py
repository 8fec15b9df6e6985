"""A field that is turned by two magnets at right angles, point by point, and what is read of it.

Each step is `rotations` turns of `points` field vectors (A cos θ, A sin θ); its input is the
amplitude A. Software-timed: at each point both magnets are set, held for the window's `hold_s`, and
read; a turn then takes `points · (hold_s + reading)`. The readings of a step become components at
once and twice the rotation's frequency (`instruments.demodulate`), which are its channels.

Decisions. A waveform is never distorted silently: neighbouring points that a magnet's ramp can't
join within their time are refused, as are supplies that walk by a ramp of their own (two of them
don't stay on a circle). From one point to the next both magnets go along the chord, in pieces
within one tick's reach of each; of the two sets of a piece the one that shrinks comes first, so
that the vector is never longer on the way than at its ends. The change of amplitude between two
steps is a single step: it is walked, not refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from instruments import encoding
from instruments.demodulate import component_names, demodulate
from instruments.own_ramp import with_own_ramp
from instruments.staircase import TICK_S
from models.errors import RefusedError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from instruments.limits import LimitedMagnet
    from instruments.rotation_spec import RotationSpec
    from models.sequence import DriveWindow, FieldSequence, Reset

    FloatArray = NDArray[np.float64]


class Rotation:
    """Two magnets that turn a field.

    Parameters
    ----------
    spec
        Points and turns.
    magnets
        Of the bench, by name.
    gate_s
        Device time of a reading.
    """

    def __init__(
        self, spec: RotationSpec, magnets: Mapping[str, LimitedMagnet], gate_s: float
    ) -> None:
        self.spec = spec
        self.magnets = (magnets[spec.magnets[0]], magnets[spec.magnets[1]])
        self._gate_s = gate_s
        self._vectors = np.stack([np.cos(spec.phase_rad), np.sin(spec.phase_rad)], axis=1)
        self._here_T: FloatArray | None = None  # where the last walk ended; None: not known

    @staticmethod
    def channels(channels: Sequence[str]) -> tuple[str, ...]:
        """Names of the components of these channels."""
        return tuple(component_names(channels))

    @staticmethod
    def units(units: Sequence[str]) -> tuple[str, ...]:
        """Units of the components of channels of these units."""
        each = len(component_names(["X"]))
        return tuple(unit for unit in units for _ in range(each))

    def energised(self) -> None:
        """Both magnets are at zero, their outputs on."""
        self._here_T = np.zeros(2)

    # ---- before anything is sent

    def refuse(
        self,
        sequences: Sequence[FieldSequence],
        window: DriveWindow,
        reset: Reset,
        *,
        now: bool,
    ) -> None:
        """Raise `RefusedError` for what would break a limit; no byte is sent.

        `now`: as of `WatchedMagnet.foreseen`.
        """
        drives = [float(d) for s in sequences for d in (s.drive.min(), s.drive.max())]
        found = self.problems(window, reset, drives or [0.0, 1.0])
        if any(sequence.held for sequence in sequences):
            found += encoding.holds_problems(window)
        if not found:
            fields = [window.field_T(sequence.drive).tolist() for sequence in sequences]
            found = self._foreseen(window, reset, fields, now=now)
        raise_problems(RefusedError, f"rotation of {' and '.join(self.spec.magnets)}", found)

    def problems(self, window: DriveWindow, reset: Reset, drives: Iterable[float]) -> list[str]:
        """What a window, a reset and drive values 0…1 would break, in words."""
        if window.encoding != "rotation":
            return [
                f"the bench turns its field (encoding 'rotation'), asked for was encoding "
                f"{window.encoding!r}: take a bench file whose [drive] says so"
            ]
        amplitudes_T = [float(window.field_T(np.asarray(drive))) for drive in drives]
        found = []
        for magnet in self.magnets:
            if with_own_ramp(magnet.magnet):
                found.append(
                    f"magnet {magnet.name} ({magnet.magnet.driver}) walks by a ramp of its own: "
                    "two such don't stay on a circle; a rotation needs supplies without one"
                )
            for name, amplitude_T, hold_s in (
                ("reset", reset.field_T, reset.hold_s),
                ("lowest step", min(amplitudes_T, key=abs), window.hold_s),
                ("highest step", max(amplitudes_T, key=abs), window.hold_s),
            ):
                words = self._beyond(magnet, amplitude_T, hold_s)
                found += [f"{name}, magnet {magnet.name}: {each}" for each in words]
        return found

    def _beyond(self, magnet: LimitedMagnet, amplitude_T: float, hold_s: float) -> list[str]:
        limits = magnet.limits
        amplitude_A = abs(limits.current_A(amplitude_T))
        problem = limits.problem(amplitude_A)
        if problem:
            return [problem]
        change_A = 2 * amplitude_A * math.sin(math.pi / self.spec.points)
        time_s = max(hold_s, TICK_S)
        if change_A <= limits.max_ramp_A_per_s * time_s * (1 + 1e-9):
            return []
        needed_s = change_A / limits.max_ramp_A_per_s
        return [
            f"a turn of {amplitude_A:.4g} A in {self.spec.points} points changes by "
            f"{change_A:.4g} A in {time_s:g} s, which max_ramp_A_per_s = "
            f"{limits.max_ramp_A_per_s:g} A/s takes {needed_s:.3g} s for: give a longer hold_s or "
            "more points_per_rotation"
        ]

    def _foreseen(
        self,
        window: DriveWindow,
        reset: Reset,
        sequences: Sequence[Sequence[float]],
        *,
        now: bool,
    ) -> list[str]:
        """Why the amplitudes of sequences, each with its reset, break the duty of a magnet."""
        return [
            f"magnet {magnet.name}: {words}"
            for axis, magnet in enumerate(self.magnets)
            for words in magnet.foreseen(self._plan_T(axis, window, reset, sequences), now=now)
        ]

    def _plan_T(
        self, axis: int, window: DriveWindow, reset: Reset, sequences: Sequence[Sequence[float]]
    ) -> Iterator[tuple[float, float]]:
        along = self._vectors[:, axis].tolist()
        for steps_T in sequences:
            for amplitude_T, hold_s in (
                (reset.field_T, reset.hold_s),
                *((each_T, window.hold_s) for each_T in steps_T),
            ):
                for share in along:
                    yield amplitude_T * share, hold_s + self._gate_s

    def predicted_s(self, steps: int, window: DriveWindow, reset: Reset) -> float:
        """Device time of one repeat of so many steps, its reset included."""
        largest_T = max(abs(window.low_T), abs(window.high_T))
        step_s = self.step_s(largest_T, window.hold_s)
        return self.step_s(reset.field_T, reset.hold_s) + steps * step_s

    def step_s(self, amplitude_T: float, hold_s: float) -> float:
        """Device time of a step: its points' walks, holds and readings."""
        walks_s = sum(
            magnet.walk_s(
                2 * magnet.limits.current_A(amplitude_T) * math.sin(math.pi / self.spec.points)
            )
            for magnet in self.magnets
        )
        return len(self._vectors) * (walks_s + hold_s + self._gate_s)

    # ---- on the way

    @property
    def there_s(self) -> float:
        """Device time at which the last point was set."""
        return max(magnet.there_s for magnet in self.magnets)

    def turn(
        self, amplitude_T: float, hold_s: float, read: Callable[[], FloatArray]
    ) -> tuple[float, FloatArray]:
        """All points of one step: the amplitude's current in the first magnet, and the readings.

        Parameters
        ----------
        amplitude_T
            Of the turned field.
        hold_s
            At each point, before its reading.
        read
            Gives one reading `(C,)`; the first magnet knows of the time it takes.

        Returns
        -------
        tuple of float and NDArray
            The current in A, and `(points · rotations, C)`.

        Raises
        ------
        RefusedError
            A point is beyond a limit.
        LinkError, TwinrigError, StoppedError
            As `LimitedMagnet.step_to_A`.
        """
        first, second = self.magnets
        values = []
        for vector in self._vectors:
            self._go_to_T(amplitude_T * vector)
            second.hold(0.0, hold_s + self._gate_s)  # foreseen; both hold at the same time
            first.hold(hold_s, self._gate_s)
            second.passed(hold_s)
            values.append(read())
            second.passed(self._gate_s)
        return first.limits.current_A(amplitude_T), np.array(values)

    def components(self, values: FloatArray) -> FloatArray:
        """Channels `(C · 4,)` of the readings of one step."""
        return demodulate(self.spec.phase_rad, values).ravel()

    def _go_to_T(self, target_T: FloatArray) -> None:
        """Both magnets along the chord, in pieces that each reaches within one tick."""
        here_T, self._here_T = self._here_T, None
        if here_T is None:  # a walk was broken off: each axis walks by itself from where it is
            here_T = target_T
        change_T = target_T - here_T
        reach = [
            abs(magnet.limits.current_A(change)) / (magnet.limits.max_ramp_A_per_s * TICK_S)
            for magnet, change in zip(self.magnets, change_T.tolist(), strict=True)
        ]
        pieces = max(1, math.ceil(max(reach) * (1 - 1e-9)))
        before_T = here_T
        for piece in range(1, pieces + 1):
            there_T = target_T if piece == pieces else here_T + change_T * (piece / pieces)
            shrinks = np.abs(there_T) - np.abs(before_T)
            for axis in np.argsort(shrinks, kind="stable").tolist():
                self.magnets[axis].step_to_T(float(there_T[axis]))
            before_T = there_T
        self._here_T = target_T
