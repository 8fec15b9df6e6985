"""A run whose disk does not answer: it is told, and a Stop makes the rig safe beside it.

A run writes each repeat as it comes, and while a share is away such a call does not return: the
way out, which the same thread goes, would begin when the share is back. Measured on a file system
that hung amid a recording: no byte went to the supply for as long as it did.

Decision: without a Stop the magnet keeps its current, and that is said and kept with the data. A
share is away for a minute, and whoever records all night wants it gone on with.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from app.disk import STANDARD_OUTPUT, held_up, waited
from app.operations.safely import made_safe, voice_of

if TYPE_CHECKING:
    from instruments.bench import Bench

OWN_WAY_S = 2.0  # after a Stop; no read or wait of a run is longer than 0.5 s
LOOK_S = 0.25
HELD_UP_S = 5.0  # a run that waits longer for a disk or a reader is held up, and that is said
SLOW_S = 20.0  # … as is one that waits as long in many short waits within so many s
WORDS = (
    "the run has not followed Stop for 2 s: does its disk answer, is its output read? The rig is "
    "brought to its safe state beside it"
)
HELD = (
    "the run has waited for {what} for {seconds:.0f} s ({why}): the magnet keeps its current until "
    "it goes on; Stop brings it to zero"
)
SLOW = (
    "within {within:.0f} s the run has waited {seconds:.0f} s for {what} ({why}): steps stand at "
    "their field meanwhile"
)
WAS_HELD = "the run waited {seconds:.0f} s for {what}"


class Beside:
    """A thread beside a run, which makes the rig safe where a Stop is not followed.

    It does nothing where no magnet carries current. A run that goes on later finds the rig safe.

    Attributes
    ----------
    waited
        What held the run up, in words, for each time that was told.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench, self._leaves = bench, threading.Event()
        self._thread = threading.Thread(target=self._look, name="beside the run", daemon=True)
        self._run = 0
        self._held: tuple[str, float] | None = None
        self._short: deque[tuple[float, float]] = deque()  # when, and s of waits since the last
        self._seen_s, self._is_slow = 0.0, False
        self.waited: list[str] = []

    def begin(self) -> None:
        """From now on it looks at the run, which is the thread that calls this."""
        self._run = threading.get_ident()
        self._seen_s = waited(self._run)[1]
        self._thread.start()

    def leave(self) -> None:
        """The run goes its own way out now: nothing is begun beside it any more."""
        self._leaves.set()

    def end(self) -> None:
        """Wait for what is being done beside the run; behind the run's own way out."""
        self._leaves.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._leaves.wait(LOOK_S):
            self._follow(held_up(self._run))
            self._add_up()
            if self._bench.stop.requested and not self._leaves.wait(OWN_WAY_S):
                self._make_safe()
        self._follow(None)

    def _follow(self, held: tuple[str, float] | None) -> None:
        """Say that the run is held up while a current flows, and when it goes on."""
        if held is not None and held[1] >= HELD_UP_S:
            if self._held is None:
                if not self._bench.carries_current:
                    return
                self._say(HELD, held)
            self._held = held
        elif self._held is not None:
            self.waited.append(self._say(WAS_HELD, self._held))
            self._held = None
            self._seen_s = waited(self._run)[1]  # that wait was told

    def _add_up(self) -> None:
        """Say once that many short waits hold the run up while a current flows."""
        now_s, (what, in_all_s) = time.monotonic(), waited(self._run)
        if self._bench.carries_current:
            self._short.append((now_s, in_all_s - self._seen_s))
        self._seen_s = in_all_s
        while self._short and now_s - self._short[0][0] > SLOW_S:
            self._short.popleft()
        seconds = sum(waits_s for _, waits_s in self._short)
        if seconds >= HELD_UP_S and not self._is_slow:
            self._is_slow = True
            self.waited.append(self._say(SLOW, (what, seconds)))

    def _say(self, words: str, held: tuple[str, float]) -> str:
        what, seconds = held
        why = (
            "does whoever reads it keep up?" if what == STANDARD_OUTPUT else "does its disk answer?"
        )
        said = words.format(what=what, seconds=seconds, why=why, within=SLOW_S)
        with suppress(Exception):  # whoever is told: nobody may end this thread
            self._bench.note(said)
        return said

    def _make_safe(self) -> None:
        if not self._bench.carries_current:
            return
        voice = voice_of(self._bench)
        voice.say(WORDS)
        with suppress(Exception):  # its voice has told it, and the run's own way out tries again
            for words in made_safe(self._bench):
                voice.say(words)
