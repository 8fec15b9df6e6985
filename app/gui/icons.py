"""Icons: the SVG files of `resources/icons`, in the colour the caller asks for."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from PyQt6.QtCore import QByteArray, QRectF, Qt
from PyQt6.QtGui import QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer


@cache
def _drawing(name: str) -> str:
    """Read once: widgets draw their icons in each paint."""
    return files("resources").joinpath("icons", f"{name}.svg").read_text("utf-8")


def svg(name: str, ink: str, paper: str) -> QSvgRenderer:
    """The drawing `name`, its lines in `ink`, its cut-outs in `paper`."""
    filled = _drawing(name).replace("currentColor", ink).replace('"paper"', f'"{paper}"')
    return QSvgRenderer(QByteArray(filled.encode()))


def draw(painter: QPainter, name: str, where: QRectF, ink: str, paper: str) -> None:
    """Paint the icon into a rectangle of the painter."""
    svg(name, ink, paper).render(painter, where)


def icon(name: str, ink: str, paper: str = "#FFFFFF", pixels: int = 16) -> QIcon:
    """The icon for a button, sharp at twice its size."""
    pixmap = QPixmap(2 * pixels, 2 * pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw(painter, name, QRectF(0, 0, 2 * pixels, 2 * pixels), ink, paper)
    painter.end()
    pixmap.setDevicePixelRatio(2.0)
    return QIcon(pixmap)
