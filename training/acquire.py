"""Which sequences to measure next: those about which an ensemble of twins disagrees.

Twins that were fitted from different first weights agree where the recording decides the answer and
differ where it doesn't. For each candidate drive the predicted *distributions* are compared, mean
and noise alike: the energy distance 2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖ (Székely & Rizzo 2013,
doi:10.1016/j.jspi.2013.03.018) of windows of the response, averaged over windows and pairs of
members. The largest ones alone would be a batch of near copies; a batch is drawn without
replacement with probabilities in proportion to their squares (stochastic batch acquisition, Kirsch
et al. 2021, arXiv:2106.12059, its power 2): an error is a mean of squares, and few drives make most
of it. Nanoring, ensembles of 24 to 192 sequences, unseen ones drawn so (2026-11-29, eight
ensembles): their twin's squared error was 1.5 to 2.9 times the mean with the power 1, 1.9 to 5.4
times with 2.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from models.sequence import FAMILIES, FieldSequence, make_sequences
from training.metrics import distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.simulated import Sampled

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

SAMPLES = 12  # of each member: the estimate is fair at any number, and averaged over many windows
WIDTHS = (1, 8)  # steps: the spread at a step, and its memory
POWER = 2
LEAST = 1e-3  # of the largest weight: nothing is impossible to be drawn


def pool(
    count: int,
    steps: int,
    seed: int,
    families: Sequence[str] = tuple(FAMILIES),
    holds: int = 1,
) -> list[FieldSequence]:
    """`count` candidates, of each family as many as of the others; the same seed, the same ones.

    `holds`: each step is held 1 to so many times as long.
    """
    each = -(-count // len(families))
    made = [make_sequences(family, each, steps, seed, holds) for family in families]
    return [row[k] for k in range(each) for row in made][:count]


def drives_of(sequences: Sequence[FieldSequence]) -> Array:
    """Drives `(S, L)` of sequences, each step as often as it is held, NaN beyond their lengths."""
    drive = np.full((len(sequences), max(s.length for s in sequences)), np.nan)
    for row, sequence in zip(drive, sequences, strict=True):
        row[: sequence.length] = np.repeat(sequence.drive, sequence.holds)
    return drive


def disagreement(
    models: Sequence[Sampled],
    sequences: Sequence[FieldSequence],
    spread: Array,
    seed: int = 0,
    samples: int = SAMPLES,
) -> Array:
    """How far the members' predictions are apart, `(S,)`; about 0 where they are the same.

    Parameters
    ----------
    models
        The members, two or more.
    sequences
        Candidates.
    spread
        `(C,)`: the device's, in its units; channels count in units of it.
    seed, samples
        Of the members' predictions.
    """
    drive, unit = drives_of(sequences), spread * np.sqrt(spread.size)
    predicted = [model.simulate(drive, samples, seed + k) / unit for k, model in enumerate(models)]
    pairs = list(combinations(range(len(models)), 2))
    out = np.zeros(len(sequences))
    for s, sequence in enumerate(sequences):
        reads = np.cumsum(sequence.holds) - 1
        for width in sorted({min(w, sequence.steps) for w in WIDTHS}):
            windows = [_windows(x[s][:, reads], width) for x in predicted]
            within = [_within(x) for x in windows]
            for a, b in pairs:
                between = 2 * distances(windows[a], windows[b]).mean()
                out[s] += (between - within[a] - within[b]) / (len(pairs) * np.sqrt(width))
    return np.maximum(out, 0.0)


def drawn(scores: Array, count: int, seed: int) -> Index:
    """Draw `count` different candidates, as likely as the squares of their scores `(S,)` ≥ 0."""
    largest = float(scores.max(initial=0.0))
    share = scores / largest if largest > 0 else np.ones(scores.size)
    weights = np.maximum(share**POWER, LEAST)
    gumbel = np.random.default_rng(seed).gumbel(size=scores.size)
    order: Index = np.argsort(-(np.log(weights) + gumbel))
    return order[:count]


def _windows(x: Array, width: int) -> Array:
    """`(M, T, C)` → `(windows, M, width · C)`, the last steps left out where they fill none."""
    count = x.shape[1] // width
    cut = x[:, : count * width].reshape(x.shape[0], count, -1)
    return cut.transpose(1, 0, 2)


def _within(x: Array) -> float:
    """Mean distance of two different samples, averaged over windows."""
    members = x.shape[1]
    return float(distances(x, x).sum(axis=(1, 2)).mean() / (members * (members - 1)))
