"""A front end has one bench; an operation of several devices has the others for as long as it runs.

They are connected in the operation's own thread, stopped by the same request, and made safe and
closed when it ends, however it ends. Decision: one that could not be made safe stays connected with
the front end, which goes on trying as it does with its own; a bench that was closed could only be
left to its watchdog, and nobody would say in red that current flows.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from app.device_benches import namesakes
from app.operations.events import Note
from app.operations.safely import Voice, made_safe, voice_of
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from app.device_benches import Benches
    from app.operations.events import Event
    from instruments.bench_spec import BenchSpec
    from instruments.wirelog import WireTap


def with_further(
    bench: Bench,
    further: Sequence[str],
    operation: Callable[[Benches], Iterator[Event]],
    wire_log: WireTap | None = None,
    kept: list[Bench] | None = None,
) -> Generator[Event, None, None]:
    """Events of an operation on a bench and on others that are connected for it.

    Parameters
    ----------
    bench, further, wire_log, kept
        As of `all_benches`.
    operation
        Given the bench, or of several all of them, the first one first.

    Raises
    ------
    InputError, TwinrigError
        As `all_benches`, or what the operation raises.
    """
    with all_benches(bench, further, wire_log, kept) as benches:
        for other in benches[1:]:
            yield Note(f"{other.spec.name}: connected for this run")
        yield from operation(benches if further else bench)


@contextmanager
def all_benches(
    bench: Bench,
    further: Sequence[str],
    wire_log: WireTap | None = None,
    kept: list[Bench] | None = None,
) -> Iterator[list[Bench]]:
    """A bench and others that are connected as long as this is entered.

    Parameters
    ----------
    bench
        Connected; it stays so.
    further
        Bench files, or words of built-in rigs.
    wire_log
        Sees what the further ones say, too.
    kept
        Where they stand while they are connected; one that can't be made safe at the end stays
        there, connected. None: it is closed, and its watchdog goes on trying.

    Raises
    ------
    InputError
        A bench file that can't be read, or two benches of one name: nothing is connected.
    TwinrigError
        A bench does not connect, or at the end could not be made safe.
    """
    specs = [read_bench(word) for word in further]
    _refuse_namesakes([bench.spec, *specs])
    connected = [] if kept is None else kept
    with ExitStack() as stack:
        benches = [bench]
        for spec in specs:
            other = Bench.connect(spec, stop=bench.stop, wire_log=wire_log)
            other.tell = _voice_beside(bench, spec.name)
            other.note = partial(_note_beside, bench, spec.name)
            connected.append(other)
            stack.callback(_end_safe, other, connected, kept)
            benches.append(other)
        yield benches


def _refuse_namesakes(specs: Sequence[BenchSpec]) -> None:
    words = [
        f"two are called {name!r}: what happens is told by their names"
        for name in namesakes([spec.name for spec in specs])
    ]
    raise_problems(InputError, "the benches", words)


def _voice_beside(bench: Bench, name: str) -> Voice:
    """A voice of its own: what one bench could not do is not undone by another's success."""
    first = voice_of(bench)
    return Voice(
        lambda words: first.say(f"{name}: {words}"), lambda words: first(f"{name}: {words}")
    )


def _note_beside(bench: Bench, name: str, words: str) -> None:
    bench.note(f"{name}: {words}")


def _end_safe(bench: Bench, connected: list[Bench], kept: list[Bench] | None) -> None:
    """The safe state once more, then closed; what was just given up is not tried again here."""
    try:
        if not voice_of(bench).unsafe:
            made_safe(bench)
    finally:
        if kept is None or not voice_of(bench).unsafe:
            if bench in connected:
                connected.remove(bench)
            bench.close()
