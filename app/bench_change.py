"""An open bench's file, changed: the old text is kept beside it, the new one takes its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.disk import reading, write_bytes, writing
from app.new_file import free_name, write_new
from instruments.bench_edit import problems_of
from instruments.bench_file import bench_text
from models.errors import InputError, raise_problems
from models.paths import anything_at

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec


def file_of(spec: BenchSpec) -> Path | None:
    """The file that a bench was read from, there or gone; None of a built-in rig."""
    path = spec.source.removeprefix("bench file ")
    return Path(path) if path != spec.source else None


def since_opened(spec: BenchSpec) -> str:
    """What became of a bench's file since it was opened, in words; empty: nothing."""
    path = file_of(spec)
    if path is None:
        return ""
    try:
        same = _is_still(path, spec.text)
    except OSError as error:
        return f"{path.name} can't be read any more: {error.strerror or error}"
    return "" if same else f"{path.name} was changed since. In force is what it said when opened"


def target_of(spec: BenchSpec, folder: Path) -> Path:
    """Where a change is written: the bench's own file, else a new one in `folder`."""
    if (own := file_of(spec)) is not None:
        return own
    stem = "".join(c if c.isalnum() else "-" for c in spec.name)
    return free_name(folder / f"{stem}.toml", ".toml")


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
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, text)
        return path, None
    with reading(path):
        if not _is_still(path, spec.text):
            raise InputError(
                f"{path}: was changed by somebody else since it was opened; open it anew, then "
                "edit it"
            )
    kept = _kept(path, spec.text)
    write_bytes(path.resolve(), text.encode("utf-8"))  # of a link what it leads to
    return path, kept


def _is_still(path: Path, text: str) -> bool:
    try:
        return bench_text(path) == text
    except ValueError:
        return False


def _kept(path: Path, text: str) -> Path:
    number = 1
    while anything_at(kept := path.with_name(f"{path.stem}.before-{number}.toml")):
        number += 1
    write_new(kept, text)
    return kept
