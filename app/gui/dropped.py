"""What is dropped on the window: a file or folder goes to the page that takes its kind."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.running import RunningWindow
from models.paths import folder_at

if TYPE_CHECKING:
    from PyQt6.QtCore import QMimeData
    from PyQt6.QtGui import QDragEnterEvent, QDropEvent

    from app.library.library import Library

BENCH, NOTHING = "bench", ""


class DroppedWindow(RunningWindow):
    """The half of the window that takes drops: entries take none, their text would be a URL."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self._dropped = Latest(self)
        self._dropped.done.connect(self._take_dropped)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and self.furnished and _files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        if event is None or not self.furnished:
            return
        files = _files(event.mimeData())
        event.acceptProposedAction()
        library = self.session.library
        self._dropped.ask(lambda: [(path, _page_of(path, library)) for path in files])

    def open_page(self, key: str, artefact: Path | None = None) -> None:
        """Show a page; the window knows how."""
        raise NotImplementedError

    def _take_dropped(self, found: list[tuple[Path, str]] | None, error: Exception | None) -> None:
        if found is None:
            self.toast(str(error), "error")
        for path, page in found or ():
            if page == BENCH:
                self._ask_for_bench(path)
            elif page == NOTHING:
                self.toast(
                    f"{path.name}: dropped here are bench files (.toml), what a library holds, "
                    "sequences (.json) and measured repeats (tables, arrays, a folder of them)",
                    "warning",
                )
            else:
                self.open_page(page, path)

    def _ask_for_bench(self, path: Path) -> None:
        """A drop may be a slip of the hand: a bench that is connected is asked for."""
        if self.session.bench is None:
            self.open_bench(path)
            return
        if not self.bar.isHidden():
            self.toast(f"{path.name} is not opened: the window asks something else", "warning")
            return
        stay = f"Keep {self.session.spec.name}"
        self.bar.ask(
            f"Close {self.session.spec.name}, safe as always, and open {path.name} in its place?",
            [("Open it", partial(self._open_dropped, path)), (stay, self.bar.hide)],
            stay,
        )

    def _open_dropped(self, path: Path) -> None:
        self.bar.hide()
        self.open_bench(path)


def _files(dropped: QMimeData | None) -> list[Path]:
    """Files and folders of this computer."""
    urls = dropped.urls() if dropped is not None and dropped.hasUrls() else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


def _page_of(path: Path, library: Library) -> str:
    """Key of the page that takes a file or folder; empty: none does. It asks the disk."""
    from app.gui.pages.library_open import OPENS
    from app.importing.reading import SUFFIXES
    from app.library.kinds import BEGUN, HEADS

    folder, suffix = folder_at(path), path.suffix.lower()
    if suffix == ".toml" and not folder:
        return BENCH
    held = library.find(path) if folder or path.name in HEADS.values() else None
    if held is not None:
        return "library" if held.kind == BEGUN else OPENS.get(held.kind, "library")
    if suffix == ".json" and not folder:
        return "record"
    return "import_data" if folder or suffix in SUFFIXES else NOTHING
