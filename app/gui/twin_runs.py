"""What runs on the Twin page, or ran last: a fit, a comparison or a curve, and its words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.gui.live_compare import LiveComparison, LiveCurve
from app.gui.live_fit import LiveFit
from app.gui.twin_asks import BESIDE, CURVE, FIT, KEEP_NOTHING, OBJECTIVES, SCORE, Ask, ScoreAsk
from app.operations.events import Note
from app.words import duration, left_words
from models.paths import file_at

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event

KEPT = {BESIDE: "Stop ends it", SCORE: "Stop ends it", CURVE: "Stop keeps every point"}
DONE = {BESIDE: "Twins compared", OBJECTIVES: "Objectives compared"}  # where the title says -ing


def warned(event: Event) -> list[str]:
    """The words of a warning; none of another event."""
    return [event.text] if isinstance(event, Note) and event.level == "warning" else []


@dataclass
class TwinRuns:
    """The three things that the page draws, and which of them runs; `asked` None: none yet.

    `scored_on`: what of a recording a twin was scored on, in words. `recordings`: what it is of.
    `warnings`: what it warned of, each once.
    """

    fit: LiveFit = field(default_factory=LiveFit)
    compared: LiveComparison = field(default_factory=LiveComparison)
    curve: LiveCurve = field(default_factory=LiveCurve)
    asked: Ask | None = None
    folder: Path | None = None
    scored_on: str = ""
    recordings: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def are_of(self, ask: Ask, recordings: list[Path]) -> bool:
        """Whether this very thing was asked for last."""
        return (ask, recordings) == (self.asked, self.recordings)

    @property
    def kind(self) -> str:
        """Of what runs."""
        return FIT if self.asked is None else self.asked.kind

    @property
    def alone(self) -> bool:
        """Whether it tells of one twin: a fit, or scores of one that is there."""
        return self.kind in (FIT, SCORE)

    @property
    def other(self) -> LiveComparison | LiveCurve:
        """The comparison or the curve."""
        return self.curve if self.kind == CURVE else self.compared

    def begin(self) -> None:
        """What was asked for begins anew."""
        self.warnings = []
        if self.alone:
            self.fit = LiveFit()
        elif self.kind == CURVE:
            self.curve = LiveCurve()
        else:
            self.compared = LiveComparison()

    def take(self, event: Event) -> None:
        """Take one event."""
        self.warnings += [words for words in warned(event) if words not in self.warnings]
        if self.alone:
            self.fit.take(event)
        else:
            self.other.take(event)

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left; None before there is one."""
        if self.asked is None or self.alone:
            return self.fit.progress
        return self.other.overall, left_words(self.other.left_s)

    @property
    def header(self) -> tuple[str, str]:
        """Heading and the line below it, while it runs."""
        if self.kind == FIT:
            return self.fit.heading, self.fit.words(self.folder)
        title = self.asked.title if self.asked is not None else ""
        if self.kind == SCORE:
            return f"{title} a twin", self.fit.stage or "starting"
        live = self.other
        return title, f"{live.running} · {100 * live.share:.0f} %" if live.running else "starting"

    @property
    def foot(self) -> tuple[str, str]:
        """What the button says while it runs."""
        left = (self.progress or (0.0, ""))[1]
        if self.kind == FIT:
            kept = "Stop keeps a checkpoint"
        else:
            kept = KEPT.get(self.kind, "Stop keeps the twins so far")
        title = self.asked.title if self.asked is not None else ""
        return title, f"{left} · {kept}" if left else kept

    @property
    def done_words(self) -> tuple[str, str]:
        """Heading and the first of what stands below it, of one twin that has its scores."""
        if isinstance(self.asked, ScoreAsk) and self.asked.twin is not None:
            return f"Scored {self.asked.twin.name}", self.scored_on
        return "Twin fitted", f"Fitted in {duration(self.fit.elapsed_s)}"

    @property
    def _kept(self) -> str:
        """What is left of a fit that ended early, and how it goes on; the first words are seen."""
        if self.folder is None or not file_at(self.folder / CHECKPOINT):
            return "it ended before its first checkpoint: nothing is kept"
        so_far = self.fit.so_far(self.folder)
        usable = f" · a usable twin is in {so_far}" if so_far else f" · {self.folder}"
        return f"kept: choose it under Begin with to go on{usable}"

    def ended(self, status: str) -> tuple[str, str]:
        """Heading and the line below it, once it has ended as `status`."""
        word = "Stopped" if status == "stopped" else "Failed"
        if self.kind == FIT:
            return f"{word}: no twin", self._kept
        title = self.asked.title if self.asked is not None else ""
        if status == "done":
            return DONE.get(self.kind, title), " ".join(self.other.verdict[:1])
        if self.kind in KEEP_NOTHING:
            return f"{word}: no scores", "a score is whole or none: press again"
        return (
            f"{word}: {title.lower()}",
            f"kept: choose it under Begin with to go on · {self.folder}",
        )
