"""Scores of any metric in words: an error as it is, a classification's as accuracy; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.words import score
from app.shown_score import ACCURACY, WORDS, shown
from app.words import digits_apart
from models.score import CLASSIFIES

if TYPE_CHECKING:
    from collections.abc import Mapping

NMSE = "nmse"
DIGITS, ACCURACY_DIGITS = 2, 3
"""An error by its leading digits; an accuracy to a tenth of a point: 0.996 is not 1.00."""


def title(metric: str) -> str:
    """How the metric is called where its scores are shown: `NMSE`, `accuracy`."""
    return WORDS.get(metric, metric)


def error_title(metric: str) -> str:
    """How the error itself is called, on an axis where less is better."""
    return title(metric) if metric == NMSE else f"1 − {title(metric)}"


def more_digits(measured: float, predicted: Mapping[str, float], metric: str) -> int:
    """Digits beyond the usual ones that show on which side of each end a measured score lies."""
    usual = ACCURACY_DIGITS if metric in CLASSIFIES else DIGITS
    ends = [predicted[name] for name in ("low", "high") if name in predicted]
    return digits_apart(
        measured, ends, usual, lambda value, digits: said(value, metric, digits - usual)
    ) - usual  # fmt: skip


def said(value: float | None, metric: str, more: int = 0) -> str:
    """One score, which is kept as an error."""
    if value is None:
        return score(None)
    told = shown({"metric": metric, "measured": value})
    return _number(told["measured"], told["metric"], more)


def interval(predicted: Mapping[str, float], metric: str, more: int = 0) -> str:
    """`0.020 (0.018 to 0.027)`; of a classification the accuracies."""
    value, within = parts(predicted, metric, more=more)
    return f"{value} ({within})" if within else value


def parts(
    predicted: Mapping[str, float], metric: str, between: str = " to ", more: int = 0
) -> tuple[str, str]:
    """The two parts of `interval`; the second is empty where it has no interval.

    Of a network without noise both ends are its score, which is none.
    """
    told = shown({"metric": metric, "predicted": dict(predicted)})
    value, *ends = (
        _number(told["predicted"].get(name), told["metric"], more)
        for name in ("value", "low", "high")
    )
    known = "low" in predicted and predicted["low"] != predicted.get("high")
    return value, between.join(ends) if known else ""


def _number(value: float | None, metric: str, more: int) -> str:
    if metric != ACCURACY or value is None:
        return score(value, DIGITS + more)
    return f"{value:.{ACCURACY_DIGITS + more}f}"
