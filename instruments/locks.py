"""One owner a physical link: a lock among threads, and a lock file among the computer's programs.

Context: several instruments share a GPIB board or a serial line, and two programs that talk on one
link mix their replies without an exception (rig.md: 7,250 of 8,000 wrong).
Decision: a link has one owner on the computer, whoever is logged in; `instruments.lock_files` names
it. While that owner is a watchdog, which brings a dead program's magnet to zero, it is waited for.
Consequence: all programs of all users of one computer exclude each other, from a desktop, from ssh
and from a service. Programs in a container, or on another computer, are not excluded: give an
instrument on a network to one computer.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from instruments.boards import PREFIX, device_of, underlying
from instruments.lock_files import LinkInUseError, lock_folder, locked_file
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.clock import Stop
    from instruments.prologix import Adapter

__all__ = [
    "Link", "LinkInUseError", "link_of", "lock_folder", "place_of", "private_link", "release",
    "take",
]  # fmt: skip

log = logging.getLogger(__name__)
WATCHDOG_S = 60.0  # how long a link is waited for while a watchdog brings its magnet to zero
LOOK_S = 0.2  # how often it is tried meanwhile; shorter than a watchdog's pause between tries
LOCAL_NAMES = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}
IP = re.compile(r"\d+\.\d+\.\d+\.\d+")
SOCKET = re.compile(r"TCPIP[0-9]*::([^:\s]+)::([0-9]+)::SOCKET")
GATEWAY = re.compile(r"::(?!hislip)[a-z]+[0-9]*,[0-9]+")
HISLIP_PORT = "4880"  # unless the resource names another


def link_of(resource: str, board: str | None = None) -> str:
    """Name of the physical link that a VISA resource name goes over.

    The GPIB board, the serial port, the host and port, the USB device: what can carry one
    conversation at a time. Where the board is an adapter, its own socket or port.

    Raises
    ------
    InputError
        The resource name can't be parsed.
    """
    if board is not None or resource.startswith(PREFIX):
        return link_of(underlying(board or resource))
    if (socket_name := SOCKET.fullmatch(resource)) is not None:
        host, port = socket_name.groups()
        return f"tcpip {_host(host)} {int(port)}"
    from pyvisa import rname  # 40 ms: a bench of sockets is read without

    try:
        parsed = rname.ResourceName.from_string(resource)
    except rname.InvalidResourceName as error:
        raise InputError(
            f"resource {resource!r} is no VISA resource name; "
            "examples: TCPIP0::192.168.0.5::5025::SOCKET, GPIB0::8::INSTR, ASRL3::INSTR"
        ) from error
    kind = parsed.interface_type.lower()
    host = _host(getattr(parsed, "host_address", ""))
    if isinstance(parsed, rname.TCPIPSocket):
        return f"tcpip {host} {parsed.port}"
    if isinstance(parsed, rname.TCPIPInstr):
        name, _, number = parsed.lan_device_name.lower().partition(",")
        own_port = name.startswith("hislip") and number not in ("", HISLIP_PORT)
        return f"tcpip {host} {name}" + (f" {number}" if own_port else "")
    if isinstance(parsed, (rname.USBInstr, rname.USBRaw)):
        return f"usb {parsed.manufacturer_id} {parsed.model_code} {parsed.serial_number}".lower()
    if isinstance(parsed, rname.ASRLInstr):
        return f"asrl {device_of(parsed.board)}".lower()
    return f"{kind} {getattr(parsed, 'board', '0')}".lower()


def _host(name: str) -> str:
    return LOCAL_NAMES.get(name.lower(), name.lower())


def place_of(resource: str, board: str | None = None) -> str:
    """One name for an instrument, whatever its resource name: its link, and its address there.

    Asks for the number of a host that is named. Raises as `link_of`.
    """
    link = _by_number(link_of(resource, board))
    own = own_part(resource, link)
    return link if own == link else f"{link} {own}"


def canonical(resource: str) -> str:
    """One spelling for all that name the same instrument: `GPIB::8` is `gpib0::8::instr`."""
    from pyvisa import rname

    with suppress(rname.InvalidResourceName):
        return rname.to_canonical_name(resource).lower()
    return resource.lower()


def own_part(resource: str, link: str) -> str:
    """What no second instrument can have: the whole link, or an address where it is a bus.

    A bus is a GPIB board, an adapter, or a LAN gateway (`TCPIP0::host::gpib0,8::INSTR`).
    """
    if not re.search(r"gpib|,", resource, re.IGNORECASE):
        return link  # no bus: without PyVISA, which the window's start does not wait for
    name = canonical(resource)
    return name if name.startswith("gpib") or GATEWAY.search(name) else link


@dataclass
class Link:
    """A physical link held by this process; `lock` goes around every write and its read.

    `resources`: names of those that are open, by `own_part`. `adapter`: the open GPIB adapter
    (`instruments.prologix`) that its instruments share.
    """

    name: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    resources: dict[str, str] = field(default_factory=dict)
    file: IO[bytes] | None = None
    adapter: Adapter | None = None


_links: dict[str, Link] = {}
_links_lock = threading.Lock()


def take(
    resource: str,
    folder: Path | None = None,
    stop: Stop | None = None,
    board: str | None = None,
) -> Link:
    """Hold the link of `resource` for this process until `release`.

    Waits up to `WATCHDOG_S` for a watchdog that brings the link's magnet to zero.

    Parameters
    ----------
    resource
        VISA resource name.
    folder
        Of the lock files; None: the computer's.
    stop
        Ends the wait.
    board
        The adapter that it is reached through.

    Raises
    ------
    LinkInUseError
        Another program has the link (the message names it), or this one has the resource open.
    InputError
        The resource name can't be parsed.
    TwinrigError
        The lock file can't be made: a link is never used without it.
    StoppedError
        Stop was requested while waiting.
    """
    name = _by_number(link_of(resource, board))
    end_s = time.monotonic() + WATCHDOG_S
    told = False
    while True:
        try:
            return _taken(name, resource, folder or lock_folder())
        except LinkInUseError as error:
            if not error.by_watchdog or time.monotonic() >= end_s:
                raise
            if not told:
                log.warning("%s; waiting for it", error)
                told = True
        if stop is None:
            time.sleep(LOOK_S)
        else:
            stop.sleep(LOOK_S)


def _by_number(name: str) -> str:
    """The link with its host by IP address: two names of one instrument are one link."""
    kind, _, place = name.partition(" ")
    host, _, rest = place.partition(" ")
    if kind != "tcpip" or IP.fullmatch(host):
        return name
    with suppress(OSError, UnicodeError):  # a name that nobody knows can't be opened either
        return f"{kind} {socket.gethostbyname(host)} {rest}"
    return name


def _taken(name: str, resource: str, folder: Path) -> Link:
    with _links_lock:
        link = _links.get(name)
        if link is None:
            link = Link(name, file=locked_file(name, folder))
            _links[name] = link
        key = own_part(resource, name)
        if (open_as := link.resources.get(key)) is not None:
            also = "" if open_as == resource else f", as {open_as}"
            raise LinkInUseError(
                f"{resource} is open in this program already{also}; close that bench first, or "
                "name it once only"
            )
        link.resources[key] = resource
    return link


def release(link: Link, resource: str) -> None:
    """Give the resource back; the link's file is unlocked with its last resource."""
    with _links_lock:
        link.resources.pop(own_part(resource, link.name), None)
        if not link.resources and link.file is not None:
            link.file.close()
            link.file = None
            _links.pop(link.name, None)


def private_link(resource: str) -> Link:
    """A link of its own, for an instrument inside this process: nobody else can reach it."""
    return Link(resource)


def _forget_after_fork() -> None:
    """In a child made by a bare `fork`: its copies of the files would keep the links locked."""
    for link in _links.values():
        if link.file is not None:
            link.file.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
