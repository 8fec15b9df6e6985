"""Faults by script: what goes wrong at the n-th message of an instrument of the virtual rig.

Context: what a program does when a line or an instrument fails has to be proved at every message
of a run in turn. Decision: a `FaultScript` sits between an instrument and its connections; the
instrument does what it always does, and the fault is what becomes of its answer, of the connection,
or of the instrument itself (`instruments.virtual.troubles`). Consequence: without a fault no byte
differs, in process or over TCP, and `watch` sees the true answers of a run whose wire lies.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instruments.virtual import troubles
from instruments.virtual.faulty_port import FaultyPort, Impostor, Line
from instruments.virtual.instrument import Port
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from instruments.virtual.instrument import VirtualInstrument

log = logging.getLogger(__name__)
HIGHEST_LETTER = 0xFF  # of what goes over the wire: a byte each

# kind: what it may be given, and the value each has where it isn't
KINDS: dict[str, dict[str, object]] = {
    "silence": {"seconds": 0.0, "lost": False},
    "late": {"seconds": 3.0},
    "garbage": {"text": "#?~!"},
    "truncated": {"terminated": False},
    "two-pieces": {"seconds": 0.3},
    "dropped": {"seconds": 0.0, "lost": True},
    "wrong-instrument": {"text": "OTHER,MODEL 1,0,0"},
    "overload": {"size": 1.0},
    "quench": {"size": 50.0},
    "compliance": {"size": 1.0},
    "error-queue": {},
    "power-cycle": {},
    "water": {"size": 0.0},
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    instrument
        Its key in the rig: the model, with `#2` from the second of its kind.
    at
        Which of its messages, counted from 0 over all its connections.
    kind
        `silence`: no answer; deaf for `seconds` (the messages of that time are lost). With `lost`
        the message itself is lost, too.
        `late`: the answer leaves `seconds` later; a set is carried out only with the next message.
        `garbage`: `text` instead of the answer, behind a set unasked.
        `truncated`: half of the answer; `terminated`: with its end.
        `two-pieces`: half of the answer, the rest `seconds` later.
        `dropped`: the connection is closed, new ones are refused for `seconds`; the message is
        carried out all the same where `lost` is false.
        `wrong-instrument`: the connection is closed, and one that identifies itself as `text`
        answers from the next connection on.
        `overload`: a lock-in's next `size` gates are clipped, its overload bit is latched.
        `quench`: the resistance of a supply's coil grows by the factor `size`; a superconducting
        magnet loses its current.
        `compliance`: a supply's voltage limit becomes `size` volts.
        `error-queue`: the instrument reports an error.
        `power-cycle`: the instrument is as after switching on, its connections are gone.
        `water`: the flow switch at a supply's magnet opens for `size` device seconds, 0: for good.
    seconds
        Of the host.
    size, text, lost, terminated
        As its kind says.
    """

    instrument: str
    at: int
    kind: str
    seconds: float = 0.0
    size: float = 0.0
    text: str = ""
    lost: bool = False
    terminated: bool = False


def fault(instrument: str, at: int, kind: str, **given: object) -> Fault:
    """A fault whose missing values are those of `KINDS`.

    Raises
    ------
    InputError
        The kind is unknown, or can't be given that.
    """
    raise_problems(InputError, "fault", problems_of({"kind": kind, **given}))
    return Fault(instrument, at, kind, **{**KINDS[kind], **given})  # type: ignore[arg-type]


def problems_of(given: Mapping[str, object]) -> list[str]:
    """What is wrong with the kind and the values of a fault, one sentence each."""
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return [f"kind = {kind!r} is unknown; known: {', '.join(KINDS)}"]
    allowed, found = KINDS[kind], []
    for key, value in given.items():
        if key in {"kind", "instrument", "at"}:
            continue
        if key not in allowed:
            may = f"it takes {', '.join(allowed)}" if allowed else "it takes no value"
            found.append(f"{key!r} is nothing that {kind} takes; {may}")
        elif isinstance(allowed[key], float):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value < 1e6:  # type: ignore[operator]
                found.append(f"{key} = {value!r} must be a number from 0 to 1e6")
        elif not isinstance(value, type(allowed[key])):
            kinds = {bool: "true or false", str: "text"}
            found.append(f"{key} = {value!r} must be {kinds[type(allowed[key])]}")
        elif isinstance(value, str) and any(ord(letter) > HIGHEST_LETTER for letter in value):
            found.append(f"{key} = {value!r} must be of bytes: no letter beyond ÿ")
    return found


def read_faults(path: str | Path) -> FaultScript:
    """The script of a JSON file: a list of `{"instrument": "sr830", "at": 12, "kind": "late"}`.

    Each fault is told as a warning of this module's log when it happens.

    Raises
    ------
    InputError
        Not readable, or with problems: all of them in one message.
    """
    where = f"fault file {path}"
    try:
        entries = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8 or no JSON
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{where}: {reason}; expected a JSON list of faults") from error
    if not isinstance(entries, list):
        raise InputError(f"{where}: expected a JSON list of faults")
    problems = [
        f"fault {number}: {problem}"
        for number, entry in enumerate(entries)
        for problem in _entry_problems(entry)
    ]
    raise_problems(InputError, where, problems)
    return FaultScript((fault(**entry) for entry in entries), tell=_say)


def _say(one: Fault) -> None:
    log.warning("fault: %s at message %d of %s", one.kind, one.at, one.instrument)


def _entry_problems(entry: object) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{str(entry)[:40]!r} is no object"]
    found = problems_of(entry)
    if not isinstance(entry.get("instrument"), str):
        found.append("instrument is missing: a key of the rig such as sr830")
    at = entry.get("at")
    if isinstance(at, bool) or not isinstance(at, int) or at < 0:
        found.append(f"at = {at!r} must be a whole number, 0 or more: which of its messages")
    return found


class FaultScript:
    """Faults of a rig, each at its message; a rig without any behaves as one without a script.

    Parameters
    ----------
    faults
        At most one a message.
    tell
        Called with each fault when it happens.
    watch
        Called with the instrument's key, each message, and what it truly answered (`""`: nothing),
        before any fault touches the answer; also for messages of a rig that has no fault.

    Raises
    ------
    InputError
        Two faults of one message.
    """

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        tell: Callable[[Fault], None] | None = None,
        watch: Callable[[str, str, str], None] | None = None,
    ) -> None:
        self.tell = tell
        self.watch = watch
        self._faults: dict[tuple[str, int], Fault] = {}
        self._lines: dict[str, Line] = {}
        twice = []
        for one in faults:
            if (one.instrument, one.at) in self._faults:
                twice.append(f"{one.instrument}: two faults at message {one.at}")
            self._faults[one.instrument, one.at] = one
        raise_problems(InputError, "faults", twice)

    def check(self, instruments: Mapping[str, VirtualInstrument]) -> None:
        """Raise `InputError` for faults that these instruments can't have, all in one message."""
        problems = []
        for one in self._faults.values():
            instrument = instruments.get(one.instrument)
            if instrument is None:
                problems.append(
                    f"{one.instrument!r} is not in the rig; it has {', '.join(instruments)}"
                )
            elif one.kind in troubles.KINDS and one.kind not in troubles.of(instrument):
                problems.append(f"{one.instrument} can't have {one.kind}")
        raise_problems(InputError, "faults", problems)

    def connect(
        self,
        instrument: VirtualInstrument,
        lock: threading.RLock,
        tap: Callable[[float, float, str, str, bytes], None] | None,
    ) -> Port:
        """A connection to the instrument, or to the one that has taken its place."""
        line = self._line(instrument.key)
        if line.impostor:
            return Port(Impostor(instrument, line.impostor), lock, tap)
        port = FaultyPort(instrument, self, lock, tap)
        line.ports = [*(one for one in line.ports if not one.closed), port]
        return port

    def refuses(self, key: str) -> bool:
        """Whether the instrument takes no connection now."""
        return time.monotonic() < self._line(key).refused_until_s

    def count(self, key: str) -> int:
        """How many messages the instrument was sent so far."""
        return self._line(key).count

    def _line(self, key: str) -> Line:
        return self._lines.setdefault(key, Line())

    def next(self, key: str) -> tuple[Line, Fault | None]:
        """The line of an instrument, and the fault of its next message; both as from now on."""
        line = self._line(key)
        found = self._faults.get((key, line.count))
        line.count += 1
        if found is not None and self.tell is not None:
            self.tell(found)
        return line, found
