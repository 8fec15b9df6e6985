"""A picture of plots for a paper or a slide: light in a dark window, too, and nothing to press."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPoint, QTimer
from PyQt6.QtGui import QPixmap, QRegion
from PyQt6.QtWidgets import QAbstractButton, QComboBox, QGraphicsOpacityEffect, QScrollArea, QWidget

from app.gui.theme import LIGHT, colour
from app.gui.widgets.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PyQt6.QtGui import QPaintDevice, QPainter

    from app.gui.theme import Theme

FLASH_MS = 160
PRESSED = (QAbstractButton, QComboBox, Segments)


def picture(widget: QWidget, theme: Theme, dots: float) -> QPixmap:
    """The widget on the ground of its page, a pixel of the screen as so many dots.

    What scrolls in it is whole.
    """
    with unrolled(widget), on_paper(widget, theme):
        pixmap = QPixmap(widget.size() * dots)
        pixmap.setDevicePixelRatio(dots)
        pixmap.fill(colour(LIGHT.surface))
        render(widget, pixmap)
    return pixmap


def render(widget: QWidget, to: QPaintDevice | QPainter) -> None:
    """Draw what is in a widget, without the ground that its style sheet gives it."""
    widget.render(to, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)


@contextmanager
def unrolled(widget: QWidget) -> Iterator[None]:
    """As long as a widget is drawn it is as high as what scrolls in it needs; unseen, as below."""
    areas = [one for one in widget.findChildren(QScrollArea) if one.isVisibleTo(widget)]
    bars = [bar for one in areas if (bar := one.verticalScrollBar()) is not None]
    size, hidden = widget.size(), max((bar.maximum() for bar in bars), default=0)
    places = [bar.value() for bar in bars]
    widget.resize(size.width(), size.height() + hidden)
    try:
        yield
    finally:
        widget.resize(size)
        for bar, place in zip(bars, places, strict=True):
            bar.setValue(place)


@contextmanager
def on_paper(widget: QWidget, theme: Theme) -> Iterator[None]:
    """As long as a widget is drawn it is light, and what can be pressed on it is not seen.

    Nothing moves, and the screen is not painted meanwhile.
    """
    pressed = [one for one in widget.findChildren(QWidget) if isinstance(one, PRESSED)]
    for one in pressed:
        unseen = QGraphicsOpacityEffect(one)
        unseen.setOpacity(0.0)
        one.setGraphicsEffect(unseen)
    try:
        with theme.light_for(widget):
            yield
    finally:
        for one in pressed:
            one.setGraphicsEffect(None)


def flash(widget: QWidget, token: str) -> None:
    """Cover a widget for a moment: it was copied."""
    cover = QWidget(widget)
    cover.setStyleSheet(f"background: {token};")
    cover.setGeometry(widget.rect())
    cover.show()
    QTimer.singleShot(FLASH_MS, cover.deleteLater)
