"""By what the system's task bar and menu know the program: its id, and its icon."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from PyQt6.QtGui import QIcon

from app.menu_entry import DESKTOP_ID, has_entry, icon_path
from models.errors import InputError

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication


def take_id(app: QApplication) -> None:
    """Have the task bar put the window under the menu's entry; before the first window.

    Where Linux has no such entry none is named: Qt would warn at each start that it isn't there.
    """
    with suppress(InputError, OSError):
        if sys.platform == "win32":
            import ctypes

            ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(DESKTOP_ID)
        elif has_entry():
            app.setDesktopFileName(DESKTOP_ID)


def wear_icon(app: QApplication) -> None:
    """Give all windows the program's icon; once a start is complete: drawing it takes a while."""
    app.setWindowIcon(QIcon(str(icon_path("svg"))))
