"""Small building blocks: labels with a role, hairlines, entries, choices, ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QKeySequence, QPainter, QStandardItemModel
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from app.gui import icons
from app.gui.offered import with_gone
from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, sans
from app.gui.widgets.choice_list import ABOUT_ROLE, ListPainter
from app.gui.words import tool_tip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent, QWheelEvent

    from app.gui.offered import Item, Offered
    from app.gui.theme import Theme

FAULT_ROLE = Qt.ItemDataRole.UserRole + 1


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A label of the style sheet's `role`: title, section, panel, unit, note, label, id, …."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Give a label another role of the style sheet."""
    _set(widget, "role", role)


def set_level(entry: QWidget, level: str) -> None:
    """Mark an entry as `attention`, `fault` or, with an empty level, as neither."""
    _set(entry, "level", level)


def show_focus(title: QWidget, here: bool) -> None:
    """Underline a title whose plot has the keyboard, which paints no frame of its own."""
    _set(title, "keyboard", "here" if here else "")


def _set(widget: QWidget, name: str, value: str) -> None:
    if (widget.property(name) or "") != value:
        widget.setProperty(name, value)
        style = widget.style()
        if style is not None:
            style.unpolish(widget)
            style.polish(widget)


def line() -> QFrame:
    """A hairline across a form."""
    made = QFrame()
    made.setObjectName("line")
    return made


def scroll_area(inside: QWidget, *, sideways: bool = False) -> QScrollArea:
    """A frameless area that a widget fills, and scrolls in where it is larger."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    if not sideways:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area


class Elided(QLabel):
    """A value that is cut with … where it is too long, whole in its tool tip.

    `brief` is said in its place, where that has room: a figure that is cut is another one.
    """

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__(text)
        self.brief = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            self.setProperty("role", role)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        text = elided(self.text(), self.font(), self.width())
        cut = text != self.text()
        if cut and self.brief:
            text = elided(self.brief, self.font(), self.width())
        if cut or self.toolTip() == self.text():  # one that somebody gave it stays
            self.setToolTip(self.text() if cut else "")
        painter.setPen(self.palette().text().color())
        painter.drawText(self.rect(), int(self.alignment()), text)


def as_entry(box: QAbstractSpinBox) -> None:
    """Dress a number entry: no arrows, right-aligned, as wide as it may be."""
    box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    box.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.setMinimumWidth(60)


CHEVRON_PX = 36  # of a drop-down, with the padding at its left
WIDEST_LIST_PX, LIST_EDGE_PX = 800, 12


class Choice(QComboBox):
    """A drop-down of names with values behind them; one that has no room ends in ….

    The whole of it, and what it is, is in the tool tip, where there is no other. One with a fault
    (see `Item`) says that it is damaged or gone, why in its tool tip, and can't be chosen; where it
    was chosen before it stays so, and `fault` tells.
    """

    def __init__(self, theme: Theme, items: Sequence[Offered] = (), name: str = "") -> None:
        super().__init__()
        self._theme, self._tip, self._painter = theme, "", ListPainter(theme)
        self._items: list[Item] = []
        self.setItemDelegate(self._painter)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.offer(items)

    def offer(self, items: Sequence[Offered], *, keep: bool = False) -> None:
        """Replace the items; what was chosen stays chosen where it is still there, and unsaid.

        With `keep` it stays so where it was offered and isn't any more, too, marked as gone.
        """
        chosen, before = self.currentData(), self._items
        self._items = with_gone(items, [chosen] if keep else [], before)
        self.blockSignals(True)
        self.clear()
        for item in self._items:
            self.addItem(item.words, item.value)
            self.setItemData(self.count() - 1, item.about, ABOUT_ROLE)
            self._bar(self.count() - 1, item.fault)
        whole = (index for index in range(self.count()) if not self._fault_of(index))
        kept = -1 if chosen is None else self._index_of(chosen)
        self.setCurrentIndex(kept if kept >= 0 else next(whole, -1))
        self.blockSignals(False)

    def choose(self, value: Any) -> bool:
        """Choose the item with this value; False where there is none, or a damaged one."""
        index = self._index_of(value)
        if index < 0 or (self._fault_of(index) and index != self.currentIndex()):
            return False
        self.setCurrentIndex(index)
        return True

    def take(self, value: Any, text: str | None = None) -> None:
        """Choose a value, also one that isn't offered (yet): it is from now on, under this text.

        None: under its own name, as a path has one.
        """
        if not self.choose(value):
            self.addItem(value.name if text is None else text, value)
            self.choose(value)

    @property
    def fault(self) -> str:
        """Why what is chosen can't be used any more; empty: it can."""
        return self._fault_of(self.currentIndex())

    def _index_of(self, value: Any) -> int:
        return next((n for n in range(self.count()) if self.itemData(n) == value), -1)

    def _fault_of(self, index: int) -> str:
        return str(self.itemData(index, FAULT_ROLE) or "")

    def _bar(self, index: int, fault: str) -> None:
        model = self.model()
        if not fault or not isinstance(model, QStandardItemModel):
            return
        self.setItemData(index, fault, FAULT_ROLE)
        self.setItemData(index, tool_tip(fault), Qt.ItemDataRole.ToolTipRole)
        if (item := model.item(index)) is not None:
            item.setEnabled(False)

    def showPopup(self) -> None:
        """The list, as wide as its names are."""
        view = self.view()
        self._painter.measure((item.words for item in self._items if item.about), self.font())
        if view is not None:
            view.setMinimumWidth(min(WIDEST_LIST_PX, view.sizeHintForColumn(0) + 2 * LIST_EDGE_PX))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        styled, shown = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(shown)
        styled.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, shown)
        whole = self.currentText()
        shown.currentText = elided(whole, self.font(), self.width() - CHEVRON_PX)
        if self.toolTip() == self._tip:
            about = str(self.currentData(ABOUT_ROLE) or "")
            cut = whole if about or shown.currentText != whole else ""
            self._tip = tool_tip("\n".join(part for part in (cut, about) if part))
            self.setToolTip(self._tip)
        styled.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, shown)
        styled.end()
        painter = QPainter(self)
        tokens = self._theme.tokens
        where = QRectF(self.width() - 23, self.height() / 2 - 8, 16, 16)
        ink = tokens.text2 if self.isEnabled() else tokens.text3
        icons.draw(painter, "chevron", where, ink, tokens.surface)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()


LEAST_TICK_PX = 120


class Tick(QCheckBox):
    """A tick box with a second, smaller line under its name."""

    def __init__(self, theme: Theme, text: str, note: str = "") -> None:
        super().__init__()
        self.setText(text)
        self._theme, self.note = theme, note
        self.setMinimumHeight(40 if note else 24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """A long name ends in …: it makes no form wider than its column."""
        return super().minimumSizeHint().boundedTo(QSize(LEAST_TICK_PX, 1000))

    def setText(self, text: str | None) -> None:
        """Its name, as it stands there: of `R&D` Qt would take the D for a key."""
        super().setText(text)
        self.setShortcut(QKeySequence())
        self.setAccessibleName(text)

    def set_note(self, note: str) -> None:
        """Another second line."""
        self.note = note
        self.setMinimumHeight(40 if note else 24)
        self.update()

    def hitButton(self, pos: Any) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, on = self._theme.tokens, self.isChecked()
        box = QRectF(0.5, 3.5, 15, 15)
        painter.setPen(colour(t.ink if on else t.border))
        painter.setBrush(colour(t.ink if on else t.entry))
        painter.drawRoundedRect(box, 3, 3)
        if on:
            icons.draw(painter, "check", box.adjusted(1.5, 1.5, -1.5, -1.5), t.on_ink, t.ink)
        self.paint_words(painter)
        if self.hasFocus():  # around the words: a box that is ticked is ink already
            painter.setPen(colour(t.ink))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(19.5, 0.5, self.width() - 20, self.height() - 1), 4, 4)

    def paint_words(self, painter: QPainter) -> None:
        """What stands right of the box."""
        t, width = self._theme.tokens, self.width() - 24
        painter.setPen(colour(t.text1 if self.isEnabled() else t.text2))
        painter.setFont(sans(BODY_PX))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        text = elided(self.text(), painter.font(), width)
        painter.drawText(QRectF(24, 1, width, 20), flags, text)
        painter.setPen(colour(t.text2))
        painter.setFont(sans(LABEL_PX))
        note = elided(self.note, painter.font(), width)
        painter.drawText(QRectF(24, 20, width, 16), flags, note)


def row(*widgets: QWidget, gap: int = 8) -> QWidget:
    """Widgets side by side, sharing the width."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    for widget in widgets:
        layout.addWidget(widget, 0 if isinstance(widget, QAbstractButton | QToolButton) else 1)
    return made
