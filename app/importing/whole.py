"""Which repeats of an import are whole: lengths, gaps, and what is refused or only said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.words import counted, some_of
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.importing.mapping import Mapping
    from app.importing.prepare import Measured

    Array = NDArray[np.float64]
    Remarks = list[tuple[str, str]]

MOST_PROBLEMS = 12
MOST_STEPS = 5
NARROW = 0.1  # of the window: of a drive of 3 % of it a short fit learned the mean response only


def whole_repeats(
    made: Measured, drive: Array, asked: Mapping
) -> tuple[Array, NDArray[np.int64], Remarks]:
    """Responses with each sequence's length; what repeats of different length mean, in words."""
    steps = np.arange(drive.shape[1])
    there = np.asarray(np.isfinite(made.response).any(axis=3))
    ends = np.where(there.any(axis=2), drive.shape[1] - np.argmax(there[..., ::-1], axis=2), 0)
    known = np.isfinite(drive)
    last = np.where(known.any(axis=1), drive.shape[1] - np.argmax(known[:, ::-1], axis=1), 0)
    longest = ends.max(axis=1)
    shortest = np.where(ends > 0, ends, drive.shape[1]).min(axis=1)
    uneven = [int(s) for s in np.flatnonzero((longest > 0) & (longest > shortest))]
    if asked.words.cut == "shortest":
        longest = shortest
    lengths = np.minimum(last, np.where(longest > 0, longest, last)).astype(np.int64)
    response = np.where((steps < lengths[:, None])[:, None, :, None], made.response, np.nan)
    remarks = list(made.remarks)
    beyond = np.flatnonzero((lengths < last) & (last > 0)) if made.is_known else np.empty(0)
    if beyond.size:
        remarks.append(
            (f"the drive goes on beyond the responses of {beyond.size} sequences: those steps are "
             "left out", "warning")
        )  # fmt: skip
    if uneven:
        which = ", ".join(map(str, uneven[:5])) + (" …" if len(uneven) > 5 else "")
        first = ends[uneven[0]][ends[uneven[0]] > 0]
        what = (
            "each sequence is cut to its shortest repeat"
            if asked.words.cut == "shortest"
            else "the shorter ones count as not recorded; cut=shortest keeps them and cuts the rest"
        )
        remarks.append(
            (f"repeats of different length in {counted(len(uneven), 'sequence')} ({which}; of the "
             f"first {first.min()} to {first.max()} steps): {what}", "warning")
        )  # fmt: skip
    return response, lengths, remarks


def refuse_unusable(
    file: Path,
    arrays: tuple[Array, Array, NDArray[np.int64]],
    asked: Mapping,
    made: Measured,
) -> None:
    """Refuse numbers that no fit could use: `arrays` are response, drive and lengths.

    Raises
    ------
    InputError
        Every fault at once: drives outside 0…1, gaps everywhere, infinities, wrong families.
    """
    response, drive, lengths = arrays
    problems = []
    for s, length in enumerate(lengths):
        used, inside = response[s, :, :length], drive[s, :length]
        if length == 0 or not np.isfinite(inside).all():
            gaps = ", ".join(map(str, np.flatnonzero(~np.isfinite(inside))[:MOST_STEPS]))
            where = f" (step {gaps})" if gaps else ""
            problems.append(f"the drive of sequence {s} holds values that are not numbers{where}")
        elif inside.min() < 0 or inside.max() > 1:
            problems.append(_beyond_words(s, inside, asked))
        if not np.isfinite(used).all(axis=(1, 2)).any():
            problems.append(_gaps_words(s, used, made))
    if not problems and not np.nan_to_num(response).any():
        problems.append("the response is zero or NaN everywhere")
    families = asked.words.family
    if len(families) > 1 and len(families) != len(lengths):
        problems.append(f"family= names {len(families)}, there are {len(lengths)} sequences")
    raise_problems(InputError, str(file), some_of(problems, MOST_PROBLEMS))


def _beyond_words(sequence: int, drive: Array, asked: Mapping) -> str:
    """A drive `(T,)` beyond 0…1, in the file's own numbers, and what to do."""
    low, high = float(drive.min()), float(drive.max())
    if asked.words.field is None:
        return (
            f"the drive of sequence {sequence} spans {low:g}…{high:g}, expected 0…1: say what its "
            "range is with field=LOW,HIGH,UNIT or field=auto,UNIT"
        )
    begin, end = asked.words.field
    own_low, own_high = (begin + (end - begin) * value for value in (low, high))
    return (
        f"the drive of sequence {sequence} spans {own_low:g}…{own_high:g}, expected {begin:g}…"
        f"{end:g}: field= must span it"
    )


def _gaps_words(sequence: int, used: Array, made: Measured) -> str:
    """Why a sequence `(R, T, C)` has no whole repeat, and what to do."""
    several = made.response.shape[0] > 1
    known = np.isfinite(used)
    if not known.any():
        over = made.over is not None and made.over[sequence].all()
        what = "overloads" if over else "gaps (NaN) or overloads: it has no number"
        todo = "; map only=sequence:… without it" * several
        return f"sequence {sequence} has no repeat without {what}{todo}"
    what, todo = _gaps_where(known, made.channels)
    others = [*["only=sequence:… without it"] * several, *todo]
    mapped = f"; map {', or '.join(others)}" if others else ""
    return f"sequence {sequence} has no repeat without gaps (NaN){what}{mapped}"


def _places(which: NDArray[np.bool_]) -> str:
    """Repeats of `(S, R)` by sequence and repeat, from 0 as a map's `only=` counts."""
    found = [f"sequence {s} repeat {r}" for s, r in np.argwhere(which)[:MOST_STEPS]]
    return ", ".join(found) + " …" * (int(which.sum()) > MOST_STEPS)


def _gaps_where(known: NDArray[np.bool_], channels: tuple[str, ...]) -> tuple[str, list[str]]:
    """Where repeats `(R, T, C)` of which none is whole have their gaps, and a map without them."""
    gone = [channels[c] for c in np.flatnonzero(~known.any(axis=(0, 1)))]
    if gone:
        what = f": channel {', '.join(map(repr, gone))} holds no number there"
        return what, ["only=channel:… without that channel"]
    ends = (known.any(axis=2) * np.arange(1, known.shape[1] + 1)).max(axis=1)
    if known[:, : ends[ends > 0].min()].all(axis=(1, 2)).any():
        return "", ["cut=shortest"]
    never = np.flatnonzero((~known.all(axis=2)).all(axis=0))
    if never.size:
        at = f"{', '.join(map(str, never[:MOST_STEPS]))}{' …' * (never.size > MOST_STEPS)}"
        return f": step {at} is one in each of them: leave it out of the file", []
    return ": each has some of its own", []


def narrow_words(drive: Array, lengths: NDArray[np.int64]) -> list[str]:
    """Of a drive `(S, T)` that a map takes for 0…1: whether it may be a field in its own unit."""
    used = drive[np.arange(drive.shape[1]) < lengths[:, None]]
    low, high = float(used.min()), float(used.max())
    if low == high or high - low >= NARROW:
        return []
    return [
        f"the drive spans {low:.4g}…{high:.4g}, {100 * (high - low):.2g} % of 0…1, of which a "
        "fit learns little: if these are values of a field, map field=LOW,HIGH,UNIT or "
        "field=auto,UNIT"
    ]


def notes_on(response: Array, drive: Array, lengths: NDArray[np.int64], made: Measured) -> Remarks:
    """Sentences with their level about what a user should know."""
    notes = []
    if not made.is_known:
        notes.append(
            ("no drive given: the step's index, scaled to 0…1, stands for one fixed drive", "info")
        )
    if len(drive) > 1 and len(np.unique(drive, axis=0)) == 1:
        have, todo = ("have", "give each its own") if made.is_known else (
            "then have", "name their drive"
        )  # fmt: skip
        notes.append(
            (f"its {len(drive)} sequences {have} one and the same drive: a fit can't tell them "
             f"apart and refuses them; {todo}, or make them repeats", "warning")
        )  # fmt: skip
    used = np.arange(response.shape[2]) < lengths[:, None]
    gaps = ~np.isfinite(response).all(axis=3) & used[:, None, :]
    over = np.zeros(gaps.shape[:2], dtype=bool) if made.over is None else made.over
    incomplete = gaps.any(axis=2) & ~over
    if incomplete.any():
        one = int(incomplete.sum()) == 1
        have, count = ("has", "counts") if one else ("have", "count")
        said = f"{counted(int(incomplete.sum()), 'repeat')} {have} gaps (NaN) and {count} as not "
        notes.append((f"{said}recorded: {_places(incomplete)}", "warning"))
    spans = np.nanmax(response, axis=(0, 1, 2)) - np.nanmin(response, axis=(0, 1, 2))
    still = [made.channels[c] for c in np.flatnonzero(spans == 0)]
    if still:
        which, it = ("channel", "it") if len(still) == 1 else ("channels", "them")
        words = f"{which} {', '.join(map(repr, still))} never move{'s' * (it == 'it')}"
        said = f"{words}: no twin can be fitted to {it}; leave {it} out with only=channel:…"
        notes.append((said, "warning"))
    if response.shape[1] < 2:
        notes.append(
            ("one repeat only: by itself only a twin without noise can be fitted (fit "
             "--deterministic), one with noise beside a recording of repeats", "warning")
        )  # fmt: skip
    return notes
