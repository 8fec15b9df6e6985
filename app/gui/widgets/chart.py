"""What a strip chart is told to draw, and what a frame of it draws; no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Chart:
    """One chart: which trace of the store, what it is called, how it is shown.

    `factor` None: the prefix of `unit` follows the values. `low`, `high`: an alarm's band, in SI;
    `limit`: a line at which the bench ends, drawn where it is in view; `out`: `below` or `above`.
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
