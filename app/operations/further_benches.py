"""A front end has one bench; an operation of several devices has the others for as long as it runs.

They are connected in the operation's own thread, stopped by the same request, and made safe and
closed when it ends, however it ends.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from app.operations.events import Note
from app.operations.safely import Voice, made_safe, voice_of
from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from app.device_benches import Benches
    from app.operations.events import Event
    from instruments.wirelog import WireTap


def with_further(
    bench: Bench,
    further: Sequence[str],
    operation: Callable[[Benches], Iterator[Event]],
    wire_log: WireTap | None = None,
) -> Generator[Event, None, None]:
    """Events of an operation on a bench and on others that are connected for it.

    Parameters
    ----------
    bench
        Connected; it stays so.
    further
        Bench files, or words of built-in rigs.
    operation
        Given the bench, or of several all of them, the first one first.
    wire_log
        Sees what the further ones say, too.

    Raises
    ------
    InputError
        A bench file that can't be read: nothing is connected.
    TwinrigError
        A bench does not connect, or what the operation raises.
    """
    specs = [read_bench(word) for word in further]
    with ExitStack() as stack:
        benches = [bench]
        for spec in specs:
            other = Bench.connect(spec, stop=bench.stop, wire_log=wire_log)
            stack.callback(other.close)
            stack.callback(_end_safe, other)
            voice = voice_of(bench)
            # a voice of its own: what one bench could not do is not undone by another's success
            other.tell = Voice(voice.say, voice)
            other.note = other.tell.say
            benches.append(other)
            yield Note(f"{spec.name}: connected for this run")
        yield from operation(benches if further else bench)


def _end_safe(bench: Bench) -> None:
    """The safe state once more; what was just given up is left to the bench's watchdog."""
    if not voice_of(bench).unsafe:
        made_safe(bench)
