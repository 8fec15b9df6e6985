"""An open bench's file, changed: the old text is kept beside it, the new one takes its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.disk import sync_directory, writing
from app.new_file import write_new
from instruments.bench_edit import problems_of
from instruments.bench_file import bench_text
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec


def file_of(spec: BenchSpec) -> Path | None:
    """The file that a bench was read from; None of a built-in rig."""
    path = Path(spec.source.removeprefix("bench file "))
    return path if spec.source.startswith("bench file ") and path.is_file() else None


def target_of(spec: BenchSpec, folder: Path) -> Path:
    """Where a change is written: the bench's own file, else a new one in `folder`."""
    if (own := file_of(spec)) is not None:
        return own
    stem = "".join(c if c.isalnum() else "-" for c in spec.name)
    number, free = 1, folder / f"{stem}.toml"
    while free.exists():
        number += 1
        free = folder / f"{stem}-{number}.toml"
    return free


def write_change(spec: BenchSpec, text: str, folder: Path) -> tuple[Path, Path | None]:
    """Write a changed bench file; returns its path and where the old text is kept.

    Raises
    ------
    InputError
        It would be no bench file, or its file was changed meanwhile: nothing is written.
    TwinrigError
        The disk refuses; the old file is still there.
    """
    raise_problems(InputError, "bench file, not written", problems_of(text))
    path = target_of(spec, folder)
    if file_of(spec) is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, text)
        return path, None
    if not _is_still(path, spec.text):
        raise InputError(
            f"{path}: was changed by somebody else since it was opened; open it anew, then edit it"
        )
    kept = _kept(path, spec.text)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        with partial.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    sync_directory(path.parent)
    return path, kept


def _is_still(path: Path, text: str) -> bool:
    try:
        return bench_text(path) == text
    except ValueError:
        return False


def _kept(path: Path, text: str) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.before-{number}.toml")).exists():
        number += 1
    write_new(kept, text)
    return kept
