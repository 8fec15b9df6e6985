"""The twins of a recording for a twin in a process of their own: the window never imports torch.

The rig stays with the caller. A round's fit reads the rounds from disk and leaves scores in
`adaptive.json` and the members beside it, as in the caller's own process.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.operations.adaptive_rounds import Rounds
from app.operations.child import in_child

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.operations.adaptive_rounds import ForTwin, Round
    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Stop
    from models.sequence import FieldSequence

    Array = NDArray[np.float64]
    Events = Generator[Event, None, Path]

HERE = "app.operations.adaptive_child"
SENT_DRIVES = "app.operations.sent_drives.windows_sent"


def record_for_twin(bench: Bench, out: Path, asked: ForTwin | None, **options: Any) -> Events:
    """`app.operations.record_for_twin` with its twins in a child process; arguments as there.

    It is looked up by name, as a child's operation is: what it names may load torch, and here
    nothing does.
    """
    module = importlib.import_module("app.operations.record_for_twin")
    events: Events = module.record_for_twin(bench, out, asked, twins=ChildTwins, **options)
    return events


class ChildTwins:
    """As `app.operations.adaptive_twins.Twins`, each call in a child process."""

    def __init__(self, rounds: Rounds, stop: Stop) -> None:
        self._rounds, self._stop = rounds, stop

    def sent(self, devices: Sequence[int]) -> Generator[Event, None, list[Array]]:
        """Windows `(steps,)` that these devices' nodes of the asked network send.

        Raises
        ------
        StoppedError
            Stop was requested.
        InputError
            As of `app.operations.sent_drives.windows_sent`.
        """
        asked = self._rounds.asked
        kwargs = {
            "network": Path(asked.network), "steps": asked.steps, "devices": tuple(devices),
            "seed": asked.seed,
        }  # fmt: skip
        drives: list[Array] = yield from in_child(SENT_DRIVES, kwargs, self._asked)
        return drives

    def scored(self, one: Round) -> Iterator[Event]:
        """Fit all members on every round so far; the best one's scores are kept with `one`.

        Raises
        ------
        StoppedError
            Stop was requested; the members are as they were.
        TwinrigError
            A fit diverged, the disk refuses, or the child died.
        """
        index = self._rounds.rounds.index(one)
        kwargs = {"out": self._rounds.out, "index": index}
        one.scores = yield from in_child(f"{HERE}.scored", kwargs, self._asked)

    def drawn(
        self, candidates: Sequence[FieldSequence], count: int, turn: int
    ) -> tuple[list[FieldSequence], str]:
        """Draw so many candidates where the members disagree, or at random, and say how far."""
        kwargs = {
            "out": self._rounds.out, "candidates": list(candidates), "count": count, "turn": turn,
        }  # fmt: skip
        events = in_child(f"{HERE}.drawn", kwargs, self._asked)
        while True:
            try:
                next(events)
            except StopIteration as end:
                chosen: tuple[list[FieldSequence], str] = end.value
                return chosen

    def _asked(self) -> bool:
        return bool(self._stop.requested)


def scored(out: Path, index: int) -> Generator[Event, None, dict[str, Any]]:
    """In the child: fit and score a round; returns its scores."""
    twins, rounds = _twins(out)
    yield from twins.scored(rounds.rounds[index])
    return rounds.rounds[index].scores


def drawn(
    out: Path, candidates: list[FieldSequence], count: int, turn: int
) -> Generator[Event, None, tuple[list[FieldSequence], str]]:
    """In the child: draw among candidates with the members as they are on disk."""
    twins, _ = _twins(out)
    yield from ()
    chosen: tuple[list[FieldSequence], str] = twins.drawn(candidates, count, turn)
    return chosen


def _twins(out: Path) -> tuple[Any, Rounds]:
    twins = importlib.import_module("app.operations.adaptive_twins").Twins
    from instruments.clock import Stop

    rounds = Rounds.load(Path(out))
    return twins(rounds, Stop()), rounds
