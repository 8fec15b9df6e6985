"""The comparison table on paper: the page with its one figure."""

from __future__ import annotations

from statistics import fmean
from textwrap import fill
from typing import TYPE_CHECKING

from app.operations.compare_networks_plan import NOISE_AWARE
from app.operations.compare_networks_words import inside_words, sentences, standing
from app.report.figures import GREY, INK, MEASURED, TWIN, log_scale, new_figure, style
from app.report.networks_text import HEAD, NOTE, cells
from app.report.page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from app.operations.compare_networks_table import Row, Table

LABEL_WIDTH = 34  # characters of a line


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
        lead.append(f"{words[0]} {standing(table)}".rstrip())
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
    rows = [row for table in tables if (row := table.row(NOISE_AWARE)) is not None]
    return f"Over all tasks and seeds, noise-aware networks: {inside_words(rows)}"


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
    shown = [value for row in rows for value in (*row.predicted, *row.measured)]
    if all(value > 0 for value in shown):
        log_scale(axes, "x", shown)
    metric = table.metric.upper() if table.metric == "nmse" else table.metric
    style(
        axes, table.plan.task, f"{metric} on the unseen part (twin ○, device ●; smaller is better)"
    )
    return figure


def _draw(axes: Axes, place: int, row: Row) -> None:
    for score in row.scores:
        foreseen = score.foreseen
        ends = [foreseen.get("low", foreseen["value"]), foreseen.get("high", foreseen["value"])]
        axes.plot(ends, [place - 0.14] * 2, color=TWIN, linewidth=3, alpha=0.2)
        axes.plot(score.predicted["value"], place - 0.14, "o", color=TWIN, markerfacecolor="white",
                  markersize=5)  # fmt: skip
        if score.measured is not None:
            axes.plot(score.measured, place + 0.14, "o", color=MEASURED, markersize=5, alpha=0.6)
    if row.measured:
        axes.plot(fmean(row.measured), place + 0.14, "|", color=INK, markersize=12)
