"""Steps through the held-out sequences of a score: ‹ › in a panel's header, which one below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy

from app.gui.widgets.step_buttons import step_buttons

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QResizeEvent

    from app.gui.live_held_out import HeldOutSequences
    from app.gui.widgets.panel import Panel


class SequenceSteps:
    """‹ › and a word which sequence is shown; there where a score sent several."""

    def __init__(self, panel: Panel, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._held_out: HeldOutSequences | None = None
        self.word = Shortened()
        inside = QHBoxLayout(panel.left_foot)  # the header has no place for it
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.word)
        # in a small window keys are cut, not buttons
        panel.legend.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.before, self.next = step_buttons("held-out sequence")
        for button, by in ((self.before, -1), (self.next, 1)):
            button.clicked.connect(lambda _, by=by: self._hop(by))
            panel.head.addWidget(button)
        self.show(None)

    def show(self, held_out: HeldOutSequences | None) -> None:
        """Say which one of them is shown; None: there is nothing to step through."""
        self._held_out = held_out
        for button in (self.before, self.next):
            button.setVisible(held_out is not None)
        self.word.show_words("" if held_out is None else held_out.words)
        self.word.setToolTip("" if held_out is None else held_out.explained)

    def _hop(self, by: int) -> None:
        if self._held_out is not None:
            self._held_out.hop(by)
            self._changed()


class Shortened(QLabel):
    """Words that lose their first one where there is no place for it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "unit")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._words = ""

    def show_words(self, words: str) -> None:
        """Show them, as far as there is place."""
        self._words = words
        whole = self.fontMetrics().horizontalAdvance(words) <= self.width()
        self.setText(words if whole else words.partition(" ")[2])

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.show_words(self._words)
