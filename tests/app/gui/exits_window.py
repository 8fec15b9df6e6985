"""A real window in a process of its own that records, and leaves the way a line on stdin says."""

from __future__ import annotations

import os
import sys
from typing import Any

from PyQt6.QtCore import QSocketNotifier, QTimer
from PyQt6.QtWidgets import QApplication

from app.gui import start
from app.gui.leaving import leave
from app.gui.window import Window

FORM = {"count": 3, "steps": 6, "repeats": 400}  # more than can be over before it leaves


class LeavingWindow(Window):
    """Records as soon as the bench is there; then does what it is told."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self.notifier.activated.connect(self.hear)
        self.failing = QTimer(self)
        self.failing.timeout.connect(self.fail)

    def furnish(self, *args: Any) -> None:
        super().furnish(*args)
        self.link.connected.connect(self.begin)

    def begin(self) -> None:
        self.open_page("record")
        page = self.pages["record"]
        page.set_form_values(FORM)
        page.press()  # type: ignore[attr-defined]

    def hear(self) -> None:
        for word in os.read(sys.stdin.fileno(), 4096).decode().split():
            getattr(self, f"leave_by_{word}")()

    def fail(self) -> None:
        raise ZeroDivisionError("a slot is broken")

    def leave_by_slot(self) -> None:
        """A slot that fails at each turn of the event loop; the run goes on to its end."""
        self.failing.start(0)
        QTimer.singleShot(500, self.end_slowly)

    def end_slowly(self) -> None:
        assert self.job is not None, "the run did not go on"
        self.failing.stop()
        sys.stderr.write(f"TOASTS {sum('a slot is broken' in line for line in self.log)}\n")
        self.shut_down()

    def leave_by_close(self) -> None:
        self.close()
        self.bar.buttons[0].click()

    def leave_by_stop(self) -> None:
        """Stop, a second Stop, and the window closes once it is over."""
        self.stop()
        self.stop()
        self.shut_down()

    def leave_by_quit(self) -> None:
        """Something ends the event loop without asking the window."""
        QApplication.exit(0)

    def leave_by_session(self) -> None:
        """The handler of `commitDataRequest`: log-off or shutdown."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        assert app.receivers(app.commitDataRequest) == 1, "nobody hears of the session's end"
        start.session_ends(self, lambda: self.shut_down(forced=True))

    def leave_by_abort(self) -> None:
        """What Qt's `qFatal` does: no `finally` runs."""
        os.abort()


if __name__ == "__main__":
    start.Window = LeavingWindow  # type: ignore[misc]
    leave(start.run(sys.argv[1:], 0.0))
