"""Field sequences: one drive value a step, how a step becomes field, the reset before a repeat."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

ENCODINGS = ("amplitude", "step", "loop", "rotation")
LONGEST_HOLD_STEPS = 6
MOST_STEPS = 10**8  # of all sequences together: a month of the reference rig
MOST_SEQUENCES = 10**6  # of one short form: each takes some 600 bytes beside its steps
LONGEST_HOLD = 1000  # of a step, in holds: more is a typing error, and each is a step of a twin


@dataclass(frozen=True)
class DriveWindow:
    """How drive 0…1 becomes field.

    Attributes
    ----------
    encoding
        `amplitude`: of a field that is turned outside the computer; `step`: the field itself;
        `loop`: +H, then −H, read at −H; `rotation`: amplitude of a field that two magnets turn.
    low_T, high_T
        Field at drive 0 and at drive 1, in tesla.
    hold_s
        Time a step is held before its read-out, in s; 0: the read-out itself is the gate. Of a
        `rotation` that of each of its points.
    """

    encoding: str
    low_T: float
    high_T: float
    hold_s: float = 0.0

    def __str__(self) -> str:
        """In words: `amplitude 2.2 to 3.4 mT, hold 0 s`."""
        low, high = 1e3 * self.low_T, 1e3 * self.high_T
        return f"{self.encoding} {low:.9g} to {high:.9g} mT, hold {self.hold_s:g} s"

    def __post_init__(self) -> None:
        problems = []
        if self.encoding not in ENCODINGS:
            problems.append(
                f"encoding {self.encoding!r} is unknown{_did_you_mean(self.encoding, ENCODINGS)}"
            )
        if not np.isfinite([self.low_T, self.high_T]).all() or self.low_T >= self.high_T:
            problems.append(
                f"low_T = {self.low_T} T must be a number below high_T = {self.high_T} T"
            )
        if not (np.isfinite(self.hold_s) and self.hold_s >= 0):
            problems.append(f"hold_s = {self.hold_s} s must be zero or more")
        raise_problems(InputError, "drive", problems)

    def field_T(self, drive: NDArray[np.float64]) -> NDArray[np.float64]:
        """Field in tesla of drive values 0…1, of any shape."""
        return self.low_T + (self.high_T - self.low_T) * drive


@dataclass(frozen=True)
class Reset:
    """What precedes every repeat and every node's run: one step at `field_T`, its reading dropped.

    `hold_s` as in `DriveWindow`.
    """

    field_T: float
    hold_s: float = 0.0

    def __str__(self) -> str:
        """In words: `4 mT, hold 0 s`."""
        return f"{1e3 * self.field_T:.9g} mT, hold {self.hold_s:g} s"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.field_T) and np.isfinite(self.hold_s) and self.hold_s >= 0):
            raise InputError(
                f"reset: field_T = {self.field_T} T must be finite, hold_s = {self.hold_s} s ≥ 0"
            )


def _once() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class FieldSequence:
    """One drive value 0…1 a step.

    Attributes
    ----------
    drive
        float64 `(T,)`.
    family
        Its drive family; `given` of drives from elsewhere.
    holds
        int `(T,)`: a step of n holds lasts as long as n steps of one hold and is read once, at its
        end. Left out: one each.
    """

    drive: NDArray[np.float64]
    family: str = "given"
    holds: NDArray[np.int64] = field(default_factory=_once)

    def __post_init__(self) -> None:
        drive = np.asarray(self.drive, dtype=np.float64)
        holds = np.asarray(self.holds) if np.size(self.holds) else np.ones(drive.shape, np.int64)
        object.__setattr__(self, "drive", drive)
        problems = holds_problems(holds, drive.shape)
        if not problems:
            object.__setattr__(self, "holds", holds.astype(np.int64))
        if drive.ndim != 1 or drive.size == 0:
            problems.append(
                f"drive has shape {drive.shape}, expected (steps,) with at least one step"
            )
        elif not np.isfinite(drive).all():
            problems.append(f"drive is not a number at step {int(np.argmin(np.isfinite(drive)))}")
        elif drive.min() < 0 or drive.max() > 1:
            step = int(np.argmax(np.abs(drive - 0.5)))
            problems.append(f"drive {drive[step]:g} at step {step} is outside 0…1")
        raise_problems(InputError, "sequence", problems)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.drive.size)

    @property
    def held(self) -> bool:
        """Whether some step is held longer than once."""
        return bool((self.holds > 1).any())

    @property
    def length(self) -> int:
        """How many steps of one hold it lasts."""
        return int(self.holds.sum())


def same_sequences(some: Sequence[FieldSequence], others: Sequence[FieldSequence]) -> bool:
    """Whether two plans play the same, sequence by sequence, step for step and hold for hold."""
    return len(some) == len(others) and all(
        np.array_equal(one.drive, other.drive) and np.array_equal(one.holds, other.holds)
        for one, other in zip(some, others, strict=True)
    )


def holds_problems(holds: NDArray[Any], shape: tuple[int, ...]) -> list[str]:
    """What is wrong with the holds of a drive of that shape, in words; empty when all is well."""
    if holds.shape != shape:
        return [f"holds have shape {holds.shape}, the drive {shape}: one for each step"]
    wrong = ~((holds >= 1) & (holds <= LONGEST_HOLD) & (holds == np.floor(holds)))
    if wrong.any():
        step = int(np.argmax(wrong))
        return [
            f"hold {holds.ravel()[step]:g} at step {step} is no whole number of 1…{LONGEST_HOLD}"
        ]
    return []


def steps_drive(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Random levels, each held for 1…6 steps: drive in 0…1, `(steps,)`."""
    out, done = np.empty(steps), 0
    while done < steps:
        held = int(rng.integers(1, LONGEST_HOLD_STEPS + 1))
        out[done : done + held] = rng.random()
        done += held
    return out


def smooth_drive(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Band-limited noise, correlated over 2…20 steps, in a random part of 0…1: `(steps,)`."""
    width = np.exp(rng.uniform(np.log(2.0), np.log(20.0)))
    taps = np.arange(-int(4 * width), int(4 * width) + 1)
    kernel = np.exp(-0.5 * (taps / width) ** 2)
    noise = np.convolve(
        rng.standard_normal(steps + taps.size - 1), kernel / np.sqrt((kernel**2).sum()), "valid"
    )
    return _into_part_of_range(noise / 2.5, rng)


def sines_drive(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A sum of one to four sines, periods 4…80 steps, in a random part of 0…1: `(steps,)`."""
    t = np.arange(steps)
    total = np.zeros(steps)
    count = int(rng.integers(1, 5))
    for _ in range(count):
        period = np.exp(rng.uniform(np.log(4.0), np.log(80.0)))
        total += rng.uniform(0.3, 1.0) * np.sin(2 * np.pi * (t / period + rng.random()))
    return _into_part_of_range(total / max(np.abs(total).max(), 1e-9), rng)


def _into_part_of_range(wave: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Scale a wave of −1…1 into a random part of 0…1: a network's drive is often biased."""
    half = 0.5 * rng.uniform(0.3, 1.0)
    centre = rng.uniform(half, 1 - half)
    return np.clip(centre + half * wave, 0.0, 1.0)


def mixed_drive(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Segments of 20…60 steps, each of another family, as a network's node meets: `(steps,)`."""
    out, done = np.empty(steps), 0
    while done < steps:
        family = ("steps", "smooth", "sines")[rng.integers(3)]
        part = FAMILIES[family](int(rng.integers(20, 61)), rng)
        out[done : done + part.size] = part[: steps - done]
        done += part.size
    return out


FAMILIES: dict[str, Callable[[int, np.random.Generator], NDArray[np.float64]]] = {
    "steps": steps_drive,
    "smooth": smooth_drive,
    "sines": sines_drive,
    "mixed": mixed_drive,
}
ALL = "all"  # asked for in place of one family: sequences of each, in turn
SENT = "network"  # the family of what a network sends; nothing makes it at random
PLAYED = "node"  # the family of what a deployment played


def make_sequences(
    family: str, count: int, steps: int, seed: int = 0, holds: int = 1
) -> list[FieldSequence]:
    """`count` sequences of `steps` steps; the same arguments give the same sequences.

    `family`: one of `FAMILIES`, or `all` for sequences of each in turn, the same as each family's
    own first ones. `holds`: each step is held 1 to so many times as long, at random; the drives are
    those of `holds = 1`.

    Raises
    ------
    InputError
        Unknown family, or a count, a number of steps or of holds below one.
    """
    refuse_senseless(family, count, steps, holds)
    if family == ALL:
        names = list(FAMILIES)[:count]
        parts = [
            make_sequences(name, len(range(first, count, len(FAMILIES))), steps, seed, holds)
            for first, name in enumerate(names)
        ]
        return [parts[i % len(parts)][i // len(parts)] for i in range(count)]
    streams = np.random.SeedSequence([seed, list(FAMILIES).index(family)]).spawn(count)
    return [
        FieldSequence(
            FAMILIES[family](steps, np.random.default_rng(s)),
            family,
            np.random.default_rng(s.spawn(1)[0]).integers(1, holds + 1, steps),
        )
        for s in streams
    ]


def refuse_senseless(family: str, count: int, steps: int, holds: int = 1) -> None:
    """Raise InputError where `make_sequences` can't make so many, or a rig never plays them."""
    problems = []
    if family not in (known := (*FAMILIES, ALL)):
        problems.append(f"family {family!r} is unknown{_did_you_mean(family, known)}")
    if count < 1 or steps < 1:
        problems.append(f"{count} × {steps} is empty: count and steps must be at least 1")
    if not 1 <= holds <= LONGEST_HOLD:
        problems.append(f"{holds} holds a step at most must be 1 to {LONGEST_HOLD}")
    if count * steps * max(holds, 1) > MOST_STEPS:
        problems.append(
            f"{count} × {steps} steps{f' of {holds} holds' if holds > 1 else ''} are more than "
            f"{MOST_STEPS}, a month of a rig"
        )
    if count > MOST_SEQUENCES and steps >= 1:
        problems.append(
            f"{count} sequences are more than {MOST_SEQUENCES}, which fit into memory: ask for "
            "fewer, or for longer ones"
        )
    raise_problems(InputError, "sequences", problems)


def refuse_endless(sequences: Sequence[FieldSequence], repeats: int, what: str) -> None:
    """Raise InputError where so many repeats of each are none, or more than a rig ever plays.

    A reset counts as a step. `what` is done with them, as a verb.
    """
    refuse_more_steps(len(sequences), sum(one.length + 1 for one in sequences), repeats, what)


def refuse_more_steps(count: int, steps: int, repeats: int, what: str) -> None:
    """Raise as `refuse_endless`: `count` sequences of so many steps in all, resets counted."""
    if not count or repeats < 1:
        raise InputError(f"{count} sequences × {repeats} repeats: nothing to {what}")
    if steps * repeats > MOST_STEPS:
        raise InputError(
            f"{count} sequences × {repeats} repeats are {steps * repeats} steps, resets "
            f"counted; at most {MOST_STEPS}, a month of a rig ({MOST_STEPS // steps} repeats of "
            f"these): ask for fewer, or {what} parts one after another"
        )


def _did_you_mean(word: str, known: object) -> str:
    names = list(known)  # type: ignore[call-overload]
    near = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"
