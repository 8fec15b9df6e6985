"""The way to the safe state as people see it: what was found, a sentence each second, the outcome.

`instruments.limits` does the work and never gives up early; this is its voice. A voice never
raises: how a sentence fails (a terminal that is gone, a window that is deleted) must not end a
ramp-down.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from instruments.limits import UnsafeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from instruments.bench import Bench
    from instruments.protocols import MagnetState

EACH_S = 1.0
SELDOM_S = 10  # a long ramp-down that goes well needs no sentence each second

log = logging.getLogger(__name__)
_told: WeakKeyDictionary[Bench, dict[str, MagnetState]] = WeakKeyDictionary()


class Voice:
    """Where sentences on the way to safety go.

    Parameters
    ----------
    calm
        Takes those of a way that goes well.
    alarm
        Takes those of a supply that can't be reached; None: `calm` does.

    Attributes
    ----------
    troubles
        How many alarms there were.
    trouble
        The last of them.
    unsafe
        Why the last way to safety was given up, with what to do by hand; empty where it was not.
    """

    def __init__(
        self, calm: Callable[[str], object], alarm: Callable[[str], object] | None = None
    ) -> None:
        self._calm = calm
        self._alarm = alarm or calm
        self._alarmed_s = -math.inf
        self.troubles = 0
        self.trouble = ""
        self.unsafe = ""

    def __call__(self, words: str) -> None:
        """Say that a supply can't be reached; the bench calls this."""
        self.troubles += 1
        self.trouble = words
        self._alarmed_s = time.monotonic()
        with suppress(Exception):
            self._alarm(words)

    def say(self, words: str) -> None:
        """Say how it goes."""
        with suppress(Exception):
            self._calm(words)

    def still(self, seconds: float, *, troubled: bool, where: str = "") -> None:
        """Say that it still takes; each second while there is trouble or it is young.

        `where` the magnets are on their way.
        """
        if troubled:
            if time.monotonic() - self._alarmed_s > EACH_S:  # the next try takes its time
                with suppress(Exception):
                    self._alarm(f"not safe after {seconds:.0f} s; {self.trouble}")
        elif seconds <= SELDOM_S or round(seconds) % SELDOM_S == 0:
            self.say(f"bringing the rig to its safe state, {seconds:.0f} s so far{where}")


def voice_of(bench: Bench) -> Voice:
    """The bench's voice; one around its plain `tell` where no front end has given it one."""
    if not isinstance(bench.tell, Voice):
        bench.tell = Voice(log.info, bench.tell)
    return bench.tell


def made_safe(bench: Bench) -> list[str]:
    """`bench.make_safe()` with a sentence each second; what was found and done, in words.

    Raises
    ------
    UnsafeError
        A supply could not be made safe: the message says what to do by hand.
    """
    voice = voice_of(bench)
    troubles, begin_s = voice.troubles, time.monotonic()
    with _speaking(voice, bench):
        try:
            said = bench.make_safe()
        except UnsafeError as error:
            voice.unsafe = str(error)
            raise
    voice.unsafe = ""
    if voice.troubles > troubles:
        seconds = time.monotonic() - begin_s
        said = [*said, f"That took {seconds:.0f} s and several tries, before: {voice.trouble}"]
    return said


def named(bench: Bench, words: str, every: Collection[Bench]) -> str:
    """What is said of a bench, behind its name where there are others."""
    return f"{bench.spec.name}: {words}" if len(every) > 1 else words


def each_made_safe(benches: Iterable[Bench], after: Callable[[Bench], object]) -> list[str]:
    """`made_safe` of every bench, `after` each that is; what was found and done, in words.

    Of several each sentence names its bench: their magnets may have one name.

    Raises
    ------
    UnsafeError
        Of those that are not, once all have been tried.
    """
    every, said, problems = list(benches), list[str](), list[str]()
    for bench in every:
        try:
            said += [named(bench, words, every) for words in made_safe(bench)]
        except UnsafeError as error:
            problems.append(named(bench, str(error), every))
        else:
            after(bench)
    if problems:
        raise UnsafeError("\n".join(problems))
    return said


@contextmanager
def _speaking(voice: Voice, bench: Bench) -> Iterator[None]:
    """A thread that says each second that it still takes."""
    over, begin_s, troubles = threading.Event(), time.monotonic(), voice.troubles

    def speak() -> None:
        while not over.wait(EACH_S):
            seconds = time.monotonic() - begin_s
            voice.still(seconds, troubled=voice.troubles > troubles, where=_on_the_way(bench))

    thread = threading.Thread(target=speak, name="voice", daemon=True)
    with suppress(RuntimeError):  # no thread can start any more while the interpreter ends
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()


def _on_the_way(bench: Bench) -> str:
    """Where each magnet that isn't there yet was last set or seen, in words."""
    known = {name: magnet.passing_A for name, magnet in bench.magnets.items()}
    return "".join(f", {name} at {amps:.3g} A" for name, amps in known.items() if amps)


def found_words(bench: Bench, name: str, state: MagnetState) -> str:
    """How a supply was found, where that isn't how a run leaves one; empty where it is."""
    magnet = bench.magnets[name].magnet
    noise_A = magnet.read_back_error_A(0.0)
    flows = max(abs(state.setpoint_A), abs(state.current_A)) > noise_A
    switched_on = state.output_on and getattr(magnet, "has_output", True)
    unusual = switched_on or flows or state.errors or state.faults
    return f"{name}: found {state.words()}" if unusual else ""


def found_at_energise(bench: Bench, before: dict[str, MagnetState]) -> list[str]:
    """What energising found that a run doesn't leave, each told once.

    Parameters
    ----------
    bench
        Just energised.
    before
        Its `found` from before that: reading the state empties a supply's error queue, so that
        what was queued at connecting is in there.
    """
    told = _told.setdefault(bench, {})
    words = []
    for name, now in bench.found.items():
        first = before.get(name)
        if told.get(name) is now:
            continue
        queued = () if first is None or first in (now, told.get(name)) else first.errors
        errors = tuple(dict.fromkeys((*queued, *now.errors)))
        words.append(found_words(bench, name, replace(now, errors=errors)))
        told[name] = now
    return [each for each in words if each]
