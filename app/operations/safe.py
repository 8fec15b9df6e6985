"""The safe state of a rig, whatever state it is found in, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.events import Event, Note, Result
from app.operations.safely import made_safe

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
    said = made_safe(bench)
    with bench.stop.shield():
        after = {
            name: {"current_A": state.current_A, "output_on": state.output_on}
            for name, state in bench.state().items()
        }
    for sentence in said:
        yield Note(sentence)
    yield Result({"status": "done", "found": said, "magnets": after})
