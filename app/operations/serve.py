"""Serve the virtual rig on TCP until stopped, so that any program's driver can talk to it."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.operations.events import Event, Note

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from instruments.clock import Stop

HOST = "127.0.0.1"
LOOK_S = 0.1  # how soon a request to stop is seen
JOIN_S = 5.0


@dataclass(frozen=True)
class Listening(Event):
    """One instrument of the rig can be reached now."""

    model: str
    resource: str
    terminator: str


def serve(
    *,
    device: str,
    models: Sequence[str],
    seed: int,
    accelerate: float,
    wire_log: Path | None,
    write_bench: Path | None,
    stop: Stop,
    host: str = HOST,
    port: int = 0,
    faults: Path | None = None,
    hislip: Sequence[str] = (),
    prologix: Sequence[str] = (),
) -> Generator[Event, None, None]:
    """Yield one `Listening` for each instrument, then who can reach them; serve until `stop`.

    Parameters
    ----------
    device, models, seed, accelerate
        Of the rig; the first supply and the first read-out are joined to the device.
    wire_log, write_bench
        New files: every byte with both clocks, and the bench file that reaches this rig.
    stop
        Ends it.
    host
        Address to listen on; only this computer unless told otherwise.
    port
        Of the first instrument, the others follow; 0: free ones.
    faults
        A JSON file of faults to inject.
    hislip
        Models that are reached over HiSLIP (`INSTR`) instead of a socket.
    prologix
        Models that are reached through a GPIB adapter instead.

    Raises
    ------
    InputError
        Unknown device or model, a value out of range, a file that exists, faults that can't be.
    TwinrigError
        The address can't be listened on.
    StoppedError
        `stop` was requested.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    from instruments.virtual.server import serve as run_server

    until, heard = threading.Event(), queue.Queue[Any]()

    def run() -> None:  # here, since a rig is told all that `serve` is
        try:
            run_server(
                device=device,
                models=tuple(models),
                accelerate=accelerate,
                seed=seed,
                wire_log=wire_log,
                write_bench=write_bench,
                faults=faults,
                host=host,
                port=port,
                hislip=tuple(hislip),
                prologix=tuple(prologix),
                on_listening=heard.put,
                until=until,
            )
        except BaseException as error:
            heard.put(error)

    thread = threading.Thread(target=run, name="virtual rig", daemon=True)
    thread.start()
    try:
        yield from _announced(heard, host, stop)
    finally:
        until.set()
        thread.join(JOIN_S)


def _announced(heard: queue.Queue[Any], host: str, stop: Stop) -> Iterator[Event]:
    """What the rig's thread says, for as long as nobody stops; it raises what ended the rig."""
    announced, told = 0, False
    while True:
        stop.check()
        try:
            one = heard.get(timeout=LOOK_S)
        except queue.Empty:
            if announced and not told:
                told = True
                yield _reach(host)
            continue
        if isinstance(one, BaseException):
            raise one
        announced += 1
        yield Listening(one.model, one.resource, one.terminator)


def _reach(host: str) -> Note:
    """Who can reach a rig that listens on an address, in words."""
    try:
        address = ipaddress.ip_address(socket.gethostbyname(host))
    except (OSError, ValueError):
        address = None
    if address is not None and address.is_loopback:
        return Note(f"listening on this computer only ({host})")
    return Note(
        f"listening on {host}: anyone in its network can reach this rig and drive it; "
        f"without --host only this computer can",
        "warning",
    )
