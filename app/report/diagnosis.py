"""The report's diagnosis of a deployment: which nodes, drives and layers the score was lost at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.words import capitalised, place_in, signed

if TYPE_CHECKING:
    from app.report.measured import Measured
    from app.report.page import Page

SHOWN = 8  # nodes of the table: those that cost most


def diagnosis(page: Page, run: Measured) -> None:
    """Add where a deployment lost its score; nothing for one that keeps no diagnosis."""
    told = run.body.get("diagnosis")
    if not told:
        return
    repeats = int(run.body.get("repeats", 1))
    first, *others = told["words"]
    sentences = [f"Where {run.path.name} lost its score: {first}", *map(capitalised, others)]
    page.text(f"{'. '.join(sentences)}.")
    if repeats > 1:
        page.text(
            f"Each node is the mean of {repeats} runs; what the twin foresaw is of a single one.",
            note=True,
        )
    if run.cost.size:
        page.table(
            ["node", "misfit", "costs", "at an end of its range", "foreseen"],
            [_row(run, int(node)) for node in np.argsort(-run.cost)[:SHOWN]],
        )


def _row(run: Measured, node: int) -> list[str]:
    misfit = "—" if not np.isfinite(run.misfits[node]) else f"{run.misfits[node]:.2f}"
    return [
        place_in(run.layers, node),
        misfit,
        signed(float(run.cost[node]), ".2g"),
        f"{100 * run.clipped[node]:.0f} %",
        f"{100 * run.clipped_foreseen[node]:.0f} %",
    ]
