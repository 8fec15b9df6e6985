"""Report a problem: the bundle is written in a thread, a toast says where and what is in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from app.config import settings_path
from app.gui.background import Latest

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.window import Window


def report(window: Window) -> None:
    """Write the bundle into the library's folder, tell, and show it in the file browser."""
    session = window.session
    identities: dict[str, str] = {} if session.bench is None else session.bench.identities()
    log, settings, library = list(window.log), window.settings_now(), session.library

    def write() -> Path:
        from app.problem_bundle import write_bundle

        gone = library.vanished()  # what is written there would make it anew
        folder = settings_path().parent if gone else library.folder
        return write_bundle(folder, log, settings, session.spec, identities)

    window.reports = Latest()
    window.reports.done.connect(partial(_told, window))
    window.reports.ask(write)


def _told(window: Window, path: Path | None, error: Exception | None) -> None:
    if path is None:
        window.toast(f"The report can't be written: {error}", "error")
        return
    window.toast(
        f"{path.name} is in {path.parent}: log, versions, bench and settings as text; addresses, "
        "names and serial numbers are masked. Look through it, then send it."
    )
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
