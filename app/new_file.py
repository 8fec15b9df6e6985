"""A file that appears whole, under a name that nothing has: never over another."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from app.disk import once_free, sync_directory, writing
from models.errors import InputError
from models.paths import anything_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def free_name(path: Path, suffix: str = "") -> Path:
    """The path, or the first of `name-2`, `name-3`, …, before its suffix, that nothing has."""
    number, free = 1, path
    while anything_at(free):
        number += 1
        free = path.with_name(f"{path.name.removesuffix(suffix)}-{number}{suffix}")
    return free


def refuse_taken(path: Path) -> None:
    """Raise where a file of that name can't be made.

    Raises
    ------
    InputError
        Something has the name, or there is no such folder.
    """
    if anything_at(path) or path.is_symlink():
        raise _taken(path)
    if not folder_at(path.parent):
        raise InputError(f"{path}: there is no folder {path.parent}: make it, or choose another")


def write_new(path: Path, text: str) -> None:
    """Write a new text file, UTF-8: as `fill_new` does."""
    fill_new(path, lambda file: file.write(text.encode("utf-8")))


def fill_new(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a new file: whole or not at all; `fill` is given it open, under another name.

    Raises
    ------
    InputError
        Something has the name already, also where it came in this moment.
    TwinrigError
        The disk refuses.
    """
    refuse_taken(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            _name(partial, path)
        except FileExistsError:
            raise _taken(path) from None
        finally:
            with suppress(OSError):
                partial.unlink()
    sync_directory(path.parent)


def _name(partial: Path, path: Path) -> None:
    """Give the file its name; `FileExistsError` where it is taken."""
    if os.name == "nt":
        once_free(lambda: os.rename(partial, path))  # which never replaces there
        return
    try:
        os.link(partial, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        path.open("xb").close()  # a file system without links: the name first, then its content
        os.replace(partial, path)


def _taken(path: Path) -> InputError:
    return InputError(f"{path}: exists already, and nothing is ever overwritten: choose another")
