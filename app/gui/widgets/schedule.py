"""The schedule of a deployment: one box a node, layer by layer, with its misfit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, colour, pen, sans
from app.gui.widgets.node_steps import stepped
from app.gui.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from app.gui.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
STEPS = {
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}  # fmt: skip
"""Layers and nodes that a key goes on."""
NAME_PX, BOX_PX, GAP_PX, WARN_ABOVE = 80, 40, 8, 2.0


class ScheduleGrid(QWidget):
    """Nodes measured (filled, with misfit), running (ink frame and progress) and to come (frame).

    `chosen(layer, node)` tells that a node was pressed, or reached by the arrow keys.
    """

    chosen = pyqtSignal(int, int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.layers: tuple[int, ...] = ()
        self.counted = True
        self.misfit: dict[tuple[int, int], float] = {}
        self.running: tuple[int, int] | None = None
        self.fraction = 0.0
        self.at: tuple[int, int] | None = None  # what was pressed or reached last
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Schedule")
        theme.changed.connect(self.update)

    def show_layers(self, layers: Sequence[int], *, counted: bool = True) -> None:
        """Begin anew with this many nodes a layer; `counted`: those measured are told."""
        self.layers, self.counted = tuple(layers), counted
        self.misfit, self.running, self.fraction, self.at = {}, None, 0.0, None
        self.updateGeometry()
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def show_running(self, node: tuple[int, int] | None, fraction: float = 0.0) -> None:
        """Mark the running node and how far it is; nothing else is painted anew."""
        for changed in (self.running, node):
            if changed is not None:
                self.update(self._box(*changed).adjusted(-2, -2, 2, 2).toAlignedRect())
        self.running, self.fraction = node, fraction

    def show_measured(self, node: tuple[int, int], misfit: float) -> None:
        """A node is measured; its misfit over the floor."""
        self.misfit[node] = misfit
        self.update()

    def far(self, layer: int) -> str:
        """How many nodes of a layer are measured, or only how many it has."""
        nodes = self.layers[layer]
        done = sum((layer, n) in self.misfit for n in range(nodes))
        return f"{done} of {nodes}" if self.counted else count(nodes, "node")

    def _box_px(self) -> float:
        """Box height: lower where there are many layers, so that the grid stays a strip."""
        return BOX_PX if len(self.layers) <= 3 else max(22.0, 136 / len(self.layers) - 4)

    def _gap(self) -> float:
        return GAP_PX if max(self.layers, default=0) <= 16 else 3

    def sizeHint(self) -> QSize:
        rows = max(1, len(self.layers))
        return QSize(600, int(rows * (self._box_px() + GAP_PX)))

    def _box(self, layer: int, node: int) -> QRectF:
        most = max(self.layers, default=1)
        gap = self._gap()
        width = (self.width() - NAME_PX + gap) / most - gap
        y = layer * (self._box_px() + GAP_PX)
        return QRectF(NAME_PX + node * (width + gap), y, width, self._box_px())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        for layer, nodes in enumerate(self.layers):
            for node in range(nodes):
                if event is not None and self._box(layer, node).contains(event.position()):
                    self._choose(layer, node)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        step = STEPS.get(Qt.Key(event.key())) if event is not None else None
        if event is None or step is None or not self.layers:
            super().keyPressEvent(event)
            return
        place = stepped(self.at, step, self.layers)
        if place != self.at:
            self._choose(*place)

    def _choose(self, layer: int, node: int) -> None:
        self.at, misfit = (layer, node), self.misfit.get((layer, node), math.nan)
        told = f", misfit {misfit:.1f} times what is expected" if math.isfinite(misfit) else ""
        self.setAccessibleDescription(f"Node {layer + 1}.{node + 1:02d}{told}")
        self.update()
        self.chosen.emit(layer, node)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = self._theme.tokens
        seen = QRectF(self.rect() if event is None else event.rect())
        for layer, nodes in enumerate(self.layers):
            y, height = layer * (self._box_px() + GAP_PX), self._box_px()
            painter.setFont(sans(BODY_PX))
            painter.setPen(colour(t.text1))
            low = height < BOX_PX
            where = QRectF(0, y, NAME_PX, height if low else 20)
            painter.drawText(where, LEFT, f"Layer {layer + 1}")
            if not low:
                painter.setFont(sans(LABEL_PX))
                painter.setPen(colour(t.text2))
                painter.drawText(QRectF(0, y + 20, NAME_PX, 16), LEFT, self.far(layer))
            for node in range(nodes):
                if seen.intersects(self._box(layer, node)):
                    self._draw_node(painter, layer, node)
        if self.hasFocus():
            has = QRectF(self.rect()) if self.at is None else self._box(*self.at)
            painter.setPen(pen(t.ink, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(has.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def _draw_node(self, painter: QPainter, layer: int, node: int) -> None:
        t, box = self._theme.tokens, self._box(layer, node)
        misfit = self.misfit.get((layer, node))
        running = self.running == (layer, node)
        warn = misfit is not None and misfit > WARN_ABOVE
        inner = box.adjusted(0.5, 0.5, -0.5, -0.5)
        edge, fill = t.hairline, t.surface
        if warn:
            edge, fill = t.attention_edge, t.attention_fill
        elif misfit is not None:
            edge = fill = t.selected
        painter.setPen(pen(t.text1, 2) if running else pen(edge, 1))
        painter.setBrush(colour(fill))
        painter.drawRoundedRect(inner, 3, 3)
        if running:
            painter.fillRect(
                QRectF(
                    box.left() + 2,
                    box.top() + 2,
                    (box.width() - 4) * self.fraction,
                    box.height() - 4,
                ),
                colour(t.selected),
            )
        if box.width() < 34:
            return
        ink = t.attention if warn else (t.text1 if misfit is not None or running else t.text2)
        painter.setPen(colour(ink))
        painter.setFont(sans(LABEL_PX, 600 if misfit is not None or running else 400))
        name = f"{layer + 1}.{node + 1:02d}"
        if box.height() < BOX_PX:
            painter.drawText(box.adjusted(6, 0, 0, 0), LEFT, name)
            return
        text = f"{misfit:.1f} ×" if misfit is not None and misfit == misfit else ""
        text = f"{100 * self.fraction:.0f} %" if running else text
        painter.drawText(box.adjusted(7, 3, 0, -box.height() / 2), LEFT, name)
        painter.setFont(sans(LABEL_PX, 600 if running else 400))
        painter.setPen(colour(ink if warn or running else t.text2))
        painter.drawText(box.adjusted(7, box.height() / 2 - 3, 0, 0), LEFT, text)
        if warn and box.width() > 56:
            where = QRectF(box.right() - 21, box.top() + 5, 14, 14)
            icons.draw(painter, "warning", where, t.attention, t.attention_fill)
        painter.setBrush(Qt.BrushStyle.NoBrush)
