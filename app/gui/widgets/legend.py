"""Legends: keys in a row, right of a panel's title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QPainter
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.gui.theme import LABEL_PX, colour, pen, sans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme


@dataclass(frozen=True)
class Key:
    """One entry: `line`, `dash`, `band`, `repeats`, `dot`, `ring`, `tick`, `box` or `frame`."""

    kind: str
    token: str
    text: str


MARK_PX, TEXT_X, GAP_PX = 18, 24, 14  # of a key: its mark, where its text begins, what follows


class Legend(QWidget):
    """Keys in a row, right of a panel's title."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._keys: tuple[Key, ...] = ()
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Those that are shown."""
        return self._keys

    def show_keys(self, keys: Sequence[Key]) -> None:
        """Replace the keys."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.setToolTip(", ".join(key.text for key in keys))
            self.updateGeometry()
            self.update()

    def _width(self, key: Key) -> int:
        return TEXT_X + QFontMetrics(sans(LABEL_PX)).horizontalAdvance(key.text) + GAP_PX

    def sizeHint(self) -> QSize:
        return QSize(max(0, sum(self._width(k) for k in self._keys) - 12), 28)

    def minimumSizeHint(self) -> QSize:
        """In a narrow panel marks have to do: no legend makes a page too wide."""
        return QSize(TEXT_X * len(self._keys), 28)

    def placed(self) -> list[tuple[Key, int, str]]:
        """Each key, where its mark begins, and its text: whole, or none where the room is short.

        The first that fit have theirs; the tip has all.
        """
        found, x = [], 0
        for left, key in zip(reversed(range(len(self._keys))), self._keys, strict=True):
            whole = self._width(key)
            behind = GAP_PX + TEXT_X * (left - 1) + MARK_PX if left else 0  # marks alone
            fits = x + whole - GAP_PX + behind <= self.width()
            found.append((key, x, key.text if fits else ""))
            x += whole if fits else TEXT_X
        return found

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(sans(LABEL_PX))
        for key, x, text in self.placed():
            self._draw_key(painter, key, x)
            painter.setPen(colour(self._theme.tokens.text2))
            where = QRectF(x + TEXT_X, 0, self._width(key), 28)
            painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, text)

    def _draw_key(self, painter: QPainter, key: Key, x: int) -> None:
        t = self._theme.tokens
        name = str(getattr(t, key.token))
        if key.kind in {"line", "dash"}:
            painter.setPen(pen(name, 2, dashed=key.kind == "dash"))
            painter.drawLine(x, 14, x + MARK_PX, 14)
        elif key.kind == "repeats":
            painter.setPen(colour(t.repeat, 150))
            for y in (11, 14, 17):
                painter.drawLine(x, y + 1, x + MARK_PX, y - 1)
        elif key.kind == "dot":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour(name))
            painter.drawEllipse(QRectF(x + 8, 11, 7, 7))
        elif key.kind == "ring":
            painter.setPen(pen(name, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QRectF(x + 8, 11, 7, 7))
        elif key.kind == "tick":
            painter.setPen(pen(name, 2))
            painter.drawLine(x + 12, 9, x + 12, 19)
        elif key.kind == "frame":
            warns = key.token == "attention_edge"
            painter.setPen(colour(name))
            painter.setBrush(colour(t.attention_fill) if warns else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(x + 3.5, 9.5, 13, 9), 2, 2)
        else:
            alpha = t.band_alpha + 20 if key.kind == "band" else 255
            painter.fillRect(QRectF(x + 2, 9, 16, 10), colour(name, alpha))
