"""An entry of a number with its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QDoubleSpinBox

from app.gui.widgets.basic import as_entry

if TYPE_CHECKING:
    from PyQt6.QtGui import QWheelEvent


class NumberEntry(QDoubleSpinBox):
    """A number with its unit, no arrows; the wheel scrolls the form, not the value."""

    def __init__(self, value: float, low: float, high: float, unit: str, name: str) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setDecimals(2)
        self.setSuffix(f" {unit}")
        self.setAccessibleName(name)
        self.setValue(value)
        as_entry(self)

    def textFromValue(self, value: float) -> str:
        return f"{value:g}"

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()
