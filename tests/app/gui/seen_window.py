"""The app's own window in a process of its own that tells where its widgets are, and nothing more.

`python seen_window.py OPTIONS` is `python -m app OPTIONS`. What is pressed and typed comes from
outside, by the screen's own keys and clicks; a line of JSON on stdin asks, one on stdout answers.
"""

from __future__ import annotations

import json
import os
import sys
from fnmatch import fnmatchcase
from typing import Any

from PyQt6.QtCore import QPoint, QSocketNotifier
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from app.__main__ import main
from app.gui import start
from app.gui.window import Window


def text_of(widget: QWidget) -> str:
    """What a control shows."""
    if isinstance(widget, QPlainTextEdit):
        return widget.toPlainText()
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, (QAbstractButton, QLineEdit, QAbstractSpinBox)):
        return widget.text()
    return str(getattr(widget, "value", ""))


def about(widget: QWidget) -> dict[str, Any]:
    """Where a control is on the screen, in its own pixels, and what it shows."""
    corner, ratio = widget.mapToGlobal(QPoint(0, 0)), widget.devicePixelRatio()
    place = (corner.x(), corner.y(), widget.width(), widget.height())
    shown = widget.visibleRegion().boundingRect()
    return {
        "name": widget.accessibleName() or text_of(widget),
        "text": text_of(widget),
        "place": [round(ratio * number) for number in place],
        "whole": shown.height() >= widget.height() - 1 and shown.width() >= widget.width() - 1,
        "enabled": widget.isEnabled(),
        "checked": widget.isChecked() if isinstance(widget, QAbstractButton) else None,
        "focus": widget.hasFocus() or widget.focusWidget() is QApplication.focusWidget(),
    }


class SeenWindow(Window):
    """Answers what it is asked, between two turns of its event loop."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.out = sys.stdout  # elsewhere while a task of another package may print
        self.notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self.notifier.activated.connect(self.hear)

    def hear(self) -> None:
        """Answer each line."""
        line = sys.stdin.readline()
        if not line:
            self.notifier.setEnabled(False)
            return
        asked = json.loads(line)
        answer = self.state() if "state" in asked else self.found(asked["widget"])
        self.out.write(json.dumps(answer) + "\n")
        self.out.flush()

    def found(self, pattern: str) -> list[dict[str, Any]]:
        """Controls in view whose accessible name or text is this; * stands for anything."""
        everything = [w for w in self.findChildren(QWidget) if not isinstance(w, QLabel)]
        seen = [w for w in everything if w.isVisible() and not w.visibleRegion().isEmpty()]
        names = [(w, (w.accessibleName(), text_of(w))) for w in seen]
        return [about(w) for w, both in names if any(fnmatchcase(n, pattern) for n in both)]

    def state(self) -> dict[str, Any]:
        """The page in view, what it says, what runs, and what is said over it."""
        if not self.furnished or not self.pages:
            return {"page": ""}
        page = self.page()
        return {
            "page": page.key,
            "connected": self.session.bench is not None,
            "job": self.job.spec.title if self.job is not None else "",
            "heading": page.heading.text(),
            "subheading": page.subheading.text(),
            "primary": page.form.primary.text(),
            "cost": page.form.primary.cost,
            "strip": {key: cell.text for key, cell in self.top.cells.items()},
            "pill": self.top.pill.state.words,
            "toasts": [toast.text for toast in self.toasts.shown],
            "guide": self.guide_bar.text if self.guide_bar.isVisible() else "",
            "mode": self.theme.mode,
            "torch": "torch" in sys.modules,
            "log": self.log[-40:],
            "focus": type(QApplication.focusWidget()).__name__,
            "size": [self.width(), self.height()],
        }


if __name__ == "__main__":
    os.set_blocking(sys.stdin.fileno(), True)
    start.Window = SeenWindow  # type: ignore[misc]
    sys.exit(main())
