"""The program's end of its watchdog: started at the first energise, told `energised` and `safe`.

Nothing here waits for the watchdog. What it has to say comes in a thread of its own; where it
can't be started, or ends, people are told and the run goes on: an experimentalist who sits at the
rig wants to know, not to be kept from measuring.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instruments.lock_files import program_name
from instruments.watchdog_log import forget_reports, log_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.bench_spec import BenchSpec

log = logging.getLogger(__name__)
MODULE = "instruments.watchdog"
ROOT = Path(__file__).resolve().parents[1]
ENERGISED, SAFE = "energised", "safe"
MOST_STARTS = 3  # a watchdog that ends again and again is not started for ever
UNWATCHED = (
    "nobody would bring the magnets to zero if this program or computer died now: don't leave the "
    "rig alone"
)


class Watchdog:
    """A process that brings a bench's magnets to zero should this one die.

    Parameters
    ----------
    spec
        The bench; its text is what the process is told.
    tell
        Called, from another thread too, with what people should know.
    """

    def __init__(self, spec: BenchSpec, tell: Callable[[str], None]) -> None:
        self._spec = spec
        self._tell = tell
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._energised = 0  # how often: an old `safe` must not take back a newer `energised`
        self._word = SAFE
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Its process number; None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def energised(self) -> None:
        """Say that current may flow from now on; starts the process where there is none."""
        with self._lock:
            forget_reports(self._spec)
            if not self.still_energised():
                self._start()

    def still_energised(self) -> bool:
        """Say so again, once the magnets are on: a way to safety of before counts no more.

        False where there is no process that hears it.
        """
        with self._lock:
            self._energised += 1
            self._word = ENERGISED
            return self._say(ENERGISED)

    def moment(self) -> int:
        """What to hand to `safe`; asked for before the way to safety begins."""
        return self._energised

    def safe(self, moment: int) -> None:
        """Say that every magnet is in its safe state, unless one was energised since `moment`."""
        with self._lock:
            if moment == self._energised and self._word == ENERGISED:
                self._word = SAFE
                self._say(SAFE)

    def close(self) -> None:
        """Let go: the process ends, or goes on where `safe` was never said.

        The links must be free by now.
        """
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
            if process is not None and process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()

    def __str__(self) -> str:
        pid = self.pid
        if pid is None:
            return f"no watchdog: {UNWATCHED}"
        return (
            f"process {pid} watches: should this program die, it brings {self._magnets} to zero "
            f"within the ramp limit (log {log_path()})"
        )

    @property
    def _magnets(self) -> str:
        return " and ".join(self._spec.magnets)

    def _start(self) -> None:
        """Start the process and hand it the bench."""
        if self._starts >= MOST_STARTS:
            self._tell(f"the watchdog ended {MOST_STARTS} times; {UNWATCHED}")
            return
        self._starts += 1
        if not self._spec.text:
            self._tell(f"no watchdog: this bench was not read from a text; {UNWATCHED}")
            return
        try:
            process = _spawned()
        except OSError as error:
            self._tell(f"the watchdog could not be started ({error}); {UNWATCHED}")
            return
        self._process = process
        _open.add(self)
        name = f"watchdog {process.pid}"
        threading.Thread(target=self._listen, args=(process,), name=name, daemon=True).start()
        self._say(json.dumps(self._order()))
        self._say(self._word)

    def _order(self) -> dict[str, Any]:
        virtual = self._spec.virtual
        return {
            "text": self._spec.text,
            "source": self._spec.source,
            "accelerate": None if virtual is None else virtual.accelerate,
            "program": f"{program_name()} (process {os.getpid()})",
        }

    def _say(self, word: str) -> bool:
        """Write one line; False where nobody reads any more."""
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            process.stdin.write(word.encode() + b"\n")
        except (OSError, ValueError):
            return False
        return True

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on what the process says until it ends; where it ends too early, start another."""
        noise = "no word"
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                said = line.decode(errors="replace").strip()
                if said and not self._heard(said):
                    noise = said
        code = process.wait()
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        with self._lock:
            if self._closed or self._process is not process:
                return
            self._process = None
            if self._word == ENERGISED:
                self._pass_on(f"the watchdog ended ({code}): {noise}")
                self._start()
                if self.pid is not None:
                    self._pass_on(str(self))

    def _heard(self, line: str) -> bool:
        """Tell people what a line says; False where it is no JSON: noise of its interpreter."""
        try:
            words = str(json.loads(line)["say"])
        except (ValueError, KeyError, TypeError):
            log.info("watchdog: %s", line)
            return False
        self._pass_on(words)
        return True

    def _pass_on(self, words: str) -> None:
        try:
            self._tell(words)
        except Exception:  # a window that is gone must not end this thread: it starts the next one
            log.exception("watchdog: %s", words)

    def forget_after_fork(self) -> None:
        """In a child made by a bare `fork`: its copy of the pipe would outlive this program."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                os.close(process.stdin.fileno())


_open: weakref.WeakSet[Watchdog] = weakref.WeakSet()


def _forget_all_after_fork() -> None:
    for watchdog in list(_open):
        watchdog.forget_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all_after_fork)


def _spawned() -> subprocess.Popen[bytes]:
    """The process, detached; only its own ends of the two pipes are inherited, by it alone."""
    options: dict[str, Any] = {
        "cwd": ROOT,
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "bufsize": 0,
    }
    command = [sys.executable, "-m", MODULE]
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        out_of_job = flags | subprocess.CREATE_BREAKAWAY_FROM_JOB
        try:
            return subprocess.Popen(command, creationflags=out_of_job, **options)
        except PermissionError:  # this program's job lets nobody out: the watchdog stays inside
            return subprocess.Popen(command, creationflags=flags, **options)
    else:
        return subprocess.Popen(command, start_new_session=True, **options)
