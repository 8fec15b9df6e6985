"""A cable that can be pulled and put back: TCP ports of their own in front of those of a rig."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress


class Cable:
    """One port that hands everything on to another while it is plugged in."""

    def __init__(self, resource):
        _, host, port, _ = resource.split("::")
        self._far = (host, int(port))
        self._lock = threading.Lock()
        self._open = []
        self._listener = None
        self.port = 0
        self.plug_in()
        self.resource = f"TCPIP0::127.0.0.1::{self.port}::SOCKET"

    def plug_in(self):
        listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def pull(self):
        """Close the port and whatever goes over it."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            ends, self._open = self._open, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._far, timeout=5)
            except OSError:
                return
            far.settimeout(None)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source, sink):
    with suppress(OSError):
        while data := source.recv(4096):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cables(resources):
    """One cable a resource, by resource; all pulled at the end."""
    made = {resource: Cable(resource) for resource in resources}
    try:
        yield made
    finally:
        for cable in made.values():
            cable.pull()
