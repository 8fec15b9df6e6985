"""A note that a text editor wrote: shown as it is, and never cut by what is typed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.library.note import LONGEST_NOTE_BYTES, NOTE_FILE, joined, read_note, write_note
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "Spule gewärmt: 3 µT daneben"


def test_a_note_longer_than_is_shown_is_not_cut(tmp_path: Path) -> None:
    """Its end was gone with the first word that was typed."""
    long = ("µ" * 50_000 + "end").encode()
    (tmp_path / NOTE_FILE).write_bytes(long)
    shown = read_note(tmp_path)
    assert shown == "µ" * (LONGEST_NOTE_BYTES // 2)
    with pytest.raises(InputError, match=r"has 100003 bytes, of which 65536 are shown"):
        write_note(tmp_path, f"{shown} more")
    assert (tmp_path / NOTE_FILE).read_bytes() == long


def test_a_character_that_the_end_cuts_through_is_left_out(tmp_path: Path) -> None:
    (tmp_path / NOTE_FILE).write_bytes(("a" + "µ" * 50_000).encode())
    assert read_note(tmp_path) == "a" + "µ" * ((LONGEST_NOTE_BYTES - 1) // 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_an_editors_encoding_is_no_loss_when_a_word_is_added(tmp_path: Path, encoding: str) -> None:
    (tmp_path / NOTE_FILE).write_bytes(WORDS.encode(encoding))
    write_note(tmp_path, f"{read_note(tmp_path)}, immer noch")
    assert (tmp_path / NOTE_FILE).read_bytes().decode() == f"{WORDS}, immer noch"


@pytest.mark.parametrize(
    ("began", "theirs", "ours", "whole"),
    [
        ("a", "a", "a b", "a b"), ("a", "a b", "a b", "a b"), ("a", "a", "", ""),
        ("a", "a c", "a b", "a c\nb"), ("a", "c", "b", "c\nb"),
        ("", "theirs", "ours", "theirs\nours"),
        ("a", "a c", "a", "a c"), ("a", "", "a b", "a b"),
    ],
)  # fmt: skip
def test_of_a_note_that_two_wrote_at_once_nothing_is_left_out(began, theirs, ours, whole) -> None:
    assert joined(began, theirs, ours) == whole
