"""A network as a picture: layers of nodes and their strongest weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QPainter, QPainterPath
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.gui.theme import LABEL_PX, colour, pen, sans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

STRONGEST = 96
CENTRE = Qt.AlignmentFlag.AlignCenter


Edge = tuple[int, int, int, int, float]
"""Column and place where it begins, column and place where it ends, weight of the strongest."""


class Topology(QWidget):
    """Input, layers, read-out from left to right; ink is positive, purple negative."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.layers: tuple[int, ...] = ()
        self.edges: list[Edge] = []
        self.weights_in_all = 0
        self.use: NDArray[np.float64] = np.empty(0)
        self.setMinimumHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Topology")
        theme.changed.connect(self.update)

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show nodes without weights, as the form describes them."""
        self.layers, self.edges, self.weights_in_all = layers, [], 0
        self.update()

    def show_weights(
        self,
        weights: tuple[NDArray[np.float64], ...],
        readout: NDArray[np.float64],
        channels: int,
        sources: Sequence[Sequence[int]] = (),
        widths: Mapping[int, int] | None = None,
    ) -> None:
        """Show the strongest weights, each from the block that its layer sees it in.

        Parameters
        ----------
        weights
            `(nodes of layer l, columns)` each.
        readout
            `(features, outputs)`: the task's inputs, then each layer's channels.
        channels
            Channels of the device.
        sources
            Of each layer the blocks it sees, column block by column block (−1: the task's inputs),
            once for each delay; none: the layer before, the first one the inputs.
        widths
            Columns of each block; a layer's by default its nodes times `channels`.
        """
        self.layers = tuple(len(w) for w in weights)
        self.weights_in_all = int(sum(w.size for w in weights) + readout.size)
        seen = sources or [(layer - 1,) for layer in range(len(weights))]
        wide = {layer: nodes * channels for layer, nodes in enumerate(self.layers)}
        wide |= dict(widths or {})
        edges: list[Edge] = []
        for layer, matrix in enumerate(weights):
            strong = matrix / max(float(np.abs(matrix).max(initial=0.0)), 1e-12)
            begins = self._begins(seen[layer], wide, matrix.shape[1])
            for node, column in zip(*np.nonzero(strong), strict=True):
                at, source = begins[int(column)]
                edges.append((at, source, layer + 1, int(node), float(strong[node, column])))
        edges += self._readout_edges(np.asarray(readout, dtype=float), channels)
        edges.sort(key=lambda edge: abs(edge[4]))
        most = STRONGEST // (len(weights) + 1)
        columns = [[e for e in edges if e[2] == c][-most:] for c in range(1, len(weights) + 2)]
        self.edges = sorted((e for c in columns for e in c), key=lambda edge: abs(edge[4]))
        self.update()

    def _begins(
        self, seen: Sequence[int], wide: Mapping[int, int], columns: int
    ) -> list[tuple[int, int]]:
        """Where each column of a layer's matrix begins: column of the picture, and place in it."""
        known = sum(wide.get(block, 0) for block in seen if block >= 0)
        inputs = (columns - known) // max(1, sum(block < 0 for block in seen))
        places: list[tuple[int, int]] = []
        for block in seen:
            if block < 0:
                places += [(0, 0)] * inputs
                continue
            per = max(1, wide.get(block, 1) // max(1, self.layers[block]))
            places += [(block + 1, k // per) for k in range(wide.get(block, 0))]
        return places[:columns] + [(0, 0)] * (columns - len(places))

    def _readout_edges(self, readout: NDArray[np.float64], channels: int) -> list[Edge]:
        """Read-out weights of the last layer's nodes: what the picture has room for."""
        last = self.layers[-1] * channels if self.layers else 0
        flat = (
            np.abs(readout).reshape(len(readout), -1).max(axis=1) if readout.size else np.empty(0)
        )
        signed = readout.reshape(len(readout), -1)[:, 0] if readout.size else np.empty(0)
        if not last or len(flat) < last:
            return []
        strong = signed[-last:] / max(float(flat[-last:].max()), 1e-12)
        end = len(self.layers)
        return [(end, k // channels, end + 1, 0, float(v)) for k, v in enumerate(strong)]

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
        if not self.layers:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, places = self._theme.tokens, self._places()
        for column, source, to, target, weight in self.edges:
            if to >= len(places) or source >= len(places[column]):
                continue
            start, end = places[column][source], places[to][target]
            self._edge(painter, start, end, weight)
        most = max(self.layers)
        radius = float(np.clip((self.height() - 64) / max(most, 1) * 0.38, 3, 9))
        painter.setFont(sans(LABEL_PX))
        names = ["input", *(f"layer {k + 1}" for k in range(len(self.layers))), "read-out"]
        for name, column_places in zip(names, places, strict=True):
            painter.setPen(colour(t.text2))
            x = column_places[0].x()
            painter.drawText(QRectF(x - 50, 0, 100, 20), CENTRE, name)
        for layer in range(len(self.layers)):
            for k, place in enumerate(places[layer + 1]):
                shade = 150 + int(105 * self._share(layer, k))
                painter.setPen(pen(t.twin, 1.4))
                painter.setBrush(colour(t.surface))
                painter.drawEllipse(place, radius, radius)
                painter.setBrush(colour(t.twin, shade if self.edges else 40))
                painter.drawEllipse(place, radius, radius)
        self._end(painter, places[0][0], "u(t)", t.field)
        self._end(painter, places[-1][0], "y", t.text1)

    def _share(self, layer: int, node: int) -> float:
        """How much of a layer's outgoing strength a node carries, 0…1."""
        total = [0.0] * self.layers[layer]
        for column, source, _, _, weight in self.edges:
            if column == layer + 1 and source < len(total):
                total[source] += abs(weight)
        return total[node] / max(max(total, default=0.0), 1e-12)

    def _edge(self, painter: QPainter, start: QPointF, end: QPointF, weight: float) -> None:
        t, strength = self._theme.tokens, abs(weight)
        path = QPainterPath(start)
        middle = (start.x() + end.x()) / 2
        path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
        name = t.text1 if weight > 0 else t.negative
        width = 0.6 + 2.0 * max(0.0, strength - 0.4)
        painter.setPen(pen(name, width, alpha=int(50 + 190 * strength**2)))
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
