"""The Library page, first version: every artefact of the folder; open it where it is used next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl, pyqtSignal
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.gui.pages.page import Page, Shell
from app.gui.widgets.basic import label
from app.session import KINDS, Artefact

if TYPE_CHECKING:
    from PyQt6.QtGui import QMouseEvent

OPENS = {"cal": "calibrate", "rec": "twin", "twin": "twin", "net": "network"}


class ArtefactRow(QFrame):
    """One artefact; a press opens the page that uses it."""

    opened = pyqtSignal(object)

    def __init__(self, artefact: Artefact) -> None:
        super().__init__()
        self.artefact = artefact
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 8)
        layout.setSpacing(2)
        layout.addWidget(label(artefact.id))
        version = f"version {artefact.version}" if artefact.version > 1 else ""
        parts = [KINDS[artefact.kind], version, artefact.when, artefact.broken]
        words = " · ".join(part for part in parts if part)
        layout.addWidget(label(words, "fault" if artefact.broken else "note"))
        self.setAccessibleName(f"{KINDS[artefact.kind]} {artefact.id}")

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.opened.emit(self.artefact)


class LibraryPage(Page):
    """A list, newest first; search, lineage, thumbnails and notes come with a later release."""

    key, name = "library", "Library"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Library", "recordings, twins, networks, deployments")
        self.form.section("Folder")
        self.form.widget(label(str(self.session.library.folder), "note", wrap=True))
        self.form.section("What works now")
        self.form.widget(
            label(
                "A press on an artefact opens it on its page. Search, lineage, "
                "thumbnails, notes and trash come with a later release.",
                "note",
                wrap=True,
            )
        )
        self.form.primary.say("Show in folder", "opens the system's file browser")
        self.copy_button.hide()
        self.import_button = self.button(
            "Import measured repeats", lambda: shell.open_page("import_data")
        )
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        self.list = QWidget()
        self.list.setObjectName("content")
        self._rows = QVBoxLayout(self.list)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        scroll.setWidget(self.list)
        self.body.addWidget(scroll, 1)
        self.rows: list[ArtefactRow] = []

    def refresh(self) -> None:
        while self._rows.count():
            item = self._rows.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        self.rows = [ArtefactRow(a) for a in self.session.library.artefacts()]
        for row in self.rows:
            row.opened.connect(self._open)
            self._rows.addWidget(row)
        self._rows.addStretch(1)
        empty = "Nothing here yet: record something on the Record page."
        self.say(f"{len(self.rows)} artefacts", "newest first" if self.rows else empty)

    def _open(self, artefact: Artefact) -> None:
        key = OPENS.get(artefact.kind)
        if key is not None and not artefact.broken:
            self.shell.open_page(key, artefact.path)

    def press(self) -> None:
        folder = self.session.library.folder
        if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.shell.toast(f"{folder}: there is no such folder yet, or nothing to show it with")
