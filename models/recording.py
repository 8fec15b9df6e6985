"""A recording: what a device answered to repeats of field sequences, with all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.channel_words import channel_words
from models.errors import InputError, raise_problems
from models.sequence import LONGEST_HOLD, FieldSequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.sequence import DriveWindow, Reset

SCHEMA = 3
HELD_SCHEMA = 4
READABLE = (2, SCHEMA, HELD_SCHEMA)
"""Schemas that are read.

2 has no times of steps and no measured field: they are NaN then. 4 is 3 with the holds of steps: a
recording whose steps are all held once is written as 3, and an earlier Twinrig can read it.
"""
BEYOND_ANY_DEVICE = 1e100  # in any unit; its square is still a number
STATUSES = ("running", "done", "stopped", "failed", "interrupted")


BY_STEP = ("set_s", "read_s", "measured_field_T")


@dataclass(frozen=True)
class StepTimes:
    """When each step of a repeat was set and read, and the field that was measured, `(T,)` each.

    Attributes
    ----------
    set_s
        Device time at which the step's last set-point had been sent and its walk was over, in s.
    read_s
        Device time at which its reading was there, in s.
    measured_field_T
        Of the field probe; NaN without one.
    looked_s
        Of each step before which supply or guards were due: by how much later it came for that, in
        s. Not kept in the file: a remark there says how often it was.
    """

    set_s: NDArray[np.float64]
    read_s: NDArray[np.float64]
    measured_field_T: NDArray[np.float64]
    looked_s: dict[int, float] = field(default_factory=dict)

    @classmethod
    def absent(cls, steps: int) -> StepTimes:
        """Of steps whose times nobody knows: all NaN."""
        set_s, read_s, measured_field_T = (np.full(steps, np.nan) for _ in BY_STEP)
        return cls(set_s, read_s, measured_field_T)

    def put(
        self, step: int, set_s: float, read_s: float, field_T: float, looked_s: float = 0.0
    ) -> None:
        """What is known of one step; `field_T` is the measured one."""
        self.set_s[step] = set_s
        self.read_s[step] = read_s
        self.measured_field_T[step] = field_T
        if looked_s > 0:
            self.looked_s[step] = looked_s

    def since(self, origin_s: float) -> StepTimes:
        """The same, counted from another origin of time."""
        set_s, read_s = self.set_s - origin_s, self.read_s - origin_s
        return StepTimes(set_s, read_s, self.measured_field_T, self.looked_s)


def _absent() -> NDArray[np.float64]:
    return np.empty((0, 0, 0))


def _once() -> NDArray[np.int64]:
    return np.empty((0, 0), dtype=np.int64)


@dataclass(frozen=True)
class Recording:
    """Responses `(sequence, repeat, step, channel)` to the drives `(sequence, step)`.

    Attributes
    ----------
    response
        float64 `(S, R, T, C)`, in `units`; NaN where a sequence is shorter or a repeat is missing.
    drive
        float64 `(S, T)` in 0…1; NaN beyond a sequence's length.
    lengths
        int `(S,)`: steps of each sequence.
    families
        Drive family of each sequence (`steps`, `smooth`, `sines`, `mixed`, …).
    order
        int `(S, R)`: position of each repeat in the run; −1 where missing.
    start_s
        float64 `(S, R)`: device time at each repeat's start, in s; NaN where missing.
    channels, units
        Names and units of the `C` channels.
    window, reset
        How drive 0…1 became field, and what preceded each repeat (resolved values).
    settings
        Every instrument's full settings: name → setting → value.
    identities
        `*IDN?` answers by instrument.
    status
        One of `STATUSES`.
    meta
        id, created, sample, operator, temperature_K, notes, seed, code_version, parents, limits.
    set_s, read_s
        float64 `(S, R, T)`: device time since the run's origin, in s, at which each step was set
        and at which its reading was there; NaN where nobody knows (imports, simulations).
    measured_field_T
        float64 `(S, R, T)`: of the field probe, in T; NaN without one.
    holds
        int `(S, T)`: a step of n holds lasted as long as n steps of one, and was read at its end;
        1 beyond a sequence's length. By default 1 everywhere.
    """

    response: NDArray[np.float64]
    drive: NDArray[np.float64]
    lengths: NDArray[np.int64]
    families: tuple[str, ...]
    order: NDArray[np.int64]
    start_s: NDArray[np.float64]
    channels: tuple[str, ...]
    units: tuple[str, ...]
    window: DriveWindow
    reset: Reset
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    status: str = "done"
    meta: dict[str, Any] = field(default_factory=dict)
    set_s: NDArray[np.float64] = field(default_factory=_absent)
    read_s: NDArray[np.float64] = field(default_factory=_absent)
    measured_field_T: NDArray[np.float64] = field(default_factory=_absent)
    holds: NDArray[np.int64] = field(default_factory=_once)

    def __post_init__(self) -> None:
        problems = []
        if self.response.ndim != 4:
            raise InputError(
                f"recording: response has shape {self.response.shape}, expected (S, R, T, C)"
            )
        s, r, t, c = self.response.shape
        for name in BY_STEP:
            if getattr(self, name).shape == (0, 0, 0):  # the default: not known
                object.__setattr__(self, name, np.full((s, r, t), np.nan))
        if self.holds.shape == (0, 0):
            object.__setattr__(self, "holds", np.ones((s, t), dtype=np.int64))
        for name, got, expected in (
            ("drive", self.drive.shape, (s, t)),
            ("holds", self.holds.shape, (s, t)),
            ("lengths", self.lengths.shape, (s,)),
            ("families", (len(self.families),), (s,)),
            ("order", self.order.shape, (s, r)),
            ("start_s", self.start_s.shape, (s, r)),
            ("channels", (len(self.channels),), (c,)),
            ("units", (len(self.units),), (c,)),
            *((name, getattr(self, name).shape, (s, r, t)) for name in BY_STEP),
        ):
            if got != expected:
                problems.append(f"{name} has shape {got}, expected {expected}")
        if self.status not in STATUSES:
            problems.append(f"status {self.status!r} is none of {', '.join(STATUSES)}")
        raise_problems(InputError, "recording", problems)

    @property
    def channel_words(self) -> tuple[str, ...]:
        """The channels as people read them: of a spectrum with their frequencies."""
        return channel_words(self.channels, self.settings)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """bool `(S, R)`: the repeats that were recorded to their last step."""
        return self.order >= 0

    def measured(self) -> NDArray[np.float64]:
        """A copy of the response `(S, R, T, C)`, NaN in repeats that are not complete."""
        return np.where(self.complete[:, :, None, None], self.response, np.nan)

    @property
    def held(self) -> bool:
        """Whether some step was held longer than once."""
        return bool((self.holds > 1).any())

    @property
    def held_lengths(self) -> NDArray[np.int64]:
        """How many steps of one hold each sequence lasts `(S,)`, as `FieldSequence.length`."""
        inside = np.arange(self.holds.shape[1]) < self.lengths[:, None]
        lasted: NDArray[np.int64] = np.where(inside, self.holds, 0).sum(axis=1)
        return lasted

    def sequences(self) -> list[FieldSequence]:
        """What was played."""
        rows = zip(self.drive, self.holds, self.lengths, self.families, strict=True)
        return [
            FieldSequence(drive[:length], family, holds[:length])
            for drive, holds, length, family in rows
        ]

    def select(self, sequences: NDArray[np.int64]) -> Recording:
        """The recording of these sequences only, by index, in this order."""
        return Recording(
            self.response[sequences],
            self.drive[sequences],
            self.lengths[sequences],
            tuple(self.families[int(i)] for i in sequences),
            self.order[sequences],
            self.start_s[sequences],
            self.channels,
            self.units,
            self.window,
            self.reset,
            self.settings,
            self.identities,
            self.status,
            self.meta,
            **{name: getattr(self, name)[sequences] for name in (*BY_STEP, "holds")},
        )


def stacked(sequences: Sequence[FieldSequence]) -> dict[str, Any]:
    """Drive, lengths, families and holds of a recording of these sequences, by argument."""
    lengths = np.array([sequence.steps for sequence in sequences], dtype=np.int64)
    drive = np.full((len(sequences), int(lengths.max())), np.nan)
    holds = np.ones(drive.shape, dtype=np.int64)
    for s, sequence in enumerate(sequences):
        drive[s, : sequence.steps], holds[s, : sequence.steps] = sequence.drive, sequence.holds
    families = tuple(sequence.family for sequence in sequences)
    return {"drive": drive, "lengths": lengths, "families": families, "holds": holds}


def faults_of(recording: Recording) -> list[str]:
    """What no run can have written, a sentence each: for readers of files that may be forged.

    Shapes are the constructor's; here it is values: lengths, drives outside 0…1, a repeat that
    counts as complete and holds no numbers, a place in the run's order taken twice.
    """
    r, steps = recording, recording.response.shape[2]
    if not r.drive.size or r.lengths.min() < 1 or r.lengths.max() > steps:
        return [f"lengths must be 1 to {steps} steps, and there must be a sequence"]
    problems = []
    inside = np.arange(steps) < r.lengths[:, None]
    known = np.where(inside, np.isfinite(r.drive), False)
    drive = np.where(known, r.drive, 0.5)
    if drive.min() < 0 or drive.max() > 1:
        problems.append("a drive is outside 0…1")
    if (known.any(axis=1) & (known != inside).any(axis=1)).any():
        problems.append("a drive has gaps")
    if (np.isfinite(r.drive) & ~inside).any() or np.isinf(r.drive).any():
        problems.append("a drive goes on behind its length")
    if r.holds.min() < 1 or r.holds.max() > LONGEST_HOLD or (r.holds[~inside] != 1).any():
        problems.append(f"holds must be 1 to {LONGEST_HOLD}, and 1 behind a sequence's length")
    positions = r.order[r.complete]
    if r.order.min(initial=-1) < -1 or r.order.max(initial=-1) >= r.order.size:
        problems.append(f"order holds positions outside −1…{r.order.size - 1}")
    elif np.unique(positions).size != positions.size:
        problems.append("two repeats have one place in the order")
    if not np.isfinite(r.start_s[r.complete]).all():
        problems.append("a complete repeat has no start time")
    there = (np.abs(r.response) < BEYOND_ANY_DEVICE).all(axis=3)
    wanted = r.complete[:, :, None] & inside[:, None, :]
    if (wanted & ~there).any():
        problems.append("a complete repeat holds values that no device gives")
    if (np.isfinite(r.response).any(axis=3) & ~wanted).any():
        problems.append("there are responses where none were recorded")
    for name in BY_STEP:
        values = getattr(r, name)
        if (np.isfinite(values) & ~wanted).any():
            problems.append(f"{name} has values where none were recorded")
        if not (np.isnan(values) | (np.abs(values) < BEYOND_ANY_DEVICE)).all():
            problems.append(f"{name} holds values that no device gives")
    if len(set(r.channels)) != len(r.channels) or not r.channels:
        problems.append(f"channels {', '.join(map(repr, r.channels))} must be different names")
    return problems
