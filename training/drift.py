"""Whether a device still is what its twin was fitted on: a new short recording against the old one.

The twin's own error must never count as a change. So the device is compared with itself: repeats of
the same drives, old against new, where both recordings have them; else the deviations from the twin
on new drives against those on drives that were held out of the fit, sequence by sequence. Both are
tested by the energy distance (`training.two_sample`) on a few numbers of each repeat
(`training.drift_points`). Without the old recording only the errors are left that the twin keeps:
then both errors' intervals are compared, and there is no p-value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError
from training.drift_effect import effects_of, mostly_missed, named
from training.drift_points import bin_edges, same_drives
from training.drift_samples import Sample, Whole, standing_by, wander_of
from training.two_sample import PERMUTATIONS, smallest_p, two_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording
    from training.drift_effect import Effect

    Array = NDArray[np.float64]
    Forecast = Callable[[Array], tuple[Array, Array]]

LEVEL = 0.05
SAME, UNSEEN, STORED = "same drives", "held-out drives", "stored errors"
COMPARED = ("mean", "spread", "autocovariance", "crps")


@dataclass(frozen=True)
class Drift:
    """What a comparison found.

    Attributes
    ----------
    method
        `SAME`, `UNSEEN` or `STORED`.
    changed
        Whether the twin no longer matches, at `level`.
    p_value, parts
        Of all statistics together and of each; None and empty without the old recording.
    words
        The verdict, one or two sentences.
    effects
        Figures of the change, the clearest first.
    notes
        Sentences that a reader must know.
    """

    method: str
    changed: bool
    p_value: float | None
    level: float
    words: str
    parts: dict[str, float] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "method": self.method, "changed": self.changed, "p_value": self.p_value,
            "level": self.level, "words": self.words, "parts": self.parts,
            "effects": [effect.to_json() for effect in self.effects], "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True)
class Old:
    """A recording that the twin rests on, and which of its sequences and repeats were held out."""

    recording: Recording
    sequences: tuple[int, ...]
    repeats: tuple[int, ...]


def comparable(old: Sequence[Old], new: Recording) -> bool:
    """Whether repeats are at hand to compare with: of the same drives, or held out of the fit."""
    return any(o.sequences for o in old) or _mostly_same(old, new)


def _mostly_same(old: Sequence[Old], new: Recording) -> bool:
    return 2 * len({n for o in old for _, n in same_drives(o.recording, new)}) >= len(new.lengths)


def compare(
    old: Sequence[Old],
    new: Recording,
    forecast: Forecast,
    drive_range: tuple[float, float],
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> Drift:
    """Compare a new recording with those of fitting time.

    Parameters
    ----------
    old
        At least one.
    new
        Of the same channels, drive window and reset.
    forecast
        The twin's mean and spread `(S, T, C)` to drives `(S, T)`.
    drive_range
        That the twin was fitted on: effects are told by its quarters.
    level
        p-value from which on the device has changed: so often an unchanged one is said to have.
    seed
        Of the permutations.

    Raises
    ------
    InputError
        Too little was recorded to tell anything.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    rng, edges = np.random.default_rng(seed), bin_edges(*drive_range)
    pairs = [(o.recording, s, n) for o in old for s, n in same_drives(o.recording, new)]
    matched = len({n for _, _, n in pairs})
    notes: list[str] = []
    if _mostly_same(old, new):
        method = SAME
        one, other = Sample.of_same(pairs, new, edges, rng)
        if matched < len(new.lengths):
            notes.append(f"{len(new.lengths) - matched} sequences that the old recording lacks "
                         "are left out")  # fmt: skip
    elif new.held or any(o.recording.held for o in old):
        raise InputError(
            "compare: steps of several holds are compared drive by drive: record sequences that "
            "the twin's own recording has; twinrig compare TWIN --write-sequences NEW.json names "
            "them"
        )
    else:
        method = UNSEEN
        held = [Whole.of(o.recording, o.sequences, o.repeats) for o in old if o.sequences]
        one, other, said = standing_by(held, Whole.of(new), forecast, edges, rng)
        notes += said
    labels = np.repeat([False, True], [len(one.groups), len(other.groups)])
    strata = np.concatenate([one.strata, other.strata])
    _enough(labels, strata, level, method)
    wander = wander_of([o.recording for o in old], edges, one.unit)
    if not any(moves.any() for moves in wander.values()):
        notes.append(
            "how the device wanders by itself can't be told from the old recording (its repeats "
            "are not spread over time): a slow wander would count as a change"
        )
    points = {name: np.concatenate([one.points[name], other.points[name]]) for name in one.points}
    found = two_sample(points, labels, strata, rng, wander)
    outer = edges.copy()
    outer[0], outer[-1] = drive_range
    effects = effects_of(one, other, wander, outer, new.channel_words)
    changed = found.p_value <= level
    words = _verdict(changed, found.p_value, effects, len(new.channels))
    return Drift(method, changed, found.p_value, level, words, found.parts, tuple(effects),
                 tuple(notes))  # fmt: skip


def compare_stored(now: dict[str, Any], then: dict[str, Any], level: float = LEVEL) -> Drift:
    """Compare a twin's errors on a new recording with those it was stored with.

    Changed: of some error both 90 % intervals of the excess are apart; of the four errors of a
    device and twin that did not change, one was in 3 to 4 of a hundred cases (simulated).

    Raises
    ------
    InputError
        The twin keeps no intervals.
    """
    apart, known = [], 0
    for name in COMPARED:
        one, other = then.get(name, {}), now.get(name, {})
        low, high = other.get("excess_low"), one.get("excess_high")
        if low is None or high is None:
            continue
        known += 1
        if low > high:
            apart.append(f"{name} {other['excess']:.3g} above its floor, {one['excess']:.3g} then")
    if not known:
        raise InputError(
            "compare: the twin keeps no intervals of its errors: name the recording that it was "
            "fitted on with --against"
        )
    words = (
        f"The twin no longer matches: {'; '.join(apart)}." if apart
        else "The twin's errors are what they were when it was fitted, within their intervals."
    )  # fmt: skip
    note = ("the recording that the twin was fitted on is not at hand: only its errors are "
            "compared, which a shift smaller than they are does not change; their 90 % intervals "
            f"decide, not the level of {level:g}: of unchanged devices 3 to 4 in a hundred are "
            "called changed")  # fmt: skip
    return Drift(STORED, bool(apart), None, level, words, notes=(note,))


def _enough(
    labels: NDArray[np.bool_], strata: NDArray[np.int64], level: float, method: str
) -> None:
    least = smallest_p(labels, strata)
    if level < 1 / (PERMUTATIONS + 1):
        raise InputError(
            f"compare: {PERMUTATIONS} permutations give no p-value below "
            f"{1 / (PERMUTATIONS + 1):g}, the level is {level:g}: choose a larger one"
        )
    if least <= level:
        return
    if method == SAME:
        raise InputError(
            f"compare: so few repeats can't give a p-value below {least:.2g}, the level is "
            f"{level:g}: record at least 4 sequences × 4 repeats"
        )
    held, new = int((~labels).sum()), int(labels.sum())
    raise InputError(
        f"compare: {held} sequences held out of the fit and {new} new ones can't give a p-value "
        f"below {least:.2g}, the level is {level:g}, and more repeats of them change nothing: "
        f"record {_needed(held, level)} of the kinds that were held out, or those that twinrig "
        "compare TWIN --write-sequences NEW.json names"
    )


def _needed(held: int, level: float) -> int:
    """So many new sequences beside those held out give a p-value that small, of one kind all."""
    new = 1
    while 1 / comb(held + new, new) > level:
        new += 1
    return new


def _verdict(changed: bool, p_value: float, effects: Sequence[Effect], channels: int) -> str:
    if changed:
        what = "; ".join(named(effects, channels))
        return (f"The device has changed since the twin was fitted (p = {p_value:.2g})"
                f"{f': {what}' if what else ''}.")  # fmt: skip
    return f"No change since the twin was fitted (p = {p_value:.2g}). {mostly_missed(effects)}"
