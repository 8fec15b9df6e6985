"""How one step of a sequence becomes field over time, and how long that takes.

`amplitude` and `step`: set the field, hold, read. `loop`: +H, hold, −H, hold, read at −H.
`rotation` needs two magnets: `instruments.rotation`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from instruments.staircase import TICK_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from instruments.limits import LimitedMagnet, MagnetLimits
    from instruments.protocols import Magnet
    from models.sequence import DriveWindow, Reset

FEWEST_LEVELS = 50  # judgement: a drive is rounded by 1 % of the window at most
COARSE = (
    "Look at tesla_per_ampere (tesla an ampere, not ampere a tesla), low_T and high_T in the bench "
    "file"
)
ROTATION = (
    "encoding 'rotation' turns the field by two magnets of the bench, and its [drive] names none; "
    "use 'amplitude' where the field is turned outside the computer"
)


def fields_T(encoding: str, field_T: float) -> tuple[float, ...]:
    """The fields that a step visits, one after another."""
    return (field_T, -field_T) if encoding == "loop" else (field_T,)


def held_s(window: DriveWindow, gate_s: float, holds: int = 1) -> float:
    """How long a step of so many holds is held before its reading.

    It lasts as long as so many steps of one hold at one field, their readings included, of which
    only the last is taken.
    """
    return holds * window.hold_s + (holds - 1) * gate_s


def holds_problems(window: DriveWindow) -> list[str]:
    """Why steps can't be held several times in that window, in words."""
    if window.encoding not in ("amplitude", "step"):
        return [
            f"steps of several holds: a step of encoding {window.encoding!r} is a waveform and "
            "has one length; give no holds, or take encoding 'amplitude' or 'step'"
        ]
    if window.hold_s <= 0:
        return [
            "steps of several holds: hold_s = 0, the read-out itself is the gate, and a step "
            "without its reading has no length; give [drive] a hold_s above zero"
        ]
    return []


def apply(
    magnet: LimitedMagnet, field_T: float, encoding: str, hold_s: float, gate_s: float = 0.0
) -> float:
    """Bring the magnet through a step's fields and hold each; returns the current it ends at.

    `gate_s`: what the reading after it will take, foreseen with the last hold.
    """
    current_A = 0.0
    fields = fields_T(encoding, field_T)
    for number, each_T in enumerate(fields, 1):
        current_A = magnet.step_to_T(each_T)
        magnet.hold(hold_s, gate_s if number == len(fields) else 0.0)
    return current_A


def problems(
    window: DriveWindow, reset: Reset, drives: Iterable[float], limits: MagnetLimits
) -> list[str]:
    """What a window, a reset and drive values 0…1 would break, in words; empty when all is well.

    A loop is a waveform: its swing has to fit into its hold at the magnet's ramp, or it is refused.
    """
    if window.encoding == "rotation":
        return [ROTATION]
    values = list(drives)
    span = [window.low_T + (window.high_T - window.low_T) * drive for drive in values]
    found = []
    for name, each_T in (
        ("reset", reset.field_T),
        ("lowest step", min(span)),
        ("highest step", max(span)),
    ):
        for visited_T in fields_T(window.encoding, each_T):
            problem = limits.problem(limits.current_A(visited_T))
            if problem:
                found.append(f"{name}: {problem}")
                break
    if window.encoding == "loop":
        swing_A = 2 * max(abs(limits.current_A(each_T)) for each_T in (*span, reset.field_T))
        longest_s = max(window.hold_s, TICK_S)
        if swing_A > limits.max_ramp_A_per_s * longest_s:
            found.append(
                f"a loop swings by {swing_A:.4g} A in {longest_s:g} s, max_ramp_A_per_s = "
                f"{limits.max_ramp_A_per_s:g} A/s takes {swing_A / limits.max_ramp_A_per_s:.3g} s: "
                "give a longer hold_s"
            )
    return found


def coarse(window: DriveWindow, limits: MagnetLimits, supply: Magnet) -> str:
    """That a supply's set-points, or their read-back, don't tell drives apart; empty: they do."""
    span_A = abs(limits.current_A(window.high_T - window.low_T))
    steps = span_A / supply.resolution_A
    if steps >= FEWEST_LEVELS and span_A > supply.read_back_error_A(span_A):
        return ""
    return (
        f"from drive 0 to 1 its current changes by {span_A:.3g} A, {steps:.3g} of the "
        f"{supply.resolution_A:g} A of its set-points, which are read back to "
        f"{supply.read_back_error_A(span_A):.2g} A: drives that differ may be one current"
    )


def plan_T(
    window: DriveWindow,
    reset: Reset,
    sequences: Iterable[Sequence[float]],
    gate_s: float,
    holds: Iterable[Sequence[int]] | None = None,
) -> Iterator[tuple[float, float]]:
    """What sequences, one after another, each with its reset, ask of the magnet.

    Parameters
    ----------
    window, reset
        How a step is held.
    sequences
        The fields of each sequence's steps, in T.
    gate_s
        Device time of a reading.
    holds
        Of each sequence's steps; None: one each.

    Yields
    ------
    tuple of float
        Field in T, and how long it is held once it is there, in s.
    """
    for steps_T, counts in zip(sequences, holds or itertools.repeat(()), strict=holds is not None):
        steps = zip(steps_T, counts or itertools.repeat(1), strict=bool(counts))
        for field_T, hold_s in (
            (reset.field_T, reset.hold_s),
            *((t, held_s(window, gate_s, n)) for t, n in steps),
        ):
            *before, last_T = fields_T(window.encoding, field_T)
            yield from ((each_T, hold_s) for each_T in before)
            yield last_T, hold_s + gate_s


def step_s(
    magnet: LimitedMagnet, window: DriveWindow, change_T: float, gate_s: float, holds: int = 1
) -> float:
    """Device time of a step whose field differs from the last by `change_T`: ramps, hold, gate."""
    largest_T = max(abs(window.low_T), abs(window.high_T))
    changes_T = (2 * largest_T, 2 * largest_T) if window.encoding == "loop" else (change_T,)
    walks = sum(magnet.walk_s(magnet.limits.current_A(change)) for change in changes_T)
    return walks + len(changes_T) * window.hold_s + gate_s + (holds - 1) * (window.hold_s + gate_s)
