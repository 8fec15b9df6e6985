"""Toasts: a sentence in the form, the traceback behind it; and the bar that asks in the window.

Decision: a toast lies over no plot, no schedule, no verdict and no button. It stands in the form,
which sets up the next run and has a strip for it above its primary button; what is above it there
can be scrolled to. Only details that somebody asks for lie over the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6 import sip
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.widgets.basic import label
from app.gui.widgets.form import FORM_PX
from app.gui.words import brief_paths, unkeyed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtGui import QHideEvent

WIDTH_PX, DETAILS_PX = FORM_PX - 31, 640
SHOWN_MS, MOST_LETTERS, MOST_SHOWN = 9000, 220, 3
GAP_PX = 8
FOOT_PX = 32 + 16 + 56 + GAP_PX  # status line, and the primary button in the form's margin


class Toast(QFrame):
    """One message; errors stay until they are closed, others go after nine seconds."""

    def __init__(self, text: str, level: str, trace: str, gone: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("toast")
        self.setProperty("level", level)
        self.text, self.trace = text, trace
        self._gone = gone
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 8, 8, 8)
        whole = text.strip()
        short = brief_paths(whole)
        short = short if len(short) < MOST_LETTERS else short[: MOST_LETTERS - 1] + "…"
        trace = trace or (whole if short != whole else "")
        words = label(short, wrap=True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        outer.addWidget(words)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        outer.addLayout(buttons)
        self._details = QPlainTextEdit(trace)
        self._details.setReadOnly(True)
        self._details.setFixedHeight(180)
        self._details.hide()
        if trace:
            self._add(buttons, "Details", self.show_details)
            self._add(buttons, "Copy", self.copy)
        self._add(buttons, "Close", self.dismiss)
        outer.addWidget(self._details)
        if level != "error":
            QTimer.singleShot(SHOWN_MS, self.dismiss)

    def _add(self, layout: QHBoxLayout, text: str, press: Callable[[], None]) -> None:
        button = QPushButton(text)
        button.clicked.connect(lambda: press())
        layout.addWidget(button)

    def show_details(self) -> None:
        """Unfold or fold the traceback."""
        self._details.setVisible(self._details.isHidden())
        self._gone()

    def fit(self) -> None:
        """As high as its words at its width need: `adjustSize` asks them without one."""
        width, layout = WIDTH_PX if self._details.isHidden() else DETAILS_PX, self.layout()
        self.setFixedWidth(width)
        if layout is not None:
            layout.activate()
            self.resize(width, layout.totalHeightForWidth(width))

    def copy(self) -> None:
        """Copy message and traceback."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(f"{self.text}\n\n{self.trace}")

    def dismiss(self) -> None:
        """Take it away."""
        self.hide()
        self.deleteLater()
        self._gone()


class Toasts:
    """The stack of toasts above the form's primary button; the latest three are kept.

    Parameters
    ----------
    parent
        Whose lower left they stand in.
    left_px
        Where the form begins in it.
    make_room
        Called with the height that they take: the form gives it.
    """

    def __init__(self, parent: QWidget, left_px: int, make_room: Callable[[int], None]) -> None:
        self._parent = parent
        self._left_px = left_px
        self._make_room = make_room
        self.shown: list[Toast] = []

    def show(self, text: str, level: str = "info", trace: str = "") -> Toast:
        """Show another one, in place of one that says the same: others keep their room."""
        toast = Toast(text, level, trace, self.arrange)
        toast.setParent(self._parent)
        for same in [t for t in self.shown if t.text == text]:  # before it is one of them:
            same.dismiss()  # each end arranges
        for old in self.shown[: 1 - MOST_SHOWN]:
            old.dismiss()
        self.shown.append(toast)
        toast.show()
        self.arrange()
        return toast

    def withdraw(self, words: str) -> None:
        """Take away what says these words: they are true no more."""
        for toast in [t for t in self.shown if words in t.text]:
            toast.dismiss()

    def arrange(self) -> None:
        """Stack what is left, the newest lowest, next to the button."""
        self.shown = [t for t in self.shown if not t.isHidden()]
        foot = y = self._parent.height() - FOOT_PX
        for toast in reversed(self.shown):
            toast.fit()
            y -= toast.height()
            toast.move(self._left_px + 16, max(0, y))
            toast.raise_()
            y -= GAP_PX
        self._make_room(foot - y)


class AskBar(QFrame):
    """A question in the window, not over it: what it is about, and a few answers."""

    def __init__(self, name: str = "bar") -> None:
        super().__init__()
        self.setObjectName(name)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(16, 8, 16, 8)
        self._words = label("", wrap=True)
        self._layout.addWidget(self._words, 1)
        self.buttons: list[QPushButton] = []
        self.harmless: QPushButton | None = None
        self._before: QWidget | None = None
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._words.text()

    def ask(
        self, text: str, answers: Sequence[tuple[str, Callable[[], None]]], harmless: str = ""
    ) -> None:
        """Show the question; no answers makes it a statement.

        `harmless`: the answer that changes nothing, which Esc gives; it gets the keyboard.
        """
        self._words.setText(text)
        asked_again = self.isAncestorOf(QApplication.focusWidget())
        if not asked_again:
            self._before = QApplication.focusWidget()
        self.harmless = None
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = []
        for words, press in answers:
            button = QPushButton(unkeyed(words))
            button.clicked.connect(lambda _=False, p=press: p())
            self._layout.addWidget(button)
            self.buttons.append(button)
            if words == harmless:
                self.harmless = button
        self.show()
        if self.harmless is not None:
            self.harmless.show()  # in a bar that is shown already it would be a moment later
            self.harmless.setFocus()

    def take_back(self, answer: str = "") -> bool:
        """Give the harmless answer, if one is asked for; the keyboard goes where it was.

        `answer`: only where it is this one; another question stands until it is answered.
        """
        if self.harmless is None or self.isHidden():
            return False
        if answer and unkeyed(answer) != self.harmless.text():
            return False
        self.hide()
        return True

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        if event is not None and event.spontaneous():  # its window is minimised: it asks still
            return
        before, self._before = self._before, None
        here = self.isAncestorOf(QApplication.focusWidget())
        if here and before is not None and not sip.isdeleted(before):
            before.setFocus()
