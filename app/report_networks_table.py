"""The comparison table on paper: Markdown, CSV, and the page with its one figure."""

from __future__ import annotations

import csv
import io
from statistics import fmean
from textwrap import fill
from typing import TYPE_CHECKING

from app.operations.compare_networks_table import (
    Row,
    Table,
    inside_words,
    mean_words,
    sentences,
)
from app.report_figures import GREY, INK, MEASURED, TWIN, new_figure, style
from app.report_page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD = (
    "network", "foreseen", "by the stochastic twin", "on the device", "device / foreseen",
    "inside 90 %", "runs a deployment", "runs recorded", "networks",
)  # fmt: skip
LABEL_WIDTH = 34  # characters of a line
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
        loss = f"{row.points:+.1f} points"
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


def table_page(tables: Sequence[Table]) -> Page:
    """The page of one table."""
    page = Page("Twinrig: networks compared")
    page.lead = sections(page, tables)
    return page


def sections(page: Page, tables: Sequence[Table]) -> list[str]:
    """Add each table with its figure; returns the sentences of the headline."""
    lead = []
    for number, table in enumerate(tables, 1):
        words = sentences(table)
        lead.append(words[0])
        page.heading(f"Networks compared: {table.plan.task}")
        for sentence in words[1:]:
            page.text(sentence)
        page.table(HEAD, cells(table))
        page.text(NOTE, note=True)
        if any(row.predicted for row in table.rows):
            page.figure(
                f"networks-{number}", table_figure(table),
                "Scores foreseen (open) and on the device (filled), each seed and fold; bars: the "
                "foreseen 90 %.",
            )  # fmt: skip
        for failed in (words for row in table.rows for words in row.failed):
            page.text(f"failed: {failed}", note=True)
    if len(tables) > 1:
        lead.append(pooled_words(tables))
    page.values["networks"] = lead
    return lead


def pooled_words(tables: Sequence[Table]) -> str:
    """Coverage of the foreseen intervals over all tasks and seeds, noise-aware networks."""
    within = [table.rows[0].within for table in tables]
    inside, of = (sum(pair[i] for pair in within) for i in (0, 1))
    return f"Over all tasks and seeds, noise-aware networks: {inside_words(inside, of)}"


def table_figure(table: Table) -> Figure:
    """One line a row: foreseen scores open green, measured filled red, software grey."""
    rows = [row for row in table.rows if row.predicted]
    figure = new_figure(1.1 + 0.5 * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        if row.scores:
            _draw(axes, place, row)
        else:
            axes.plot(list(row.predicted), [place] * len(row.predicted), "|", color=GREY,
                      markersize=11, markeredgewidth=2)  # fmt: skip
    axes.set_yticks(range(len(rows)), [fill(row.label, LABEL_WIDTH) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    if all(value > 0 for row in rows for value in (*row.predicted, *row.measured)):
        axes.set_xscale("log")
    metric = table.metric.upper() if table.metric == "nmse" else table.metric
    style(axes, table.plan.task, f"{metric} on the unseen part (twin ○, device ●)")
    return figure


def _draw(axes: Axes, place: int, row: Row) -> None:
    for score in row.scores:
        foreseen = score.judged or score.predicted
        ends = [foreseen.get("low", foreseen["value"]), foreseen.get("high", foreseen["value"])]
        axes.plot(ends, [place - 0.14] * 2, color=TWIN, linewidth=3, alpha=0.2)
        axes.plot(score.predicted["value"], place - 0.14, "o", color=TWIN, markerfacecolor="white",
                  markersize=5)  # fmt: skip
        if score.measured is not None:
            axes.plot(score.measured, place + 0.14, "o", color=MEASURED, markersize=5, alpha=0.6)
    if row.measured:
        axes.plot(fmean(row.measured), place + 0.14, "|", color=INK, markersize=12)
