"""Write the report of a run."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from app.disk import anew, new_directory, refuse_unwritable
from app.new_file import free_name
from app.operations.events import Event, Note, Result
from models.errors import InputError, TwinrigError
from models.paths import anything_at, file_at

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from app.report.page import Page


def report(run: Path, out: Path | None = None) -> Generator[Event, None, None]:
    """Report what a folder holds, as `report.html` with PNG figures beside it.

    Parameters
    ----------
    run
        A recording, twin, network, deployment or demo, or a folder with any of them below it.
    out
        A new folder; by default `report` in the run's folder, or the first free `report-2`, ….

    Raises
    ------
    InputError
        Nothing to report, a damaged artefact, or `out` holds something already.
    TwinrigError
        The disk refuses.
    """
    from app.report.page import Page
    from app.report.run import build_page, find_artefacts

    found = find_artefacts(run)
    if out is not None and anything_at(out) and (file_at(out) or any(out.iterdir())):
        raise InputError(f"--out {out}: exists already, and nothing is ever overwritten")
    folder = out if out is not None else free_name(found.run / "report")
    with _elsewhere(run if out is None else None):
        refuse_unwritable(folder)
    for part in build_page(found, folder):
        if isinstance(part, Page):
            with _elsewhere(run if out is None else None):
                new_directory(folder)
            page, values = _written(part, folder), part.values
        else:
            yield Note(f"report: {part}")
    yield Result({"path": str(page), "report": str(page), "status": "done", **values})


@contextmanager
def _elsewhere(run: Path | None) -> Iterator[None]:
    """Within a run, where nobody chose the page's folder, a complaint says how to choose."""
    try:
        with anew():
            yield
    except TwinrigError as fault:
        if run is None:
            raise
        words = f"{fault}; or keep it elsewhere: twinrig report {run} --out FOLDER"
        raise TwinrigError(words) from fault


def _written(page: Page, folder: Path) -> Path:
    """Write the page; where the disk refuses, no half of it stays in the way of the next try."""
    try:
        with anew():
            return page.write(folder)
    except TwinrigError:
        with suppress(OSError):
            for name in page.figures:
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
        raise
