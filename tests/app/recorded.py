"""Recording on the built-in virtual rig, in process, for the tests of what runs there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.record import record
from instruments.link_errors import LinkError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event
    from instruments.bench import Bench

SEQUENCES = [FieldSequence(np.array([0.0, 0.5, 1.0]), "given"), FieldSequence(np.array([0.2, 0.9]))]


class Flaky:
    """A read-out whose `faulty` readings (counted from 1) raise, and which reports overloads."""

    def __init__(
        self, real: Any, faulty: tuple[int, ...] = (), fault: Exception | None = None
    ) -> None:
        self._real, self._faulty, self._fault = real, faulty, fault
        self.count = 0
        self.overloads: list[tuple[str, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def read(self) -> Any:
        self.count += 1
        if self.count in self._faulty and self._fault is not None:
            raise self._fault
        return self._real.read()

    def faults(self) -> tuple[str, ...]:
        return self.overloads.pop(0) if self.overloads else ()


def made_flaky(bench: Bench, *faulty: int, fault: Exception | None = None) -> Flaky:
    """The bench's read-out, now flaky."""
    name, real = next(iter(bench.readouts.items()))
    flaky = Flaky(real, faulty, fault)
    bench.readouts[name] = flaky  # type: ignore[assignment]
    bench._readers = [flaky]  # type: ignore[list-item]
    return flaky


def no_reply() -> LinkError:
    """A time-out as the session words it."""
    return LinkError("lockin", "no reply within 3 s", resource="GPIB0::8", hint="Is it on?")


def is_safe(bench: Bench) -> bool:
    """Output off, no current set."""
    state = bench.state()["x"]
    return not state.output_on and abs(state.setpoint_A) < 1e-6


def run(bench: Bench, out: Path, **options: Any) -> list[Event]:
    """Record SEQUENCES twice, to the end."""
    return list(record(bench, SEQUENCES, 2, out, **options))


def after(events: Iterator[Event], kind: type[Event], count: int) -> None:
    """Pull events until `count` of a kind have come."""
    for event in events:
        count -= isinstance(event, kind)
        if count == 0:
            return


def iter_into(events: Iterator[Event], into: list[Event]) -> Iterator[Event]:
    """Collect events also when they end with an exception."""
    for event in events:
        into.append(event)
    return iter(())
