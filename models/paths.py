"""What stands at a path, where a system that refuses to tell is no "nothing".

Decision: not `Path.is_file` and its like. From Python 3.14 on they answer False to whatever the
system refuses, so that another account's folder, a name that is too long or a share that answers
with an error is told as missing; until then they raised, and so do these on every version.
"""

from __future__ import annotations

import errno
import os
import stat

NOTHING = {errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP}
NOTHING_ON_WINDOWS = {21, 123, 1921}
"""No medium in the drive, a name that can be none, a link that leads nowhere."""


def file_at(path: str | os.PathLike[str]) -> bool:
    """Whether a file stands there; links are followed; raises OSError where that is refused."""
    return stat.S_ISREG(_mode(path))


def folder_at(path: str | os.PathLike[str]) -> bool:
    """Whether a folder stands there; as `file_at`."""
    return stat.S_ISDIR(_mode(path))


def anything_at(path: str | os.PathLike[str]) -> bool:
    """Whether anything stands there; as `file_at`."""
    return _mode(path) != 0


def _mode(path: str | os.PathLike[str]) -> int:
    """Its mode; 0 where nothing is."""
    try:
        return os.stat(path).st_mode
    except ValueError:  # a NUL in it
        return 0
    except OSError as fault:
        windows = getattr(fault, "winerror", None)
        if fault.errno in NOTHING or windows in NOTHING_ON_WINDOWS:
            return 0
        raise
