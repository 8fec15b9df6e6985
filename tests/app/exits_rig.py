"""A virtual rig on TCP in this process that watches its wire, judges it, and loses its links."""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from instruments.bench_file import parse_bench
from instruments.virtual.bench_text import bench_text
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from instruments.bench_spec import BenchSpec

SUPPLY, READOUT, CLOCK = "kepco-bop", "sr830", "virtual-clock"
RAMP_A_PER_S = 50.0  # slow enough that every step is walked in several sets
TICK_S = 0.020
ROUNDING_A = 1e-4
JITTER = 0.25  # of a tick: how evenly messages arrive that the computer's own time sends


class Message(NamedTuple):
    """One message on the wire; `device_s` is the device time when it reached the instrument."""

    host_s: float
    device_s: float
    model: str
    text: str


class LosableServer(RigServer):
    """A rig's server whose links can be cut, and whose ports then refuse for a while."""

    refusing = False

    def _accept(self, listener: socket.socket, key: str) -> None:
        if self.refusing:
            with suppress(OSError):
                listener.accept()[0].close()
            return
        super()._accept(listener, key)

    def cut(self, *models: str) -> None:
        """Break the connections; called in the server's own thread."""
        for connection in self._connections:
            if connection.port.instrument.model in models:
                with suppress(OSError):
                    connection.link.shutdown(socket.SHUT_RDWR)


class ExitRig:
    """The rig, its bench, and what was sent to it; `watch` sees each message as it arrives."""

    def __init__(self, hold_s: float = 0.5, accelerate: float = math.inf) -> None:
        self.sent: list[Message] = []
        self.watch: Callable[[Message], None] | None = None
        self._by_hand = False
        self.rig = VirtualRig("leaky-integrator", (SUPPLY, READOUT), 0, accelerate, self._tap)
        self.server = LosableServer(self.rig)
        text = bench_text(self.rig, self.server.resources)
        for old, new in (
            ("max_ramp_A_per_s = 2000.0", f"max_ramp_A_per_s = {RAMP_A_PER_S}"),
            ("hold_s = 0.0", f"hold_s = {hold_s}"),
        ):
            assert old in text
            text = text.replace(old, new)
        self.text = text
        self._until = threading.Event()
        self._thread = threading.Thread(target=self.server.run, args=(self._until,), daemon=True)
        self._thread.start()

    def _tap(self, host_s: float, device_s: float, model: str, direction: str, data: bytes) -> None:
        if direction != "out" or self._by_hand:
            return
        message = Message(host_s, device_s, model, data.decode("latin-1").strip())
        self.sent.append(message)
        if self.watch is not None:
            self.watch(message)

    def spec(self) -> BenchSpec:
        """The rig's bench."""
        return parse_bench(self.text, "exit bench")

    def by_hand(self, *commands: str) -> str:
        """Commands at the supply's front panel; the answer to the last."""
        self._by_hand = True
        port = self.rig.connect(SUPPLY)
        for command in commands:
            port.receive(command.encode() + b"\n")
        self._by_hand = False
        answer = port.transmit()
        while not answer and port.due_host_s is not None:
            time.sleep(0.001)  # a rig in slow time holds an answer back for as long as it takes
            answer = port.transmit()
        return answer.decode().strip()

    def lose(self, seconds: float, *models: str) -> None:
        """Cut these links now and refuse every connection for so long."""
        self.server.refusing = True
        self.server.cut(*models)
        threading.Timer(seconds, self._restore).start()

    def _restore(self) -> None:
        self.server.refusing = False

    def stop(self) -> None:
        """End the server."""
        self._until.set()
        self._thread.join(5)
        self.server.close()

    def unsafe_ends(self, *, by_host: bool = False) -> list[str]:
        """What was not safe about the wire and the supply, in words; empty where all was.

        `by_host`: the rig's clock was lost, the computer's time is the ramp's.
        """
        state = [self.by_hand(q) for q in ("OUTP?", "CURR?", "MEAS:CURR?")]
        problems = []
        if state[0] != "0" or abs(float(state[1])) > 1e-6 or abs(float(state[2])) > 0.02:
            problems.append(f"left with OUTP {state[0]}, CURR {state[1]}, MEAS:CURR {state[2]}")
        return problems + wire_problems(self.sent, by_host=by_host)


def wire_problems(sent: list[Message], *, by_host: bool = False) -> list[str]:
    """Every set beyond the ramp, and an output that didn't go off last.

    Stricter than a rule for pairs: the ramp earns `RAMP_A_PER_S` of device time, one tick of it can
    be saved, and every set spends what it changes.
    """
    problems, on, set_A, set_s, earned_A = list[str](), False, 0.0, -math.inf, 0.0
    host_s = -math.inf
    largest_A = RAMP_A_PER_S * TICK_S
    orders = [m for m in sent if m.model == SUPPLY and "?" not in m.text]
    for message in orders:
        word, _, value = message.text.partition(" ")
        if word == "OUTP":
            on = value in ("ON", "1")
            if set_A != 0.0:
                problems.append(f"{message.text} at a set-point of {set_A} A")
        elif word == "CURR":
            change_A = abs(float(value) - set_A)
            passed_s = message.device_s - set_s
            if by_host:
                passed_s = max(passed_s, message.host_s - host_s)
            earned_A = min(largest_A, earned_A + RAMP_A_PER_S * passed_s)
            slack_A = JITTER * largest_A if by_host else ROUNDING_A
            if on and change_A > earned_A + slack_A:
                problems.append(f"{set_A} → {value} A at {message.device_s:.4f} s, {earned_A=:.4f}")
            if not on and float(value) != 0.0:
                problems.append(f"{message.text} with the output off")
            earned_A -= change_A
            set_A, set_s, host_s = float(value), message.device_s, message.host_s
    energised = any(m.text in ("OUTP ON", "OUTP 1") for m in orders)
    if energised and orders[-1].text not in ("OUTP OFF", "OUTP 0"):
        problems.append(f"the last order was {orders[-1].text!r}, not OUTP OFF")
    return problems


@contextmanager
def exit_rig(hold_s: float = 0.5, accelerate: float = math.inf) -> Iterator[ExitRig]:
    """A rig of one's own; ended with the block."""
    rig = ExitRig(hold_s, accelerate)
    try:
        yield rig
    finally:
        rig.stop()


def wait_for(reached: Callable[[], bool], longest_s: float = 10.0) -> bool:
    """Whether it came true in time."""
    end_s = time.monotonic() + longest_s
    while not reached():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.005)
    return True
