"""What a plot draws with: lines that are cheap to paint, many in one, the band between two."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtGui import QColor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

COLOURS = 256  # of a map
MOST_REPEATS = 64
SEGMENTED = "on"
"""How a line of more than a pixel is painted: segment by segment.

As one outline, which Qt fills, 100 noisy steps took 9 ms of each frame; so 0.2 ms. Dashed and
translucent lines must stay one piece.
"""


@contextmanager
def whole(curves: Sequence[Any], dots: Sequence[Any]) -> Iterator[None]:
    """For a drawing that others edit: each line is one piece while this lasts, each dot a circle.

    pyqtgraph cuts dots out of one picture that holds those of every colour: a drawing kept all.
    """
    cut = [curve for curve in curves if curve.opts["segmentedLineMode"] == SEGMENTED]
    for curve in cut:
        curve.setSegmentedLineMode("off")
    for dot in dots:
        dot.opts["useCache"] = False
    try:
        yield
    finally:
        for curve in cut:
            curve.setSegmentedLineMode(SEGMENTED)
        for dot in dots:
            dot.opts["useCache"] = True


def colours_between(empty: str, full: str) -> NDArray[np.uint8]:
    """Colours `(256, 3)` of a map's values from one token's to another's."""
    low, high = (np.array(QColor(name).getRgb()[:3], dtype=float) for name in (empty, full))
    share = np.linspace(0, 1, COLOURS)[:, None]
    table: NDArray[np.uint8] = (low + (high - low) * share).astype(np.uint8)
    return table


class Band:
    """The area between two curves, set in one call."""

    def __init__(self) -> None:
        self._low, self._high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        self.fill = pg.FillBetweenItem(self._low, self._high)

    def show(self, x: Any, low: Any, high: Any) -> None:
        """Fill between `low` and `high` `(T,)`; steps without a number are left out."""
        x, low, high = (np.asarray(a, dtype=float) for a in (x, low, high))
        good = np.isfinite(low) & np.isfinite(high)
        if int(good.sum()) < 2:
            self.clear()
            return
        self._low.setData(x[good], low[good])
        self._high.setData(x[good], high[good])
        self.fill.setVisible(True)

    def clear(self) -> None:
        """Show nothing."""
        self.fill.setVisible(False)


def joined(x: Any, traces: Any) -> tuple[Any, Any]:
    """Many traces `(R, T)` over one `x` `(T,)` as one line with NaN between them.

    The last 64 are kept: more cannot be told apart, and cost time.
    """
    traces = np.asarray(traces, dtype=float)[-MOST_REPEATS:]
    many = np.tile(np.append(np.asarray(x, dtype=float), np.nan), len(traces))
    gap = np.full((len(traces), 1), np.nan)
    return many, np.concatenate([traces, gap], axis=1).ravel()
