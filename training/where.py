"""Where a twin is off: its errors by drive, step, channel, drive family and change of drive.

A score over everything hides that a twin is right nearly everywhere. Here the same comparison (twin
samples against one half of the real repeats, the other half against the same half) is kept for each
sequence, step and channel, and summed over parts of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from models.json_form import number
from training.bootstrap import PART_INTERVAL, centred, interval, logarithm
from training.metrics import COVERED, fair_crps, ranks_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from training.ensembles import Ground

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MEASURES = ("mean", "spread", "crps")
DRIVE_BINS = 10
CHANGES = (0.0, 0.1, 0.3, 1.0)  # of the drive since the step before: held, small, middle, large
FEWEST_VALUES = 20  # (sequence, step, channel) of a part: fewer say nothing
LEAST = 3  # sequences: of two an interval would reach over all magnitudes, and is taken as of three
PIT_PARTS = 10


@dataclass(frozen=True)
class LocalErrors:
    """Comparisons by sequence, step and channel, `(S, T, C)` each, averaged over splits.

    Attributes
    ----------
    twin, floor
        Measure → its sum: squared difference of means, difference of spreads, CRPS, in units of
        the channel's real spread; of the twin, and of half the real repeats.
    within, counted
        How many real values lie within the twin's 90 % interval, and of how many.
    pit
        `(S, T, C, 10)`: real values by their rank among the twin's samples.
    share
        `(C,)`: the channel's spread over the standard deviation of its mean response.
    """

    twin: dict[str, Array]
    floor: dict[str, Array]
    within: Array
    counted: Array
    pit: Array
    share: Array

    def of(self, channels: slice) -> LocalErrors:
        """Those of some channels."""
        twin, floor = (
            {name: values[..., channels] for name, values in sums.items()}
            for sums in (self.twin, self.floor)
        )
        within, counted = self.within[..., channels], self.counted[..., channels]
        return LocalErrors(
            twin, floor, within, counted, self.pit[:, :, channels], self.share[channels]
        )


def local_errors(
    splits: Iterable[tuple[Array, Array, Array]], samples: Array, real: Array, ground: Ground
) -> LocalErrors:
    """Compare twin and halves step by step.

    Parameters
    ----------
    splits
        Twin samples, one half, the other half, `(S, H, T, C)` each.
    samples, real
        `(S, M, T, C)` and `(S, R, T, C)`: all of them, for coverage and ranks.
    ground
        Of the real repeats.
    """
    scale = np.where(ground.spread > 0, ground.spread, np.inf)
    used = ground.used
    sums, count = [{name: np.zeros(used.shape) for name in MEASURES} for _ in range(2)], 0
    for twin, one, other in splits:
        count += 1
        y = ground.inside(other) / scale
        for total, ensemble in zip(sums, (twin, one), strict=True):
            x = ground.inside(ensemble) / scale
            total["mean"] += (x.mean(axis=1) - y.mean(axis=1)) ** 2 * used
            total["spread"] += np.abs(x.std(axis=1, ddof=1) - y.std(axis=1, ddof=1)) * used
            total["crps"] += fair_crps(x, y) * used
    twin_sum, floor_sum = ({k: v / count for k, v in s.items()} for s in sums)
    if ground.noiseless(samples):  # as in training.floors: what a perfect mean would score
        floor_sum["mean"] /= 2
    within, pit = _ranked(samples, real, used)
    mean = ground.inside(real).mean(axis=1)[ground.valid]
    signal = mean.std(axis=0)
    share = np.where(signal > ground.signal_floor, ground.spread, 0.0)
    share = share / np.where(signal > 0, signal, 1.0)
    return LocalErrors(twin_sum, floor_sum, within, used * np.float64(real.shape[1]), pit, share)


def _ranked(samples: Array, real: Array, used: Mask) -> tuple[Array, Array]:
    """Values inside the interval `(S, T, C)`, and the ranks' histogram `(S, T, C, 10)`."""
    within, pit = np.zeros(used.shape), np.zeros((*used.shape, PIT_PARTS))
    sides = [(1 - COVERED) / 2, (1 + COVERED) / 2]
    for s in range(real.shape[0]):
        inside = used[s]
        if not inside.any():
            continue
        x, y = samples[s][:, inside], real[s][:, inside]
        low, high = np.quantile(x, sides, axis=0)
        within[s][inside] = ((y >= low) & (y <= high)).sum(axis=0)
        place = (ranks_below(x, y) + 0.5) / (len(x) + 1)
        part = np.minimum((place * PIT_PARTS).astype(np.int64), PIT_PARTS - 1)
        pit[s][inside] = np.stack([(part == k).sum(axis=0) for k in range(PIT_PARTS)], axis=-1)
    return within, pit


def parts_of(
    drive: Array, families: Sequence[str], channels: Sequence[str]
) -> Iterator[tuple[str, str, Any, Mask, slice]]:
    """Axis, label, bounds, mask `(S, T, 1)` and channels of every part.

    `drive` is `(S, T)` with NaN beyond a sequence's length. Bounds: (low, high) of a drive, first
    and last step counted from 1, a channel's or a family's name, (low, high) of a change.
    """
    sequences, steps = drive.shape
    shape, every = (sequences, steps, 1), slice(None)
    edges = np.linspace(0.0, 1.0, DRIVE_BINS + 1)
    place = np.clip((np.nan_to_num(drive) * DRIVE_BINS + 1e-9).astype(int), 0, DRIVE_BINS - 1)
    for k in range(DRIVE_BINS):
        low, high = round(float(edges[k]), 3), round(float(edges[k + 1]), 3)
        mask = (place == k) & np.isfinite(drive)
        yield "drive", f"{low:g}–{high:g}", (low, high), mask[..., None], every
    first = 0
    while first < steps:
        last = min(4 if first == 0 else 2 * first, steps)
        mask = np.zeros(shape, dtype=bool)
        mask[:, first:last] = True
        yield "step", f"{first + 1}–{last}", (first + 1, last), mask, every
        first = last
    for name in dict.fromkeys(families):
        of = np.array([f == name for f in families])
        yield "family", name, name, np.broadcast_to(of[:, None, None], shape), every
    for c, name in enumerate(channels if len(channels) > 1 else ()):
        yield "channel", name, name, np.ones(shape, dtype=bool), slice(c, c + 1)
    change = np.abs(np.diff(drive, axis=1, prepend=np.nan))
    yield "change", "held", (0.0, 0.0), (change <= 1e-9)[..., None], every
    for low, high in pairwise(CHANGES):
        mask = (change > max(low, 1e-9)) & (change <= high)
        yield "change", f"{low:g}–{high:g}", (low, high), mask[..., None], every


def where(
    local: LocalErrors,
    drive: Array,
    families: Sequence[str],
    channels: Sequence[str],
    ground: Ground,
    weights: Array,
) -> dict[str, list[dict[str, Any]]]:
    """Errors of every part beside its floor, with 99 % bootstrap intervals over sequences.

    Parameters
    ----------
    local
        Of `local_errors`.
    drive, families, channels
        Of the scored sequences: `(S, T)`, S names, C names.
    ground
        Of the real repeats.
    weights
        How often each sequence is drawn `(1 + resamples, S)`; the first row is the data itself.

    Returns
    -------
    dict
        Axis (`drive`, `step`, `family`, `channel`, `change`) → parts in order, as plain values:
        `label`, `bounds`, `values` (how many), `mean`, `spread`, `crps` (`{ratio, low, high}`, of
        the mean also `excess` as a share of the signal), `coverage` (`{value, low, high}`), `pit`.
        Intervals are None where there is one sequence.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for axis, label, bounds, mask, of in parts_of(drive, families, channels):
        part = local.of(of)
        chosen = mask & (part.counted > 0)
        if int(chosen.sum()) < FEWEST_VALUES:
            continue
        row: dict[str, Any] = {"label": label, "bounds": bounds, "values": int(chosen.sum())}
        for name in MEASURES:
            root = name == "mean"
            row[name] = _ratio(part.twin[name], part.floor[name], chosen, weights, root=root)
        row["mean"]["excess"] = _excess(part, chosen)
        row["coverage"] = _share(part, chosen, weights)
        histogram = part.pit[chosen].sum(axis=0)
        row["pit"] = (PIT_PARTS * histogram / max(histogram.sum(), 1.0)).tolist()
        found.setdefault(axis, []).append(row)
    return found


def _ratio(
    twin: Array, floor: Array, chosen: Mask, weights: Array, *, root: bool
) -> dict[str, float | None]:
    above, below = ((a * chosen).sum(axis=(1, 2)) for a in (twin, floor))
    top, bottom = weights @ above, weights @ below
    ratio = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    ratio = np.sqrt(ratio) if root else ratio
    low, high = (None if end is None else float(np.exp(end)) for end in
                 _interval(logarithm(ratio), chosen))  # fmt: skip
    return {"ratio": number(ratio[0]), "low": low, "high": high}


def _share(local: LocalErrors, chosen: Mask, weights: Array) -> dict[str, float | None]:
    within, counted = ((a * chosen).sum(axis=(1, 2)) for a in (local.within, local.counted))
    top, bottom = weights @ within, weights @ counted
    share = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    low, high = (None if end is None else float(np.clip(end, 0.0, 1.0)) for end in
                 _interval(share, chosen))  # fmt: skip
    return {"value": number(share[0]), "low": low, "high": high}


def _interval(values: Array, chosen: Mask) -> tuple[float | None, float | None]:
    """99 % interval of the first value, by the others; None of what one sequence tells alone."""
    known = values[1:][np.isfinite(values[1:])]
    if not known.size or float(np.ptp(known)) == 0:
        return None, None
    sequences = max(int(chosen.any(axis=(1, 2)).sum()), LEAST)
    return interval(centred(known, float(values[0]), sequences, PART_INTERVAL), PART_INTERVAL)


def _excess(local: LocalErrors, chosen: Mask) -> float | None:
    """√(value² − floor²) of the mean over the part, as a share of each channel's signal."""
    count = chosen.sum(axis=(0, 1))
    more = ((local.twin["mean"] - local.floor["mean"]) * chosen).sum(axis=(0, 1))
    there = (count > 0) & (local.share > 0)
    if not there.any():
        return None
    by_channel = np.sqrt(np.maximum(more[there] / count[there], 0.0)) * local.share[there]
    return number(by_channel.mean())
