"""The form at a page's left: sections, rows of label and control, the primary button."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QKeySequence, QPainter
from PyQt6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, sans
from app.gui.widgets.basic import Elided, label, line, scroll_area
from app.gui.widgets.tab_order import chain, focusable

if TYPE_CHECKING:
    from PyQt6.QtGui import QMouseEvent, QPaintEvent, QShowEvent

    from app.gui.theme import Theme

FORM_PX, LABEL_WIDTH_PX = 320, 112
MOMENT_S = 1.0  # later, somebody may be at work where the focus has gone
ROWS_PX = 96  # that stay in view, however much is said below them


class PrimaryButton(QAbstractButton):
    """The one button of a page: what a press does now, its cost, progress while running."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.cost = ""
        self.fraction: float | None = None
        self.cost_role = ""
        self._instead: QWidget | None = None  # what has the focus while this is disabled …
        self._lost_s = -math.inf  # … since when
        self.setFixedHeight(56)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def setEnabled(self, on: bool) -> None:
        """Enable or disable it; a focus that it loses for a moment comes back, unless it was moved.

        A plan is looked at anew after each change: who came here by Tab meanwhile presses this.
        """
        had, window = self.hasFocus(), self.window()
        super().setEnabled(on)
        now = None if window is None else window.focusWidget()
        if had and not on:
            self._instead, self._lost_s = now, time.monotonic()
        elif on:
            soon = time.monotonic() - self._lost_s < MOMENT_S
            if soon and now is not None and now is self._instead:
                self.setFocus()
            self._instead = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """A double click is one press: the second would queue what the first one began."""
        if event is not None:
            event.accept()

    def say(self, text: str, cost: str, *, role: str = "", fraction: float | None = None) -> None:
        """Show text and cost; `role` `fault` or `attention`; a fraction makes it a progress bar."""
        said = text, cost, role, fraction
        if said == (self.text(), self.cost, self.cost_role, self.fraction):
            return  # a page says it in each frame
        self.setText(text)
        self.setShortcut(QKeySequence())  # of a run that is called `R&D` Qt takes the D for a key
        self.cost, self.cost_role, self.fraction = cost, role, fraction
        self.setAccessibleName(f"{text}, {cost}")
        self.setToolTip(cost)  # which is cut where it has no room
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, running = self._theme.tokens, self.fraction is not None
        plain = running or not self.isEnabled()
        box = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.setPen(colour(t.border if plain else t.ink))
        painter.setBrush(colour(t.window if plain else t.ink))
        painter.drawRoundedRect(box, 4, 4)
        if running:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour(t.selected))
            done = box.adjusted(1, 1, -1, -1)
            done.setWidth(done.width() * min(1.0, max(0.0, self.fraction or 0.0)))
            painter.drawRoundedRect(done, 3, 3)
        if self.hasFocus():  # inside: at its edge it would be lost between two dark greys
            painter.setPen(colour(t.ink if plain else t.on_ink))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(3, 3, -3, -3), 3, 3)
        self._text(painter, plain)

    def _text(self, painter: QPainter, plain: bool) -> None:
        t, running = self._theme.tokens, self.fraction is not None
        strong = t.text1 if running else (t.text2 if plain else t.on_ink)
        quiet = {"fault": t.fault, "attention": t.attention}.get(self.cost_role, t.text2)
        width = self.width() - 32
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(sans(BODY_PX, 600))
        painter.setPen(colour(strong))
        painter.drawText(
            QRectF(16, 10, width, 18), left, elided(self.text(), painter.font(), width)
        )
        painter.setFont(sans(LABEL_PX, 500))
        painter.setPen(colour(quiet if plain else t.on_ink2))
        painter.drawText(QRectF(16, 29, width, 16), left, elided(self.cost, painter.font(), width))


class Form(QWidget):
    """A column of fixed width: title, sections, and the primary button, always at the foot.

    Its `rows` scroll where they need more room than there is.
    """

    def __init__(self, theme: Theme, title: str, subtitle: str) -> None:
        super().__init__()
        self.setObjectName("form")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(FORM_PX)
        self.subtitle = label(subtitle, "note")
        self.primary = PrimaryButton(theme)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 15, 16)
        outer.setSpacing(0)
        head = label(title, "title")
        head.setFixedHeight(22)
        outer.addWidget(head)
        outer.addWidget(self.subtitle)
        outer.addSpacing(12)
        outer.addWidget(line())
        body = QWidget()
        body.setObjectName("formBody")
        self._rows = QVBoxLayout(body)
        self._rows.setContentsMargins(0, 0, 0, 12)
        self._rows.setSpacing(8)
        self._rows.addStretch(1)
        scroll = scroll_area(body)
        scroll.setAccessibleName(f"{title}: form")
        outer.addWidget(scroll, 1)
        self.rows, self._room = scroll, QSpacerItem(0, 0)
        outer.addSpacerItem(self._room)
        outer.addWidget(self.primary)
        self._empty = True

    def set_room(self, pixels: int) -> None:
        """Keep a strip above the primary button free, for what is said there."""
        most = max(0, self.rows.height() + self._room.sizeHint().height() - ROWS_PX)
        self._room.changeSize(0, min(pixels, most))
        layout = self.layout()
        if layout is not None:
            layout.invalidate()

    def section(self, title: str) -> QLabel:
        """Begin a section; returns the grey label at its right end."""
        if not self._empty:
            self._add(line())
        self._empty = False
        head = QWidget()
        layout = QHBoxLayout(head)
        layout.setContentsMargins(0, 6, 0, 0)
        right = label("", "note")
        layout.addWidget(label(title, "section"))
        layout.addStretch(1)
        layout.addWidget(right)
        self._add(head)
        return right

    def row(self, name: str, control: QWidget) -> QWidget:
        """A row of label and control; returns the row, so that it can be hidden."""
        made = QWidget()
        layout = QHBoxLayout(made)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        text = label(name, "label")
        text.setFixedWidth(LABEL_WIDTH_PX)
        text.setBuddy(control)
        layout.addWidget(text)
        layout.addWidget(control, 1)
        made.setFixedHeight(28)
        self._add(made)
        return made

    def fact(self, name: str, value: str = "") -> QLabel:
        """A row that only says something; returns the value's label."""
        shown = Elided(value)
        self.row(name, shown)
        return shown

    def widget(self, widget: QWidget) -> None:
        """Any widget across the whole width."""
        self._add(widget)

    def position_of(self, widget: QWidget) -> int:
        """Where a widget stands among the rows."""
        return self._rows.indexOf(widget)

    def insert(self, position: int, widget: QWidget) -> None:
        """A widget across the whole width, at a position; once all are in, `order_tabs`."""
        self._rows.insertWidget(position, widget)

    def order_tabs(self) -> None:
        """Let Tab go down the rows to the button; a form that is shown does it itself."""
        chain([self.rows, *focusable(self._rows), self.primary])

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self.order_tabs()

    def set_gap(self, pixels: int) -> None:
        """Another distance between rows, where a long form has little height."""
        self._rows.setSpacing(pixels)

    def _add(self, widget: QWidget) -> None:
        self._rows.insertWidget(self._rows.count() - 1, widget)
