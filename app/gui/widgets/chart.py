"""What a strip chart is told to draw, and what a frame of it draws; no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.gui.widgets.chart_scale import settled
from app.gui.words import prefix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Chart:
    """One chart: which trace of the store, what it is called, how it is shown.

    `factor` None: the prefix of `unit` follows the values. `low`, `high`: an alarm's band, in SI;
    `limit`: a line at which the bench ends, drawn where it is in view; `out`: `below`, `above`
    or `gone`.
    `beside`: a trace of the same unit that is drawn behind in grey, as `beside_name`; −1: none.
    """

    trace: int
    name: str
    unit: str
    token: str
    factor: float | None = None
    shown_unit: str = ""
    limit: float = math.inf
    low: float = -math.inf
    high: float = math.inf
    out: str = ""
    beside: int = -1
    beside_name: str = ""


@dataclass(frozen=True)
class Mark:
    """A vertical line through all charts: when, and its words."""

    time_s: float
    text: str


@dataclass
class Line:
    """What a frame draws of one chart: times, values in its unit, its range; what is behind."""

    times_s: FloatArray
    values: FloatArray
    low: float
    high: float
    factor: float
    unit: str
    behind: tuple[FloatArray, FloatArray] | None = None


def line_of(
    chart: Chart, times_s: FloatArray, values: FloatArray,
    behind: tuple[FloatArray, FloatArray] | None, ranges: dict[str, tuple[float, float]],
) -> Line:  # fmt: skip
    """What is drawn of a chart's `values` (SI, `(T,)`) and those behind, in the unit that fits.

    `ranges` holds the range that each chart has, by name and unit, and is given the new one: a
    range stays as long as the values sit well in it.
    """
    every = values if behind is None else np.concatenate([values, behind[1]])
    low = float(np.fmin.reduce(every)) if every.size else math.nan
    high = float(np.fmax.reduce(every)) if every.size else math.nan
    if chart.factor is None:
        scale = max(abs(low), abs(high)) if math.isfinite(low) else 0.0
        factor, unit = prefix(scale, chart.unit)
    else:
        factor, unit = chart.factor, chart.shown_unit or chart.unit
    key = f"{chart.name} {unit}"
    span = ranges[key] = settled(low * factor, high * factor, ranges.get(key))
    grey = None if behind is None else (behind[0], behind[1] * factor)
    return Line(times_s, values * factor, *span, factor, unit, grey)
