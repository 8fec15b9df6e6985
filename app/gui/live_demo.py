"""The demo as it runs: its stages one by one, time left, and what came of it; no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.gui.scores import NMSE, interval, said
from app.gui.widgets.columns import ColumnRow
from app.operations.child import in_child
from app.operations.events import Note, Progress, Result, Stage
from app.operations.learning_events import FitProgress, TrainProgress
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.library.library import Library
    from app.operations.events import Event

OPERATION = "app.operations.demo.demo"
SETTINGS, REPORT = "demo.json", "report/report.html"
THERE = "is there already"
LEFT = re.compile(r"about (.+ left) in all")
TITLE = "Demo"


@dataclass(frozen=True)
class DemoAsk:
    """The whole thread on a virtual rig of its own; `begun`: the folder of one that goes on."""

    quick: bool = True
    seed: int = 0
    begun: Path | None = None

    def words(self) -> tuple[str, str]:
        """What a press does, and its cost."""
        if self.begun is not None:
            return f"Go on with {self.begun.name}", "finished stages stay · own process"
        time = "1 to 3 min" if self.quick else "8 to 15 min"  # as measured, in the README
        return "Run the demo", f"{time} on 2 cores · own process"

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        out.parent.mkdir(parents=True, exist_ok=True)
        asked = {"out": out, "quick": self.quick, "seed": self.seed,
                 "resume": self.begun is not None}  # fmt: skip
        return in_child(OPERATION, asked, stop, parent=True)


def begun_demos(library: Library) -> list[Path]:
    """Folders of demos that came to no report, newest first."""
    return library.readable(_begun, named=(SETTINGS,))


def _begun(folder: Path) -> Path | None:
    whole = file_at(folder / REPORT) or not file_at(folder / SETTINGS)
    return None if whole else folder


@dataclass
class LiveDemo:
    """The demo so far; `result` is empty before its end.

    `running`: the first of the stages that run, of which two may at once.
    """

    stages: list[str] = field(default_factory=list)
    running: int = 0
    total: int = 0
    share: float = 0.0
    left: str = ""
    note: str = ""
    over: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    _works: bool = False

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of it are left alone."""
        if isinstance(event, Stage):
            if self._works:
                self.running, self.share, self.note = len(self.stages), 0.0, ""
            self.stages.append(event.name)
            self.total, self._works = event.total, False
            return
        if isinstance(event, Note) and event.text.endswith(THERE):
            return
        self._works = bool(self.stages)
        if isinstance(event, Progress):
            self.share = event.done / max(1.0, event.total)
        elif isinstance(event, (FitProgress, TrainProgress)):
            self.share = event.iteration / max(1, event.total)
        elif isinstance(event, Note):
            found = LEFT.fullmatch(event.text)
            self.left, self.note = (found[1], self.note) if found else (self.left, event.text)
        elif isinstance(event, Result):
            self.result = dict(event.values)

    @property
    def done(self) -> float:
        """Share of the stages that is done."""
        if not self.total:
            return 0.0
        at_once = len(self.stages) - self.running
        return min(1.0, (self.running + self.share * at_once) / self.total)

    def rows(self) -> list[ColumnRow]:
        """A row for each stage that has begun."""
        made = []
        for number, words in enumerate(self.stages):
            runs = number >= self.running and not self.result
            name = f"{number + 1}  {words}"
            if not runs:
                made.append(ColumnRow(name, (), "done"))
            elif self.over:
                made.append(ColumnRow(name, (), self.over, "attention"))
            else:
                made.append(ColumnRow(name, (), "running", strong=True, fraction=self.share))
        return made

    def ended(self, status: str) -> tuple[str, str]:
        """Heading and the line below it, once it has ended as `status`."""
        if status != "done" or "measured" not in self.result:
            self.over = "stopped" if status == "stopped" else "failed"
            return f"{self.over.capitalize()}", "finished stages are kept: Go on takes it up again"
        measured, predicted = self.result["measured"], self.result["predicted"]
        return (
            f"On the device {said(measured, NMSE)}, foreseen {interval(predicted, NMSE)}",
            f"{self.result['path']} · {self.result['seconds']:.0f} s",
        )
