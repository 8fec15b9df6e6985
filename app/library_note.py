"""The note that a person keeps beside an artefact: `note.txt`, part of no checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.artefacts import write_bytes
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NOTE_FILE = "note.txt"
LONGEST_NOTE_BYTES = 65_536


def read_note(folder: Path) -> str:
    """What the user wrote beside an artefact; empty without a note that can be read."""
    try:
        return (folder / NOTE_FILE).read_bytes()[:LONGEST_NOTE_BYTES].decode("utf-8", "replace")
    except OSError:
        return ""


def write_note(folder: Path, text: str) -> None:
    """Keep a note beside an artefact; none of its own files is touched.

    Raises
    ------
    InputError
        The note is longer than 64 kB.
    TwinrigError
        The disk refuses.
    """
    content = text.strip().encode("utf-8")
    if len(content) > LONGEST_NOTE_BYTES:
        raise InputError(f"a note of {len(content)} bytes: at most {LONGEST_NOTE_BYTES} are kept")
    if content or (folder / NOTE_FILE).exists():
        write_bytes(folder / NOTE_FILE, content)
