"""The safe state of a rig, whatever state it is found in, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.events import Event, Note, Result

if TYPE_CHECKING:
    from collections.abc import Generator

    from instruments.bench import Bench


def safe(bench: Bench) -> Generator[Event, None, None]:
    """Bring every magnet of the bench to its driver's safe state; say what was found and done.

    Raises
    ------
    TwinrigError
        A supply could not be brought there: the message says what to do by hand.
    """
    sentences = bench.make_safe()
    for sentence in sentences:
        yield Note(sentence)
    after = {
        name: {"current_A": state.current_A, "output_on": state.output_on}
        for name, state in bench.state().items()
    }
    yield Result({"status": "done", "found": list(sentences), "magnets": after})
