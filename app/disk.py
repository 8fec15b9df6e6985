"""Reading and writing files: whole or not at all, and one clear error where the disk refuses."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from instruments.stop_signals import heard_elsewhere
from models.errors import InputError, TwinrigError
from models.paths import anything_at, file_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESTORE = "restore it from a copy, or make it again"
TOO_LONG = "a longer name than this file system allows"
WHO_MAY = "check who may read it and its folder"
GO_ON = (
    "the disk is full; what was complete stays: free some space, then use --resume where the "
    "command has it, or try again"
)
ANEW = "the disk is full, and nothing was kept: free some space, then begin again"
LONGEST_WORDS = 2000
NO_NAME = re.compile(
    r'[<>:"|?*\\\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE
)
PATIENCE_S, LOOK_S = 2.0, 0.02
_waits: dict[int, tuple[str, float]] = {}  # by thread
_waited: dict[int, tuple[str, float]] = {}  # … for what at last, and how many s in all
FULL = frozenset(
    code for name in ("ENOSPC", "EDQUOT") if (code := getattr(errno, name, None)) is not None
)


def advised(words: object) -> str:
    """A complaint about a file with what to do about it, once."""
    text = str(words)
    if len(text) > LONGEST_WORDS:  # a damaged file may name anything
        text = f"{text[:LONGEST_WORDS]}…"
    return text if RESTORE in text else f"{text}; {RESTORE}"


class FullDiskError(TwinrigError):
    """The disk is full, so that `path` wasn't written."""

    def __init__(self, path: Path, advice: str = GO_ON) -> None:
        super().__init__(f"{path}: {advice}")
        self.path = path


STANDARD_OUTPUT = "standard output"
"""What `waiting_for` is told of it."""


@contextmanager
def waiting_for(what: object) -> Iterator[None]:
    """Within it this thread may wait for a disk, or for whoever reads: `held_up` tells others."""
    thread, outer = threading.get_ident(), _waits.get(threading.get_ident())
    _waits[thread] = (str(what), time.monotonic())
    try:
        yield
    finally:
        if (seconds := time.monotonic() - _waits[thread][1]) > LOOK_S:
            _waited[thread] = (str(what), waited(thread)[1] + seconds)
        if outer is None:
            del _waits[thread]
        else:
            _waits[thread] = (outer[0], time.monotonic())


def held_up(thread: int) -> tuple[str, float] | None:
    """What a thread, by its identity, waits for now and for how many s; None: for nothing."""
    wait = _waits.get(thread)
    return None if wait is None else (wait[0], time.monotonic() - wait[1])


def waited(thread: int) -> tuple[str, float]:
    """What a thread has waited for at last, and for how many s in all waits that are over.

    A write of some milliseconds, as most are, is none.
    """
    return _waited.get(thread, ("", 0.0))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside into one TwinrigError with the path and what to do."""
    try:
        with heard_elsewhere(), waiting_for(path):
            yield
    except OSError as fault:
        if fault.errno in FULL:
            raise FullDiskError(path) from fault
        raise TwinrigError(f"{path}: {_what_happened(fault, path)}") from fault


def _what_happened(fault: OSError, path: Path) -> str:
    if fault.errno == errno.EFBIG:
        return "would become larger than this file system, or a quota, allows: use another drive"
    if fault.errno == errno.ENAMETOOLONG:
        return f"{TOO_LONG}: choose a shorter one"
    if fault.errno == errno.EINVAL and (name := _no_name_of_windows(path)):
        return (
            f"this file system does not take the name {name!r}: choose one without "
            '< > : " | ? * \\, without a dot or space at its end, and no word such as CON or NUL'
        )
    if isinstance(fault, FileExistsError):
        return "exists already, and nothing is ever overwritten: choose another --out"
    if isinstance(fault, IsADirectoryError):
        return "a folder stands where this file belongs: move it away"
    if isinstance(fault, NotADirectoryError):
        return "a part of this path is a file, not a folder: choose another --out"
    if isinstance(fault, FileNotFoundError):
        return "the folder has vanished (moved, deleted, or a share that is gone): bring it back"
    if isinstance(fault, PermissionError) or fault.errno == errno.EROFS:
        return f"can't be written ({fault.strerror}): check who may write to {path.parent}"
    return f"the disk failed ({fault.strerror or fault}): check the drive or the share"


def _no_name_of_windows(path: Path) -> str:
    """A part of a path that NTFS, FAT and many shares refuse on every system; empty without one."""
    parts = path.parts[1:] if path.anchor else path.parts
    odd = (p for p in parts if NO_NAME.search(p) and p not in (os.curdir, os.pardir))
    return next(odd, "")


@contextmanager
def anew() -> Iterator[None]:
    """Of what is written in one go: a full disk's advice is to begin again, not to go on."""
    try:
        yield
    except FullDiskError as fault:
        raise FullDiskError(fault.path, ANEW) from fault


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside into one InputError with the path and what to do."""
    try:
        yield
    except FileNotFoundError as fault:
        raise InputError(f"{path}: no such file or folder") from fault
    except OSError as fault:
        raise InputError(f"{path}: {_unreadable(fault)}") from fault


def _unreadable(fault: OSError) -> str:
    if fault.errno == errno.ENAMETOOLONG:
        return TOO_LONG
    words = f"can't be read ({fault.strerror or fault})"
    if isinstance(fault, PermissionError):
        return f"{words}: {WHO_MAY}"
    return f"{words}; {RESTORE}"


def read_bytes(path: Path) -> bytes:
    """A file's bytes; FileNotFoundError also where it is no file (a pipe would never end)."""
    if not file_at(path):
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
    return path.read_bytes()


def new_directory(out: Path) -> Path:
    """Make the folder of a new artefact; an existing empty one is taken.

    Raises
    ------
    InputError
        `out` is a file, or a folder with something in it: nothing is ever overwritten.
    TwinrigError
        The disk refuses.
    """
    out = Path(out)
    refuse_taken(out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    return out


def refuse_taken(out: Path) -> None:
    """Raise InputError where a new artefact can't have this folder; nothing is made.

    TwinrigError where it can't be looked into.
    """
    with writing(out):
        is_folder = folder_at(out)
        first = min((p.name for p in out.iterdir()), default=None) if is_folder else None
        taken = not is_folder and (anything_at(out) or out.is_symlink())
    if first is not None:
        raise InputError(
            f"{out}: holds {first} already, and nothing is ever overwritten: "
            "choose another --out (where the command has --resume, it goes on with a run "
            "that was cut short)"
        )
    if taken:
        raise InputError(f"{out}: is a file, and nothing is ever overwritten: choose another --out")


def refuse_unwritable(path: Path) -> None:
    """Raise where nothing can be made at a path: before the work whose result goes there.

    The file system itself is asked, by a file without a name that is gone at once: neither rights
    nor a mount's options tell alone.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    with writing(path):
        place = next(p for p in path.absolute().parents if folder_at(p))
        with tempfile.TemporaryFile(dir=place):
            pass


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a partial file to write: at the end it becomes `path` whole, on any failure nothing.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        try:
            yield partial
            once_free(lambda: os.replace(partial, path))
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
    sync_directory(path.parent)


def once_free(act: Callable[[], object]) -> None:
    """Rename or remove a file: Windows refuses that while somebody has it open.

    A reader of a run that goes on, a virus scanner: each for a moment. On other systems a refusal
    is one of rights, which waiting doesn't change, nor does it cost more than that.

    Raises
    ------
    OSError
        It still fails after `PATIENCE_S`, or for another reason.
    """
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            act()
            return
        except PermissionError:
            if time.monotonic() > until_s:
                raise
        time.sleep(LOOK_S)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all (temporary file, fsync, rename); TwinrigError on failure."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make a rename durable where the system can (Windows has no such call)."""
    if os.name != "posix":
        return
    with suppress(OSError), heard_elsewhere(), waiting_for(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
