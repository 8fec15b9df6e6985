"""What no twin may be fitted to in silence: clipped and wild values, overloads, no noise.

Each finding is a sentence that names channel, count and value. No torch: importers and the window
ask too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from training.doubtful_repeats import INNER, doubtful_repeats, drive_seen, placed
from training.exchanged_axes import exchanged_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]

OVERLOAD = 9.0e37
"""SCPI instruments answer ±9.9E37 for an overload and 9.91E37 for what was not measured."""
MARK = 9.9e37
FEWEST_VALUES = 50  # of a channel, to call anything clipped
FEWEST_LEVELS = 20  # different values: a coarser converter piles up everywhere
FEWEST_CLIPPED = 5
CLIPPED_SHARE = 1e-3
PILE = 4.0  # times as many values at the end as at the level next to it
WILD = 20.0  # spans of those beyond all of them: 66 standard deviations of a normal distribution
QUIETEST = 1e-3  # of what a channel moves by: noise below it is none to a fit
FEWEST_STEPS = 4.0  # of float32, in which a twin answers, within what repeats differ by
# spreads a step of the read-out: a twin's CRPS comes to 1.08 of the floor then, of 2.3 spreads to
# 1.33, for its noise is smooth
COARSE = 1.5
LOOKED_AT = 20_000  # values, to find a read-out's steps
OTHER_SCALE = 300.0  # between recordings: a unit's prefix makes 1000, a smaller drive less


def is_overload(values: Array) -> NDArray[np.bool_]:
    """Which values are an instrument's mark for an overload or a missing reading."""
    marks: NDArray[np.bool_] = np.abs(np.nan_to_num(values, posinf=0.0, neginf=0.0)) >= OVERLOAD
    return marks


def clipped(values: Array) -> list[tuple[float, int]]:
    """Ends of the range where values pile up: level and count, none where nothing is clipped.

    Noise makes equal extremes unlikely, and a converter's levels get rarer towards the ends; a
    read-out at its limit gives one value again and again.

    Parameters
    ----------
    values
        Of one channel, any shape; NaN is left out.
    """
    known = values[np.isfinite(values)]
    if known.size < FEWEST_VALUES:
        return []
    levels, counts = np.unique(known, return_counts=True)
    if levels.size < FEWEST_LEVELS:
        return []
    fewest = max(FEWEST_CLIPPED, CLIPPED_SHARE * known.size)
    found = []
    for end, beside in ((-1, -2), (0, 1)):
        if counts[end] >= fewest and counts[end] >= PILE * counts[beside]:
            found.append((float(levels[end]), int(counts[end])))
    return found


def measured(value: float, unit: str, form: str = ".3g") -> str:
    """A value with its unit, if it has one."""
    return f"{value:{form}} {unit}" if unit not in ("", "1") else f"{value:{form}}"


def clipped_words(
    values: Array, channels: Sequence[str], units: Sequence[str] | None = None
) -> Iterator[str]:
    """A sentence for each clipped channel of `(…, C)`."""
    for c, name in enumerate(channels):
        column = values[..., c]
        total = max(int(np.isfinite(column).sum()), 1)
        for level, count in clipped(column):
            value = measured(level, units[c] if units else "", "g")
            which = "largest" if level == np.nanmax(column) else "smallest"
            yield (
                f"channel {name!r}: {count} values ({100 * count / total:.2g} %) are exactly "
                f"{value}, its {which}: clipped or overloaded? A twin would learn the "
                "limit of the read-out; record with a larger range, or leave those repeats out"
            )


def warnings_of(recording: Recording) -> list[str]:
    """What a fit of this recording should say beforehand, a sentence each."""
    return [*clipped_of(recording), *alike_of(recording)]


def alike_of(recording: Recording) -> Iterator[str]:
    """A sentence for each channel that moves, and alike in all repeats of a sequence."""
    response = recording.measured()
    several = recording.complete.sum(axis=1) >= 2
    for c, name in enumerate(recording.channel_words):
        moves = np.ptp(_known(recording, c)) > 0 if several.any() else False
        if moves and _repeats_alike(response[several][..., c]):
            yield (
                f"channel {name!r}: its repeats are all the same, so that there is no noise to "
                "learn; is it the drive, or computed from it?"
            )


def clipped_of(recording: Recording) -> list[str]:
    """A sentence for each clipped channel of a recording, and for whatever else is doubtful."""
    response = recording.measured()
    clips = clipped_words(response, recording.channel_words, recording.units)
    return [*clips, *doubts_of(recording)]


def doubts_of(recording: Recording) -> list[str]:
    """A sentence for each channel with wild or coarse values, and for repeats that seem none.

    Of what was imported with axes that a map named, for axes that seem exchanged, too.
    """
    seen = drive_seen(recording)
    said = [*_wild(recording), *_coarse(recording), *doubtful_repeats(recording, seen)]
    return [*said, *exchanged_words(recording, seen)] if "imported" in recording.meta else said


def is_wild(values: Array) -> NDArray[np.bool_]:
    """Which of a column's values (or of each of several, `(N, C)`) are far from all others.

    Beyond 20 spans of the inner 90 %; none where that span is zero. NaN is left out.
    """
    low, high = np.nanpercentile(values, INNER, axis=0)
    room = WILD * (high - low)
    beyond: NDArray[np.bool_] = (room > 0) & ((values < low - room) | (values > high + room))
    return beyond


def _wild(recording: Recording) -> Iterator[str]:
    """A sentence for each channel of which a few values are far from all others."""
    for c, name in enumerate(recording.channel_words):
        values = np.where(recording.complete[:, :, None], recording.response[..., c], np.nan)
        if np.isfinite(values).sum() < FEWEST_VALUES:
            continue
        wild = is_wild(values.ravel()).reshape(values.shape)
        if wild.any():
            low, high = np.nanpercentile(values, INNER)
            unit = recording.units[c]
            which, left_out = placed(recording, np.asarray(wild.any(axis=2)))
            worst = values[wild][np.abs(values[wild]).argmax()]
            yield (
                f"channel {name!r} has {int(wild.sum())} of its values far from all others, up to "
                f"{measured(worst, unit)}, where 90 % are within {low:.3g} to "
                f"{measured(high, unit)}: {which}. A glitch? A fit is spoilt by it: {left_out}"
            )


def _coarse(recording: Recording) -> Iterator[str]:
    """A sentence for each channel whose noise is smaller than the steps that it is read in."""
    for c, name in enumerate(recording.channel_words):
        known = _known(recording, c)
        step = step_of(known[:: max(known.size // LOOKED_AT, 1)])
        spread = _spread(recording, c)
        if COARSE * spread < step and not _repeats_alike(recording.response[..., c]):
            unit = recording.units[c]
            yield (
                f"channel {name!r} is read in steps of {measured(step, unit)}, and its repeats "
                f"differ by {measured(spread, unit)}: the read-out hides the noise. A twin's noise "
                "has no steps, so that its CRPS can't come down to the floor however much is "
                "recorded: choose a smaller range or a higher sensitivity"
            )


def step_of(values: Array) -> float:
    """The step in which a column's values come; 0 where most of them are different values."""
    levels = np.unique(values)
    few = 2 <= levels.size < values.size / 4
    return float(np.median(np.diff(levels))) if few and values.size >= FEWEST_VALUES else 0.0


def _too_fine(recording: Recording) -> Iterator[str]:
    """A sentence for each channel whose changes get lost in the numbers that a twin answers with.

    It keeps seven digits (float32): of 9.4 GHz the next value is 1 kHz away. Where nothing was
    repeated the noise is not known, and all that the channel moves by has to get lost.
    """
    repeated = bool((recording.complete.sum(axis=1) >= 2).any())
    for c, name in enumerate(recording.channel_words):
        known = _known(recording, c)
        if known.size < 2 or np.ptp(known) == 0:
            continue
        step = float(np.spacing(np.float32(np.abs(known).max())))
        spread, moves = _spread(recording, c), float(known.std())
        if max(spread, QUIETEST * moves if repeated else moves) < FEWEST_STEPS * step:
            unit = recording.units[c]
            by = f"repeats differ by {measured(spread, unit)}"
            by = by if repeated else f"values differ by {measured(moves, unit)}"
            yield (
                f"channel {name!r} reaches {measured(float(np.abs(known).max()), unit)}, and its "
                f"{by}: a twin answers in steps of {measured(step, unit)} there. Give it without "
                "its constant part, as a difference"
            )


def _spread(recording: Recording, channel: int) -> float:
    """Standard deviation over a channel's repeats; 0 where no sequence has two of them."""
    values = recording.response[..., channel]
    there = recording.complete[:, :, None] & np.isfinite(values)
    count = there.sum(axis=1, keepdims=True)
    mean = np.where(there, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    squares = float((np.where(there, values - mean, 0.0) ** 2).sum())
    return math.sqrt(squares / max(int(np.maximum(count - 1, 0).sum()), 1))


def problems_of(recording: Recording) -> list[str]:
    """What a fit of this recording must refuse, a sentence each."""
    return [*_overloaded(recording), *_too_fine(recording)]


def _overloaded(recording: Recording) -> list[str]:
    marks = is_overload(recording.response)
    return [
        f"channel {name!r} holds {int(marks[..., c].sum())} overload marks of an instrument "
        f"({float(np.abs(recording.response[..., c][marks[..., c]]).max()):g}): import or record "
        "it again without those repeats"
        for c, name in enumerate(recording.channel_words)
        if marks[..., c].any()
    ]


def scale_words(first: Recording, other: Recording) -> list[str]:
    """Channels whose values differ by a unit's prefix between two recordings of one unit."""
    said = []
    for c, name in enumerate(first.channel_words):
        known = [_known(r, c) for r in (first, other)]
        one, two = (_inner_span(values) for values in known)
        if not one or not two:  # of a pulse now and then
            one, two = (float(np.ptp(values)) if values.size else 0.0 for values in known)
        if one > 0 and two > 0 and not 1 / OTHER_SCALE < two / one < OTHER_SCALE:
            said.append(
                f"channel {name!r} spans {measured(two, other.units[c])} instead of "
                f"{measured(one, first.units[c])}: another unit, gain or sensitivity?"
            )
    return said


def scale_beside(scale: NDArray[np.floating[Any]], recording: Recording) -> list[str]:
    """Channels whose values differ by a unit's prefix from those that a twin was fitted on.

    `scale` `(C,)`: the standard deviation that its channels had.
    """
    said = []
    for c, name in enumerate(recording.channel_words):
        known = _known(recording, c)
        now, then = float(known.std()) if known.size else 0.0, float(abs(scale[c]))
        if now > 0 and then > 0 and not 1 / OTHER_SCALE < now / then < OTHER_SCALE:
            unit = recording.units[c]
            said.append(
                f"channel {name!r} moves by {measured(now, unit)} (standard deviation), where the "
                f"twin was fitted it did by {measured(then, unit)}: another unit, gain or "
                "sensitivity?"
            )
    return said


def still_of(recording: Recording) -> list[str]:
    """A sentence for each channel that has one value everywhere."""
    return [
        f"channel {name!r} is {measured(known[0], recording.units[c], 'g')} at every step: is it "
        "connected, is its sensitivity right?"
        for c, name in enumerate(recording.channel_words)
        if (known := _known(recording, c)).size > 1 and np.ptp(known) == 0
    ]


def _known(recording: Recording, channel: int) -> Array:
    """Values of a channel's complete repeats that are numbers."""
    values = recording.response[..., channel][recording.complete]
    known: Array = values[np.isfinite(values)]
    return known


def _repeats_alike(values: Array) -> bool:
    """Whether no repeat `(S, R, T)` differs from another of its sequence anywhere."""
    known = np.isfinite(values)
    high = np.where(known, values, -np.inf).max(axis=1)
    low = np.where(known, values, np.inf).min(axis=1)
    there = known.any(axis=1)
    return bool(there.any() and (high[there] == low[there]).all())


def _inner_span(values: Array) -> float:
    """Within which the inner 90 % are: a glitch is no other unit."""
    return float(np.ptp(np.percentile(values, INNER))) if values.size else 0.0
