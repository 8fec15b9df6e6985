"""The report's figures: field blue, measured vermillion, twin green and dashed, repeats grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from app.map_levels import levels_of
from app.words import prefix, shown_name, with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FIELD, MEASURED, TWIN = "#0072B2", "#D55E00", "#009E73"  # Okabe–Ito, one meaning each
REPEAT, INK, GREY, GRID = "#59626C", "#1C2126", "#58616B", "#EDEFF1"
DASH = (0, (6, 3.5))
DRAWN_REPEATS = 24  # more only darken the grey
FORECAST_STEPS = 300  # of the unseen part: about six quasi-periods of Mackey-Glass
WIDTH_IN = 8.6
NARROW, WIDE = 4.0, 200.0  # of a logarithmic axis: largest over smallest


def new_figure(height_in: float) -> Figure:
    """An empty figure of the report's width, independent of pyplot and of any screen."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Title at the left, small grey labels, no box."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=9, color=GREY)
    axes.set_ylabel(y, fontsize=9, color=GREY)
    axes.tick_params(labelsize=8, colors=GREY)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#AEB5BC")


def log_scale(axes: Axes, which: str, values: Sequence[float]) -> None:
    """A logarithmic axis, `x` or `y`, with numbers that can be read, however narrow its range."""
    getattr(axes, f"set_{which}scale")("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    known = [value for value in values if np.isfinite(value) and value > 0] or [1.0]
    ratio = max(known) / min(known)
    steps = (1.0, 2.0, 5.0) if ratio < WIDE else (1.0,)
    axis.set_major_locator(
        MaxNLocator(4) if ratio < NARROW else LogLocator(subs=steps, numticks=12)
    )
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _legend(axes: Axes, of: Axes | None = None) -> None:
    """Give the legend of `of` (else `axes`) in one row above `axes`, clear of the curves."""
    handles, names = (of or axes).get_legend_handles_labels()
    axes.legend(
        handles, names, fontsize=8, frameon=False, labelcolor=GREY, ncols=len(handles),
        loc="lower right", bbox_to_anchor=(1.0, 0.98), borderaxespad=0.1, handlelength=2.6,
    )  # fmt: skip


def legend_inside(axes: Axes) -> None:
    """A legend where there is room in the axes."""
    axes.legend(fontsize=8, frameon=False, labelcolor=GREY)


def repeats_figure(
    cases: Sequence[tuple[str, Array, Array, Array]], channel: str, field_of: Any, unit: str
) -> Figure:
    """Real repeats beside twin samples, one row a sequence.

    Parameters
    ----------
    cases
        Title, drive `(T,)` in 0…1, real `(R, T)` and twin `(M, T)` of one channel, each sequence.
    channel, unit
        Of the response.
    field_of
        Drive in 0…1 to field in tesla.
    """
    largest = max((np.abs(real[np.isfinite(real)]).max(initial=0.0) for _, _, real, _ in cases))
    factor, shown = prefix(float(largest), unit)  # one for all rows, which are compared
    cases = [(title, drive, factor * real, factor * twin) for title, drive, real, twin in cases]
    figure = new_figure(1.0 + 2.3 * len(cases))
    rows = figure.subplots(2 * len(cases), 1, squeeze=False, height_ratios=[1, 3.2] * len(cases))
    for (title, drive, real, twin), top, axes in zip(
        cases, rows[0::2, 0], rows[1::2, 0], strict=True
    ):
        steps = np.arange(drive.size)
        top.step(steps, 1e3 * field_of(drive), where="mid", color=FIELD, linewidth=1.2)
        style(top, title, y="field (mT)")
        top.tick_params(labelbottom=False)
        axes.plot(steps, real[:DRAWN_REPEATS].T, color=REPEAT, alpha=0.18, linewidth=0.7)
        axes.plot([], [], color=REPEAT, alpha=0.5, linewidth=0.9, label="single repeats")
        if len(twin):
            low, high = np.quantile(twin, (0.05, 0.95), axis=0)
            axes.fill_between(steps, low, high, color=TWIN, alpha=0.16, linewidth=0)
        axes.plot(steps, real.mean(axis=0), color=MEASURED, linewidth=1.6, label="measured mean")
        if len(twin):
            axes.plot(
                steps, twin.mean(axis=0), color=TWIN, linewidth=1.5, linestyle=DASH,
                label="twin mean, 90 % of its samples shaded",
            )  # fmt: skip
        style(axes, "", "step", with_unit(channel, shown))
    _legend(rows[0, 0], rows[1, 0])
    return figure


def maps_figure(cases: Sequence[tuple[str, Array, Array]], unit: str) -> Figure:
    """Means of all channels by step, device beside twin on one scale, one row a sequence.

    Parameters
    ----------
    cases
        Title, mean `(T, C)` of the real repeats and of the twin's samples, each sequence.
    unit
        Of the response; empty where the channels differ.
    """
    largest = max(float(np.nanmax(np.abs(real))) for _, real, _ in cases)
    factor, shown = prefix(largest, unit)
    low, high = levels_of(*(factor * real for _, real, _ in cases))
    figure = new_figure(0.6 + 2.3 * len(cases))
    rows = figure.subplots(len(cases), 2, squeeze=False, sharey=True)
    for (title, *means), both in zip(cases, rows, strict=True):
        ways = zip(both, means, ("device", "twin"), (MEASURED, TWIN), strict=True)
        for axes, mean, who, full in ways:
            colours = LinearSegmentedColormap.from_list(who, ["white", full])
            image = axes.imshow(
                factor * mean.T, origin="lower", aspect="auto", interpolation="nearest",
                cmap=colours, vmin=low, vmax=high, extent=(0, len(mean), 0.5, mean.shape[1] + 0.5),
            )  # fmt: skip
            style(axes, f"{title}, {who}", "step", "channel" if who == "device" else "")
            axes.grid(visible=False)
            bar = figure.colorbar(image, ax=axes)
            bar.set_label(with_unit("mean", shown), fontsize=9, color=GREY)
            bar.ax.tick_params(labelsize=8, colors=GREY)
    return figure


def noise_figure(details: Mapping[str, Any]) -> Figure:
    """Autocorrelation of the residuals and PIT histogram, each with the band of chance.

    `details` as in `TwinScored`: `autocorrelation_real|twin|low|high`, `pit`, and of newer twins
    `pit_low|high`.
    """
    figure = new_figure(2.9)
    left, right = figure.subplots(1, 2)
    real = np.asarray(details["autocorrelation_real"])
    lags = np.arange(1, real.size + 1)
    low, high = details["autocorrelation_low"], details["autocorrelation_high"]
    left.fill_between(
        lags, low, high, color=MEASURED, alpha=0.18, linewidth=0, label="90 % of halves"
    )
    left.plot(lags, real, color=MEASURED, linewidth=1.6, label="measured")
    twin = np.asarray(details["autocorrelation_twin"])
    left.plot(lags, twin, color=TWIN, linestyle=DASH, linewidth=1.6, label="twin")
    left.axhline(0, color="#AEB5BC", linewidth=0.8)
    style(left, "Memory of the noise", "lag (steps)", "autocorrelation of residuals")
    legend_inside(left)
    pit = np.asarray(details["pit"])
    right.bar(
        (np.arange(pit.size) + 0.5) / pit.size, pit, width=0.94 / pit.size, color=REPEAT, alpha=0.6
    )
    right.axhline(1, color=INK, linewidth=1, linestyle=":", label="a perfect twin")
    if "pit_low" in details:
        right.stairs(
            details["pit_high"], np.linspace(0, 1, pit.size + 1), baseline=details["pit_low"],
            fill=True, color=TWIN, alpha=0.22, linewidth=0, label="… 90 % of its bars",
        )  # fmt: skip
    style(right, "Where real values fall among the twin's", "rank among 200 samples", "density")
    legend_inside(right)
    return figure


def forecast_figure(
    title: str, target: Array, measured: Array, low: Array | None, high: Array | None
) -> Figure:
    """Forecast on the device against the target on the unseen part, `(T,)` each."""
    figure = new_figure(3.6)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    steps = np.arange(min(target.size, FORECAST_STEPS))
    if low is not None and high is not None:
        axes.fill_between(
            steps, low[: steps.size], high[: steps.size], color=TWIN, alpha=0.22, linewidth=0,
            label="90 % foreseen by the twin",
        )  # fmt: skip
    axes.plot(steps, target[: steps.size], color=INK, linewidth=1.0, label="target")
    axes.plot(steps, measured[: steps.size], color=MEASURED, linewidth=1.4, label="device")
    style(axes, title, y="series")
    _legend(axes)
    below.plot(steps, (measured - target)[: steps.size], color=MEASURED, linewidth=1.0)
    style(below, "", "step of the unseen part", "error")
    return figure


def counted(layers: Sequence[int]) -> list[int]:
    """Numbers of nodes in schedule order, as words name them: from 1 in each layer."""
    return [node + 1 for count in layers for node in range(count)]


def misfit_figure(misfits: Sequence[tuple[str, Sequence[int], Array]]) -> Figure:
    """Misfit of each node's measured response, over the one the twin expects; 1 is as foreseen.

    `misfits`: label, nodes of each layer, values in schedule order; one row each.
    """
    figure = new_figure(1.7 * len(misfits) + 0.4)
    for axes, (label, layers, values) in zip(
        figure.subplots(len(misfits), 1, squeeze=False)[:, 0], misfits, strict=True
    ):
        axes.bar(np.arange(len(values)), values, color=MEASURED, alpha=0.75, width=0.8)
        axes.axhline(1, color=TWIN, linestyle=DASH, linewidth=1.4)
        for end in np.cumsum(layers)[:-1]:
            axes.axvline(end - 0.5, color="#AEB5BC", linewidth=0.8)
        every = 5 if len(values) <= 60 else 10 if len(values) <= 150 else 50
        numbers = counted(layers)
        shown = [k for k, node in enumerate(numbers) if node == 1 or node % every == 0]
        axes.set_xticks(shown, [str(numbers[k]) for k in shown])
        style(axes, label, "node, counted from 1 in each layer", "misfit")
    return figure


def transfer_figure(
    rows: Sequence[tuple[str, float, float]], baselines: Mapping[str, float], metric: str
) -> Figure:
    """Score foreseen by the twin → score on the device of each network; baselines in grey below.

    `rows`: label, predicted, measured.
    """
    plain = sorted(baselines.items(), key=lambda item: item[1])
    labels = [label for label, _, _ in rows] + [shown_name(name) for name, _ in plain]
    figure = new_figure(0.9 + 0.4 * len(rows) + 0.24 * len(plain))
    axes = figure.subplots()
    for place, (_, predicted, measured) in enumerate(rows):
        arrow = {"arrowstyle": "->", "color": GREY}
        axes.annotate("", (measured, place), (predicted, place), arrowprops=arrow)
        axes.plot(predicted, place, "o", color=TWIN, markerfacecolor="white", markersize=7)
        axes.plot(measured, place, "o", color=MEASURED, markersize=7)
    for place, (_, value) in enumerate(plain, len(rows)):
        axes.plot(value, place, "|", color=GREY, markersize=9, markeredgewidth=2)
    if plain:
        axes.axhline(len(rows) - 0.5, color="#AEB5BC", linewidth=0.8)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    is_accuracy = "accuracy" in metric
    if not is_accuracy:
        scores = [value for _, *pair in rows for value in pair]
        log_scale(axes, "x", [*scores, *baselines.values()])
    better = "larger" if is_accuracy else "smaller"
    style(axes, "", f"{metric} on the unseen part (twin ○ → device ●; {better} is better)")
    return figure
