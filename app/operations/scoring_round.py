"""Which sequences of a recording for a twin only score, as its own rounds say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.adaptive_rounds import SCORING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recording import Recording


def scoring_of(recording: Recording) -> tuple[NDArray[np.bool_], bool]:
    """Sequences that only score, bool `(S,)`, and whether the recording ended because of them.

    None scores of a recording that was not for a twin, or whose rounds are not its sequences'.
    """
    known = recording.meta.get("for_twin")
    rows = known.get("rounds") if isinstance(known, dict) else None
    none = np.zeros(len(recording.lengths), dtype=np.bool_), False
    if not isinstance(rows, list) or not all(_is_round(row) for row in rows):
        return none
    counts = [row["sequences"] for row in rows]
    if sum(counts) != len(recording.lengths):
        return none
    scoring = np.repeat([row["what"] == SCORING for row in rows], counts)
    looked = [row["scores"]["worst"] for row in rows if row.get("scores", {}).get("worst")]
    target = known.get("asked", {}).get("target", 0.0) if isinstance(known, dict) else 0.0
    return scoring, len(looked) > 1 and looked[-1] <= target


def _is_round(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("what"), str)
        and isinstance(row.get("sequences"), int)
        and row["sequences"] >= 0
        and isinstance(row.get("scores", {}), dict)
    )
