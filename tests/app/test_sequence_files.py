"""What is no file of sequences is told how one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.sequence_files import sequences_from
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("drives.csv", b"0,0.5,1\n1,0,1\n", "not a JSON file"),
        ("drives.npy", b"\x93NUMPY\x01\x00", "not a JSON file"),
        ("list.json", b"[[0, 0.5], [1, 0]]", "holds a list, expected a JSON object"),
        ("cut.json", b'{"sequences": [[0, 0.5],', "cut short"),
    ],
)
def test_another_file_is_told_the_form_not_to_be_restored(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        sequences_from(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert words in said
    assert 'such as {"sequences": [[0, 0.5, 1], [1, 0]]}' in said
    assert "restore it" not in said


def test_what_it_is_told_is_read(tmp_path: Path) -> None:
    path = tmp_path / "drives.json"
    path.write_text('{"sequences": [[0, 0.5, 1], [1, 0]]}')
    found, window, reset = sequences_from(path)
    assert [one.drive.tolist() for one in found] == [[0.0, 0.5, 1.0], [1.0, 0.0]]
    assert (window, reset) == (None, None)
