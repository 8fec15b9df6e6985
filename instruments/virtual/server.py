"""The virtual rig on TCP, so that any other program's driver can talk to it.

Context: a setting goes to one socket and the query behind it to another; the same seed has to give
the same bytes as in process. Decision: one thread serves every connection, and of the messages
found waiting at one moment the settings go before the queries: a client that waits for its answers
has sent them in that order. Replies that belong to a later host time are held, never slept for:
a magnet can be stopped while a long `ADVANCE` is still to be answered.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instruments.virtual.bench_text import bench_text
from instruments.virtual.connection import Connection
from instruments.virtual.faults import read_faults
from instruments.virtual.hislip import HislipHost
from instruments.virtual.prologix import FIRST_ADDRESS, TERMINATOR, PrologixHost
from instruments.virtual.prologix import MODEL as ADAPTER
from instruments.virtual.rig import CLOCK, DEFAULT_DEVICE, DEFAULT_MODELS, VirtualRig
from instruments.virtual.rig_log import RigLog, new_file, refuse_existing
from models.errors import InputError, TwinrigError, raise_problems

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
LOOK_S = 0.1  # how often an idle server looks whether it has to end


@dataclass(frozen=True)
class Listening:
    """One instrument that can be reached now."""

    model: str
    resource: str
    terminator: str

    def line(self) -> str:
        """As JSON on one line, the form of design.md's CLI contract."""
        return json.dumps({"event": "listening", **vars(self)})


class RigServer:
    """Every instrument of a rig on a port of its own, from construction until `close`.

    Parameters
    ----------
    rig
        The rig.
    host
        Address to listen on; only this machine unless told otherwise.
    port
        Of the first instrument, the others follow; 0 takes free ones.
    hislip
        Models that are reached over HiSLIP, as `INSTR` resources.
    prologix
        Models that are reached through one GPIB adapter, which has a port of its own.

    Raises
    ------
    InputError
        A model of `hislip` or `prologix` is none of the rig's, or is in both.
    TwinrigError
        A port is taken or not allowed.
    """

    def __init__(
        self,
        rig: VirtualRig,
        host: str = HOST,
        port: int = 0,
        hislip: Sequence[str] = (),
        prologix: Sequence[str] = (),
    ) -> None:
        self._rig = rig
        _check_ways(rig, hislip, prologix)
        self._hosts: dict[str, HislipHost | PrologixHost] = {
            key: HislipHost(lambda key=key: rig.connect(key))  # type: ignore[misc]
            for key, one in rig.instruments.items()
            if one.model in hislip
        }
        behind = [key for key, one in rig.instruments.items() if one.model in prologix]
        addresses = dict(enumerate(behind, FIRST_ADDRESS))
        self._selector = selectors.DefaultSelector()
        self._connections: list[Connection] = []
        self.listening: list[Listening] = []
        self.resources: dict[str, str] = {}
        self.adapter: str | None = None
        try:
            own = [key for key in rig.instruments if key not in behind]
            for offset, key in enumerate(own):
                self._listen(key, host, port + offset if port else 0)
            if behind:
                self._hosts[ADAPTER] = PrologixHost(
                    addresses, lambda key: None if rig.refuses(key) else rig.connect(key)
                )
                self._behind_adapter(addresses, host, port + len(own) if port else 0)
        except (OSError, OverflowError, UnicodeError) as error:
            self.close()
            raise _not_listening(host, port, error) from error

    def _bound(self, key: str, host: str, port: int) -> int:
        """Listen for what the key names; the port's number."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._selector.register(listener, selectors.EVENT_READ, key)
        if os.name == "posix":  # elsewhere it lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        listener.setblocking(False)
        return int(listener.getsockname()[1])

    def _listen(self, key: str, host: str, port: int) -> None:
        number = self._bound(key, host, port)
        resource = f"TCPIP0::{host}::{number}::SOCKET"
        if key in self._hosts:
            resource = f"TCPIP0::{host}::hislip0,{number}::INSTR"
        self._announce(key, resource)

    def _announce(self, key: str, resource: str) -> None:
        instrument = self._rig.instruments[key]
        self.resources[key] = resource
        terminator = instrument.terminator.decode("ascii")
        self.listening.append(Listening(instrument.model, resource, terminator))

    def _behind_adapter(self, addresses: Mapping[int, str], host: str, port: int) -> None:
        number = self._bound(ADAPTER, host, port)
        self.adapter = f"PRLGX-TCPIP0::{host}::{number}::INTFC"
        self.listening.append(Listening(ADAPTER, self.adapter, TERMINATOR))
        for address, key in addresses.items():
            self._announce(key, f"GPIB0::{address}::INSTR")

    def run(self, until: threading.Event) -> None:
        """Serve until the event is set."""
        while not until.is_set():
            busy = []
            for key, _ in self._selector.select(self._patience_s()):
                if isinstance(key.data, Connection):
                    busy.append(key.data)
                    if not key.data.take():
                        self._drop(key.data)
                else:
                    self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
            self._carry_out(busy)
            for connection in [one for one in self._connections if not one.give()]:
                self._drop(connection)

    def _patience_s(self) -> float:
        dues = [due for one in self._connections if (due := one.due_host_s()) is not None]
        return min([LOOK_S, *(max(0.0, due - time.monotonic()) for due in dues)])

    def _carry_out(self, connections: list[Connection]) -> None:
        """Carry waiting messages out, settings first (see the module's decision)."""
        waiting = [one.steps for one in connections if one.steps is not None and one.steps.pending]
        while waiting:
            for port in [one for one in waiting if not one.asks] or waiting:
                port.step()
            waiting = [one for one in waiting if one.pending]

    def _accept(self, listener: socket.socket, key: str) -> None:
        try:
            link, _ = listener.accept()
        except OSError:  # the client has gone already
            return
        if key != ADAPTER and self._rig.refuses(key):
            link.close()
            return
        way = self._hosts.get(key)
        connection = way.accept(link) if way else Connection(link, self._rig.connect(key))
        self._connections.append(connection)
        self._selector.register(link, selectors.EVENT_READ, connection)

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.link)
            connection.link.close()
            connection.closed()

    def close(self) -> None:
        """Close every connection and port."""
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
        self._connections.clear()
        self._selector.close()


def serve(
    *,
    device: str = DEFAULT_DEVICE,
    models: Sequence[str] = DEFAULT_MODELS,
    accelerate: float = 1.0,
    seed: int = 0,
    wire_log: Path | None = None,
    write_bench: Path | None = None,
    faults: Path | None = None,
    on_listening: Callable[[Listening], None] | None = None,
    until: threading.Event,
    host: str = HOST,
    port: int = 0,
    hislip: Sequence[str] = (),
    prologix: Sequence[str] = (),
) -> None:
    """Serve a virtual rig until the event is set.

    Parameters
    ----------
    device, models, accelerate, seed
        As for `VirtualRig`; by default it lives in real time.
    wire_log
        A new file for every message, one JSON object a line.
    write_bench
        A new bench file that reaches this rig, clock and acceleration included.
    faults
        A JSON file of faults (`instruments.virtual.faults.read_faults`): what goes wrong, and when.
    on_listening
        Called for each instrument once it can be reached; prints the line where it is None.
    until
        Ends the server.
    host, port
        Where to listen.
    hislip
        Models over HiSLIP instead of a socket.
    prologix
        Models behind a GPIB adapter instead.

    Raises
    ------
    InputError
        Unknown device or model, a value out of range, a file that exists, faults that can't be.
    TwinrigError
        A port can't be used.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    script = read_faults(faults) if faults else None
    rig = VirtualRig(device, models, seed, accelerate, faults=script)
    refuse_existing({"wire log": wire_log, "bench file": write_bench})
    log = RigLog(wire_log) if wire_log else None
    rig.tap = log
    server = None
    try:
        server = RigServer(rig, host, port, hislip, prologix)
        if write_bench:
            with new_file(write_bench, "bench file") as file:
                file.write(bench_text(rig, server.resources, server.adapter))
        for one in server.listening:
            (on_listening or print_listening)(one)
        server.run(until)
    finally:
        if server is not None:
            server.close()
        if log is not None:
            log.close()


def _check_ways(rig: VirtualRig, hislip: Sequence[str], prologix: Sequence[str]) -> None:
    """Every model that goes another way than over a socket is there, and goes one way."""
    models = dict.fromkeys(one.model for one in rig.instruments.values())
    ways = {"over HiSLIP": hislip, "behind a GPIB adapter": prologix}
    raise_problems(
        InputError,
        "virtual rig",
        [
            f"{way}: {name!r} is none of {', '.join(models)}"
            for way, names in ways.items()
            for name in names
            if name not in models
        ]
        + [f"{name!r} can't be both {' and '.join(ways)}" for name in hislip if name in prologix]
        + [f"{name!r} is no GPIB instrument" for name in prologix if name == CLOCK],
    )


def _not_listening(host: str, port: int, error: Exception) -> TwinrigError:
    """Whether host or port is wrong; one of several models may be beyond the last port."""
    why = getattr(error, "strerror", None) or error
    elsewhere = isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL
    if elsewhere or isinstance(error, (socket.gaierror, UnicodeError)):
        place = f"virtual rig: host {host} can't be used ({why})"
        return InputError(f"{place}: give an address of this computer, such as {HOST}, or 0.0.0.0")
    place = f"virtual rig: port {port} on {host} can't be used"
    return TwinrigError(f"{place} ({why}); choose another, or 0 for a free one")


def print_listening(one: Listening) -> None:
    """Print the line of one instrument."""
    sys.stdout.write(one.line() + "\n")
    sys.stdout.flush()
