"""What stands at a path; what the system refuses to tell is no "nothing", on any Python."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from models.paths import anything_at, file_at, folder_at

ROOT = Path(__file__).parents[2]
ASKED = {"is_file", "is_dir", "exists"}
OF_ENTRIES = {"app/library/folders.py"}  # those of `os.scandir` know without asking


def test_files_folders_and_links_are_told_apart(tmp_path: Path) -> None:
    file, link, astray = tmp_path / "f", tmp_path / "link", tmp_path / "astray"
    file.touch()
    link.symlink_to(tmp_path)
    astray.symlink_to(tmp_path / "gone")
    assert (file_at(file), folder_at(file), anything_at(file)) == (True, False, True)
    assert (file_at(link), folder_at(link), anything_at(link)) == (False, True, True)
    for nothing in (astray, tmp_path / "gone", file / "below", tmp_path / "a\0b"):
        assert (file_at(nothing), folder_at(nothing), anything_at(nothing)) == (False,) * 3


@pytest.mark.parametrize("asked", [file_at, folder_at, anything_at])
def test_what_the_system_refuses_is_raised(asked, tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(OSError, match="too long"):
        asked(tmp_path / ("x" * 300))

    def refuses(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", refuses)
    with pytest.raises(PermissionError):
        asked(tmp_path)


def test_no_module_asks_pathlib_which_says_no_to_what_is_refused() -> None:
    """`Path.is_file` and its like answer False from Python 3.14 on, where they raised before."""
    packages = ("app", "instruments", "models", "training")
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for package in packages
        for file in (ROOT / package).rglob("*.py")
        if file.relative_to(ROOT).as_posix() not in OF_ENTRIES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ASKED
    ]
    assert found == []
