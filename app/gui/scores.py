"""Scores of any metric in words: an error as it is, a classification's as accuracy; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.words import score
from app.shown_score import WORDS, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

NMSE = "nmse"


def title(metric: str) -> str:
    """How the metric is called where its scores are shown: `NMSE`, `accuracy`."""
    return WORDS.get(metric, metric)


def error_title(metric: str) -> str:
    """How the error itself is called, on an axis where less is better."""
    return title(metric) if metric == NMSE else f"1 − {title(metric)}"


def said(value: float | None, metric: str) -> str:
    """One score, which is kept as an error."""
    if value is None:
        return score(None)
    return score(float(shown({"metric": metric, "measured": value})["measured"]))


def interval(predicted: Mapping[str, float], metric: str) -> str:
    """`0.020 (0.018 to 0.027)`; of a classification the accuracies."""
    told = shown({"metric": metric, "predicted": dict(predicted)})["predicted"]
    if "low" not in told:
        return score(told.get("value"))
    return f"{score(told.get('value'))} ({score(told['low'])} to {score(told['high'])})"
