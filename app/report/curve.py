"""The page of a learning curve: errors over their floor against what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from app.report.figures import GREY, INK, legend_inside, new_figure, style
from app.report.page import Page
from app.words import counted, fixed
from training.acquire_curve import needed_between
from training.verdict import DECIDING, NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#59626C")  # Okabe–Ito
AROUND = 1.15  # the outermost points
MARKS = ("o", "s", "^", "D", "v")


def sentences(
    rows: Sequence[Mapping[str, Any]], needed: Mapping[str, float | None], target: float
) -> list[str]:
    """What the curve says: the best point, and the measurements that the target takes."""
    scored = [r for r in rows if r["worst"] is not None]
    if not scored:
        return ["No fit could be scored."]
    best = min(scored, key=lambda r: float(r["worst"]))
    said = [
        f"Nearest to the floor with {counted(best['sequences'], 'sequence')} × "
        f"{counted(best['repeats'], 'repeat')}: no error above {best['worst']:.2f} times it."
    ]
    for repeats, count in needed.items():
        mine = [r for r in scored if str(r["repeats"]) == repeats]
        told = _count(mine, count, "about ")
        few, many = (_count(mine, end) for end in needed_between(mine, target))
        sure = "" if few == many else (
            f" (by the errors' 90 % intervals {few} to {many}: more held-out sequences would tell "
            "it closer)"
        )  # fmt: skip
        said.append(
            f"With {counted(int(repeats), 'repeat')} it takes {told} measurements to reach "
            f"{target:g}{sure}."
        )
    return said


def _count(rows: Sequence[Mapping[str, Any]], count: float | None, between: str = "") -> str:
    """Measurements in words: those of the points themselves are bounds."""
    least, most = (end(row["measurements"] for row in rows) for end in (min, max))
    if count is None:
        return f"more than {most}"
    return f"at most {least}" if count <= least else f"{between}{count:.0f}"


def curve_page(
    rows: Sequence[Mapping[str, Any]],
    said: Sequence[str],
    held_out: str,
    target: float,
    repeat_it: str,
) -> Page:
    """The page: what the curve says, its figure, its table, and the command.

    `rows` as of `app.operations.learning_curve.medians`.
    """
    page = Page("Twinrig: learning curve", lead=list(said[:1]))
    for words in said[1:]:
        page.text(words)
    page.text(
        f"A measurement is one repeat of one sequence; those that only score are not counted. All "
        f"were {held_out}."
    )
    page.figure("curve", curve_figure(rows, target), "Errors over their floors; log–log.")
    head = ["sequences × repeats", "measurements", *(f"{NAMES[e]} / floor" for e in DECIDING),
            "excess of the mean", "coverage", "seeds"]  # fmt: skip
    page.table(head, [_row(row) for row in rows])
    page.text(
        "Each error over its half-split floor (what two halves of the held-out real repeats score "
        "against each other), medians over seeds; the excess of the mean is a share of the signal. "
        "Intervals are of the held-out sequences; fits from other seeds scatter besides.",
        note=True,
    )
    page.heading("Repeat it")
    page.code([repeat_it])
    return page


def curve_figure(rows: Sequence[Mapping[str, Any]], target: float) -> Figure:
    """One panel an error, one line for each number of repeats; empty where nothing has a floor."""
    figure = new_figure(2.9)
    measured = [r["measurements"] for r in rows] or [1]
    panels = figure.subplots(1, len(DECIDING), sharey=True)
    repeats = sorted({r["repeats"] for r in rows})
    for axes, error in zip(panels, DECIDING, strict=True):
        for k, each in enumerate(repeats):
            mine = [r for r in rows if r["repeats"] == each and r["errors"][error]["ratio"]]
            axes.plot(
                [r["measurements"] for r in mine], [r["errors"][error]["ratio"] for r in mine],
                color=COLOURS[k % len(COLOURS)], marker=MARKS[k % len(MARKS)], markersize=4,
                linewidth=1.3, label=counted(each, "repeat"),
            )  # fmt: skip
        axes.axhline(1, color=INK, linewidth=1, linestyle=":")
        axes.axhline(target, color=GREY, linewidth=0.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(min(measured) / AROUND, max(measured) * AROUND)  # none where nothing is drawn
        for axis, places in ((axes.xaxis, (1, 3)), (axes.yaxis, (1, 1.5, 2, 3, 5))):
            axis.set_major_locator(LogLocator(subs=places))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())
        style(axes, NAMES[error], "measurements", "error / floor" if error == "mean" else "")
    if repeats:
        legend_inside(panels[-1])
    return figure


def _row(row: Mapping[str, Any]) -> list[str]:
    ratios = [fixed(row["errors"][e]["ratio"], 2) for e in DECIDING]
    return [
        f"{row['sequences']} × {row['repeats']}", str(row["measurements"]), *ratios,
        fixed(row["errors"]["mean"]["excess"], 4), fixed(row["coverage"], 3), str(row["seeds"]),
    ]  # fmt: skip
