"""The entry of a field: in tesla, written with its SI prefix.

Decision: on Qt alone. pyqtgraph has such an entry, but loading pyqtgraph takes half as long as a
bare window does to open, and a form is to answer before there are plots. Numbers are written as
everywhere in the window, with a point; a comma is read as one (Qt's table of locales alone would
take 10 ms to load).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, pyqtSignal
from PyQt6.QtGui import QValidator
from PyQt6.QtWidgets import QAbstractSpinBox

from app.gui.widgets.basic import as_entry, set_level
from app.gui.words import prefix
from app.words import hyphens

if TYPE_CHECKING:
    from PyQt6.QtGui import QFocusEvent, QWheelEvent

STEP_T = Decimal("1e-4")
BOTH_WAYS = (
    QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
    | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
)
DIGITS = 5
MOST_T = Decimal("1e3")  # beyond any magnet: a slip of the fingers, and what no float holds
WRITTEN = re.compile(
    r"\s*(?P<number>[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d{1,3})?)"
    r"\s*(?P<unit>(?P<prefix>[kmuµ\u03bcnp]?)T)?\s*"
)
POWERS = {"k": 3, "": 0, "m": -3, "u": -6, "µ": -6, "\u03bc": -6, "n": -9, "p": -12}
"""By prefix; micro also as `u` and as the Greek letter."""


class FieldEntry(QAbstractSpinBox):
    """A field in tesla, shown with its SI prefix (`2.2 mT`); a bare number is in the unit shown.

    `changed(T)` tells another value: set, stepped by 0.1 mT with the arrow keys, or typed and
    finished. What is no field is edged in red while typed, and put back when finished.
    """

    changed = pyqtSignal(float)

    def __init__(self, value_T: float = 0.0, name: str = "") -> None:
        super().__init__()
        self._value_T = Decimal(str(value_T))
        self._scale, self._unit, self._written = 1.0, "T", ""
        self.setAccessibleName(name)
        self.setKeyboardTracking(False)
        as_entry(self)
        self._write()
        self.editingFinished.connect(self._finished)

    def value(self) -> float:
        """The field in T."""
        return float(self._value_T)

    def setValue(self, value_T: float | Decimal) -> None:
        """Show a field in T, and tell it where it is another one."""
        before, self._value_T = self._value_T, Decimal(str(value_T))
        self._write()
        if self._value_T != before:
            self.changed.emit(self.value())

    def _write(self) -> None:
        value_T = self.value()
        self._scale, self._unit = prefix(abs(value_T) or float(STEP_T), "T")
        self._written = f"{value_T * self._scale:.{DIGITS}g} {self._unit}"
        entry = self.lineEdit()
        if entry is not None:
            entry.setText(self._written)

    def _read(self, text: str) -> Decimal | None:
        """The field that is written, in T; None where it is none."""
        found = WRITTEN.fullmatch(hyphens(text))
        if found is None:
            return None
        letter = self._unit[:-1] if found["unit"] is None else found["prefix"]
        value_T = Decimal(found["number"].replace(",", ".")).scaleb(POWERS[letter])
        return value_T if abs(value_T) <= MOST_T else None

    def _finished(self) -> None:
        value_T = self._read(self.text())
        if value_T is None:
            self._write()
        elif self.text() != self._written:
            self.setValue(value_T)

    # Qt

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        text = text or ""
        good = self._read(text) is not None
        set_level(self, "" if good else "fault")
        state = QValidator.State.Acceptable if good else QValidator.State.Intermediate
        return state, text, position

    def stepBy(self, steps: int) -> None:
        self._finished()  # from what is typed
        self.setValue(self._value_T + steps * STEP_T)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        return BOTH_WAYS

    def sizeHint(self) -> QSize:
        return QSize(120, 0)  # its height is the style sheet's

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Into the number: what is typed replaces it, and the unit stays."""
        super().focusInEvent(event)
        entry, found = self.lineEdit(), WRITTEN.fullmatch(self.text())
        if entry is not None and found is not None:
            entry.setSelection(found.start("number"), len(found["number"]))

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()
