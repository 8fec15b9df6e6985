"""The Library page's reports: one that is there is opened, another is made in a child process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from app.gui.job import JobSpec
from app.operations.child import in_child
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.gui.pages.shell import Shell
    from app.operations.events import Event

REPORT = "report.html"


def report_in(folder: Path) -> tuple[Path, bool]:
    """A folder, and whether its report is there; asks the disk."""
    return folder, file_at(folder / REPORT)


def reported(shell: Shell, page: str, folder: Path, there: bool) -> None:
    """Open the report of an artefact, or make it as a job of `page`, whose result has it."""
    if there:
        show_file(shell, folder / REPORT)
        return

    def start(stop: Callable[[], bool]) -> Iterator[Event]:
        return in_child("app.operations.report.report", {"run": folder}, stop)

    shell.run(JobSpec(page, "Reporting", folder.name, start, hardware=False))


def show_file(shell: Shell, file: Path) -> None:
    """Open a file as the system does, and say where it is."""
    if QDesktopServices.openUrl(QUrl.fromLocalFile(str(file))):
        shell.toast(f"{file} is opened")
    else:
        shell.toast(f"{file}: is there, but the system has nothing to show it with")
