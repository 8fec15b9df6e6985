"""The report's part on how a twin's structure was chosen, from what the twin keeps. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.words import MISSING, duration
from models.json_form import COUNT, NUMBER, TEXT, Rows, Table, faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.report.page import Page

TRIED = Table(
    {"latent": COUNT, "hidden": COUNT, "head": COUNT, "rung": COUNT, "iterations": COUNT,
     "seconds": NUMBER, "scores": Rows(NUMBER), "problem": TEXT},
    others=None,
)  # fmt: skip
FORM = Table({"share": NUMBER, "tried": Rows(TRIED)})  # of `training.structure.Search`
HEAD = ["rung", "latent states", "hidden units", "read-out head", "iterations", "time",
        "energy score", ""]  # fmt: skip


def kept_search(meta: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a twin keeps of its search; None where it has none, or another version wrote it."""
    search = meta.get("search")
    if not isinstance(search, dict):
        return None
    known = {name: search.get(name) for name in ("share", "tried")}
    return None if faults(known, FORM) else known


def whole_iterations(meta: Mapping[str, Any]) -> int | None:
    """Iterations of a fit and its search together; None where there was no search."""
    search, fitted = kept_search(meta), meta.get("iterations")
    if search is None or not isinstance(fitted, int):
        return None
    share = float(search["share"])
    return round(fitted / (1 - share)) if 0 <= share < 1 else None


def add_search(page: Page, meta: Mapping[str, Any], sizes: tuple[int, int, int]) -> None:
    """Add the table of candidates; `sizes`: latent states, hidden units and head of the twin."""
    search = kept_search(meta)
    if search is None:
        return
    rows = []
    for one in search["tried"]:
        own = tuple(one[name] for name in ("latent", "hidden", "head"))
        scores = one["scores"]
        rows.append([
            str(one["rung"]), str(one["latent"]), str(one["hidden"]), str(one["head"] or "linear"),
            str(one["iterations"]), duration(one["seconds"]),
            f"{np.mean(scores):.4f}" if scores else MISSING,
            one["problem"] or ("chosen" if own == sizes else ""),
        ])  # fmt: skip
    page.text(
        "Structures tried, each in a short fit, the better half again in a longer one; energy "
        "score of free runs on the validation sequences, which the twin's own score does not use. "
        "Lower is better, within a rung."
    )
    page.table(HEAD, rows)
