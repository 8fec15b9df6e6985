"""The Library page's button that writes a recording as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog, QPushButton

from app.gui.job import JobSpec
from app.gui.widgets.file_dialog import beside, in_documents
from app.operations.child import in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.gui.pages.page import Shell
    from app.operations.events import Event

FORMATS = "CSV table (*.csv);;NumPy arrays (*.npz);;MATLAB (*.mat)"


class ExportButton(QPushButton):
    """Asks where to, and writes in a process of its own; `follow` says which recording."""

    def __init__(self, shell: Shell, page: str) -> None:
        super().__init__("Export")
        self._shell, self._page = shell, page
        self._recording: Path | None = None
        self.setToolTip("The repeats as a table (CSV) or arrays (NPZ, MAT), for other programs")
        self.clicked.connect(lambda: self.ask_place())

    def follow(self, recording: Path | None) -> None:
        """Of this recording; None: there is nothing to export."""
        self._recording = recording
        self.setEnabled(recording is not None)

    def ask_place(self) -> QFileDialog:
        """Ask where to; not modal, so that Stop works behind it."""
        assert self._recording is not None, "the button is enabled"
        first = in_documents(self._recording.name)
        dialog = QFileDialog(self, f"Export {self._recording.name}", str(first), FORMATS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda words: dialog.setDefaultSuffix(words[-4:-1]))
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # it is refused anyhow
        recording = self._recording
        beside(dialog, lambda path: self.write(recording, Path(path)))
        return dialog

    def write(self, recording: Path, out: Path) -> None:
        """Write a recording to a new file."""

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            asked = {"recording": recording, "out": out}
            return in_child("app.operations.export.export", asked, stop)

        self._shell.run(JobSpec(self._page, "Exporting", out.name, start, hardware=False))
