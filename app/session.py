"""What a front end that stays open holds: a bench, a folder of artefacts, at most one job."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from app.operations.safely import each_made_safe, named, voice_of
from app.wire_tail import WireTail
from instruments.clock import Pause, Stop
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.library.library import Library
    from instruments.bench import Bench
    from instruments.bench_file import BenchSpec
    from instruments.bench_reading import BenchReading
    from instruments.checks import InstrumentCheck

T = TypeVar("T")
LONGEST_WAIT_S = 30.0  # of a check for a bench that is being connected


class Session:
    """Bench, library, and the rule that at most one job runs.

    The bench lock is held by whoever speaks to the bench: a hardware job for all of its life,
    the idle poll for one reading. `make_safe` doesn't wait for it: safety comes first, and every
    link has a lock of its own.

    Attributes
    ----------
    busy
        Title of the job that runs; empty: none does.
    at_bench
        The same where it has the bench: one that only computes leaves it to poll, test and ask.
    """

    def __init__(self, spec: BenchSpec, library: Library) -> None:
        self.spec = spec
        self.library = library
        self.bench: Bench | None = None
        self.others: list[Bench] = []  # connected for a job; afterwards those that are not safe
        self.busy = self.at_bench = ""
        self.stop = Stop()
        self.pause = Pause()
        self.wire = WireTail()
        self._lock = threading.Lock()

    def connect(self) -> Bench:
        """Connect the bench of `spec`; every instrument that fails is in one error.

        Raises
        ------
        StoppedError
            `request_stop` was called meanwhile.
        """
        from instruments.bench import Bench

        with self._lock:
            if self.bench is None:
                self.bench = Bench.connect(self.spec, stop=self.stop, wire_log=self.wire)
            return self.bench

    def poll(self) -> BenchReading | None:
        """One idle reading; None while a job has the bench or none is connected."""
        if self.bench is None or self.at_bench or not self._lock.acquire(blocking=False):
            return None
        try:
            with self.wire.idle():
                return self.bench.monitor()
        finally:
            self._lock.release()

    def passing(self) -> tuple[float, float]:
        """Field in T and current of the drive's magnet in A, as last set or seen on the way.

        Asks nobody, never waits. NaN without a bench, and before anything was set. A field that
        two magnets turn is that of both: one of them passes zero twice a turn.
        """
        bench, turns = self.bench, self.spec.rotation
        if bench is None:
            return math.nan, math.nan
        names = turns.magnets if turns else (self.spec.drive_magnet,)
        magnets = [bench.magnets[name] for name in names]
        here_A = [math.nan if (at := one.passing_A) is None else at for one in magnets]
        fields_T = [a * one.limits.tesla_per_ampere for a, one in zip(here_A, magnets, strict=True)]
        return (math.hypot(*fields_T) if turns else fields_T[0]), here_A[0]

    @property
    def carries_current(self) -> bool:
        """Whether one flows in any magnet of all benches, as last set or seen; never waits."""
        return any(bench.carries_current for bench in self._every)

    def check(self) -> list[InstrumentCheck]:
        """Ask every instrument who it is and in what state; reads only, connected or not.

        Raises
        ------
        RefusedError
            A job has the bench, or it stays busy.
        """
        from instruments.checks import check_bench, check_connected

        if self.at_bench or not self._lock.acquire(timeout=LONGEST_WAIT_S):
            raise RefusedError("the bench is busy: wait for its run, or for connecting to end")
        try:
            bench = self.bench
            if bench is None:
                return check_bench(self.spec, wire_log=self.wire)
            return check_connected(bench)
        finally:
            self._lock.release()

    def with_bench(self, task: Callable[[Bench], T]) -> T:
        """Run a short task that speaks to the bench; refused where a job has it or none is there.

        Raises
        ------
        RefusedError
            No bench is connected, or it stays busy.
        """
        if self.bench is None or not self._lock.acquire(timeout=5.0):
            raise RefusedError(
                "the bench is not connected, or busy: wait for its run, or reconnect"
            )
        try:
            return task(self.bench)
        finally:
            self._lock.release()

    @contextmanager
    def job(self, name: str, *, hardware: bool) -> Iterator[None]:
        """The one job: refused while another runs; a hardware job holds the bench lock.

        Raises
        ------
        RefusedError
            Another job runs, a hardware job has no bench, or the library's folder has vanished.
        """
        if self.busy:
            raise RefusedError(f"{self.busy} runs already: stop it, or wait for its end")
        if hardware and self.bench is None:
            raise RefusedError(f"{name}: no bench is connected; reconnect it on the Bench page")
        with self._lock if hardware else nullcontext():
            self.busy, self.at_bench = name, name if hardware else ""
            try:
                self.library.there()  # here, in the job's thread: it may wait
                yield
            finally:
                self.busy = self.at_bench = ""

    def request_stop(self) -> None:
        """Ask everything that waits on the bench to end."""
        self.stop.request()

    def clear_stop(self) -> None:
        """Forget earlier requests to stop or to pause, before the next job."""
        self.stop.clear()
        self.pause.clear()

    def make_safe(self) -> list[str]:
        """Bring the bench to its safe state; sentences of what was found and done.

        So are others that a job has connected; one that it left behind is closed when it is safe.

        Raises UnsafeError on every bench that was not made safe, once all have been tried.
        """
        return each_made_safe(self._every, self._is_safe)

    @property
    def unsafe(self) -> str:
        """Why the last way to safety was given up, with what to do by hand; empty: it was not."""
        every = self._every
        told = [(bench, voice_of(bench).unsafe) for bench in every]
        return "\n".join(named(bench, words, every) for bench, words in told if words)

    def close(self) -> None:
        """Make safe and disconnect; the bench is gone afterwards.

        Raises
        ------
        UnsafeError
            A supply could not be made safe: the bench stays, to try again or to `drop`.
        """
        self.make_safe()
        self.drop()

    def drop(self) -> None:
        """Disconnect as things are; for a bench that can't be reached any more."""
        every, self.bench, self.others = self._every, None, []
        for bench in every:
            bench.close()

    @property
    def _every(self) -> list[Bench]:
        """All that are connected."""
        return [*self.others, *([] if (own := self.bench) is None else [own])]

    def _is_safe(self, bench: Bench) -> None:
        """Close what a job has left behind."""
        if bench in self.others and not self.busy:
            self.others.remove(bench)
            bench.close()
