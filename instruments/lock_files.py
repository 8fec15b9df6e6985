"""The files that lock a computer's links: one folder for all users, an owner's name in each.

Decision: the folder is `/run/lock` where everybody may write there, else `/tmp` (never `TMPDIR`,
which differs between users), `%PROGRAMDATA%` on Windows. A lock is the operating system's (flock,
or LockFileEx through msvcrt): it lets go when its owner dies, so a stale file needs no guess by
process number.
Consequence: a folder that can't be written to is an error, never a link without its lock.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import stat
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from instruments.processes import process_start
from models.errors import TwinrigError
from models.paths import folder_at

log = logging.getLogger(__name__)
WATCHDOG = "watchdog.py"  # the program's name of `python -m instruments.watchdog`
TAKEN = (BlockingIOError, PermissionError)  # another program has the lock; nothing else says so
NAMED_S, LOOK_S = 0.5, 0.02
"""Who has taken a lock has written its name by then; how often one looks for it until then."""
LOCKED_BYTE = 1 << 20  # far beyond the text, so that others can read who the owner is (Windows)


class LinkInUseError(TwinrigError):
    """Another program, or this one already, has the link; `by_watchdog`: it will be free soon."""

    def __init__(self, message: str, *, by_watchdog: bool = False) -> None:
        super().__init__(message)
        self.by_watchdog = by_watchdog


def lock_folder() -> Path:
    """Where this computer's lock files are: the same for all of its users."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "twinrig" / "locks"
    else:
        return _posix_folder()


def program_name() -> str:
    """What people call this program."""
    path = Path(sys.argv[0] or sys.executable)
    return "twinrig" if path.parts[-2:] == ("app", "__main__.py") else path.name


def _posix_folder() -> Path:
    everybodys = stat.S_ISVTX | stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
    shared = Path("/run/lock")
    with suppress(OSError):
        if stat.S_IMODE(shared.stat().st_mode) & everybodys == everybodys:
            return shared / "twinrig"
    return Path("/tmp/twinrig-locks")


@dataclass(frozen=True)
class Owner:
    """Who has a link, as its lock file says."""

    program: str
    pid: int
    user: str
    since: str
    watchdog: bool = False

    @classmethod
    def here(cls) -> Owner:
        """Name this process."""
        program = program_name()
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        return cls(program, os.getpid(), _user(), since, program == WATCHDOG)

    @classmethod
    def of(cls, file: IO[bytes]) -> Owner | None:
        """Who wrote the file; None where it doesn't say."""
        with suppress(OSError, ValueError, TypeError):
            file.seek(0)
            value = json.loads(file.read())
            kinds = {"program": str, "pid": int, "user": str, "since": str, "watchdog": bool}
            if all(isinstance(value.get(name), kind) for name, kind in kinds.items()):
                return cls(**{name: value[name] for name in kinds})
        return None

    @property
    def gone(self) -> bool:
        """Whether its process is no more: then it is the last owner."""
        return process_start(self.pid) is None

    @property
    def suspended(self) -> bool:
        """Whether SIGSTOP or a debugger holds it, where the system tells (Linux)."""
        with suppress(OSError, IndexError):
            stat_line = Path(f"/proc/{self.pid}/stat").read_text()
            return stat_line.rpartition(")")[2].split()[0] in ("T", "t")
        return False

    @property
    def way_out(self) -> str:
        """How its link comes free, in words."""
        if not self.suspended:
            return "close that program or use its window"
        return (
            "that program is SUSPENDED, and nobody looks after its magnets: "
            f"`kill -CONT {self.pid}` lets it go on, `kill -9 {self.pid}` ends it, and the "
            "watchdog of an energised bench brings its magnets to zero then"
        )

    def __str__(self) -> str:
        return f"{self.program}, process {self.pid} of user {self.user}, since {self.since}"


def locked_file(name: str, folder: Path) -> IO[bytes]:
    """The open file of a link, locked until it is closed, with this process's name in it.

    Raises
    ------
    LinkInUseError
        Another process has it; the message names it.
    TwinrigError
        The file can't be made.
    """
    path = _path(folder, f"{name}.lock")
    try:
        _make(folder)
        file = _opened(path)
        try:
            free = _lock(file)
        except OSError:
            file.close()
            raise
    except OSError as error:
        raise TwinrigError(
            f"lock file {path}: {error.strerror}; nothing is opened without it, or two programs "
            f"could drive one instrument: make {folder} a folder of this computer's own disk that "
            "every user may write to"
        ) from error
    if not free:
        owner = _owner_by_now(file)
        file.close()
        way_out = "close that program or use its window" if owner is None else owner.way_out
        raise LinkInUseError(
            f"the link ({name}) is in use by {owner or 'another program'}; {way_out} "
            f"(lock file {path})",
            by_watchdog=owner is not None and owner.watchdog,
        )
    if not _same_file(file, path):  # its last owner's folder was cleared meanwhile: try the new one
        file.close()
        return locked_file(name, folder)
    with suppress(OSError):  # a full disk: it is the lock that counts, the name is for people
        mine, before = json.dumps(vars(Owner.here())).encode(), file.seek(0, os.SEEK_END)
        file.seek(0)
        file.write(mine.ljust(before))  # at once: who looks finds one name or the other
        file.truncate(len(mine))
    return file


def _owner_by_now(file: IO[bytes]) -> Owner | None:
    """Who has a locked file, once it has written its name there.

    Before that the last owner's stands there, such as that of a killed program whose watchdog has
    just taken the link: it was told as in use by the dead, and refused in place of waited for.
    """
    end_s = time.monotonic() + NAMED_S
    while True:
        owner = Owner.of(file)
        if (owner is not None and not owner.gone) or time.monotonic() > end_s:
            return owner
        time.sleep(LOOK_S)


def kept_file(name: str, folder: Path) -> IO[bytes]:
    """A file that programs of all users read and write, open at its begin, made where it isn't.

    Raises `OSError` where the folder or the file can't be.
    """
    _make(folder)
    return _opened(_path(folder, name))


def _path(folder: Path, name: str) -> Path:
    return folder / "".join(c if c.isalnum() or c in ".-" else "_" for c in name)


def _make(folder: Path) -> None:
    """Make the folder, open to all users; each may remove only its own files (POSIX sticky)."""
    if folder_at(folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        users = "*S-1-5-32-545:(OI)(CI)M"  # the group Users, whatever it is called in this language
        command = ["icacls", str(folder), "/grant", users]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            log.warning("%s may be closed to other users: %s", folder, done.stdout + done.stderr)
    else:
        folder.chmod(0o1777)


def _opened(path: Path) -> IO[bytes]:
    """The file, made where it isn't there.

    In two steps: Linux refuses O_CREAT on another user's file in a sticky folder
    (fs.protected_regular).
    """
    flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    while True:
        with suppress(FileNotFoundError):
            return os.fdopen(os.open(path, flags), "r+b", buffering=0)
        with suppress(FileExistsError):
            number = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            if hasattr(os, "fchmod"):
                os.fchmod(number, 0o666)  # whatever the umask: other users must be able to lock it
            return os.fdopen(number, "r+b", buffering=0)


def _same_file(file: IO[bytes], path: Path) -> bool:
    """Whether the locked file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        """Lock one byte beyond the text; False where another has it."""
        file.seek(LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except TAKEN:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        """Lock the file; False where another has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except TAKEN:
            return False
        return True
