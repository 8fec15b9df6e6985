"""How far a device has moved, in words: shift of the mean by drive, spread, correlation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.drift_points import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.drift_samples import Sample

    Array = NDArray[np.float64]

RISES = PARTS - 1
CLEAR = 3.0  # standard errors: of some dozens of figures none reaches it by chance, mostly
MOST_NAMED = 4


@dataclass(frozen=True)
class Effect:
    """One figure of the change, new less old.

    Attributes
    ----------
    kind
        `shift` (of the mean, in units of the channel's spread), `spread` (logarithm of the ratio),
        or `correlation` (of the noise, from step to step).
    channel, low, high
        Where: low and high of the drive.
    part
        0: over all drives; 1…4: a quarter of their range; `RISES`: as the drive rises.
    value, error
        The figure and its standard error, the device's own slow wander included.
    """

    kind: str
    channel: str
    low: float
    high: float
    part: int
    value: float
    error: float

    @property
    def clear(self) -> bool:
        """Whether chance and wander hardly explain it."""
        return abs(self.value) > CLEAR * self.error

    @property
    def weight(self) -> float:
        """How many standard errors it is from nothing."""
        return abs(self.value) / max(self.error, 1e-12)

    def words(self, channels: int) -> str:
        """A few words; the channel's name only where there are several."""
        of = f" of {self.channel}" if channels > 1 else ""
        if self.kind == "shift":
            where = f"at drives {self.low:.2g}–{self.high:.2g}" if self.part else "over all drives"
            if self.part == RISES:
                where = "as the drive rises, and back as it falls"
            return f"mean{of} shifted by {self.value:+.2g} of the spread {where}"
        if self.kind == "spread":
            return f"spread{of} × {np.exp(self.value):.3g}"
        return f"correlation of the noise{of} from step to step {self.value:+.2g}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def effects_of(
    old: Sample, new: Sample, wander: dict[str, Array], edges: Array, channels: Sequence[str]
) -> list[Effect]:
    """Every figure that could be compared, the clearest first.

    `wander` holds typical moves `(K, D)` of the points by the statistic's name.
    """
    made: list[Effect] = []
    width = len(channels)
    for name in old.own:
        value, error = _difference(
            old.own[name],
            new.own[name],
            old.groups,
            new.groups,
            rests=old.rests and name == "noise",
        )
        if len(wander.get(name, ())):
            error = np.sqrt(error**2 + 2 * (wander[name] ** 2).mean(axis=0))
        if name == "noise":  # power is the spread squared
            half = [0.5] * width + [1.0] * width
            value, error = value * half, error * half
        for k in np.flatnonzero(np.isfinite(value) & np.isfinite(error)).tolist():
            part, c = divmod(k, width)
            kind = "shift" if name == "mean" else ("spread", "correlation")[part]
            quarter = part if name == "mean" else 0
            inside = 0 < quarter < RISES
            low, high = edges[quarter - 1 : quarter + 1] if inside else edges[[0, -1]]
            made.append(Effect(kind, channels[c], float(low), float(high), quarter,
                               float(value[k]), float(error[k])))  # fmt: skip
    return sorted(made, key=lambda effect: -effect.weight)


def named(effects: Sequence[Effect], channels: int) -> list[str]:
    """The clear ones in words, at most a few; where none is clear, the clearest."""
    clear = [e.words(channels) for e in effects if e.clear][:MOST_NAMED]
    return clear or [f"{e.words(channels)}, perhaps by chance" for e in effects[:1]]


def mostly_missed(effects: Sequence[Effect]) -> str:
    """What would mostly be missed, as a sentence.

    A change of that size is seen in about a third of the cases (600 pairs of a twin's samples).
    """
    said = []
    shifts = [CLEAR * e.error for e in effects if e.kind == "shift" and not e.part]
    spreads = [CLEAR * e.error for e in effects if e.kind == "spread"]
    if shifts:
        said.append(f"a mean shifted by {max(shifts):.2g} of the spread")
    if spreads:
        least = float(np.exp(max(spreads)))
        said.append(f"a spread × {least:.3g} or × {1 / least:.3g}")
    if not said:
        return "How large a change would have been seen so few repeats do not tell."
    return f"Less than about {' or '.join(said)} would mostly not have been seen."


def _difference(
    old: Array,
    new: Array,
    old_groups: NDArray[np.int64],
    new_groups: NDArray[np.int64],
    *,
    rests: bool,
) -> tuple[Array, Array]:
    """New less old `(D,)`, group by group, averaged over the groups; and its standard error.

    `rests`: rows are of repeats about their own mean. R of those tell as much as R − 1 free ones,
    and of two one is the other's mirror: their likeness is no certainty. Both sides' scatter is
    taken together, so that two repeats now stand beside the scatter of more of them then.
    """
    values, variances = [], []
    for group in np.unique(new_groups):
        sides = (new[new_groups == group], old[old_groups == group])
        (n, mean, squares), (m, before, squares_before) = map(_sums, sides)
        values.append(mean - before)
        if rests:
            free = n * (n - 2) / (n - 1) + m * (m - 2) / (m - 1)
            scatter = (squares + squares_before) / np.where(free > 0, free, np.nan)
            variances.append(scatter * (1 / (n - 1) + 1 / (m - 1)))
        else:
            variances.append(squares / (n - 1) / n + squares_before / (m - 1) / m)
    weight = np.isfinite(np.array(values)) & np.isfinite(np.array(variances))
    count = np.where(weight.any(axis=0), weight.sum(axis=0), np.nan)
    value = np.where(weight, values, 0.0).sum(axis=0) / count
    error = np.sqrt(np.where(weight, variances, 0.0).sum(axis=0)) / count
    return value, error


def _sums(rows: Array) -> tuple[Array, Array, Array]:
    """How many rows are known, their mean, summed squares about it, `(D,)`; NaN below two."""
    known = np.isfinite(rows)
    count = known.sum(axis=0)
    several = np.where(count >= 2, count, np.nan)
    mean = np.where(known, rows, 0.0).sum(axis=0) / several
    return several, mean, np.where(known, (rows - mean) ** 2, 0.0).sum(axis=0)
