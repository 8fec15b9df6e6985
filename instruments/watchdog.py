"""The watchdog: a process of its own that makes the rig safe when its program has died.

Context: after `kill -9`, a crash of the interpreter or an out-of-memory kill nobody is left to ramp
a magnet down, and a supply keeps the current that it was told last. Three things could bring it to
zero: a time-out of the supply itself, an interlock, or another process. Most bench supplies (the
Kepco BOP among them) have no time-out for a silent computer; an interlock cuts the output instead
of ramping it, and not every rig has one.
Decision: a second process, detached (its own session; no signal of a terminal, no SIGTERM ends
it), which `instruments.watchdog_link` starts when a bench is energised first. It is told the bench
file's text and then, each time, `energised` or `safe` through a pipe. The system closes the pipe
when the program ends, however it ends: only then, and only where the last word was `energised`, it
takes the links (the dead program's locks are free by then), reads what each supply does, walks it
to zero within the same limits by the same `make_safe` as everybody, and switches the output off. A
supply that can't be reached is tried again for `GIVE_UP_S`; between tries the link is free, so that
`twinrig safe` or the next run may come first. What it found and did is in its log, and the next
connect to that bench says it. While the bench is energised it also keeps the computer awake.
Consequence, what remains:
- A program that *hangs* or is suspended (SIGSTOP, a debugger) still holds the pipe and its links:
  the watchdog does nothing. End that program, then the watchdog acts.
- When the computer itself loses power, freezes or is reset, the watchdog is gone, too: the supply
  keeps its current. Where that must not happen, wire an interlock (the supply's own input, a mains
  contactor that drops out with the computer) or set the supply's own communication time-out where
  it has one. The same holds for `kill -9` of the watchdog *and* the program.
- A network that is down for longer than `GIVE_UP_S` ends its tries; the next connect says so.
- A virtual rig inside the program needs none: it dies with it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from instruments.watchdog_link import ENERGISED
from instruments.watchdog_log import Report, now, write_log, write_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.bench_spec import BenchSpec

GIVE_UP_S = 3600.0  # of tries without an answer; time while another program has the link is free
TRY_S = 5.0  # one try of a supply that doesn't answer; then its link is given back for a moment
PAUSE_S = 1.0  # between tries: long enough for another program to take the link
REMIND_S = 60.0  # how often the same trouble is logged again
_said: set[str] = set()
LEFT = "has left its bench energised"
PATIENCE_S = 1.0  # energised for so long: load what the way to safety needs, keep awake


@dataclass(frozen=True)
class Order:
    """What the program hands over: the bench as text, how fast its time runs, who it is."""

    text: str
    source: str
    accelerate: float | None
    program: str

    def spec(self) -> BenchSpec:
        """The bench, checked once more; `InputError` where it can't be read."""
        from instruments.bench_file import parse_bench

        spec = parse_bench(self.text, self.source)
        if spec.virtual is None or self.accelerate is None:
            return spec
        virtual = dataclasses.replace(spec.virtual, accelerate=self.accelerate)
        return dataclasses.replace(spec, virtual=virtual)


def main() -> int:
    """Watch the program at the other end of standard input until it has ended."""
    _be_deaf()
    told: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_hear, args=(_own_input(), told), daemon=True).start()
    first = told.get()
    if first is None:
        return 0
    try:
        order = Order(**json.loads(first))
    except (ValueError, TypeError):
        _say("this program is started by twinrig when it energises a bench, not by hand")
        return 2
    energised = _watch(order, told)
    _let_go_of_the_pipe()
    if energised:
        rescue(order)
    return 0


def _be_deaf() -> None:
    """Ignore what ends other programs: this one ends with its program, or when the rig is safe."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _own_input() -> TextIO:
    """What was standard input; that is empty from now on.

    On Windows a standard handle that one thread reads can't be looked at by another, as a library
    below NumPy does at its import (numpy#24290): nothing was loaded, and the computer not kept
    awake, before the program had ended.
    """
    pipe = os.fdopen(os.dup(0), encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    return pipe


def _hear(words: TextIO, told: queue.Queue[str | None]) -> None:
    """Every line that the program says, then None: their end is the program's end."""
    for line in words:
        told.put(line.strip())
    told.put(None)


def _watch(order: Order, told: queue.Queue[str | None]) -> bool:
    """Follow the program's words to its end; returns whether the rig was energised then."""
    energised, loaded = True, False
    released = threading.Event()
    while True:
        try:
            word = told.get(timeout=PATIENCE_S if energised and not loaded else None)
        except queue.Empty:
            loaded = _load(order)
            released = _stay_awake()
            continue
        if word is None:
            return energised
        energised = word == ENERGISED
        if not energised:
            released.set()
            loaded = False


def _load(order: Order) -> bool:
    """Import and read now what is needed later: a disk that goes away can't hinder it then."""
    try:
        import instruments.bench  # noqa: F401
        from instruments.visa import resource_manager

        resource_manager()  # its library, too
        spec = order.spec()
    except Exception as error:  # whatever it is, people must know while they can still act
        _say(f"the watchdog can't work with this bench: {error}")
    else:
        if not write_log(
            f"watching {', '.join(spec.magnets)} of {spec.name!r} for {order.program}"
        ):
            _say("the watchdog can't write its log; it watches all the same")
    return True


def _stay_awake() -> threading.Event:
    """Keep the computer awake until the event is set, in a thread: asking may take seconds."""
    from instruments.awake import keep_awake

    until = threading.Event()
    threading.Thread(target=keep_awake, args=(until, _say, write_log), daemon=True).start()
    return until


def _say(words: str) -> None:
    """Say something to the log and, once, to the program's people as long as there are any."""
    write_log(words)
    if words in _said:
        return
    _said.add(words)
    with suppress(OSError, ValueError):
        sys.stdout.write(json.dumps({"say": words}) + "\n")
        sys.stdout.flush()


def _let_go_of_the_pipe() -> None:
    """Standard output and error lead nowhere from now on: nobody reads them any more."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)


def rescue(order: Order, give_up_s: float = GIVE_UP_S) -> bool:
    """Make every magnet of the bench safe; True once all are.

    Each is tried by itself, so that one that can't be reached doesn't keep another energised.

    Parameters
    ----------
    order
        The bench and its dead program.
    give_up_s
        Seconds of tries without an answer after which it gives up.
    """
    ended = now()
    write_log(f"{order.program} {LEFT}")
    try:
        spec = order.spec()
    except Exception as error:  # nothing can be done without a bench; the log must say so
        write_log(f"can't read the bench: {error}")
        return False
    patients = [Patient(name, order.program, ended, spec) for name in spec.magnets]
    while pending := [patient for patient in patients if patient.state == "trying"]:
        for patient in pending:
            patient.attend(give_up_s)
        if any(patient.state == "trying" for patient in pending):
            time.sleep(PAUSE_S)
    return all(patient.state == "safe" for patient in patients)


class Patient:
    """One magnet on its way to the safe state, try after try."""

    def __init__(self, name: str, program: str, ended: str, spec: BenchSpec) -> None:
        self.name = name
        self.state = "trying"
        self._program = program
        self._ended = ended
        self._spec = spec.magnets_only(name)
        self._since_s = time.monotonic()
        self._logged: tuple[str, float] = ("", 0.0)

    def attend(self, give_up_s: float) -> None:
        """One try; its outcome goes to the log and to the magnet's report."""
        from instruments.locks import LinkInUseError

        try:
            words = _made_safe(self._spec, lambda said: self._trouble(type(self).__name__, said))
        except Exception as error:  # whatever goes wrong, the next try may succeed
            if isinstance(error.__cause__ or error, LinkInUseError):
                self._since_s = time.monotonic()  # whoever has the link can see the supply
            if time.monotonic() - self._since_s >= give_up_s:
                self._report("gave up", str(error))
            else:
                self._trouble(type(error).__name__, str(error))
        else:
            self._report("safe", "; ".join(words))

    def _trouble(self, kind: str, words: str) -> None:
        """Report what is wrong, once, and again every `REMIND_S`."""
        before, when_s = self._logged
        if kind != before or time.monotonic() - when_s >= REMIND_S:
            self._logged = (kind, time.monotonic())
            self._report("trying", words)

    def _report(self, state: str, words: str) -> None:
        self.state = state
        (magnet,) = self._spec.magnets.values()
        report = Report(
            self.name, magnet.resource, state, words, self._program, self._ended, now(), os.getpid()
        )
        write_log(str(report))
        write_report(report)


def _made_safe(spec: BenchSpec, tell: Callable[[str], None]) -> list[str]:
    """Connect, make safe, let go; raises what the bench raises."""
    from instruments.bench import Bench

    bench = Bench.connect(spec, beyond_rating=True)
    try:
        bench.tell, bench.give_up_s = tell, TRY_S
        return bench.make_safe()
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
