"""The left rail: the pages in workflow order, the active job's percentage or fault mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, colour, sans
from app.gui.widgets.basic import line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme


class RailItem(QAbstractButton):
    """One page: its name, its digit; while its job runs, the percentage or a fault mark."""

    def __init__(self, theme: Theme, text: str, hint: str) -> None:
        super().__init__()
        self._theme, self._hint = theme, hint
        self.mark = ""
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setAutoExclusive(False)
        self.setFixedSize(136, 36)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_mark(self, mark: str) -> None:
        """`68 %`, `fault`, or nothing."""
        if mark != self.mark:
            self.mark = mark
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, chosen = self._theme.tokens, self.isChecked()
        if chosen or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour(t.selected, 255 if chosen else 120))
            painter.drawRoundedRect(QRectF(0, 0, self.width(), self.height()), 4, 4)
        if chosen:
            painter.fillRect(QRectF(0, 8, 3, 20), colour(t.ink))
        if self.hasFocus():
            painter.setPen(colour(t.ink))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 4, 4)
        painter.setPen(colour(t.text1 if chosen else t.text2))
        painter.setFont(sans(BODY_PX, 600 if chosen else 400))
        painter.drawText(QRectF(12, 0, 90, 36), Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.mark == "fault":
            icons.draw(painter, "fault", QRectF(112, 10, 16, 16), t.fault, t.rail)
            return
        painter.setPen(colour(t.text1 if self.mark else t.text2 if chosen else t.text3))
        painter.setFont(sans(LABEL_PX, 600 if self.mark else 400))
        where = QRectF(60, 0, self.width() - 60 - 12, 36)
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(where, right, self.mark or self._hint)


class Rail(QWidget):
    """The column of pages; `show_page` is called with the key of the pressed one.

    `within`: pages without an item of their own → that of the page they belong to.
    """

    def __init__(
        self,
        theme: Theme,
        pages: Sequence[tuple[str, str, str]],
        foot: Sequence[tuple[str, str, str]],
        show_page: Callable[[str], None],
        within: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._within = dict(within or {})
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(152)
        self.items: dict[str, RailItem] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 16, 7, 12)
        layout.setSpacing(4)
        for key, text, hint in pages:
            layout.addWidget(self._item(theme, key, text, hint, show_page))
        layout.addStretch(1)
        layout.addWidget(line())
        for key, text, hint in foot:
            layout.addWidget(self._item(theme, key, text, hint, show_page))

    def _item(
        self, theme: Theme, key: str, text: str, hint: str, show_page: Callable[[str], None]
    ) -> RailItem:
        item = RailItem(theme, text, hint)
        item.clicked.connect(lambda: show_page(key))
        self.items[key] = item
        return item

    def item(self, key: str) -> RailItem:
        """The item that stands for this page."""
        return self.items[self._within.get(key, key)]

    def choose(self, key: str) -> None:
        """Press the item of this page."""
        chosen = self.item(key)
        for item in self.items.values():
            item.setChecked(item is chosen)
