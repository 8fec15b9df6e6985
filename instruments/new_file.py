"""Why a new file can't be made, in words: what its name asks for, or the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path


def not_made(what: str, path: Path, error: OSError) -> TwinrigError:
    """The error for a file that couldn't be made: wrong use by its name, or a disk that refuses.

    Parameters
    ----------
    what
        The file in words.
    """
    words = f"{what} {path}: {error.strerror}"
    if isinstance(error, FileExistsError):
        return InputError(f"{words}; name a new file")
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return InputError(f"{words}; make the folder {path.parent} first, or name another")
    return TwinrigError(f"{words}; check who may write to {path.parent}, or name another folder")
