"""What the Twin page can be asked for: each knows its operation, its words and its cost; no Qt.

The operations run in a child process: the window never imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.gui.words import count
from app.words import duration
from training.fit_settings import can_have_members

if TYPE_CHECKING:
    from pathlib import Path

FIT, OBJECTIVES, BESIDE, CURVE = "fit", "objectives", "beside", "curve"
SCORE = "score"  # what is asked for where nothing stands beside a twin
KEEP_NOTHING = (SCORE, BESIDE)
CURVE_FITS = 12  # points of a curve where nobody names them: four numbers × three of repeats


@dataclass(frozen=True)
class FitAsk:
    """One twin of the ticked recordings; `minutes` 0: no limit, `origin` None: a new twin.

    `objective` empty: what is usual for the data. `members`: of a new twin that may have several
    (`can_have_members`); 0: as many as usual.
    """

    objective: str = ""
    searched: bool = False
    latent: int = 0
    hidden: int = 0
    iterations: int = 6000
    minutes: int = 0
    seed: int = 0
    origin: Path | None = None
    members: int = 0

    kind = FIT
    operation = "app.operations.fit.fit"
    title = "Fitting"
    prefix = "twin"

    def problem(self, recordings: int) -> str:
        """Why it can't run; empty where it can."""
        if not recordings:
            return "tick at least one recording"
        if self.searched and self.origin is not None:
            return "a twin to go on from keeps its structure: nothing to search"
        if self.searched and self.objective == "published":
            return "the published method has its published structure: nothing to search"
        return ""

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        verb = "Fit on" if self.origin is not None else "Fit again" if again else "Fit a twin"
        limit = f", {count(self.minutes, 'minute')} at most" if self.minutes else ""
        of = f"{count(self.members, 'member')}, " if self._asked_members else ""
        return verb, f"{of}{count(self.iterations, 'iteration')}{limit} · 1 core"

    @property
    def _asked_members(self) -> int:
        can = self.origin is None and can_have_members(self.objective)
        return self.members if can else 0

    def arguments(self, recordings: list[Path], out: Path) -> dict[str, Any]:
        """Of the operation."""
        asked: dict[str, Any] = {
            "recordings": recordings, "out": out, "objective": self.objective or None,
            "deterministic": self.objective == "mean", "iterations": self.iterations,
            "seed": self.seed,
        }  # fmt: skip
        if self.minutes:
            asked["minutes"] = float(self.minutes)
        if self.origin is not None:
            return {**asked, "origin": self.origin}
        if self._asked_members:
            asked["members"] = self.members
        if self.searched:
            return {**asked, "search": True}
        if self.objective == "published":
            return asked
        own = {"latent": self.latent, "hidden": self.hidden}
        return {**asked, **{name: size for name, size in own.items() if size}}


@dataclass(frozen=True)
class ResumeAsk:
    """A fit that ended early goes on from its checkpoint, which knows all else."""

    folder: Path

    kind = FIT
    operation = "app.operations.fit.fit"
    title = "Fitting"
    prefix = ""  # it has its folder

    def problem(self, recordings: int) -> str:
        """Why it can't run; empty where it can."""
        return ""

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        return f"Go on with {self.folder.name}", "from its checkpoint · own process, 1 core"

    def arguments(self, recordings: list[Path], out: Path) -> dict[str, Any]:
        """Of the operation."""
        return {"recordings": [], "out": self.folder, "resume": True}


@dataclass(frozen=True)
class ResumeComparisonAsk(ResumeAsk):
    """A comparison of objectives that ended early goes on; its file knows all else."""

    kind = OBJECTIVES
    operation = "app.operations.compare_twins.compare_twins"
    title = "Comparing objectives"

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        return f"Go on with {self.folder.name}", "twins that are there stay · own process, 1 core"


@dataclass(frozen=True)
class ResumeCurveAsk(ResumeAsk):
    """A learning curve that ended early goes on; its file knows all else."""

    target: float = 1.5

    kind = CURVE
    operation = "app.operations.learning_curve.learning_curve"
    title = "Learning curve"

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        return f"Go on with {self.folder.name}", "points that are there stay · own process, 1 core"


@dataclass(frozen=True)
class ObjectivesAsk:
    """One twin for each objective and seed, all for the same time."""

    objectives: tuple[str, ...]
    minutes: float = 4.0
    seeds: int = 3
    seed: int = 0

    kind = OBJECTIVES
    operation = "app.operations.compare_twins.compare_twins"
    title = "Comparing objectives"
    prefix = "comparison"

    def problem(self, recordings: int) -> str:
        """Why it can't run; empty where it can."""
        if not recordings:
            return "tick at least one recording"
        return "tick two objectives or more" if len(self.objectives) < 2 else ""

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        fits = len(self.objectives) * self.seeds
        cost = f"{duration(60 * fits * self.minutes)} and the scores · one after another, 1 core"
        return f"Fit and compare {count(fits, 'twin')}", cost

    def arguments(self, recordings: list[Path], out: Path) -> dict[str, Any]:
        """Of the operation."""
        return {
            "recordings": recordings, "out": out, "objectives": list(self.objectives),
            "minutes": self.minutes, "seeds": self.seeds, "seed": self.seed,
        }  # fmt: skip


@dataclass(frozen=True)
class BesideAsk:
    """Two twins that are there, on one recording."""

    twins: tuple[Path | None, Path | None]
    seed: int = 0

    kind = BESIDE
    operation = "app.operations.evaluate_beside.evaluate_beside"
    title = "Comparing twins"
    prefix = ""  # it writes nothing

    def problem(self, recordings: int) -> str:
        """Why it can't run; empty where it can."""
        if None in self.twins or self.twins[0] == self.twins[1]:
            return "choose two different twins"
        return "" if recordings == 1 else "tick one recording, that both are scored on"

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        return "Compare two twins", "up to a minute each · on unseen sequences"

    def arguments(self, recordings: list[Path], out: Path) -> dict[str, Any]:
        """Of the operation."""
        return {"twins": list(self.twins), "recording": recordings[0], "seed": self.seed}


@dataclass(frozen=True)
class ScoreAsk:
    """One twin that is there, on one recording."""

    twin: Path | None
    seed: int = 0

    kind = SCORE
    operation = "app.operations.evaluate.evaluate"
    title = "Scoring"
    prefix = ""  # it writes nothing

    def problem(self, recordings: int) -> str:
        """Why it can't run; empty where it can."""
        if self.twin is None:
            return "no twin yet: fit one first"
        return "" if recordings == 1 else "tick one recording to score the twin on"

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        return "Score a twin", "up to a minute · on what it has not seen"

    def arguments(self, recordings: list[Path], out: Path) -> dict[str, Any]:
        """Of the operation."""
        return {"twin": self.twin, "recording": recordings[0], "seed": self.seed}


@dataclass(frozen=True)
class CurveAsk:
    """Twins of growing parts of the ticked recordings."""

    iterations: int = 4000
    seeds: int = 1
    target: float = 1.5
    seed: int = 0

    kind = CURVE
    operation = "app.operations.learning_curve.learning_curve"
    title = "Learning curve"
    prefix = "curve"

    def problem(self, recordings: int) -> str:
        """Why it can't run; empty where it can."""
        return "" if recordings else "tick at least one recording"

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        fits = CURVE_FITS * self.seeds
        cost = f"each {count(self.iterations, 'iteration')} · 1 core"
        return f"Fit up to {fits} parts", cost

    def arguments(self, recordings: list[Path], out: Path) -> dict[str, Any]:
        """Of the operation."""
        return {
            "recordings": recordings, "out": out, "iterations": self.iterations,
            "seeds": self.seeds, "target": self.target, "seed": self.seed,
        }  # fmt: skip


Ask = FitAsk | ResumeAsk | ObjectivesAsk | ScoreAsk | BesideAsk | CurveAsk
