"""A Stop that a run can't follow, since its disk does not answer: the rig is made safe beside it.

A run writes each repeat as it comes, and while a share is away such a call does not return: the
way out, which the same thread goes, would begin when the share is back. Measured on a file system
that hung amid a recording: no byte went to the supply for as long as it did.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from app.operations.safely import made_safe, voice_of

if TYPE_CHECKING:
    from instruments.bench import Bench

OWN_WAY_S = 2.0  # after a Stop; no read or wait of a run is longer than 0.5 s
LOOK_S = 0.25
WORDS = (
    "the run has not followed Stop for 2 s: does its disk answer, is its output read? The rig is "
    "brought to its safe state beside it"
)


class Beside:
    """A thread beside a run, which makes the rig safe where a Stop is not followed.

    It does nothing where no magnet carries current. A run that goes on later finds the rig safe.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench, self._leaves = bench, threading.Event()
        self._thread = threading.Thread(target=self._look, name="beside the run", daemon=True)

    def begin(self) -> None:
        """From now on it looks."""
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
            if self._bench.stop.requested and not self._leaves.wait(OWN_WAY_S):
                self._make_safe()

    def _make_safe(self) -> None:
        if not self._bench.carries_current:
            return
        voice = voice_of(self._bench)
        voice.say(WORDS)
        with suppress(Exception):  # its voice has told it, and the run's own way out tries again
            for words in made_safe(self._bench):
                voice.say(words)
