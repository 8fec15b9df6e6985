"""What a run on the bench waits for, in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.operations.events import Held, NodeStarted, Paused, RepeatStarted, Resumed, StepHeld
from app.words import duration

if TYPE_CHECKING:
    from app.operations.events import Event


@dataclass
class LiveWait:
    """Why the run waits, as the last event of that kind says; empty: it doesn't.

    `at_zero`: it does so at zero current; else at the set-point of a step. `reason`: what is out of
    its band; empty where nothing is, and in a pause.
    """

    words: str = ""
    at_zero: bool = True
    reason: str = ""

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of waiting are left alone."""
        if isinstance(event, Paused):
            self.at_zero, self.reason = True, ""
            self.words = f"paused at zero field for {duration(event.seconds)}"
        elif isinstance(event, Held):
            self.at_zero, self.reason = True, "; ".join(event.out)
            why = self.reason or "back in its band"
            self.words = f"held at zero field for {duration(event.seconds)}: {why}"
        elif isinstance(event, StepHeld):
            self.at_zero, self.reason = False, event.out
            waits = f"step {event.step} held for {duration(event.seconds)}: {event.out}"
            self.words = waits if event.out else ""
        elif isinstance(event, (Resumed, RepeatStarted, NodeStarted)):
            self.words = self.reason = ""
