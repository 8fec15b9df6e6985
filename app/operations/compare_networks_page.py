"""The comparison table's page with its figure, an operation of its own: it loads matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.compare_networks import read_table
from app.operations.events import Note
from app.report.networks_table import table_page

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.operations.events import Event


def table_report(folder: Path) -> Generator[Event, None, Path]:
    """Draw the report of the table in a folder; returns the path of `report.html`."""
    page = table_page([read_table(folder)]).write(folder)
    yield Note(f"report: {page}")
    return page
