"""A virtual rig on TCP in a thread, with a hand at its front panels and its wire in view."""

from __future__ import annotations

import math
import re
import socket
import threading
from contextlib import contextmanager

from instruments.bench_file import parse_bench
from instruments.virtual.bench_text import bench_text
from instruments.virtual.rig import CLOCK, VirtualRig
from instruments.virtual.server import RigServer


class ServedRig:
    """The rig, its bench file's text, its wire (device time, model, direction, bytes)."""

    def __init__(
        self, models, accelerate, faults=None, device="leaky-integrator", hislip=(), prologix=()
    ):
        self.wire = []
        self._by_hand = False
        self._due = None
        self.rig = VirtualRig(device, models, 0, accelerate, self._tap, faults)
        self._server = RigServer(self.rig, hislip=hislip, prologix=prologix)
        self.resources, self.adapter = self._server.resources, self._server.adapter
        self.text = bench_text(self.rig, self.resources, self.adapter)
        self._until = threading.Event()
        self._thread = threading.Thread(target=self._server.run, args=(self._until,), daemon=True)
        self._thread.start()

    def _tap(self, host_s, device_s, model, direction, data):
        if not self._by_hand:
            self.wire.append((device_s, model, direction, data))
            if self._due is not None and len(self.sets()) >= self._due[0]:
                (_, act), self._due = self._due, None
                act()

    def spec(self, *changes):
        """The bench of the rig; `changes` are pairs (old, new) of its text."""
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return parse_bench(text, "served bench")

    def order(self, key, command):
        """Send a command behind the bench's back: a hand at the front panel."""
        self._by_hand = True
        port = self.rig.connect(key)
        port.receive(command.encode() + b"\n")
        self._by_hand = False
        return port.transmit().decode().strip()

    def sets(self):
        """Every set of the current on the wire: (device time, A)."""
        return [
            (device_s, float(data[5:]))
            for device_s, model, direction, data in self.wire
            if (model, direction) == ("kepco-bop", "out") and data.startswith(b"CURR ")
        ]

    def when_set(self, count, act):
        """Call `act` once so many sets are on the wire, before the next message is heard."""
        self._due = (count, act)

    def sent(self, key="kepco-bop"):
        """Every message to an instrument."""
        return [data for _, model, way, data in self.wire if (model, way) == (key, "out")]

    def stop(self):
        if self._until.is_set():
            return
        self._until.set()
        port = int(re.search(r"[:,](\d+)::", self.resources[CLOCK]).group(1))
        socket.create_connection(("127.0.0.1", port)).close()  # idle, it looks every 0.1 s only
        self._thread.join(5)
        assert not self._thread.is_alive()
        self._server.close()


@contextmanager
def served(
    models=("kepco-bop", "sr830"),
    accelerate=math.inf,
    faults=None,
    device="leaky-integrator",
    hislip=(),
    prologix=(),
):
    rig = ServedRig(models, accelerate, faults, device, hislip, prologix)
    try:
        yield rig
    finally:
        rig.stop()
