"""The validation that a twin keeps in its `meta`, checked before anyone draws from it. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.json_form import ANYTHING, NUMBER, SCORE, TEXT, Rows, Table, faults
from training.verdict import NO_NOISE
from training.verdict_places import AXES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.twin import Twin

RATIO = Table(optional=dict.fromkeys(("ratio", "low", "high", "excess"), SCORE))
SHARE = Table(optional=dict.fromkeys(("value", "low", "high"), SCORE))
PART = Table(
    {
        "label": TEXT, "bounds": ANYTHING, "mean": RATIO, "spread": RATIO, "crps": RATIO,
        "coverage": SHARE, "pit": Rows(NUMBER),
    },
    others=ANYTHING,
)  # fmt: skip
VERDICT = Table({"words": TEXT, "reasons": Rows(TEXT)}, others=ANYTHING)
NUMBERS = Rows(SCORE)
CURVES = Table(
    optional={
        "rank_band": NUMBER,
        "rank_lines": Table(others=NUMBERS),
        **{
            f"{kind}_{name}": NUMBERS
            for kind in ("spectrum", "autocorrelation")
            for name in ("frequency", "real", "twin", "low", "high")
        },
        "rank_level": NUMBERS,
        **dict.fromkeys(("pit", "pit_low", "pit_high"), NUMBERS),
    },
    others=ANYTHING,
)
FORM = Table(
    {
        "verdict": VERDICT,
        "where": Table(optional=dict.fromkeys(AXES, Rows(PART))),
        "families": Table(others=Table(others=Table(others=SCORE))),
        "curves": CURVES,
    },
    others=ANYTHING,
)
"""What `training.validation.summary` makes."""
TOGETHER = (
    ("spectrum_frequency", "spectrum_real", "spectrum_twin", "spectrum_low", "spectrum_high"),
    ("autocorrelation_real", "autocorrelation_twin", "autocorrelation_low", "autocorrelation_high"),
    ("pit", "pit_low", "pit_high"),
)


OLDER = (
    "Scored by an older version, which held a mean without noise against two noisy halves and so "
    "flattered it by up to √2: score it again."
)


def scored_by_older(twin: Twin) -> bool:
    """Whether a twin without noise keeps scores that don't stand beside a perfect mean's."""
    told = [str(note) for note in twin.meta.get("notes") or ()]
    return twin.deterministic and bool(twin.errors) and NO_NOISE not in told


def kept_validation(meta: Mapping[str, Any]) -> dict[str, Any] | None:
    """The twin's validation; None where it has none, or one that another version wrote."""
    kept = meta.get("validation")
    if not isinstance(kept, dict) or faults(kept, FORM):
        return None
    curves = kept["curves"]
    for names in TOGETHER:
        if len({len(curves[name]) for name in names if name in curves}) > 1:
            return None
    bounds = [row["bounds"] for axis in ("drive", "step", "change") for row in
              kept["where"].get(axis, [])]  # fmt: skip
    if any(not isinstance(b, list) or len(b) != 2 or not _numbers(b) for b in bounds):
        return None
    return kept


def _numbers(values: list[Any]) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
