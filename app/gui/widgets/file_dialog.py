"""Dialogs for files, beside the window: nothing waits for them, and Stop works behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PyQt6.QtWidgets import QWidget


def ask_file(
    parent: QWidget, title: str, begin: Path, kind: str, chosen: Callable[[str], None]
) -> QFileDialog:
    """Show it, beginning in a folder; `kind` is a filter such as `JSON (*.json)`."""
    dialog = QFileDialog(parent, title, str(begin))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([kind, "All files (*)"])
    return beside(dialog, chosen)


def beside(dialog: QFileDialog, chosen: Callable[[str], None]) -> QFileDialog:
    """Show a dialog so, whatever it asks for."""
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # which would be modal
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    dialog.show()  # not `open`, which is modal
    return dialog
