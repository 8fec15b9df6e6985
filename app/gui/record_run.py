"""One run of a design: where it goes, and what its thread finds out before it begins; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.job import JobSpec
from app.gui.record_design import TwinDesign, with_room
from app.gui.record_resume import Unfinished
from app.operations.reference import FOLDER
from app.recording_marks import bad_positions
from app.recording_reader import read_recording
from models.errors import RefusedError
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.gui.record_design import Plan
    from app.gui.record_saved import NewDesign
    from app.operations.events import Event
    from app.session import Session
    from instruments.bench import Bench
    from models.recording import Recording


class RecordRun:
    """A run that begins, or goes on.

    Attributes
    ----------
    design
        What was asked for.
    resumed
        The folder that it goes on with; None: a new one.
    plan
        What it plays, as its thread foresaw it; None before.
    earlier
        What a run that goes on had recorded, with the positions that are marked bad and the
        references, where it has some.
    """

    def __init__(self, design: NewDesign | Unfinished, session: Session) -> None:
        self.design, self._session = design, session
        self.resumed: Path | None = design.path if isinstance(design, Unfinished) else None
        self.out = self.resumed or session.library.new_path("rec")
        self.plan: Plan | None = None
        self.earlier: tuple[Recording, frozenset[int], Recording | None] | None = None

    @property
    def in_rounds(self) -> bool:
        """Whether it is one for a twin, which begins anew with each round."""
        design = self.design
        return isinstance(design, TwinDesign) or (
            isinstance(design, Unfinished) and design.for_twin is not None
        )

    def job(self, page: str, bench: Bench) -> JobSpec:
        """The job that the window is asked to run."""

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            if self.resumed is not None and not self.in_rounds:
                beside = self.resumed / FOLDER
                references = read_recording(beside) if folder_at(beside) else None
                self.earlier = read_recording(self.resumed), bad_positions(self.resumed), references
            plan = self.design.foreseen(bench.spec, bench)
            self.plan = with_room(plan, self.out.parent)
            if self.plan.level == "fault":  # of one that has waited: the disk was not so full then
                raise RefusedError(self.plan.problem)
            return self.design.start(bench, self.out, self._session.pause)

        return JobSpec(page, "Recording", self.out.name, start, hardware=True)
