"""Arguments of `twinrig shortcut`, and its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.menu_entry import entry_path, put_entry, take_entry
from app.operations.events import Note, Result

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.operations.events import Event


def shortcut_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, None]:
    """Put Twinrig into the system's menu, or take it out."""
    if arguments.remove:
        words = "Twinrig is out of the menu" if take_entry() else "Twinrig wasn't in the menu"
        yield Note(words)
    else:
        put_entry()
        yield Note("Twinrig is in the menu; whoever moves its folder runs this again there")
    yield Result({"path": str(entry_path())})
