"""What a run on the bench waits for, in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.operations.events import Held, NodeStarted, Paused, RepeatStarted, Resumed
from app.words import duration

if TYPE_CHECKING:
    from app.operations.events import Event


@dataclass
class LiveWait:
    """Why the run waits at zero current, as the last event of that kind says; empty: it doesn't."""

    words: str = ""

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of waiting are left alone."""
        if isinstance(event, Paused):
            self.words = f"paused at zero field for {duration(event.seconds)}"
        elif isinstance(event, Held):
            why = "; ".join(event.out) or "back in its band"
            self.words = f"held at zero field for {duration(event.seconds)}: {why}"
        elif isinstance(event, (Resumed, RepeatStarted, NodeStarted)):
            self.words = ""
