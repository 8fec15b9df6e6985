"""Which sequences of a recording for a twin only score, as its own rounds say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.adaptive_rounds import SCORING
from models.json_form import ANYTHING, COUNT, NUMBER, SCORE, TEXT, Rows, Table, faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recording import Recording

FORM = Table(
    {
        "asked": Table({"target": NUMBER}, others=ANYTHING),
        "rounds": Rows(
            Table(
                {"what": TEXT, "sequences": COUNT},
                optional={"scores": Table(optional={"worst": SCORE}, others=ANYTHING)},
                others=ANYTHING,
            )
        ),
    },
    others=ANYTHING,
)


def scoring_of(recording: Recording) -> tuple[NDArray[np.bool_], bool]:
    """Sequences that only score, bool `(S,)`, and whether the recording ended because of them.

    None scores of a recording that was not for a twin, or whose rounds are not its sequences'.
    """
    known: Any = recording.meta.get("for_twin")
    none = np.zeros(len(recording.lengths), dtype=np.bool_), False
    if faults(known, FORM):
        return none
    rows = known["rounds"]
    counts = [row["sequences"] for row in rows]
    if sum(counts) != len(recording.lengths):
        return none
    scoring = np.repeat([row["what"] == SCORING for row in rows], counts)
    looked = [worst for row in rows if (worst := row.get("scores", {}).get("worst"))]
    return scoring, len(looked) > 1 and looked[-1] <= known["asked"]["target"]
