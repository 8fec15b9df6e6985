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
    own: list[list[Array]] = [[] for _ in blocks]
    resampled: list[list[Array]] = [[] for _ in blocks]
    for twin, one, other in splits:
        sums = np.stack([measure.sums(x, other, ground) for x in (twin, one)])
        for k, weights in enumerate(blocks):
            whole = len(resampled[k]) < RESAMPLED
            totals = np.tensordot(weights if whole else weights[:1], sums, axes=(1, 1))
            values = measure.value(totals).T
            own[k].append(values[:, 0])
            if whole:
                resampled[k].append(values)
    return [(np.array(o), np.array(r)) for o, r in zip(own, resampled, strict=True)]
