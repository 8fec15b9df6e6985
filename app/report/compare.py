"""The page of a comparison of objectives: what each one's twin scores beside its floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.report.figures import GREY, GRID, INK, MEASURED, TWIN, log_scale, new_figure
from app.report.page import Page
from app.words import fixed
from training.comparison import COMPARED, best_of, verdict
from training.verdict import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from training.comparison import Fitted

HEAD = [
    "objective", *(f"{NAMES[e]} / floor" for e in COMPARED), "excess of the mean", "coverage",
    "iterations", "seeds",
]  # fmt: skip


def comparison_page(
    summary: Mapping[str, Mapping[str, Any]],
    fitted: Sequence[Fitted],
    sentences: Sequence[str],
    repeat_it: str,
) -> Page:
    """The page: verdict, medians over seeds, a figure, every twin, and the command.

    Parameters
    ----------
    summary
        Of `training.comparison.summarise`.
    fitted
        Every twin.
    sentences
        What was compared, and what the comparison says.
    repeat_it
        The command line.
    """
    page = Page("Twinrig: objectives compared", lead=[verdict(summary)])
    for words in sentences:
        page.text(words)
    page.heading("Medians over seeds")
    page.table(HEAD, [_row(name, values) for name, values in summary.items()])
    page.text(
        "Each error over its half-split floor (what two halves of the held-out real repeats score "
        "against each other), with the smallest and the largest of its seeds; the excess of the "
        "mean is a share of the signal. Beside the mean of a twin without noise stands what a "
        "perfect mean would score, 1/√2 of it.",
        note=True,
    )
    page.figure("ratios", ratios_figure(summary), "Errors over their floors; bars: seeds.")
    page.heading("Every twin")
    page.table(
        ["twin", *(f"{NAMES[e]}: value, floor" for e in COMPARED), "coverage", "seconds", ""],
        [_single(one) for one in fitted],
    )
    page.heading("Repeat it")
    page.code([repeat_it])
    page.values = {"best": best_of(summary)}
    return page


def ratios_figure(summary: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Ratios to the floor by objective, one panel an error; logarithmic, the floor at 1."""
    figure = new_figure(1.2 + 0.32 * len(summary))
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    places = range(len(summary))
    for axes, error in zip(panels, COMPARED, strict=True):
        for place, values in zip(places, summary.values(), strict=True):
            row = values[error]
            if row["ratio"] is None:
                axes.text(1.0, place, "no score", fontsize=8, color=GREY, va="center")
                continue
            axes.plot([row["low"], row["high"]], [place] * 2, color=TWIN, linewidth=2, alpha=0.5)
            axes.plot(row["ratio"], place, "o", color=TWIN, markersize=5)
        axes.axvline(1.0, color=MEASURED, linewidth=1)
        rows = [values[error] for values in summary.values()]
        ends = [row[end] for row in rows for end in ("low", "high") if row[end] is not None]
        log_scale(axes, "x", [1.0, *ends])
        axes.set_title(NAMES[error], loc="left", fontsize=10, color=INK)
        axes.tick_params(labelsize=8, colors=GREY, which="both")
        axes.grid(color=GRID, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(list(places), list(summary))
    panels[0].invert_yaxis()
    return figure


def _row(name: str, values: Mapping[str, Any]) -> list[str]:
    ratios = [
        "—" if values[e]["ratio"] is None else
        f"{values[e]['ratio']:.2f} ({values[e]['low']:.2f}–{values[e]['high']:.2f})"
        for e in COMPARED
    ]  # fmt: skip
    failed = f", {values['failed']} failed" if values["failed"] else ""
    return [
        name, *ratios, fixed(values["mean"]["excess"], 4),
        fixed(values["coverage"]["value"], 3),
        fixed(values["iterations"], 0), f"{values['seeds']}{failed}",
    ]  # fmt: skip


def _single(one: Fitted) -> list[str]:
    rows = [one.errors.get(error, {}) for error in COMPARED]
    pairs = [f"{fixed(row.get('value'), 4)}, {fixed(row.get('floor'), 4)}" for row in rows]
    return [
        f"{one.objective}, seed {one.seed}", *pairs, fixed(one.coverage.get("value"), 3),
        fixed(one.seconds, 0), one.problem,
    ]  # fmt: skip
