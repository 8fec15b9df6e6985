"""Rows of the Twin page's tables: errors beside their floors, structures that were tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.widgets.columns import ColumnRow
from app.gui.widgets.error_table import ErrorRow
from app.gui.words import score
from app.words import MISSING
from training.verdict import coverage_state, state_of

if TYPE_CHECKING:
    from app.operations.learning_events import CandidateScored

NAMES = {
    "mean": "Mean",
    "spread": "Spread",
    "autocovariance": "Autocovariance",
    "crps": "CRPS",
    "energy16": "Energy, 16 steps",
    "cross_correlation": "Cross-correlation",
}


def error_rows(errors: dict[str, Any], coverage: dict[str, Any]) -> list[ErrorRow]:
    """Rows of the table: errors beside their floors, coverage beside a perfect twin's."""
    rows = []
    for name, body in errors.items():
        if name == "coverage" or not isinstance(body, dict) or body.get("value") is None:
            continue
        word, level = verdict(body)
        rows.append(
            ErrorRow(
                NAMES.get(name, name.capitalize()),
                body["value"],
                body.get("floor") or np.nan,
                body.get("ratio"),
                body.get("low"),
                body.get("high"),
                word,
                level,
            )
        )
    covered = coverage or errors.get("coverage") or {}
    if covered.get("value") is not None:
        state = coverage_state(covered)
        word, level = COVERAGE_WORDS[state]
        expected = float(covered.get("expected") or np.nan)
        rows.append(
            ErrorRow(
                "90 % coverage",
                covered["value"],
                expected,
                None,
                None,
                None,
                word,
                level,
            )
        )
    return rows


def candidate_rows(candidates: list[CandidateScored]) -> list[ColumnRow]:
    """Structures that a search has scored, the latest round first, the best marked."""
    best = next((c for c in reversed(candidates) if c.best), None)
    rows = []
    for one in sorted(candidates, key=lambda c: (-c.rung, np.inf if c.score is None else c.score)):
        shown = MISSING if one.score is None else score(one.score)
        word = one.problem or ("best so far" if one is best else "")
        cells = (f"{one.rung} of {one.rungs}", shown, f"{one.seconds:.0f} s")
        head = f" · head {one.head}" if one.head else ""
        name = f"{one.latent} latent · {one.hidden} hidden{head}"
        rows.append(ColumnRow(name, cells, word, "fault" if one.problem else "ok", one is best))
    return rows


WORDS = {
    "reached": ("at floor", "ok"),
    "reached, not surely": ("at floor, likely", "ok"),
    "missed, not surely": ("likely off", "attention"),
    "missed": ("above floor", "attention"),
    "not scored": ("not scored", "attention"),
}
COVERAGE_WORDS = {
    "reached": ("as expected", "ok"),
    "too narrow, not surely": ("likely narrow", "attention"),
    "too narrow": ("too narrow", "attention"),
    "too wide, not surely": ("likely wide", "attention"),
    "too wide": ("too wide", "attention"),
    "not scored": ("not scored", "attention"),
}


def verdict(body: dict[str, Any]) -> tuple[str, str]:
    """A word for an error beside its floor, and its level; as `training.verdict` weighs it."""
    return WORDS[state_of(body)]
