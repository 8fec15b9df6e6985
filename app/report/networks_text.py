"""The comparison table in words: Markdown and CSV; loads nothing that draws."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from app.operations.compare_networks_words import mean_words, sentences
from app.words import signed

if TYPE_CHECKING:
    from app.operations.compare_networks_table import Row, Table

HEAD = (
    "network", "foreseen", "by the stochastic twin", "on the device", "device / foreseen",
    "inside 90 %", "runs a deployment", "runs recorded", "networks",
)  # fmt: skip
NOTE = (
    "Means ± standard deviations over seeds and folds; smaller is better. Foreseen: the median of "
    "simulated deployments by the twin that the network was trained through; software: its score "
    "on the unseen part. Inside: measured scores within the stochastic twin's 90 % interval. A run "
    "of the device is one reset and one sequence; those recorded for the twin serve every network. "
    "Networks of one table share the device, so that their scores are not independent of it."
)


def cells(table: Table) -> list[list[str]]:
    """The rows as a table shows them, under `HEAD`."""
    return [_cells(table, row) for row in table.rows]


def _cells(table: Table, row: Row) -> list[str]:
    inside, of = row.within
    loss = "—" if row.ratio is None else f"× {row.ratio:.2f}"
    if table.by_error and row.points is not None:
        loss = f"{signed(row.points)} points"
    recorded = "?" if table.recorded is None else str(table.recorded)
    return [
        row.label, mean_words(row.predicted), mean_words(row.judged), mean_words(row.measured),
        loss, f"{inside} of {of}" if of else "—", "—" if row.runs is None else f"{row.runs:g}",
        recorded if row.scores else "—", str(len(row.predicted)),
    ]  # fmt: skip


def markdown(table: Table) -> str:
    """The table and what it says, for a README."""
    lines = [f"| {' | '.join(row)} |" for row in ([*HEAD], ["---"] * len(HEAD), *cells(table))]
    failed = [f"- {words}" for row in table.rows for words in row.failed]
    said = [f"- {words}" for words in sentences(table)]
    parts = [*lines, "", *said, "", NOTE, *(["", "Failed:", *failed] if failed else [])]
    return "\n".join(parts) + "\n"


def csv_text(table: Table) -> str:
    """The table for a spreadsheet."""
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *cells(table)])
    return text.getvalue()
