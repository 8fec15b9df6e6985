"""A bench for one command: read, connected, stoppable, its wire logged, safe at the end."""

from __future__ import annotations

import dataclasses
import sys
import zlib
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from app.operations.safely import Voice, made_safe, voice_of
from instruments.clock import Pause, Stop
from instruments.handed_over import HandedOver
from instruments.limits import UnsafeError
from models.errors import RefusedError
from models.paths import file_at

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from instruments.wirelog import WireTap


ALREADY_SAFE = "already safe"  # in the words of `LimitedMagnet.make_safe`


class Run:
    """One command while it runs: its requests to stop and to pause, and where sentences go.

    `asked` counts the user's requests; `holds_bench`: there is a rig to be made safe;
    `keeps_nothing`: there is nothing that a stop at any place could leave half done.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.stop = Stop()
        self.pause = Pause()
        self.asked = 0
        self.holds_bench = False
        self.keeps_nothing = False
        self.say = say

    @contextmanager
    def connected(
        self,
        arguments: argparse.Namespace,
        *,
        leave_as_found: bool = False,
        spec: BenchSpec | None = None,
    ) -> Iterator[Bench]:
        """The bench that the arguments name; at the end it is made safe and closed.

        Parameters
        ----------
        leave_as_found
            Close only: for commands that change nothing.
        spec
            None: the bench of the arguments, whole.
        """
        from instruments.bench import Bench

        self.holds_bench = not leave_as_found
        spec = spec or bench_of(arguments)
        with ExitStack() as stack:
            tap = stack.enter_context(wire_tap(arguments.wire_log, verbose=arguments.verbose))
            bench = Bench.connect(spec, stop=self.stop, wire_log=tap)
            bench.tell, bench.note = Voice(self.say), self.say
            if leave_as_found:  # a run says and keeps them itself
                for words in bench.remarks:
                    self.say(words)
            stack.callback(bench.close)
            if not leave_as_found:
                stack.callback(self._end_safe, bench)
            yield bench

    @contextmanager
    def parts(
        self, arguments: argparse.Namespace
    ) -> Iterator[tuple[BenchSpec, Callable[[BenchSpec], AbstractContextManager[Bench]]]]:
        """The bench that the arguments name, and what connects a part of it to be made safe.

        Such a part is deaf to this run's Stop, and a limit beyond a supply's rating refuses
        nothing: neither may keep a magnet from its safe state.
        """
        from instruments.bench import Bench

        self.holds_bench = True
        spec = bench_of(arguments)
        with wire_tap(arguments.wire_log, verbose=arguments.verbose) as tap:

            @contextmanager
            def connected(part: BenchSpec) -> Iterator[Bench]:
                bench = Bench.connect(part, wire_log=tap, beyond_rating=True)
                try:
                    bench.tell, bench.note = Voice(self.say), self.say
                    for words in bench.remarks:
                        self.say(words)
                    yield bench
                finally:
                    bench.close()

            yield spec, connected

    def _end_safe(self, bench: Bench) -> None:
        """The safe state at the end, and once more where the user asked again meanwhile.

        The operation has brought the rig there already: only what is still done here is said. What
        the operation has just given up is left to the watchdog, unless the user asked again.

        Raises
        ------
        UnsafeError
            A supply could not be made safe.
        """
        if (given_up := voice_of(bench).unsafe) and self.asked < 2:
            raise UnsafeError(given_up)
        said = made_safe(bench)
        if self.asked > 1 and not given_up:
            said += made_safe(bench)
        for words in said:
            if ALREADY_SAFE not in words:
                self.say(words)


def bench_of(arguments: argparse.Namespace) -> BenchSpec:
    """The bench file of `--bench` with `--accelerate` applied, and noise of its own.

    A virtual rig of this process begins with every command. It is the same sample each time, but
    must not live the same noise again: not from a recording to a deployment or to one of other
    sequences, nor when a run goes on, nor from one `--seed` to another. The same command draws the
    same.

    Raises
    ------
    RefusedError
        `--accelerate` for a bench of real instruments.
    """
    from instruments.bench_file import read_bench

    spec = read_bench(arguments.bench)
    if spec.virtual is not None and spec.virtual.device is not None:  # not served elsewhere
        noise = dataclasses.replace(
            spec.virtual, seed=_noise_seed(spec, arguments), asked_seed=arguments.seed
        )
        spec = dataclasses.replace(spec, virtual=noise)
    if arguments.accelerate is None:
        return spec
    if spec.virtual is None:
        raise RefusedError(
            f"--accelerate {arguments.accelerate:g}: {arguments.bench} is a real bench, whose time "
            "cannot be shortened; leave the option out"
        )
    virtual = dataclasses.replace(spec.virtual, accelerate=arguments.accelerate)
    return dataclasses.replace(spec, virtual=virtual)


def _noise_seed(spec: BenchSpec, arguments: argparse.Namespace) -> int:
    """Of a virtual rig's noise in one command; the bench file's own seed is in it.

    A run that goes on a second time has measured more by then, and draws another.
    """
    folder = getattr(arguments, "resume", None)
    begun = "begun" if folder is None else f"resumed at {_bytes_in(folder)}"
    own = 0 if spec.virtual is None else spec.virtual.seed
    played = (getattr(arguments, name, None) for name in ("sequences", "network"))
    words = (own, spec.name, arguments.verb, begun, arguments.seed, *played)
    return zlib.crc32(" ".join(map(str, words)).encode())


def _bytes_in(folder: Path) -> int:
    """What a run has kept so far."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file_at(file))


@contextmanager
def wire_tap(path: Path | None, *, verbose: bool) -> Iterator[WireTap | None]:
    """What sees every byte: a file, standard error, both, or None for neither."""
    from instruments.wirelog import WireLog

    log, aside = None if path is None else WireLog(path), HandedOver("wire shown")

    def show(host_s: float, device_s: float | None, name: str, direction: str, data: bytes) -> None:
        aside(lambda: _show_wire(device_s, name, direction, data))

    taps: list[WireTap] = [*([log] if log else []), *([show] if verbose else [])]

    def tap(host_s: float, device_s: float | None, name: str, direction: str, data: bytes) -> None:
        for one in taps:
            one(host_s, device_s, name, direction, data)

    try:
        yield tap if taps else None
    finally:
        aside.finish()
        if log is not None:
            log.close()


def _show_wire(device_s: float | None, name: str, direction: str, data: bytes) -> None:
    arrow = "→" if direction == "out" else "←"
    stamp = "" if device_s is None else f"{device_s:.4f} s "
    with suppress(OSError, ValueError):  # a terminal that is gone
        sys.stderr.write(f"{stamp}{name} {arrow} {data!r}\n")
