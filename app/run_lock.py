"""One writer a run folder: an operating system's lock, so that two resumes never share a run.

Decision. `run.lock` in the run's folder is locked (flock, or LockFileEx through msvcrt) for as long
as its writer lives, and its text names the writer. The kernel lets go when the writer dies, so a
run of a killed process is free at once and needs no guess by process number. The file is removed
when the run is finished; who locked a file that has been removed meanwhile tries again. Who may
write it is the umask's word, as of a run's other files: in a group's library another goes on.
Consequence: of two processes that resume one dead run in the same instant exactly one gets it. On
a share without locks (some network drives) the journal's heartbeat remains.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from app.artefacts import canonical, writing
from app.owner import Owner
from models.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "run.lock"
LOCKED_BYTE = 1 << 20  # far beyond the text, so that others can read who the owner is (Windows)
NAMED_WITHIN_S = 0.5
ATTEMPTS = 20  # each fails only where another writer finished in just that moment
UNSUPPORTED = frozenset((errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL))


class RunLock:
    """A run's folder, held by this process until `release`.

    Raises
    ------
    RefusedError
        Another writer has it; the message names it.
    TwinrigError
        The disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        for _ in range(ATTEMPTS):
            with writing(self.path):
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
                self._file = os.fdopen(os.open(self.path, flags, 0o666), "r+b", buffering=0)
            if not _lock(self._file):
                owner = _owner(self._file)
                self._file.close()
                raise RefusedError(
                    f"{folder}: is being written right now by {owner}; stop that first"
                )
            if self._in_place():
                break
            self._file.close()
        else:
            raise RefusedError(f"{folder}: other programs take turns on it; stop them first")
        try:
            with writing(self.path):
                self._file.truncate(0)
                self._file.write(canonical(Owner.here().to_json()))
        except BaseException:
            self._give_up()
            raise

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None:
            self.release()
        else:
            self._give_up()

    def release(self) -> None:
        """Remove the file and let go; never raises."""
        with suppress(OSError):
            if os.name == "posix" and self._in_place():
                self.path.unlink()  # while it is locked: nobody else's file
        with suppress(OSError):
            self._file.close()
        if os.name != "posix":
            with suppress(OSError):  # refused while another program has it open
                self.path.unlink()

    def _give_up(self) -> None:
        """Let go after a failure; a folder in which nothing came to be goes, too."""
        self.release()
        with suppress(OSError):  # it holds something, as nearly always
            self.path.parent.rmdir()

    def _in_place(self) -> bool:
        """Whether the path still leads to the file that is open here."""
        try:
            there, ours = os.stat(self.path), os.fstat(self._file.fileno())
        except FileNotFoundError:
            return False
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)


def _owner(file: IO[bytes]) -> str:
    """Who holds the lock, in words; it may still be writing its name over a dead one's.

    Whether a process of another host lives can't be asked: its name counts once it has stayed.
    """
    end_s, elsewhere = time.monotonic() + NAMED_WITHIN_S, "another program"
    while time.monotonic() < end_s:
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            file.seek(0)
            owner = Owner.from_json(json.loads(file.read(4096)))
            if owner.here_alive():
                return str(owner)
            elsewhere = "another program" if owner.is_here else str(owner)
        time.sleep(0.01)
    return elsewhere


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        """Lock one byte beyond the text; False where another has it, True as below."""
        file.seek(LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as fault:
            if fault.errno not in UNSUPPORTED:
                return False
        file.seek(0)
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        """Lock the file; False where another has it, True also where the share knows no locks."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            return fault.errno in UNSUPPORTED
        return True
