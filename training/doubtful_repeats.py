"""Repeats that are not what they stand for: of another sequence, copies, or never recorded.

Each finding is a sentence with numbers of repeats in the run's order, from 1. No torch.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]

INNER = (5.0, 95.0)  # per cent of a channel's values: one wild repeat of 32 is not among them
LEAST_SEEN = 1.5  # of chance: where no drive is seen 3 sequences of 20 steps give 0.5 … 1.45
FEWEST_VALUES = 10  # of a repeat: fewer may be the same by chance, on a coarse converter
MOST_RUNS = 8  # of numbers that a sentence lists
QUIETEST = 1e-9  # of a channel's largest value: a spread below it is rounding


def numbers(positions: Iterable[int], between: str = ", ") -> str:
    """Positions in a run's order, from 0, as people count them: `12, 13, 20-35`."""
    return between.join(_runs(positions))


def placed(recording: Recording, which: NDArray[np.bool_]) -> tuple[str, str]:
    """Repeats `(S, R)` by their numbers, and how they are left out, in words.

    Of recordings that were joined, whose numbers begin anew with each, only how many they are.
    """
    at, order = recording.order[which], recording.order[recording.complete]
    runs, one = _runs(at), at.size == 1
    joined = np.unique(order).size < order.size
    words = f"{at.size} repeat{'' if one else 's'} of these runs" if joined else (
        f"{listed(at)} of the run"
    )  # fmt: skip
    plain = not joined and len(runs) <= MOST_RUNS
    command = f"`twinrig mark RECORDING --bad {','.join(runs) if plain else 'A,B-C'}`"
    return words, f"{command} leaves {'it' if one else 'them'} out"


def listed(positions: Iterable[int]) -> str:
    """`repeat 12` or `repeats 12, 20-35`, of very many the first."""
    runs = _runs(positions)
    word = "repeat" if len(runs) == 1 and "-" not in runs[0] else "repeats"
    return f"{word} {', '.join(runs[:MOST_RUNS])}{' …' if len(runs) > MOST_RUNS else ''}"


def doubtful_repeats(recording: Recording, seen: float | None) -> Iterator[str]:
    """A sentence for each kind of repeat that is no repeat of its sequence.

    `seen`: the recording's `drive_seen`.
    """
    still = _still(recording)
    if still.any():
        which, left_out = placed(recording, still)
        yield (
            f"{which} {'has' if still.sum() == 1 else 'have'} one value at every step in every "
            f"channel, where others move: not recorded? {left_out}"
        )
    yield from _copied_words(recording, _copies(recording) & ~still)
    yield from _unseen_words(seen)


def doubtful_between(joined: Recording, parts: Sequence[Recording]) -> Iterator[str]:
    """What only shows where recordings lie side by side: a sentence each, of all together.

    Repeats of one that are copies of another's, and a drive that is not seen where each by itself
    has too few sequences to tell.
    """
    copies = _copies(joined) & ~_still(joined)
    if copies.sum() > sum(int((_copies(part) & ~_still(part)).sum()) for part in parts):
        yield from _copied_words(joined, copies)
    if all(drive_seen(part) is None for part in parts):
        yield from _unseen_words(drive_seen(joined))


def _copied_words(recording: Recording, copies: NDArray[np.bool_]) -> Iterator[str]:
    if copies.any():
        which, left_out = placed(recording, copies)
        yield (
            f"{which} {'is' if copies.sum() == 1 else 'are'}, number for number, an earlier one: "
            "copies, or a file imported twice? Noise, its floor and intervals look smaller by them "
            f"than they are. {left_out}"
        )


def _unseen_words(seen: float | None) -> Iterator[str]:
    if seen is not None and seen < LEAST_SEEN:
        yield (
            "repeats of one sequence differ as much as those of different sequences: means of the "
            f"sequences vary {seen:.2g} times as much as by chance (where a drive is seen, more "
            f"than {LEAST_SEEN:g} times), so that a twin would learn noise and no drive. Are "
            "sequence and repeat exchanged in its map, or drive and response of two runs?"
        )


def drive_seen(recording: Recording) -> float | None:
    """How much means of sequences vary over what the scatter of their repeats alone would make.

    The largest of all channels, and of the values as they are and without each repeat's own mean,
    which drift moves. About 1 where the drive makes no difference, below it where what stands as
    repeats are sequences. None where it can't be told: one drive, fewer than two sequences with at
    least two repeats, values that are not numbers, or that differ by no more than rounding.
    """
    used = recording.complete.sum(axis=1) >= 2
    if used.sum() < 2:
        return None
    steps = int(recording.lengths[used].min())
    drive = recording.drive[used, :steps]
    if not np.ptp(drive, axis=0).any():
        return None
    blocks = [recording.response[s, recording.complete[s], :steps] for s in used.nonzero()[0]]
    if not all(np.isfinite(block).all() for block in blocks):
        return None
    channels = range(recording.response.shape[3])
    found = [_over_chance([block[..., c] for block in blocks]) for c in channels]
    return max((one for one in found if one is not None), default=None)


def _over_chance(sequences: Sequence[Array]) -> float | None:
    """Variance of sequences' means over what repeats `(R, T)` of each alone would make.

    The larger of that of the values and of that without each repeat's own mean. None where neither
    is more than rounding.
    """
    low, high = np.percentile(np.concatenate([one.ravel() for one in sequences]), INNER)
    room = high - low if high > low else np.inf  # a glitch is more than all that is seen
    scale = max(abs(low - room), abs(high + room)) if high > low else max(abs(low), 1e-300)
    found = []
    for centred in (False, True):
        means, chance = [], 0.0
        for one in sequences:
            known = np.clip(one, low - room, high + room) / scale
            known = known - known.mean(axis=1, keepdims=True) if centred else known
            means.append(known.mean(axis=0))
            chance += float((known.var(axis=0, ddof=1) / len(known)).mean()) / len(sequences)
        between = float(np.var(means, axis=0, ddof=1).mean())
        if chance > QUIETEST**2:
            found.append(between / chance)
        elif between > QUIETEST**2:
            found.append(np.inf)
    return max(found, default=None)


def _still(recording: Recording) -> NDArray[np.bool_]:
    """Which complete repeats `(S, R)` never move in any channel; none where no repeat moves."""
    inside = np.arange(recording.response.shape[2]) < recording.lengths[:, None]
    where = inside[:, None, :, None] & recording.complete[:, :, None, None]
    high = np.where(where, recording.response, -np.inf).max(axis=2)
    low = np.where(where, recording.response, np.inf).min(axis=2)
    long = recording.lengths[:, None] * recording.response.shape[3] >= FEWEST_VALUES
    still = np.asarray((high == low).all(axis=2) & recording.complete & long)
    moving = recording.complete & ~still
    return still if moving.any() else np.zeros_like(still)


def _copies(recording: Recording) -> NDArray[np.bool_]:
    """Which complete repeats `(S, R)` are number for number an earlier one.

    None where every repeat is its sequence's first again: that is no noise at all, told elsewhere.
    """
    found = np.zeros_like(recording.complete)
    before: set[bytes] = set()
    for s, length in enumerate(recording.lengths):
        if length * recording.response.shape[3] < FEWEST_VALUES:
            continue
        for r in np.argsort(recording.order[s], kind="stable"):
            if recording.complete[s, r]:
                own = np.ascontiguousarray(recording.response[s, r, :length])
                key = hashlib.blake2b(own.data).digest()
                found[s, r] = key in before
                before.add(key)
    several = recording.complete.sum(axis=1) > 1
    alike = several.any() and found.sum() == (recording.complete.sum(axis=1) - 1)[several].sum()
    return np.zeros_like(found) if alike else found


def _runs(positions: Iterable[int]) -> list[str]:
    runs: list[list[int]] = []
    for number in sorted({int(p) + 1 for p in positions}):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [[f"{r[0]}-{r[-1]}"] if len(r) > 2 else map(str, r) for r in runs]
    return [word for part in parts for word in part]
