"""The safe state of a rig, whatever state it is found in, in words.

Decision: what keeps one magnet from being reached keeps no other energised. Each is connected and
made safe by itself; those that can't be reached are tried again for `GIVE_UP_S`, which is said, and
at the end what to do by hand.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.operations.events import Event, Note, Result
from app.operations.safely import made_safe
from instruments.connect import ConnectError
from instruments.limits import UnsafeError
from instruments.locks import LinkInUseError
from models.errors import InputError, RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from instruments.clock import Stop

GIVE_UP_S = 10.0  # of tries to reach a supply: a command line must end
TRY_AGAIN_S = 1.0
HAND = "current may be flowing"  # as `instruments.ramp_down.by_hand` says it


def safe_each(
    spec: BenchSpec, connected: Callable[[BenchSpec], AbstractContextManager[Bench]], stop: Stop
) -> Generator[Event, None, None]:
    """Bring every magnet of a bench to its driver's safe state; say what was found and done.

    Parameters
    ----------
    spec
        The bench.
    connected
        A part of it, connected for as long as its context lasts; deaf to `stop`, so that each
        magnet is tried once.
    stop
        Ends further tries of what can't be reached; so does closing the generator.

    Raises
    ------
    UnsafeError
        Some magnets are not safe, after the Result that names them and those that are, or at once
        where it was stopped.
    InputError
        An address can't be read.
    """
    lost, pending = dict[str, str](), list(spec.magnets)
    said, after = list[str](), dict[str, Any]()
    begin_s = time.monotonic()
    while True:
        news, again = list[Note](), list[str]()
        for name in pending:
            try:
                with connected(spec.magnets_only(name)) as bench:
                    news += [Note(sentence) for sentence in made_safe(bench)]
                    after |= _after(bench)
                    still = _still(bench)
                lost.pop(name, None)
                lost |= still
            except InputError:
                raise
            except TwinrigError as error:
                lost[name] = str(error)
                if _may_come_back(error):
                    news.append(Note(f"{name}: not safe yet, trying again ({error})", "warning"))
                    again.append(name)
        said += [note.text for note in news if note.level == "info"]
        try:
            yield from news
            pending = again
            if not pending or time.monotonic() - begin_s >= GIVE_UP_S:
                break
            stop.sleep(TRY_AGAIN_S)
        except (GeneratorExit, StoppedError) as stopped:
            if lost:  # whoever stops it must know what it leaves
                raise _unsafe(spec, lost) from stopped
            raise
    values = {"found": said, "magnets": after}
    if not lost:
        yield Result({"status": "done", **values})
        return
    yield Result({"status": "failed", **values, "not_safe": lost})
    raise _unsafe(spec, lost)


def _unsafe(spec: BenchSpec, lost: dict[str, str]) -> UnsafeError:
    return UnsafeError("\n".join(_by_hand(spec, name, words) for name, words in lost.items()))


def _may_come_back(error: TwinrigError) -> bool:
    """Whether a further try may reach the supply: nobody else has it, and it was not given up."""
    if isinstance(error, ConnectError):
        return not any(failure.in_use for failure in error.failures)
    return not isinstance(error, (UnsafeError, RefusedError, LinkInUseError))


def _after(bench: Bench) -> dict[str, dict[str, Any]]:
    with bench.stop.shield():
        return {
            name: {"current_A": state.current_A, "output_on": state.output_on}
            for name, state in bench.state().items()
        }


def _still(bench: Bench) -> dict[str, str]:
    """What is still measured of magnets whose way to safety is over: nobody may go near those."""
    with bench.stop.shield():
        found = {
            name: magnet.energised_words(magnet.magnet.measured_A())
            for name, magnet in bench.magnets.items()
        }
    return {
        name: f"{words}, measured after it was made safe: {HAND}, keep away from the coil"
        for name, words in found.items()
        if words
    }


def _by_hand(spec: BenchSpec, name: str, words: str) -> str:
    """What is wrong, and what to do where the words don't say so already."""
    if HAND in words:
        return words
    return (
        f"{name} ({spec.magnets[name].resource}) could not be made safe, {HAND}: end the program "
        "that has it, or switch the supply off at its front panel, after turning its current to "
        f"zero there; then `{spec.safe_command}` says what it finds. {words}"
    )
