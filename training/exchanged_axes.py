"""Axes of an imported response that seem exchanged: sequence, repeat or channel, and step.

A device remembers: what it answers at a step depends on the drive of the steps before, and not on
that of other sequences. And a drive is seen in what repeats have in common: means over the repeats
differ from step to step, while means over the steps hardly differ from repeat to repeat. No torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.doubtful_repeats import QUIETEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]

LAGS = 3
KNOTS = 10  # of the response to the drive now: one that is bent is no memory
MOST_ROWS, FEWEST_ROWS = 20_000, 100
# Measured: on rings and leaky integrators the steps before explained 0.10 to 0.99, the sequences
# before at most a quarter of that, or half where steps explained 0.5; without memory, on sequences
# of one shape in rising amplitudes, sequences explained 0.22 and steps 0.06 in the worst case.
SIGNIFICANT = 12.0  # of an F test
LEAST, TIMES = 0.1, 4.0
MUCH, TIMES_MUCH = 0.35, 1.5
# The drive explained 0.45 and more of every recording of rings at hand, of one with its sequences
# in another order 0.27 at most.
FOLLOWED, CLEARLY_SEEN = 0.4, 5.0
OTHERS, TIMES_OTHERS = 10, 2.0  # other orders of the sequences, to compare with
MANY_ROWS = 400
MOST_VALUES = 20_000_000  # of whole sequences, that are looked at
KEPT = (0.8, 0.95, 0.99)  # for slow memory
FEWEST = 3  # repeats and steps, to compare how much their means differ
ALIKE = 0.05  # of the variance from repeat to repeat: channels that vary less are repeats
FEWEST_BESIDE = 4  # repeats, to say of one that it is none
FAR_BEYOND = 1.0  # of what the others differ by: noise never is, at every step
OF_ITS_OWN = 100.0  # times chance: what slow noise of alike channels never is
NOT_SEEN, FAR_APART = 1.5, 10.0  # times chance


def exchanged_words(recording: Recording, seen: float | None) -> Iterator[str]:
    """A sentence where two axes of what was imported seem exchanged.

    `seen`: the recording's `drive_seen`.
    """
    most = max(MOST_VALUES // recording.response[0].size, 1)
    complete = recording.complete[:most, :, None, None]
    response = np.where(complete, recording.response[:most], np.nan)
    drive = recording.drive[:most]
    remembered = sequences_remembered(drive, response)
    if remembered is not None:
        yield (
            "the response follows the drive of the sequences before it "
            f"({100 * remembered[1]:.0f} % of what the drive of its own step leaves open) rather "
            f"than that of the steps before it ({100 * remembered[0]:.0f} %): are sequence and "
            "step exchanged in its map?"
        )
    else:
        yield from _unfollowed_words(seen, drive, response)
    alike = channels_alike(response)
    if alike is not None:
        yield (
            f"its {response.shape[3]} channels differ by {100 * alike:.2g} % of what its repeats "
            "differ by, and each repeat has a place of its own: are repeat and channel exchanged "
            "in its map?"
        )
    odd = odd_repeats(response)
    if odd:
        named = ", ".join(map(str, odd))
        yield (
            f"repeat {named}, counted from 0, lies far from all others, at every step: is it the "
            "drive, a count or a time that stands among the repeats? Without it: only=repeat:…"
        )
    apart = repeats_apart(response)
    if apart is not None:
        steps, repeats = map(_times, apart)
        yield (
            f"repeats differ from one another: their means vary {repeats} times as much as by "
            f"chance, those of the steps {steps} times (where a drive is seen, more than "
            f"{NOT_SEEN:g} times). Are repeat and step exchanged in its map, are these repeats of "
            "several drives, or do they drift?"
        )


def _times(factor: float) -> str:
    """With two digits and no exponent: `1.4`, `160`."""
    return f"{float(f'{factor:.2g}'):.7g}"


def _unfollowed_words(seen: float | None, drive: Array, response: Array) -> Iterator[str]:
    if seen is None or seen < CLEARLY_SEEN:
        return
    followed = drive_followed(drive, response)
    if followed is None or followed >= FOLLOWED:
        return
    rng = np.random.default_rng(0)
    others = [drive_followed(rng.permutation(drive), response) or 0.0 for _ in range(OTHERS)]
    if followed <= TIMES_OTHERS * max(others):
        yield (
            f"sequences differ {_times(seen)} times as much as by chance, but not as their drives "
            f"do: that of a step and of those before it explains {100 * max(followed, 0.0):.0f} % "
            "of the response, hardly more than that of other sequences. Are drive and response in "
            "another order of sequences, or the drive's own axes exchanged in its map?"
        )


def sequences_remembered(drive: Array, response: Array) -> tuple[float, float] | None:
    """How much the drive before explains of a response, along steps and along sequences.

    As shares of what the drive of the same step leaves open. None unless it is that of the
    sequences before which explains it.

    Parameters
    ----------
    drive, response
        `(S, T)`, `(S, R, T, C)`, NaN where there is nothing.
    """
    mean = _mean(response)
    along_steps, along_sequences = (_remembered(drive, mean, axis) for axis in (1, 0))
    channel = int(along_sequences.argmax())
    steps, sequences = float(along_steps[channel]), float(along_sequences[channel])
    exchanged = (sequences >= LEAST and sequences >= TIMES * steps) or (
        sequences >= MUCH and sequences >= TIMES_MUCH * steps
    )
    return (steps, sequences) if exchanged else None


def drive_followed(drive: Array, response: Array) -> float | None:
    """Share of a response's mean that its drive explains, now and before; the best channel's.

    None where there are too few values to tell. Shapes as in `sequences_remembered`.
    """
    mean = _mean(response)
    rows = max(MOST_ROWS // drive.shape[1], 1)
    drive, mean = drive[:rows], mean[:rows]
    earlier = [*_lagged(drive), *(_faded(drive, kept) for kept in KEPT)]
    terms = [lag**power for lag in earlier for power in (1, 2)]
    used = np.isfinite([drive, *terms]).all(axis=0) & np.isfinite(mean).all(axis=2)
    value = mean[used]
    value = value[:, np.ptp(value, axis=0) > 0] if len(value) >= MANY_ROWS else value[:, :0]
    if not value.size:
        return None
    both = np.column_stack([_bent(drive[used]), *(term[used] for term in terms)])
    less, more = _left_open(both, value)
    left = less / max(len(value) - more, 1) / value.var(axis=0, ddof=1)
    return 1.0 - float(left.min())


def _lagged(drive: Array) -> list[Array]:
    """The drive `(S, T)` one step before, two, and so on; NaN before the first."""
    first = np.full((len(drive), LAGS), np.nan)
    padded = np.concatenate([first, drive], axis=1)
    return [padded[:, LAGS - k : padded.shape[1] - k] for k in range(1, LAGS + 1)]


def _faded(drive: Array, kept: float) -> Array:
    """The mean of the drive `(S, T)` so far, of which each step keeps a share."""
    made, level = np.empty_like(drive), drive[:, 0]
    for t in range(drive.shape[1]):
        level = kept * level + (1 - kept) * drive[:, t]
        made[:, t] = level
    return made


def _remembered(drive: Array, mean: Array, axis: int) -> Array:
    """Share `(C,)` of a response `(S, T, C)` that the drive before along an axis explains.

    Beside the drive now.
    """
    drive, mean = np.moveaxis(drive, axis, 1), np.moveaxis(mean, axis, 1)
    nothing, length = np.zeros(mean.shape[2]), drive.shape[1]
    if length < LAGS + 2:
        return nothing
    rows = max(MOST_ROWS // length, 1)
    drive, mean = drive[:rows], mean[:rows]
    now, value = drive[:, LAGS:].ravel(), mean[:, LAGS:].reshape(-1, len(nothing))
    before = [drive[:, LAGS - k : length - k].ravel() for k in range(1, LAGS + 1)]
    used = np.isfinite([now, *before]).all(axis=0) & np.isfinite(value).all(axis=1)
    if used.sum() < FEWEST_ROWS:
        return nothing
    bent = _bent(now[used])
    lags = [lag[used] ** power for lag in before for power in (1, 2)]
    both = np.column_stack([bent, *lags])
    (left, terms), (less, more) = (_left_open(one, value[used]) for one in (bent, both))
    free = int(used.sum()) - more
    if more == terms or free < 1:
        return nothing
    rounding = used.sum() * (QUIETEST * np.abs(value[used]).max(axis=0)) ** 2
    is_chance = (left - less) / (more - terms) < SIGNIFICANT * less / free
    share = 1 - less / free / np.where(left > rounding, left / (free + more - terms), np.inf)
    made: Array = np.where(is_chance | (left <= rounding), 0.0, np.maximum(share, 0.0))
    return made


def _mean(response: Array) -> Array:
    """Mean over the repeats of `(S, R, T, C)`; NaN where there is none."""
    known = np.isfinite(response)
    mean = np.where(known, response, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    made: Array = np.where(known.any(axis=1), mean, np.nan)
    return made


def _bent(drive: Array) -> Array:
    """A basis of what is linear between knots: whatever a response without memory may be."""
    knots = np.unique(np.quantile(drive, np.linspace(0, 1, KNOTS)))
    return np.column_stack([np.interp(drive, knots, one) for one in np.eye(len(knots))])


def _left_open(terms: Array, value: Array) -> tuple[Array, int]:
    """Sum of squares that a linear regression leaves, and how many of its terms count."""
    weights, _, rank, _ = np.linalg.lstsq(terms, value, rcond=1e-8)
    left: Array = ((value - terms @ weights) ** 2).sum(axis=0)
    return left, int(rank)


def repeats_apart(response: Array) -> tuple[float, float] | None:
    """How much means of steps and of repeats vary, over what chance alone would make.

    `response` `(S, R, T, C)`. None unless repeats differ much and steps do not, and where there are
    too few of either.
    """
    found = []
    for sequence in response:
        whole = sequence[np.isfinite(sequence).any(axis=(1, 2))]
        there = np.isfinite(whole).all(axis=(0, 2))
        if len(whole) >= FEWEST and there.sum() >= FEWEST:
            used = whole[:, there]
            found.append((_over_chance(used, 0), _over_chance(used, 1)))
    if not found:
        return None
    steps, repeats = np.mean(found, axis=0)
    channel = int(np.argmax(steps))
    if steps[channel] >= NOT_SEEN or repeats.max() < FAR_APART:
        return None
    return float(steps[channel]), float(repeats.max())


def channels_alike(response: Array) -> float | None:
    """How little channels differ beside repeats, as a share; None unless it is very little.

    And each repeat differs from the others far more than by chance, as channels do. `response`
    `(S, R, T, C)`.
    """
    if min(response.shape[1], response.shape[3]) < 2:
        return None
    repeats, channels = varied(response)
    if not 0 < channels < ALIKE * repeats:
        return None
    values = response[:, :, np.isfinite(response).all(axis=(0, 1, 3))]
    if values.shape[2] < FEWEST:
        return None
    places = np.mean([_over_chance(sequence, 1) for sequence in values], axis=0)
    return float(np.sqrt(channels / repeats)) if places.max() >= OF_ITS_OWN else None


def odd_repeats(response: Array) -> list[int]:
    """Repeats of `(S, R, T, C)` that lie beyond all others at every step, and far from them."""
    by_repeat = np.moveaxis(response, 1, 0)
    values = by_repeat[:, np.isfinite(by_repeat).all(axis=0)]
    if len(values) < FEWEST_BESIDE or not values.size:
        return []
    found = []
    for sign in (1.0, -1.0):
        first = int((sign * values[:, 0]).argmax())
        rest = np.delete(sign * values, first, axis=0)
        high, low = rest.max(axis=0), rest.min(axis=0)
        if (sign * values[first] - high > FAR_BEYOND * (high - low).mean()).all():
            found.append(first)
    return found if len(found) == 1 else []


def varied(response: Array) -> tuple[float, float]:
    """Variance of `(S, R, T, C)` from repeat to repeat, and from channel to channel."""
    along = []
    for axis in (1, 3):
        moved = np.moveaxis(response, axis, 0)
        whole = moved[:, np.isfinite(moved).all(axis=0)]
        along.append(float(whole.var(axis=0).mean()) if len(whole) > 1 and whole.size else 0.0)
    return along[0], along[1]


def _over_chance(values: Array, axis: int) -> Array:
    """Variance of the means over an axis of `(R, T, C)`, over that by chance, of each channel."""
    between = values.mean(axis=axis).var(axis=0, ddof=1)
    chance = values.var(axis=axis, ddof=1).mean(axis=0) / values.shape[axis]
    scale = np.maximum(chance, 1e-18 * np.maximum(between, 1e-300))
    ratio: Array = between / scale
    return ratio
