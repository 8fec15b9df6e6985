"""The settings of a window, written while it is there and at its end."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer

from app.config import keep_settings, settings_path

if TYPE_CHECKING:
    from app.config import Settings
    from app.gui.window import Window

KEPT_EVERY_MS = 30_000  # settings, and with them the queue: a power cut costs no more of them


class SettingsKeeper:
    """Writes the settings every half minute where they have changed, and at the end.

    In a thread of its own while the window is there: their folder may be on a share that is slow.
    """

    def __init__(self, window: Window) -> None:
        self._window, self._kept = window, window.settings
        self._writer = threading.Thread()  # none yet
        self._timer = QTimer(window)
        self._timer.timeout.connect(self.keep_later)
        window.usable.connect(lambda: self._timer.start(KEPT_EVERY_MS))

    def keep_later(self) -> None:
        """Have them written; while that takes long, no second time."""
        if not self._writer.is_alive():
            task = partial(self._write, self._window.settings_now())
            self._writer = threading.Thread(target=task, name="settings", daemon=True)
            self._writer.start()

    def keep(self) -> str:
        """Write them now, at the window's end; a note where the disk refuses."""
        if self._writer.ident is not None:
            self._writer.join()
        return self._write(self._window.settings_now())

    def _write(self, now: Settings) -> str:
        if now == self._kept:
            return ""
        said = keep_settings(settings_path(), self._kept, now)
        self._kept = self._kept if said else now
        return said
