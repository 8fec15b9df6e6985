"""Thumbnails: repeats and mean of a recording, errors over floor of a twin, scores on a scale."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QPolygonF

from app.gui.theme import colour, pen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from PyQt6.QtGui import QPainter

    from app.gui.theme import Tokens
    from app.library.facts import Thumb
    from app.library.index import Entry

    FloatArray = NDArray[np.float64]

MOST_RATIO = 3.0


def draw_thumb(painter: QPainter, box: QRectF, tokens: Tokens, entry: Entry) -> None:
    """Draw the small plot of an entry into a box; an empty frame where there is none."""
    painter.setPen(pen(tokens.hairline))
    painter.setBrush(colour(tokens.surface))
    painter.drawRect(box)
    thumb = entry.facts.thumb
    if thumb is None or entry.problem:
        return
    inside = box.adjusted(4, 4, -4, -4)
    if thumb.mean is not None:
        _traces(painter, inside, tokens, thumb)
    elif thumb.bars:
        _bars(painter, inside, tokens, thumb)
    else:
        _scores(painter, inside, tokens, thumb, measured=entry.kind == "dep")


def _traces(painter: QPainter, box: QRectF, t: Tokens, thumb: Thumb) -> None:
    mean = thumb.mean
    every = np.concatenate([*thumb.traces, mean]) if mean is not None else np.empty(0)
    every = every[np.isfinite(every)]
    if mean is None or every.size == 0:
        return
    low, high = float(every.min()), float(every.max())
    scale = (high - low) or 1.0
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(t.repeat, 1, alpha=t.repeat_alpha))
    for trace in thumb.traces:
        painter.drawPolyline(QPolygonF(_points(box, (trace - low) / scale)))
    painter.setPen(pen(t.measured, 1.5))
    for one, other in pairwise(_points(box, (mean - low) / scale)):
        painter.drawLine(one, other)  # not in one piece: `widgets.lines` says why


def _points(box: QRectF, share: FloatArray) -> Iterable[QPointF]:
    last = max(len(share) - 1, 1)
    return [
        QPointF(box.left() + box.width() * k / last, box.bottom() - box.height() * float(y))
        for k, y in enumerate(share)
        if np.isfinite(y)
    ]


def _bars(painter: QPainter, box: QRectF, t: Tokens, thumb: Thumb) -> None:
    """Errors over their floor; the line is the floor, taller bars end at three times it."""
    width = box.width() / len(thumb.bars)
    for k, ratio in enumerate(thumb.bars):
        height = box.height() * min(ratio, MOST_RATIO) / MOST_RATIO
        left = box.left() + k * width
        painter.fillRect(
            QRectF(left + 2, box.bottom() - height, width - 4, height), colour(t.twin, 150)
        )
    y = box.bottom() - box.height() / MOST_RATIO
    painter.setPen(pen(t.text2))
    painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))


def _scores(painter: QPainter, box: QRectF, t: Tokens, thumb: Thumb, *, measured: bool) -> None:
    """Foreseen interval, the score, and baselines as ticks, on one logarithmic scale."""
    values = [*thumb.ticks, *(thumb.interval or ()), *([thumb.value] if thumb.value else [])]
    if not values:
        return
    low, high = np.log10(min(values)), np.log10(max(values))
    room = (high - low) or 1.0

    def at(value: float) -> float:
        return box.left() + box.width() * float((np.log10(value) - low) / room)

    y = box.center().y()
    painter.setPen(pen(t.text2))
    for tick in thumb.ticks:
        painter.drawLine(QPointF(at(tick), y - 6), QPointF(at(tick), y + 6))
    if thumb.interval is not None:
        painter.setPen(pen(t.twin, 2))
        painter.drawLine(QPointF(at(thumb.interval[0]), y), QPointF(at(thumb.interval[1]), y))
    if thumb.value:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(t.measured if measured else t.twin))
        painter.drawEllipse(QPointF(at(thumb.value), y), 4, 4)
