"""One key of a bench file's table as it is edited on the Bench page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.gui.bench_values import bare_unit
from app.gui.pages.bench_draft_card import placeholder
from app.gui.widgets.basic import label, set_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.bench_keys import Key

LABEL_PX = 112
NAMES = {
    "tesla_per_ampere": "Field per ampere", "max_current_A": "Current limit",
    "max_ramp_A_per_s": "Ramp limit", "max_field_T": "Field limit", "max_duty_A2s": "Duty",
    "duty_window_s": "Duty window", "compliance_V": "Voltage limit", "resource": "Resource",
    "timeout_s": "Time-out", "channels": "Channels", "low_T": "Field at drive 0",
    "high_T": "Field at drive 1", "hold_s": "Hold", "gate_s": "Gate", "field_T": "Reset field",
    "encoding": "Encoding", "timing": "Timing", "min_K": "Lowest", "max_K": "Highest",
    "input": "Input", "axis": "Axis", "tolerance_T": "Tolerance", "instrument": "Instrument",
    "above_V": "Above", "below_V": "Below", "when_out": "When out", "marker_T": "Marker",
    "hold_at_most_s": "Hold at most", "trigger": "Trigger", "baud_rate": "Baud rate",
}  # fmt: skip


class EditRow(QWidget):
    """A key, its entry, and below it what is wrong with it."""

    def __init__(self, key: Key, text: str, changed: Callable[[], None]) -> None:
        super().__init__()
        self.key, self.first = key, text
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        line = QHBoxLayout()
        line.setSpacing(8)
        words = NAMES.get(key.name, key.name)
        name = label(words, "label")
        name.setFixedWidth(LABEL_PX)
        name.setToolTip(key.name)
        self.entry = QLineEdit(text)
        self.entry.setAccessibleName(words)
        self.entry.setToolTip(key.words)
        self.entry.setPlaceholderText(placeholder(key) if key.usual else bare_unit(key.name))
        self.entry.textChanged.connect(lambda _: changed())
        name.setBuddy(self.entry)
        line.addWidget(name)
        line.addWidget(self.entry, 1)
        column.addLayout(line)
        self.fault = label("", "fault", wrap=True)
        self.fault.setIndent(LABEL_PX + 8)
        self.fault.hide()
        column.addWidget(self.fault)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.entry.text().strip()

    def judge(self, problem: str) -> None:
        """Show a problem; empty: there is none."""
        self.fault.setText(problem.partition("] ")[2] or problem)
        self.fault.setVisible(bool(problem))
        set_level(self.entry, "fault" if problem else "")
