"""The foot of the Deploy page: the pass criterion, then the verdict, and what can follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QVBoxLayout

from app.gui.live_deploy import Verdict
from app.gui.live_transfer import NAMES
from app.gui.scores import NMSE, title
from app.gui.widgets.basic import Elided, label
from app.gui.widgets.cost_button import CostButton

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from app.gui.theme import Theme

NARROW_PX = 640


class VerdictBox(QFrame):
    """The pass criterion before the result, the verdict after it, and what can follow."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.scored_by = NMSE
        self.setObjectName("verdict")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 8, 16, 8)
        outer.setSpacing(4)
        self._top = top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        top.setSpacing(8)
        said_row = QHBoxLayout()
        said_row.setSpacing(20)
        number = QVBoxLayout()
        number.setSpacing(0)
        self.value, self.caption = label(""), label("NMSE on the device", "note")
        self.value.setStyleSheet("font-size: 22px; font-family: monospace;")
        number.addWidget(self.value)
        number.addWidget(self.caption)
        said_row.addLayout(number)
        self.heading = label("", "title", wrap=True)
        said_row.addWidget(self.heading, 1)
        top.addLayout(said_row, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.buttons = {verb: CostButton(theme, name) for verb, name in NAMES.items()}
        for button in self.buttons.values():
            button.setMinimumWidth(112)  # `Recalibrate` whole
            button.setMaximumWidth(126)  # `about 12 h 40 min` whole
            row.addWidget(button)
        top.addLayout(row)
        outer.addLayout(top)
        self.text, self.where = label("", "note", wrap=True), label("", "note", wrap=True)
        self.text_cut, self.where_cut = Elided("", "note"), Elided("", "note")
        self._low = False
        for part in (self.text, self.text_cut, self.where, self.where_cut):
            outer.addWidget(part)
        self.show_verdict(Verdict("", ""))

    def show_verdict(self, verdict: Verdict) -> None:
        """Show words, and the measured score where there is one."""
        for part in (self.value, self.caption):
            part.setVisible(bool(verdict.score))
        self.value.setText(verdict.score)
        self.caption.setText(f"{title(self.scored_by)} on the device")
        self.heading.setText(verdict.heading)
        self.text.setText(verdict.text)
        self.text_cut.setText(" ".join(verdict.text.split()))
        self.show_where([])

    def _arrange(self) -> None:
        """Buttons under the heading, where it has too little room beside them.

        In a low window they take the height of the words below, which stand on one line then.
        """
        below = self.width() < NARROW_PX and not self.value.isHidden()
        ways = QBoxLayout.Direction
        self._top.setDirection(ways.TopToBottom if below else ways.LeftToRight)
        self.text.setVisible(not (below and self._low))
        self.text_cut.setVisible(below and self._low)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._arrange()

    def show_where(self, sentences: list[str]) -> None:
        """Where the score was lost; in a low window on one line, whole in its tool tip."""
        for part in (self.where, self.where_cut):
            part.setText("Where it was lost: " + "; ".join(sentences) if sentences else "")
        self.set_low(self._low)

    def set_low(self, low: bool) -> None:
        """Less height for the words, where the plots have little."""
        self._low, text = low, bool(self.where.text())
        self.where.setVisible(text and not low)
        self.where_cut.setVisible(text and low)
        self._arrange()
