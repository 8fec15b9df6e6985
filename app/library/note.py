"""The note that a person keeps beside an artefact: `note.txt`, part of no checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.artefacts import write_bytes
from app.disk import reading
from models.errors import InputError
from models.paths import anything_at

if TYPE_CHECKING:
    from pathlib import Path

NOTE_FILE = "note.txt"
LONGEST_NOTE_BYTES = 65_536


def read_note(folder: Path) -> str:
    """What the user wrote beside an artefact; empty without a note that can be read.

    Of one that an editor made longer than are kept here, its beginning.
    """
    try:
        with (folder / NOTE_FILE).open("rb") as file:
            return _text(file.read(LONGEST_NOTE_BYTES))
    except OSError:
        return ""


def _text(raw: bytes) -> str:
    """A note's text, in whatever encoding an editor has left it: it is written back."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        cut = len(raw) == LONGEST_NOTE_BYTES and fault.end == len(raw)  # within a character
        return raw[: fault.start].decode("utf-8-sig") if cut else raw.decode("latin-1")


def joined(began: str, theirs: str, ours: str) -> str:
    """A note that two wrote at once: theirs, and below it what was added to the one `began` from.

    Theirs is what stands there now; nothing of either is left out.
    """
    began, theirs, ours = began.strip(), theirs.strip(), ours.strip()
    if theirs in ("", began, ours):
        return ours
    added = ours.removeprefix(began).strip()
    return f"{theirs}\n{added}" if added else theirs


def write_note(folder: Path, text: str) -> None:
    """Keep a note beside an artefact; none of its own files is touched.

    Raises
    ------
    InputError
        The note is longer than 64 kB, or the one that is there: its end was never shown.
    TwinrigError
        The disk refuses.
    """
    content = text.strip().encode("utf-8")
    file = folder / NOTE_FILE
    with reading(file):
        there = file.stat().st_size if anything_at(file) else None
    if there is not None and there > LONGEST_NOTE_BYTES:
        raise InputError(
            f"{file} has {there} bytes, of which {LONGEST_NOTE_BYTES} are shown: it stays as it "
            "is; change it in a text editor"
        )
    if len(content) > LONGEST_NOTE_BYTES:
        raise InputError(f"a note of {len(content)} bytes: at most {LONGEST_NOTE_BYTES} are kept")
    if content or there is not None:
        write_bytes(file, content)
