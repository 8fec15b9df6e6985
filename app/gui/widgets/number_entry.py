"""Entries of a number with its unit: any number, or a whole one.

Numbers are written as everywhere in the window, with a point; a comma is read as one, whatever the
computer's language, and the minus sign of what was copied from the window as a hyphen. Decision:
Qt's own reading is not used. Of any number it takes point or comma for nothing, and 1,5 for 15; of
a whole one it swallows each key that is no digit, and 2.5 becomes 25; what is beyond the range it
cuts off where it was not yet, and 150 becomes 15.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PyQt6.QtGui import QValidator
from PyQt6.QtWidgets import QDoubleSpinBox

from app.gui.widgets.basic import as_entry, set_level
from app.words import hyphens

if TYPE_CHECKING:
    from PyQt6.QtGui import QWheelEvent

DECIMALS = 6  # kept of what is set: a sample may be at 0.015 K
WRITTEN = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)")
WHOLE = re.compile(r"[+-]?\d+")


class NumberEntry(QDoubleSpinBox):
    """A number with its unit, no arrows; the wheel scrolls the form, not the value.

    What is no number, or is beyond the range, is edged in red while typed; when finished, what
    stood there before comes back, not a number that was passed on the way (1 of 1e3).
    """

    written, decimals_kept = WRITTEN, DECIMALS

    def __init__(self, value: float, low: float, high: float, unit: str, name: str) -> None:
        super().__init__()
        self._kept = value
        self.setRange(low, high)
        self.setDecimals(self.decimals_kept)
        self.setSuffix(f" {unit}" if unit else "")
        self.setAccessibleName(name)
        self.setValue(value)
        as_entry(self)
        self.editingFinished.connect(self._keep)

    def setValue(self, value: float) -> None:
        """Set it, within its range: Qt raises where a settings file holds more than it counts."""
        super().setValue(max(self.minimum(), min(self.maximum(), value)))
        self._keep()

    def _keep(self) -> None:
        self._kept = self.value()

    def _read(self, text: str | None) -> float | None:
        """The number that is written; None where it is none of the range."""
        bare, word, unit = hyphens(text).strip(), self.prefix().strip(), self.suffix().strip()
        for _ in range(2):  # Qt's, and those that were typed within
            bare = bare.removeprefix(word).removesuffix(unit).strip()
        if bare and bare == self.specialValueText():
            return self.minimum()
        if self.written.fullmatch(bare) is None:
            return None
        value = float(bare.replace(",", "."))
        return value if self.minimum() <= value <= self.maximum() else None

    # Qt

    def textFromValue(self, value: float) -> str:
        return f"{value:.10g}"

    def valueFromText(self, text: str | None) -> float:
        value = self._read(text)
        return self.value() if value is None else value

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        good = self._read(text) is not None
        set_level(self, "" if good else "fault")
        state = QValidator.State.Acceptable if good else QValidator.State.Intermediate
        return state, text or "", position

    def fixup(self, _text: str | None) -> str:
        kept = max(self.minimum(), min(self.maximum(), self._kept))
        return f"{self.prefix()}{self.textFromValue(kept)}{self.suffix()}"

    def stepBy(self, steps: int) -> None:
        super().stepBy(steps)
        self._keep()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()


class WholeEntry(NumberEntry):
    """A whole number with its unit."""

    written, decimals_kept = WHOLE, 0

    def __init__(self, value: int, low: int, high: int, unit: str = "", name: str = "") -> None:
        super().__init__(value, low, high, unit, name)

    def value(self) -> int:
        return round(super().value())
