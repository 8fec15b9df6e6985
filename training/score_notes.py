"""What a reader of a twin's scores must know of the repeats that they rest on, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.ensembles import Ground

    Array = NDArray[np.float64]

HALF = 8  # repeats, where there are enough
FEW_SEQUENCES = 20  # MEASURED.md, "Do the intervals hold": of 3 to 12; of 40 in 83 to 92 %


def part_words(sequences: int, repeats: int) -> str:
    """`40 sequences × 16 repeats`."""
    return f"{sequences} sequence{'s' * (sequences != 1)} × {repeats} repeat{'s' * (repeats != 1)}"


def score_notes(
    real: Array,
    whole: Array,
    kept: NDArray[np.int64],
    half: int,
    ground: Ground,
    channels: Sequence[str],
) -> Iterator[str]:
    """Sentences on what the scores rest on.

    Parameters
    ----------
    real, whole
        `(S, R, T, C)`: what was held out, and what of it has no gap.
    kept
        The sequences of `whole` among those of `real`.
    half
        Repeats a half.
    ground
        Of `whole`.
    channels
        Their names.
    """
    if half < HALF:
        yield (
            f"scored with halves of {half} of {whole.shape[1]} held-out repeats; ratios depend on "
            "that: compare them only with figures at the same number"
        )
    if fewer := real.shape[0] - len(kept):
        which = (
            "sequence with fewer repeats is" if fewer == 1 else "sequences with fewer repeats are"
        )
        yield f"{fewer} held-out {which} left out"
    if len(kept) == 1:
        yield "one held-out sequence: the interval is over splits of its repeats"
    elif len(kept) < FEW_SEQUENCES:
        yield (
            f"{len(kept)} held-out sequences are few: where a few loud ones make most of the "
            "noise, 90 % intervals over so few held the ratio over many in some 8 of 10 cases"
        )
    silent = np.flatnonzero(ground.spread == 0)
    if silent.size:
        names = ", ".join(channels[int(c)] for c in silent)
        yield f"channels without spread are left out of all errors but the mean: {names}"
    total = int(ground.valid.sum()) * whole.shape[3]
    if left_out := total - int(ground.used.sum()):
        yield (
            f"{left_out} of {total} steps have no real spread and are left out of correlations, "
            "coverage and errors by part"
        )
