"""A network as a picture: layers of nodes, their strongest weights, one node that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetrics, QPainter, QPainterPath
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.gui.theme import BODY_PX, LABEL_PX, colour, pen, sans
from app.gui.widgets.node_steps import stepped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PyQt6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from app.gui.network_picture import Edge, Picture
    from app.gui.theme import Theme

CENTRE = Qt.AlignmentFlag.AlignCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
LINE_PX = 16
REACH_PX = 14  # of a node: a press that near means it
FAINT = 0.3  # of the other weights' strength, where one node is looked at
STEPS = {
    Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1), Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}  # fmt: skip


class Topology(QWidget):
    """Input, layers, read-out from left to right; ink is positive, purple negative.

    `chosen(layer, node)`: a node was pressed or reached by the arrow keys; (−1, −1): none is.
    """

    chosen = pyqtSignal(int, int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.layers: tuple[int, ...] = ()
        self.edges: list[Edge] = []
        self.own_edges: tuple[Edge, ...] = ()
        self.shades: tuple[NDArray[np.float64], ...] = ()
        self.selected: tuple[int, int] | None = None
        self.words: tuple[str, list[str]] = ("", [])
        self.output = "y"
        self.setMinimumHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Topology")
        self.setToolTip("Press a node, or go by the arrow keys, to see what joins it")
        theme.changed.connect(self.update)

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show nodes without weights, as the form describes them."""
        self._fit(layers)
        self.edges, self.shades = [], ()
        self.select(None)

    def show_picture(self, picture: Picture) -> None:
        """Show the strongest weights."""
        self._fit(picture.layers)
        self.edges = picture.edges
        self.update()

    def show_shades(self, shades: Sequence[NDArray[np.float64]]) -> None:
        """Shade each layer's nodes `(nodes,)` by a share 0…1."""
        self.shades = tuple(shades)
        self.update()

    def show_output(self, formula: str) -> None:
        """What stands in the box of the read-out."""
        self.output = formula
        self.update()

    def show_node(self, words: tuple[str, list[str]], edges: Sequence[Edge]) -> None:
        """Say what is known of the chosen node, and draw what joins it."""
        self.words, self.own_edges = words, tuple(edges)
        self.setAccessibleDescription(", ".join([words[0], *words[1]]))
        self.update()

    def select(self, node: tuple[int, int] | None) -> None:
        """Choose a node; None: none is."""
        self.selected, self.own_edges, self.words = node, (), ("", [])
        self.chosen.emit(*(node or (-1, -1)))
        self.update()

    def _fit(self, layers: tuple[int, ...]) -> None:
        if layers != self.layers:
            self.layers, self.shades = layers, ()
            self.select(None)

    def node_at(self, place: QPointF) -> tuple[int, int] | None:
        """The node at a place of the picture."""
        for layer, column in enumerate(self._places()[1:-1]):
            for node, centre in enumerate(column):
                apart = place - centre
                near = min(REACH_PX, 0.5 * abs(column[1].y() - column[0].y())) if (
                    len(column) > 1
                ) else REACH_PX  # fmt: skip
                if abs(apart.y()) <= near and abs(apart.x()) <= REACH_PX:
                    return layer, node
        return None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self.layers:
            found = self.node_at(event.position())
            self.select(None if found == self.selected else found)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        step = STEPS.get(Qt.Key(event.key())) if event is not None else None
        if event is None or step is None or not self.layers:
            super().keyPressEvent(event)
            return
        self.select(stepped(self.selected, step, self.layers))

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        self.update()

    def _places(self) -> list[list[QPointF]]:
        columns = [1, *self.layers, 1]
        left, right, top, bottom = 40.0, self.width() - 40.0, 44.0, self.height() - 20.0
        out = []
        for index, nodes in enumerate(columns):
            x = left + (right - left) * index / (len(columns) - 1)
            gap = (bottom - top) / max(nodes - 1, 1)
            middle = (top + bottom) / 2
            out.append([QPointF(x, top + k * gap if nodes > 1 else middle) for k in range(nodes)])
        return out

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = self._theme.tokens
        if self.hasFocus():
            painter.setPen(pen(t.ink, 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        if not self.layers:
            return
        places = self._places()
        faint = FAINT if self.own_edges else 1.0
        for edge in self.edges:
            self._edge(painter, places, edge, faint)
        for edge in self.own_edges:
            self._edge(painter, places, edge, 1.0)
        self._names(painter, places)
        self._nodes(painter, places)
        self._end(painter, places[0][0], "u(t)", t.field)
        self._end(painter, places[-1][0], self.output, t.text1)
        self._say(painter)

    def _names(self, painter: QPainter, places: list[list[QPointF]]) -> None:
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(self._theme.tokens.text2))
        names = ["input", *(f"layer {k + 1}" for k in range(len(self.layers))), "read-out"]
        for name, column in zip(names, places, strict=True):
            painter.drawText(QRectF(column[0].x() - 50, 0, 100, 20), CENTRE, name)

    def _nodes(self, painter: QPainter, places: list[list[QPointF]]) -> None:
        t = self._theme.tokens
        radius = float(np.clip((self.height() - 64) / max(max(self.layers), 1) * 0.38, 3, 9))
        for layer, column in enumerate(places[1:-1]):
            shades = self.shades[layer] if layer < len(self.shades) else None
            for k, place in enumerate(column):
                share = 0.5 if shades is None else float(np.clip(shades[k], 0.0, 1.0))
                shade = int(60 + 195 * share) if self.edges else 40
                painter.setPen(pen(t.twin, 1.4))
                painter.setBrush(colour(t.surface))
                painter.drawEllipse(place, radius, radius)
                painter.setBrush(colour(t.twin, shade))
                painter.drawEllipse(place, radius, radius)
                if self.selected == (layer, k):
                    painter.setPen(pen(t.text1, 1.8))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawEllipse(place, radius + 4, radius + 4)

    def _say(self, painter: QPainter) -> None:
        """The chosen node, at the lower left."""
        name, lines = self.words
        if not name:
            return
        t, small = self._theme.tokens, QFontMetrics(sans(LABEL_PX))
        wide = max(
            QFontMetrics(sans(BODY_PX, 600)).horizontalAdvance(name),
            *(small.horizontalAdvance(line) for line in lines),
        )
        high = 20 + LINE_PX * len(lines)
        box = QRectF(0, self.height() - high - 4, wide + 10, high + 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(t.surface, 225))
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(sans(BODY_PX, 600))
        painter.setPen(colour(t.text1))
        painter.drawText(QRectF(4, box.top(), wide + 6, 20), LEFT, name)
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(t.text2))
        for k, line in enumerate(lines):
            where = QRectF(4, box.top() + 20 + LINE_PX * k, wide + 6, LINE_PX)
            painter.drawText(where, LEFT, line)

    def _edge(
        self, painter: QPainter, places: list[list[QPointF]], edge: Edge, faint: float
    ) -> None:
        column, source, to, target, weight = edge
        if to >= len(places) or source >= len(places[column]):
            return
        start, end = places[column][source], places[to][target]
        t, strength = self._theme.tokens, abs(weight)
        path = QPainterPath(start)
        middle = (start.x() + end.x()) / 2
        path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
        name = t.text1 if weight > 0 else t.negative
        width = 0.6 + 2.0 * max(0.0, strength - 0.4)
        painter.setPen(pen(name, width, alpha=int(faint * (50 + 190 * strength**2))))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _end(self, painter: QPainter, place: QPointF, text: str, ink: str) -> None:
        t = self._theme.tokens
        box = QRectF(place.x() - 26, place.y() - 14, 52, 28)
        painter.setPen(pen(ink, 1.6))
        painter.setBrush(colour(t.surface))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(colour(t.text1))
        painter.setFont(sans(LABEL_PX, 500))
        painter.drawText(box, CENTRE, text)
