"""Times that steps were held, as a file has them, as whole numbers of one hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems
from models.sequence import LONGEST_HOLD

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NEAR = 0.1  # of a hold: what a timer of software is off by, and no other hold
ALIKE = 1.5  # of the shortest: held once, too
MOST_PROBLEMS = 5
MOST_TOLD = 1e15  # holds: beyond it counts are no whole numbers any more


def whole_holds(
    times: Array, lengths: NDArray[np.int64], hold: float, file: Path
) -> NDArray[np.int64]:
    """Holds `(S, T)` of steps, 1 beyond a sequence's length.

    Parameters
    ----------
    times
        `(S, R, T)`, R 1 where it is the same in all repeats: how long each step was held, in any
        unit; NaN where a repeat lacks it.
    lengths
        `(S,)`: steps of each sequence.
    hold
        The time of one hold in that unit; 0: the shortest that there is.

    Raises
    ------
    InputError
        Times that are no number above zero, or no multiples of one hold, or differ from repeat to
        repeat, or are a thousand times as long as the shortest: all at once.
    """
    inside = (np.arange(times.shape[2]) < lengths[:, None])[:, None]
    known = np.isfinite(times) & inside
    if not known.any():
        raise InputError(f"{file}: holds hold no number: how long each step was held")
    if (times[known] <= 0).any():
        s, r, t = np.argwhere(known & (times <= 0))[0]
        raise InputError(
            f"{file}: {int((times[known] <= 0).sum())} steps were held for no time or less (the "
            f"first: step {t} of sequence {s}, {times[s, r, t]:g}): times above zero are needed"
        )
    shortest = float(times[known].min())
    unit = hold or float(np.median(times[known & (times < ALIKE * shortest)]))
    with np.errstate(over="ignore"):  # by a hold of 1e-300, which is told
        counts = np.where(known, np.minimum(times / unit, MOST_TOLD), 1.0)
    whole = np.rint(counts)
    todo = "round it in the file" if hold else "give the time that all are multiples of, hold=TIME"
    problems = [
        f"step {t} of sequence {s} was held {times[s, r, t]:g}, {counts[s, r, t]:.3g} times the "
        f"hold of {unit:g}: {todo}"
        for s, r, t in np.argwhere(np.abs(counts - whole) > NEAR)[:MOST_PROBLEMS]
    ]
    problems += [
        f"step {t} of sequence {s} was held {times[s, r, t]:g}, {whole[s, r, t]:.6g} holds of "
        f"{unit:g}; expected 1…{LONGEST_HOLD}"
        for s, r, t in np.argwhere((whole < 1) | (whole > LONGEST_HOLD))[:MOST_PROBLEMS]
    ]
    low = np.where(known, whole, np.inf).min(axis=1)
    high = np.where(known, whole, 0.0).max(axis=1)
    problems += [
        f"step {t} of sequence {s} has no hold time"
        for s, t in np.argwhere(inside[:, 0] & (high == 0))[:MOST_PROBLEMS]
    ]
    problems += [
        f"step {t} of sequence {s} was held {low[s, t]:.6g} to {high[s, t]:.6g} times as long as a "
        "hold in different repeats: repeats need one sequence"
        for s, t in np.argwhere(high > low)[:MOST_PROBLEMS]
    ]
    raise_problems(InputError, str(file), problems)
    holds: NDArray[np.int64] = np.maximum(high, 1).astype(np.int64)
    return holds
