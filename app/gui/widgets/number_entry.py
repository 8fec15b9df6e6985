"""An entry of a number with its unit.

Numbers are written as everywhere in the window, with a point; a comma is read as one, whatever the
computer's language: Qt's own reading takes the other of the two for nothing, and 1,5 for 15.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PyQt6.QtGui import QValidator
from PyQt6.QtWidgets import QDoubleSpinBox

from app.gui.widgets.basic import as_entry, set_level

if TYPE_CHECKING:
    from PyQt6.QtGui import QWheelEvent

DECIMALS = 6  # kept of what is set: a sample may be at 0.015 K
WRITTEN = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)")


class NumberEntry(QDoubleSpinBox):
    """A number with its unit, no arrows; the wheel scrolls the form, not the value.

    What is no number, or is beyond the range, is edged in red while typed, and put back when
    finished.
    """

    def __init__(self, value: float, low: float, high: float, unit: str, name: str) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setDecimals(DECIMALS)
        self.setSuffix(f" {unit}")
        self.setAccessibleName(name)
        self.setValue(value)
        as_entry(self)

    def _read(self, text: str | None) -> float | None:
        """The number that is written; None where it is none of the range."""
        if text and text == self.specialValueText():
            return self.minimum()
        bare = (text or "").strip().removesuffix(self.suffix().strip()).strip()
        if WRITTEN.fullmatch(bare) is None:
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

    def fixup(self, text: str | None) -> str:
        return text or ""  # Qt's own leaves the commas out

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()
