"""What the Twin page is handed: a finished twin is read and shown, a recording is ticked.

Both are found and read beside the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.background import Latest
from app.gui.twin_asks import FIT, ResumeAsk
from app.gui.twin_looked import first_fitted
from app.gui.words import opened_later
from app.library.kinds import BEGUN
from app.store import load_twin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.gui.pages.twin import TwinPage
    from app.gui.twin_asks import Ask
    from app.gui.twin_looked import Looked
    from app.library.folders import Artefact
    from models.twin import Twin


class TwinOpener(QObject):
    """Finds and reads; `read(path, twin)` once a twin is there to be shown."""

    read = pyqtSignal(object, object)

    def __init__(self, page: TwinPage) -> None:
        super().__init__(page)
        self._page = page
        self._asked: list[Path] = []  # whose kind is being looked up
        self._loading = ""  # the twin that is being read
        self._finder, self._loader, self._looker = Latest(), Latest(), Latest()
        self._finder.done.connect(self._found)
        self._loader.done.connect(self._loaded)
        self._looker.done.connect(self._looked)

    @property
    def reading(self) -> str:
        """The name of what was asked for, until it is there: the page has the one before."""
        return self._asked[-1].name if self._asked else self._loading

    def choose(self, artefact: Path) -> None:
        """Show a twin, or tick a recording."""
        library = self._page.session.library
        self._asked = asked = [*self._asked, artefact]  # Run again hands over each recording
        self._page.show_cost()
        self._finder.ask(lambda: [(one, library.find(one)) for one in asked])

    def _found(
        self, found: list[tuple[Path, Artefact | None]] | None, error: Exception | None
    ) -> None:
        self._asked = []
        if found is None:
            self._page.shell.toast(str(error), "error")
        for path, artefact in found or ():
            self._take(path, artefact)
        self._page.show_cost()

    def _take(self, path: Path, artefact: Artefact | None) -> None:
        page = self._page
        if artefact is None:
            page.shell.toast(f"{path}: nothing is there any more", "error")
        elif artefact.kind == BEGUN:
            page.rows.go_on_with(artefact.path)
        elif artefact.kind in ("cmp", "curve"):
            page.rows.go_on_with_several(artefact)
        elif artefact.kind != "twin":
            page.recordings.choose(artefact)
        elif page.running:
            page.shell.toast(opened_later(path.name), "warning")
        else:
            self.show_twin(path)

    def show_twin(self, path: Path) -> None:
        """Show the scores that a finished twin carries."""
        self._page.twin, self._loading = path, path.name
        self._page.say("Twin", f"{path.name} is read …")
        self._loader.ask(lambda: (path, load_twin(path)))

    def _loaded(self, found: tuple[Path, Twin] | None, error: Exception | None) -> None:
        page, self._loading = self._page, ""
        if error is not None:
            page.shell.toast(str(error), "error")
            page.twin = None
            page.show_cost()
            page.say("No twin", str(error))
        elif found is not None and not page.running:
            self.read.emit(*found)

    def look_at(self, ask: Ask, paths: Sequence[Path]) -> None:
        """Learn what a fit is of that begins, where the page doesn't know it yet."""
        self._looker.forget()
        if ask.kind != FIT:
            return
        if isinstance(ask, ResumeAsk):
            self._looker.ask(lambda: first_fitted(ask.folder))
        elif self._page.recordings.looked is None:
            self._looker.ask(lambda: self._page.recordings.read(paths[0]))

    def _looked(self, found: Looked | None, _: Exception | None) -> None:
        page, folder = self._page, self._page.runs.folder
        if found is None or not found.channels or folder is None:
            return
        if page.live.real is None:
            page.views.preview(found)
        page.views.set_channels(found.names, found.units)
        page.views.show_run(FIT, found.path.name, folder.name)
