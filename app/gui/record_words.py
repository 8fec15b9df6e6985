"""What the Record page says of a plan, a run and its end, in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.gui.words import count
from app.operations.events import Note, RepeatStarted, Stage
from app.operations.learning_events import FitProgress

if TYPE_CHECKING:
    from app.gui.job import Outcome
    from app.gui.live_record import LiveRecording
    from app.gui.record_design import Plan
    from app.operations.events import Event

GOES_ON = "goes on by “Go on”"


@dataclass
class Between:
    """Where a recording for a twin stands: its round, the fit after it, what that told."""

    stands: str = ""
    told: str = ""
    fits: bool = False  # between two rounds: what is told while one is recorded is of its repeats
    share: float = 0.0  # of that fit

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a round are left alone."""
        if isinstance(event, Note) and event.level == "info" and self.fits:
            self.told = event.text
        elif isinstance(event, Stage):
            self.stands, self.fits = event.name, event.name.startswith("fit")
            self.share = 0.0
        elif isinstance(event, FitProgress):
            self.share = event.iteration / max(1, event.total)
            self.stands = f"fitting twins, iteration {event.iteration} of {event.total}"
        elif isinstance(event, RepeatStarted):
            self.stands = ""

    @property
    def words(self) -> str:
        """For the line below the heading."""
        return " · ".join(part for part in (self.stands, self.told) if part)


def preview_words(plan: Plan, shown: int) -> str:
    """What a plan applies, and how much of the drive's range and of step pairs it covers."""
    c = plan.coverage
    if c is None:
        return ""
    part = f" (the first {len(plan.sequences)})" if len(plan.sequences) < plan.of else ""
    return (
        f"sequence {shown + 1} of {plan.of} as it will be applied · steps cover "
        f"{100 * c.drive_share:.0f} % of the range, {100 * c.pair_share:.0f} % of step pairs{part} "
        f"· same drive up to {count(c.hold, 'step')}"
    )


def running_words(live: LiveRecording, shown: int, *before: str) -> str:
    """How far a run is; `before`: why it waits, what is done between rounds."""
    sequences = live.plan.sequences if live.plan is not None else 0
    drift = f"reference {live.drifted:+.1f} σ" if np.isfinite(live.drifted) else ""
    parts = [
        *before,
        drift,
        f"repeat {min(live.done + 1, live.total)} of {live.total}",
        _bad(live),
        f"sequence {live.sequence + 1} of {sequences} running",
        f"showing sequence {shown + 1}" if sequences > 1 else "",
    ]
    return " · ".join(part for part in parts if part)


def ended_words(live: LiveRecording, outcome: Outcome | None = None) -> str:
    """What was kept, and where it did not come to its end why, and how it goes on."""
    values = outcome.result.values if outcome is not None and outcome.result else {}
    fitted = values.get("measurements")  # of a recording for a twin: `live` has its last round
    kept = f"{live.done} of {count(live.total, 'repeat')} kept" if live.total else ""
    if fitted is not None:
        scoring = values.get("scoring_measurements", 0)
        kept = f"{count(fitted, 'repeat')} to fit on, {scoring} that score"
    parts = [kept or "nothing recorded", _bad(live)]
    if outcome is not None and outcome.status != "done":
        error = str(outcome.error).splitlines()[0] if outcome.error is not None else ""
        goes_on = live.done < live.total or fitted is not None
        parts += [GOES_ON if goes_on else "", str(values.get("reason", "")), error]
    return " · ".join(part for part in parts if part)


def _bad(live: LiveRecording) -> str:
    return f"{len(live.bad)} marked bad" if live.bad else ""
