"""Halves of the real repeats, and as many samples of a twin, drawn again and again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from training.metrics import SCORES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.ensembles import Ground

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Split = tuple[Index, Index, Index]

SPLITS = 200
"""Of 20 the demo's ratios were uncertain by 0.04 (mean, spread), 0.2 (autocovariance) and 0.3
(cross-channel correlation), by the choice of the halves alone; of 200 by a third of that. Many
channels average over that by themselves: from `CHANNELS` on as many fewer are drawn."""
CHANNELS = 4
RESAMPLED = 20  # of them: intervals, bands and parts, each from many draws of sequences
STEADY = ("crps", "energy16")  # uncertain by 0.008 after 20 splits, and dear


def half_splits(samples: Array, real: Array, half: int, rng: np.random.Generator) -> list[Split]:
    """Which samples, which repeats of one half and which of the other; as many each."""
    count = max(min(SPLITS, SPLITS * CHANNELS // real.shape[3]), RESAMPLED)
    drawn = (
        (rng.permutation(samples.shape[1]), rng.permutation(real.shape[1])) for _ in range(count)
    )
    return [(one[:half], two[:half], two[half : 2 * half]) for one, two in drawn]


def taken(splits: list[Split], samples: Array, real: Array) -> Iterator[tuple[Array, Array, Array]]:
    """Twin, one half, the other half."""
    for drawn, one, other in splits:
        yield samples[:, drawn], real[:, one], real[:, other]


def inside(
    splits: list[Split], samples: Array, real: Array, ground: Ground
) -> Iterator[tuple[Array, Array, Array]]:
    """As `taken`, each as `ground.inside` gives it; of all samples at once that were a copy."""
    for twin, one, other in taken(splits, samples, real):
        yield ground.inside(twin), ground.inside(one), ground.inside(other)


@dataclass(frozen=True)
class Halves:
    """The other half of each split, made as it is looked at: all at once fill much memory."""

    real: Array
    splits: Sequence[Split]

    def __iter__(self) -> Iterator[Array]:
        """`(S, H, T, C)` of one split after another."""
        return (self.real[:, other] for _, _, other in self.splits)


def values_by_split(
    name: str,
    splits: Iterator[tuple[Array, Array, Array]],
    ground: Ground,
    blocks: Sequence[Array],
) -> list[tuple[Array, Array]]:
    """Scores of the twin and of the other half, for each block of weights.

    Of all splits (of a steady score the first `RESAMPLED`) by the block's first row `(splits, 2)`,
    of the first `RESAMPLED` by all its rows `(RESAMPLED, 2, 1 + resamples)`.
    """
    measure = SCORES[name]
    splits = islice(splits, RESAMPLED) if name in STEADY else splits
    # what has a unit of all splits is kept as totals until that is known; of others they are many
    of_each = measure.value if measure.unit is None else np.asarray
    found: list[list[Array]] = [[] for _ in blocks]
    for twin, one, other in splits:
        sums = np.stack([measure.sums(x, other, ground) for x in (twin, one)])
        for weights, kept in zip(blocks, found, strict=True):
            rows = weights if len(kept) < RESAMPLED else weights[:1]
            kept.append(of_each(np.tensordot(rows, sums, axes=(1, 1))))
    both = []
    for kept in found:
        own, resampled = np.array([each[:1] for each in kept]), np.array(kept[:RESAMPLED])
        if measure.unit is not None:
            own, resampled = (measure.value(in_one_unit(e, measure.unit)) for e in (own, resampled))
        both.append((own[:, 0], np.swapaxes(resampled, 1, 2)))
    return both


def in_one_unit(totals: Array, unit: int) -> Array:
    """Totals `(splits, …, K, C)` with the average over splits in place of what is at `unit`.

    A half of the repeats may lack what happens rarely: in units of that half's own spread the error
    of a twin, and its floor, came to 10¹² (2 of 16 repeats jump, a read-out in whole numbers).
    """
    made = totals.copy()
    made[..., unit, :] = totals[..., unit, :].mean(axis=0)
    return made
