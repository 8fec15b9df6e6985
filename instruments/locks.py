"""One owner a physical link: a lock among threads, and a lock file among the computer's programs.

Context: several instruments share a GPIB board or a serial line, and two programs that talk on one
link mix their replies without an exception (rig.md: 7,250 of 8,000 wrong).
Decision: the file is locked by the operating system (flock, or LockFileEx through msvcrt) for as
long as its owner lives, and its text names the owner. The kernel lets go when the owner dies, so a
stale file needs no guess by process number: whoever gets the lock takes it over.
Consequence: programs of one user exclude each other; the folder is the user's cache folder, which
is the same from a desktop, from ssh and from a service (a runtime folder is not).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import platformdirs
from pyvisa import rname

from models.errors import InputError, TwinrigError

LOCKED_BYTE = 1 << 20  # far beyond the text, so that others can read who the owner is (Windows)
LOCAL_NAMES = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}


class LinkInUseError(TwinrigError):
    """Another program, or this one already, has the link."""


def link_of(resource: str) -> str:
    """Name of the physical link that a VISA resource name goes over.

    The GPIB board, the serial port, the host and port, the USB device: what can carry one
    conversation at a time.

    Raises
    ------
    InputError
        The resource name can't be parsed.
    """
    try:
        parsed = rname.ResourceName.from_string(resource)
    except rname.InvalidResourceName as error:
        raise InputError(
            f"resource {resource!r} is no VISA resource name; "
            "examples: TCPIP0::192.168.0.5::5025::SOCKET, GPIB0::8::INSTR, ASRL3::INSTR"
        ) from error
    kind = parsed.interface_type.lower()
    host = getattr(parsed, "host_address", "").lower()
    host = LOCAL_NAMES.get(host, host)
    if isinstance(parsed, rname.TCPIPSocket):
        return f"tcpip {host} {parsed.port}"
    if isinstance(parsed, rname.TCPIPInstr):
        return f"tcpip {host} {parsed.lan_device_name.split(',')[0].lower()}"
    if isinstance(parsed, (rname.USBInstr, rname.USBRaw)):
        return f"usb {parsed.manufacturer_id} {parsed.model_code} {parsed.serial_number}".lower()
    return f"{kind} {getattr(parsed, 'board', '0')}".lower()


def lock_folder() -> Path:
    """Where this computer's lock files are."""
    return Path(platformdirs.user_cache_dir("twinrig", appauthor=False)) / "locks"


@dataclass
class Link:
    """A physical link held by this process; `lock` goes around every write and its read."""

    name: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    resources: set[str] = field(default_factory=set)
    file: IO[bytes] | None = None


_links: dict[str, Link] = {}
_links_lock = threading.Lock()


def take(resource: str, folder: Path | None = None) -> Link:
    """Hold the link of `resource` for this process until `release`.

    Raises
    ------
    LinkInUseError
        Another program has the link (the message names it), or this one has the resource open.
    InputError
        The resource name can't be parsed.
    """
    name = link_of(resource)
    with _links_lock:
        link = _links.get(name)
        if link is None:
            link = Link(name, file=_lock_file(name, folder or lock_folder()))
            _links[name] = link
        elif resource in link.resources:
            raise LinkInUseError(
                f"{resource} is open in this program already; close that bench first"
            )
        link.resources.add(resource)
    return link


def release(link: Link, resource: str) -> None:
    """Give the resource back; the link's file is unlocked with its last resource."""
    with _links_lock:
        link.resources.discard(resource)
        if not link.resources and link.file is not None:
            link.file.close()
            link.file = None
            _links.pop(link.name, None)


def private_link(resource: str) -> Link:
    """A link of its own, for an instrument inside this process: nobody else can reach it."""
    return Link(resource)


def _lock_file(name: str, folder: Path) -> IO[bytes]:
    """Open and lock the file of a link, and write into it who has it."""
    path = folder / ("".join(c if c.isalnum() or c in ".-" else "_" for c in name) + ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags, 0o644), "r+b", buffering=0)
    except OSError as error:
        raise TwinrigError(
            f"lock file {path}: {error.strerror}; make that folder writable"
        ) from error
    if not _lock(file):
        owner = _owner(file)
        file.close()
        raise LinkInUseError(
            f"the link ({name}) is in use by {owner}; close that program or use its window "
            f"(lock file {path})"
        )
    program = Path(sys.argv[0] or sys.executable).name
    text = {"pid": os.getpid(), "program": program, "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    file.seek(0)
    file.truncate()
    file.write(json.dumps(text).encode())
    return file


def _owner(file: IO[bytes]) -> str:
    """Who wrote the lock file, in words."""
    try:
        file.seek(0)
        text = json.loads(file.read())
        return f"{text['program']}, process {text['pid']}, since {text['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another program"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        """Lock one byte beyond the text; False where another has it."""
        file.seek(LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        """Lock the file; False where another has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
