"""Toasts: a sentence in a corner, the traceback behind it; and the bar that asks in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH_PX, SHOWN_MS, MOST_LETTERS = 440, 9000, 420
TOP_PX = 72 + 60  # below the strip and the page's header


class Toast(QFrame):
    """One message; errors stay until they are closed, others go after nine seconds."""

    def __init__(self, text: str, level: str, trace: str, gone: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("toast")
        self.setProperty("level", level)
        self.setFixedWidth(WIDTH_PX)
        self.text, self.trace = text, trace
        self._gone = gone
        outer = QVBoxLayout(self)
        outer.setContentsMargins(14, 10, 10, 10)
        shown = text.strip()
        short = shown if len(shown) < MOST_LETTERS else shown[: MOST_LETTERS - 1] + "…"
        trace = trace or (shown if short != shown else "")
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
        self.fit()
        self._gone()

    def fit(self) -> None:
        """As high as its words at its width need: `adjustSize` asks them without one."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(WIDTH_PX, layout.totalHeightForWidth(WIDTH_PX))

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
    """The stack of toasts below the page's header, at the right; the latest three are kept.

    Not in the lower corner: there stand a page's verdict and its buttons.
    """

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent
        self.shown: list[Toast] = []

    def show(self, text: str, level: str = "info", trace: str = "") -> Toast:
        """Show another one."""
        toast = Toast(text, level, trace, self.arrange)
        toast.setParent(self._parent)
        self.shown.append(toast)
        for old in self.shown[:-3]:
            old.dismiss()
        toast.show()
        self.arrange()
        return toast

    def arrange(self) -> None:
        """Stack what is left, the newest uppermost."""
        self.shown = [t for t in self.shown if not t.isHidden()]
        y = TOP_PX
        for toast in reversed(self.shown):
            toast.fit()
            toast.move(self._parent.width() - WIDTH_PX - 16, y)
            toast.raise_()
            y += toast.height() + 8


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
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._words.text()

    def ask(self, text: str, answers: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """Show the question; no answers makes it a statement."""
        self._words.setText(text)
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = []
        for words, press in answers:
            button = QPushButton(words)
            button.clicked.connect(lambda _=False, p=press: p())
            self._layout.addWidget(button)
            self.buttons.append(button)
        self.show()
