"""The report's part on where a twin is off: by drive, step, channel, family; spectra, ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.report.figures import (
    DASH,
    GREY,
    INK,
    MEASURED,
    REPEAT,
    TWIN,
    legend_inside,
    log_scale,
    new_figure,
    style,
)
from app.words import capitalised
from training.verdict import AT_FLOOR, COVERED, NAMES
from training.verdict_places import EXPECTED_COVERAGE, ratio_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from app.report.page import Page

AXIS_WORDS = {
    "drive": "drive",
    "step": "step",
    "channel": "channel",
    "family": "drive family",
    "change": "change of drive",
}
MOST_DENSE = 2.0  # of the colours of a PIT, which is 1 everywhere for a perfect twin
LEGEND_ROOM = 0.3  # of what is drawn, above and below it
MOST_NAMED = 12  # labels of an axis
INTERVALS = ", with 99 % bootstrap intervals over sequences"


def add_validation(
    page: Page, name: str, validation: Mapping[str, Any], *, noisy: bool = True
) -> None:
    """Reasons of the verdict, families in a table, parts and noise in figures.

    Of a twin without noise its mean alone.
    """
    for reason in validation["verdict"]["reasons"]:
        page.text(f"{capitalised(reason)}.")
    _families(page, validation["families"], noisy=noisy)
    if validation["where"]:
        told = any(row["mean"].get("low") is not None for rows in validation["where"].values()
                   for row in rows)  # fmt: skip
        words = (
            f"Errors over their half-split floor, by part{INTERVALS * told}; the dotted line is "
            f"the target, {AT_FLOOR:g}."
        )
        page.figure(f"where-{name}", where_figure(validation["where"], noisy=noisy), words)
    if validation["where"] and noisy:
        words = (
            "Share of real values inside the twin's 90 % interval, and where they fall among its "
            "samples step by step (1 everywhere for a perfect twin)."
        )
        page.figure(f"coverage-{name}", coverage_figure(validation["where"]), words)
    curves = validation["curves"]
    if noisy and ("spectrum_real" in curves or curves.get("rank_lines")):
        words = (
            "Power of the residuals (1: white noise as strong as the device's), and ranks of whole "
            "repeats (their mean, roughness, extent) among the twin's: share below each level, "
            "less the level; a perfect twin's curve stays in the band in nine of ten cases."
        )
        page.figure(f"noise-checks-{name}", checks_figure(curves), words)
        if beyond := _beyond_band(curves):
            page.text(f"Ranks of whole repeats leave a perfect twin's band: {beyond}.")


def _beyond_band(curves: Mapping[str, Any]) -> str:
    """Which ranks lie further from 0 than a perfect twin's do in nine of ten cases, in words."""
    band = float(curves.get("rank_band", 0.0))
    farthest = {
        name: max((abs(float(value)) for value in line if value is not None), default=0.0)
        for name, line in curves.get("rank_lines", {}).items()
    }
    said = [f"{name} by up to {most:.3f}" for name, most in farthest.items() if most > band]
    return f"{', '.join(said)} (its band: {band:.3f})" if said else ""


def _families(
    page: Page, families: Mapping[str, Mapping[str, Mapping[str, Any]]], *, noisy: bool
) -> None:  # fmt: skip
    if not families:
        return
    names = list(next(iter(families.values()))) if noisy else ["mean"]
    rows = [[family, *(_ratio(errors.get(n, {})) for n in names)] for family, errors in
            families.items()]  # fmt: skip
    page.text("Ratio to the floor, by drive family:")
    page.table(["family", *(NAMES.get(n, n) for n in names)], rows)


def _ratio(row: Mapping[str, Any]) -> str:
    value, low, high = (row.get(k) for k in ("ratio", "low", "high"))
    if value is None:
        return "—"
    if low is None or high is None:
        return f"{value:.2f}"
    return f"{value:.2f}\u00a0({low:.2f}…\u2060{high:.2f})"  # never broken into two lines


def where_figure(
    where: Mapping[str, Sequence[Mapping[str, Any]]], *, noisy: bool = True
) -> Figure:  # fmt: skip
    """One panel an axis: mean and spread over their floors; without noise the mean alone."""
    axes_named = [axis for axis in AXIS_WORDS if len(where.get(axis, ())) > 1] or list(where)[:1]
    rows = (len(axes_named) + 1) // 2
    figure = new_figure(0.3 + 2.4 * rows)
    panels = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes, axis in zip(panels, axes_named, strict=False):
        parts = where[axis]
        ordered, apart = axis in ("drive", "step"), 0.012 * len(parts)
        measures = (("mean", MEASURED, -apart, "-"), ("spread", TWIN, apart, DASH))
        for measure, colour, shift, dash in measures if noisy else measures[:1]:
            line = dash if ordered else "none"
            _points(axes, [p[measure] for p in parts], "ratio", colour, shift, measure, line)
        _ratio_scale(axes, [p[m] for p in parts for m, *_ in measures[: 1 + noisy]])
        axes.set_xlim(-0.5, len(parts) - 0.5)
        axes.axhline(1, color="#AEB5BC", linewidth=0.8)
        axes.axhline(AT_FLOOR, color=INK, linewidth=1, linestyle=":")
        _labelled(axes, [p["label"] for p in parts])
        style(axes, f"By {AXIS_WORDS[axis]}", "", "over the floor")
    for axes in panels[len(axes_named) :]:
        axes.set_axis_off()
    legend_inside(panels[0])
    return figure


def _points(
    axes: Axes,
    cells: Sequence[Mapping[str, Any]],
    key: str,
    colour: str,
    shift: float,
    label: str,
    dash: Any,
) -> None:
    places = np.arange(len(cells)) + shift
    values = np.array([np.nan if c.get(key) is None else c[key] for c in cells], dtype=float)
    axes.plot(places, values, "o", color=colour, markersize=4, label=label, linestyle=dash,
              linewidth=0.8)  # fmt: skip
    for place, cell in zip(places, cells, strict=True):
        if cell.get("low") is not None and cell.get("high") is not None:
            axes.plot([place, place], [cell["low"], cell["high"]], color=colour, linewidth=1.6)


def _ratio_scale(axes: Axes, cells: Sequence[Mapping[str, Any]]) -> None:
    """Logarithmic: from few sequences an interval reaches over magnitudes."""
    ends = ratio_range(cells)
    log_scale(axes, "y", ends)
    axes.set_ylim(ends[0] / 1.1, ends[1] * 1.1)


def _labelled(axes: Axes, labels: Sequence[str], most: int = MOST_NAMED) -> None:
    every = max(1, -(-len(labels) // most))
    axes.set_xticks(range(0, len(labels), every), labels[::every])
    axes.tick_params(axis="x", rotation=0 if sum(map(len, labels[::every])) < 60 else 35)


def coverage_figure(where: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Coverage by drive and by step; the PIT by step as a map."""
    shown = [axis for axis in ("drive", "step") if where.get(axis)]
    figure = new_figure(2.7)
    panels = figure.subplots(1, len(shown) + 1, squeeze=False)[0]
    for axes, axis in zip(panels, shown, strict=False):
        axes.axhspan(*COVERED, color=TWIN, alpha=0.12, linewidth=0)
        axes.axhline(EXPECTED_COVERAGE, color=INK, linewidth=1, linestyle=":")
        _points(axes, [p["coverage"] for p in where[axis]], "value", TWIN, 0.0, "twin", DASH)
        _labelled(axes, [p["label"] for p in where[axis]], most=6)
        axes.tick_params(axis="x", rotation=35)
        style(axes, f"Coverage by {AXIS_WORDS[axis]}", "", "inside the 90 % interval")
    parts = where.get("step") or next(iter(where.values()))
    axes = panels[-1]
    density = np.array([p["pit"] for p in parts], dtype=float).T
    edges = np.linspace(0, 1, len(density) + 1)
    image = axes.pcolormesh(
        np.arange(len(parts) + 1) - 0.5, edges, density, cmap="cividis", vmin=0, vmax=MOST_DENSE
    )
    _labelled(axes, [p["label"] for p in parts])
    axes.tick_params(axis="x", rotation=35)
    style(axes, "PIT by step", "", "rank among samples")
    axes.grid(visible=False)
    beyond = np.nanmax(density, initial=0.0) > MOST_DENSE  # an arrow says so, not a false 2
    bar = figure.colorbar(image, ax=axes, shrink=0.9, extend="max" if beyond else "neither")
    bar.set_label("density", fontsize=9, color=GREY)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)  # an image inside the page's SVG would be a file's link
    bar.ax.tick_params(labelsize=8, colors=GREY)
    return figure


def checks_figure(curves: Mapping[str, Any]) -> Figure:
    """Spectrum of the residuals, and rank plots of whole repeats."""
    figure = new_figure(2.9)
    left, right = figure.subplots(1, 2)
    if "spectrum_real" in curves:
        frequency, real, twin, low, high = (
            np.array(curves[f"spectrum_{k}"], dtype=float)
            for k in ("frequency", "real", "twin", "low", "high")
        )
        left.fill_between(frequency, low, high, color=MEASURED, alpha=0.18, linewidth=0,
                          label="90 % of halves")  # fmt: skip
        left.plot(frequency, real, color=MEASURED, linewidth=1.6, label="measured")
        left.plot(frequency, twin, color=TWIN, linestyle=DASH, linewidth=1.6, label="twin")
        log_scale(left, "y", [*real, *twin])
        style(left, "Spectrum of the noise", "cycles a step", "power")
        legend_inside(left)
    else:
        left.set_axis_off()
    lines = curves.get("rank_lines", {})
    level = np.linspace(0, 1, len(next(iter(lines.values()), [])))
    band = float(curves.get("rank_band", 0.0))
    right.axhspan(-band, band, color=REPEAT, alpha=0.18, linewidth=0, label="a perfect twin, 90 %")
    for (name, line), dash in zip(lines.items(), ("-", DASH, ":"), strict=False):
        right.plot(level, line, color=TWIN, linestyle=dash, linewidth=1.5, label=name)
    style(right, "Ranks of whole repeats", "level", "share below, less the level")
    right.margins(y=LEGEND_ROOM)
    right.legend(loc="lower left", ncols=2, fontsize=8, frameon=False, labelcolor=GREY)
    return figure
