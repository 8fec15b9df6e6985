"""A pre-flight list: a glyph, what was looked at, what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF
from PyQt6.QtWidgets import QSizePolicy

from app.gui import icons
from app.gui.widgets.tables import RIGHT, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme


@dataclass(frozen=True)
class Check:
    """One line of a pre-flight list: level `ok`, `wait`, `attention` or `fault`."""

    name: str
    value: str
    level: str = "ok"


class CheckList(Painted):
    """Pre-flight: a glyph, what was looked at, what was found."""

    ROW_PX, HEAD_PX = 32, 0

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.checks: list[Check] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_checks(self, checks: Sequence[Check]) -> None:
        """Replace the list."""
        self.checks = list(checks)
        self.setFixedHeight(max(32, self.ROW_PX * len(self.checks)))
        self.setToolTip("\n".join(f"{c.name}: {c.value}" for c in self.checks))
        self.update()

    def set_row_px(self, pixels: int) -> None:
        """Another height of a line, where a form has little."""
        self.ROW_PX = pixels
        self.show_checks(self.checks)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        t = self.theme.tokens
        for index, check in enumerate(self.checks):
            y = index * self.ROW_PX
            glyph = {"ok": "check", "wait": "wait"}.get(check.level, "warning")
            glyph = "fault" if check.level == "fault" else glyph
            ink = {"attention": "attention", "fault": "fault"}.get(check.level, "text2")
            box = QRectF(0, y + self.ROW_PX / 2 - 7, 14, 14)
            icons.draw(painter, glyph, box, str(getattr(t, ink)), t.window)
            strong = "text1" if check.level in {"ok", "wait"} else ink
            self.words(painter, QRectF(20, y, 130, self.ROW_PX), check.name, ink=strong)
            where = QRectF(140, y, self.width() - 140, self.ROW_PX)
            self.words(painter, where, check.value, ink=ink, align=RIGHT)
