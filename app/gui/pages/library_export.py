"""The Library page's button that writes a recording or deployment for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog, QPushButton

from app.gui.job import JobSpec
from app.gui.widgets.file_dialog import beside, in_documents
from app.operations.child import in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.gui.pages.shell import Shell
    from app.operations.events import Event

EXPORTED = ("rec", "dep")  # kinds of artefacts
FORMATS = "CSV table (*.csv);;NumPy arrays (*.npz);;MATLAB (*.mat)"


class ExportButton(QPushButton):
    """Asks where to, and writes in a process of its own; `follow` says of what."""

    def __init__(self, shell: Shell, page: str) -> None:
        super().__init__("Export")
        self._shell, self._page = shell, page
        self._artefact: Path | None = None
        self.setToolTip(
            "A recording's repeats, a deployment's answers, as a table (CSV) or arrays (NPZ, MAT)"
        )
        self.clicked.connect(lambda: self.ask_place())

    def follow(self, artefact: Path | None) -> None:
        """Of this recording or deployment; None: there is nothing to export."""
        self._artefact = artefact
        self.setEnabled(artefact is not None)

    def ask_place(self) -> QFileDialog:
        """Ask where to; not modal, so that Stop works behind it."""
        assert self._artefact is not None, "the button is enabled"
        first = in_documents(self._artefact.name)
        dialog = QFileDialog(self, f"Export {self._artefact.name}", str(first), FORMATS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda words: dialog.setDefaultSuffix(words[-4:-1]))
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # it is refused anyhow
        artefact = self._artefact
        beside(dialog, lambda path: self.write(artefact, Path(path)))
        return dialog

    def write(self, artefact: Path, out: Path) -> None:
        """Write it to a new file."""

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            asked = {"artefact": artefact, "out": out}
            return in_child("app.operations.export.export", asked, stop)

        self._shell.run(JobSpec(self._page, "Exporting", out.name, start, hardware=False))
