"""Ways out of a run and the moments they come at, on the wire of a virtual rig."""

from __future__ import annotations

import errno
import signal
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from exits_rig import CLOCK, READOUT, SUPPLY, ExitRig, Message

from app import journal
from app.operations.deploy import deploy
from app.operations.events import NodeMeasured, Note, Progress, RepeatRecorded, Result, StepRead
from app.operations.record import record
from app.operations.safely import Voice
from app.recording_store import RecordingWriter
from app.store import read_recording
from instruments.bench import Bench
from instruments.clock import Stop
from instruments.drivers.kepco_bop import KepcoBop
from instruments.limits import LimitedMagnet
from instruments.link_errors import LinkError
from instruments.visa import VisaSession
from models.errors import TwinrigError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from app.operations.events import Event
    from models.recording import Recording

SEQUENCES = [FieldSequence(np.array([0.0, 1.0, 0.3])), FieldSequence(np.array([0.5, 0.0, 0.9]))]
REPEATS = 2
KINDS = ("record", "deploy")
TASK = "mackey-glass:h=1,train=300,validation=100,test=4,washout=2"  # of the smallest network
MOMENTS = (
    "connecting", "energise", "reset", "ramp", "hold", "read", "verify", "between", "writing",
    "ramp-down",
)  # fmt: skip
LAYERS: dict[str, tuple[Any, str, type[BaseException], tuple[Any, ...]]] = {
    "session": (VisaSession, "query", RuntimeError, ("a fault in the session",)),
    "driver": (KepcoBop, "set_current_A", ValueError, ("a fault in the driver",)),
    "limits": (LimitedMagnet, "step_to_A", ZeroDivisionError, ("a fault in the limits",)),
    "bench": (Bench, "steps", KeyError, ("a fault in the bench",)),
    "operation": (RecordingWriter, "beat", IndexError, ("a fault in the operation",)),
    "disk": (journal, "_write_all", OSError, (errno.ENOSPC, "No space left on device")),
}
STOPS = ("stop", "second stop", "close", "ctrl-c")
EXITS = (
    "done", *STOPS, "consumer", *LAYERS, "no reply", "ramp-down fails", "ramp-down fails twice",
    "link lost and restored", "all links lost and restored",
)  # fmt: skip
AT_AN_EVENT = ("close", "consumer")
LOST_S = 0.3
ACKNOWLEDGED_WITHIN_S = 2.0


def is_case(way_out: str, moment: str) -> bool:
    """Whether the two go together: a run that is done has one moment, a closed one isn't closed."""
    if way_out == "done":
        return moment == "ramp-down"
    return not (moment == "ramp-down" and way_out in AT_AN_EVENT)


CASES = [(w, m) for w in EXITS for m in MOMENTS if is_case(w, m)]


class ConsumerError(Exception):
    """What the consumer of a generator meets."""


@dataclass
class Case:
    """One way out at one moment of one run, while it goes on."""

    rig: ExitRig
    way_out: str
    moment: str
    steps: int
    stop: Stop = field(default_factory=Stop)
    bench: Bench | None = None
    armed: str = ""
    failing_sets: int = 0
    close_at_next: bool = False
    leaving: bool = False
    came_s: float = 0.0
    ended_s: float = 0.0
    error: BaseException | None = None
    kept: int = 0
    result: Result | None = None
    said: list[str] = field(default_factory=list)
    _reads: int = 0
    _sets_on_the_way: int = 0
    _helpers: list[threading.Thread] = field(default_factory=list)

    # the moments

    def see(self, message: Message) -> None:
        """Look at a message as it reaches the rig (in the server's thread)."""
        if message.text.startswith("SNAP?"):
            self._reads += 1
        if self.leaving and message.model == SUPPLY and message.text.startswith("CURR "):
            self._sets_on_the_way += 1
        if not self.came_s and self._is_now(message):
            self.come()

    def _is_now(self, message: Message) -> bool:
        model, text, repeat = message.model, message.text, self.steps + 1
        match self.moment:
            case "connecting":
                return model == READOUT and text == "*IDN?"
            case "energise":
                return model == SUPPLY and text == "OUTP ON"
            case "reset":
                return model == SUPPLY and text.startswith("CURR ") and self._reads == repeat
            case "ramp":
                return model == SUPPLY and text.startswith("CURR ") and self._reads == repeat + 1
            case "hold":
                long = model == CLOCK and text.startswith("ADVANCE 0.5")
                return long and self._reads == repeat + 2
            case "read":
                return text.startswith("SNAP?") and self._reads == repeat + 3
            case "verify":
                return model == SUPPLY and "?" in text and self._reads == 2 * repeat
            case "ramp-down":
                return self._sets_on_the_way == 2
        return False

    def hear(self, event: Event) -> None:
        """Look at an event, as the consumer."""
        if isinstance(event, Result):
            self.result = event
        if isinstance(event, Note):
            self.said.append(event.text)
        self.kept += isinstance(event, (RepeatRecorded, NodeMeasured))
        if isinstance(event, Progress) and self.moment == "between" and not self.came_s:
            self.come()

    def written(self) -> None:
        """A repeat is about to be written."""
        if self.moment == "writing" and self.kept == 1 and not self.came_s:
            self.come()

    # the ways out

    def come(self) -> None:
        """The moment has come: take the way out."""
        self.came_s = time.monotonic()
        if self.way_out in LAYERS:
            self.armed = self.way_out
        elif self.way_out in AT_AN_EVENT:
            self.close_at_next = True
        elif self.way_out == "no reply":
            self.armed = "no reply"
        elif self.way_out == "ctrl-c":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        elif self.way_out.startswith("ramp-down fails"):
            self.failing_sets = 2 if "twice" in self.way_out else 1
            self.stop.request()
        elif "lost" in self.way_out:
            every = (SUPPLY, READOUT, CLOCK) if "all" in self.way_out else (SUPPLY,)
            self.rig.lose(LOST_S, *every)
        elif self.way_out != "done":
            self.stop.request()
            if self.way_out == "second stop" and self.bench is not None:
                self._helpers.append(threading.Thread(target=self.bench.make_safe))
                self._helpers[-1].start()

    def pull(self, events: Any) -> None:
        """Consume the run as every front end does: whatever happens, its generator is closed."""
        with closing(events):
            for event in events:
                self.hear(event)
                second = self.kept == 1 and isinstance(event, StepRead) and event.step == 1
                if self.moment == "ramp-down" and self.way_out != "done" and second:
                    self.leaving = True
                    return
                if self.close_at_next:
                    if self.way_out == "consumer":
                        raise ConsumerError
                    return

    def run(self, operation: Callable[[Bench], Any]) -> None:
        """Connect, run, end; `error` is what came out of it."""
        self.rig.watch = self.see
        try:
            with Bench.connect(self.rig.spec(), stop=self.stop) as bench:
                self.bench = bench
                bench.tell = Voice(self.said.append)
                self.pull(operation(bench))
        except BaseException as error:
            self.error = error
        self.ended_s = time.monotonic()
        for helper in self._helpers:
            helper.join(30)
        self.rig.watch = None
        self.stop.clear()


def operation_of(kind: str, out: Path, network: Path) -> Callable[[Bench], Any]:
    """A recording or a deployment into `out`."""
    if kind == "record":
        return lambda bench: record(bench, SEQUENCES, REPEATS, out)
    return lambda bench: deploy(network, bench, out)


def recording_in(out: Path, kind: str) -> Recording | None:
    """What the run has left on disk; None where it left nothing, or ended before it began."""
    folder = out if kind == "record" else out / "nodes"
    return read_recording(folder) if folder.exists() else None


def inject(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """Put the case's faults into the real layers: the next call after the moment raises."""

    def faulty(
        name: str, where: Any, method: str, fault: Callable[..., BaseException], given: Any
    ) -> None:
        real = getattr(where, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            if case.armed == name:
                case.armed = ""
                raise fault(*given)
            return real(*args, **kwargs)

        monkeypatch.setattr(where, method, call)

    if case.way_out in LAYERS:
        faulty(case.way_out, *LAYERS[case.way_out])
    if case.way_out == "no reply":
        faulty("no reply", VisaSession, "query", _no_answer, ())
    if case.failing_sets or "fails" in case.way_out:
        _failing_ramp_down(monkeypatch, case)
    real_append = RecordingWriter.append

    def append(self: RecordingWriter, *args: Any, **kwargs: Any) -> None:
        case.written()
        real_append(self, *args, **kwargs)

    monkeypatch.setattr(RecordingWriter, "append", append)
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.05)


def _no_answer() -> LinkError:
    return LinkError("x", "no answer", resource="R", hint="Is it on?")


def _failing_ramp_down(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    real = KepcoBop.set_current_A

    def set_current_A(self: KepcoBop, current_A: float) -> None:
        shielded = case.stop._event.is_set() and not case.stop.requested
        if case.failing_sets and shielded:
            case.failing_sets -= 1
            raise ZeroDivisionError("a fault in the ramp-down")
        real(self, current_A)

    monkeypatch.setattr(KepcoBop, "set_current_A", set_current_A)


def true_statuses(case: Case) -> set[str | None]:
    """What the file may say of the run; None: no file, the run had not begun."""
    way_out, moment = case.way_out, case.moment
    if moment == "connecting" and way_out in ("stop", "second stop", "ctrl-c", "session"):
        return {None}
    if moment == "connecting" and way_out == "disk":
        return {None, "interrupted"}  # begun, and to be gone on with; of a deployment nothing is
    if moment == "connecting" and ("lost" in way_out or way_out == "no reply"):
        return {None, "done"}
    if moment == "connecting" and way_out.startswith("ramp-down"):
        return {None}
    if way_out == "done":
        return {"done"}
    if moment == "ramp-down" or way_out in STOPS or way_out.startswith("ramp-down"):
        return {"stopped"}
    if way_out == "consumer":
        return {"stopped"}
    if "lost" in way_out or way_out == "no reply":
        return {"done", "failed"}
    return {"failed"}


def right_error(case: Case) -> bool:
    """Whether what came out of the run is what went wrong in it, not something else."""
    if case.way_out in LAYERS and case.moment != "ramp-down":
        fault = LAYERS[case.way_out][2]
        return isinstance(case.error, TwinrigError if fault is OSError else fault)
    return True
