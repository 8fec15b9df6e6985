"""Dialogs for files, beside the window: nothing waits for them, and Stop works behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QStandardPaths, Qt
from PyQt6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtWidgets import QWidget


def ask_file(
    parent: QWidget, title: str, begin: Path, kind: str, chosen: Callable[[str], None]
) -> QFileDialog:
    """Show it, beginning in a folder; `kind` is a filter such as `JSON (*.json)`."""
    dialog = QFileDialog(parent, title, str(begin))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([kind, "All files (*)"])
    return beside(dialog, chosen)


def in_documents(name: str) -> Path:
    """A file of this name where the system keeps a person's documents."""
    documents = QStandardPaths.StandardLocation.DocumentsLocation
    return Path(QStandardPaths.writableLocation(documents)) / name


def beside(dialog: QFileDialog, chosen: Callable[[str], None]) -> QFileDialog:
    """Show a dialog so, whatever it asks for; where the same question is open, that one again."""
    parent = dialog.parentWidget()
    every = parent.findChildren(QFileDialog) if parent is not None else []
    for asked in every:
        if asked.isVisible() and _asks(asked) == _asks(dialog):
            dialog.deleteLater()
            asked.activateWindow()
            return asked
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # which would be modal
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    dialog.show()  # not `open`, which is modal
    return dialog


def _asks(dialog: QFileDialog) -> tuple[str, QFileDialog.FileMode, list[str]]:
    """What is asked for, and of which kinds."""
    return dialog.windowTitle(), dialog.fileMode(), dialog.nameFilters()
