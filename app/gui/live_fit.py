"""What the Twin page draws of a fit: losses, samples over repeats, scores in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.fit_rows import error_rows
from app.gui.live_held_out import HeldOutSequences
from app.operations.events import Progress, Stage
from app.operations.learning_events import CandidateScored, FitProgress, FitSamples, TwinScored
from app.weights_store import SO_FAR
from app.words import left_s, left_words
from training.kept import OLDER, kept_validation, scored_by_older
from training.verdict import telling
from training.verdict import verdict as weighed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.gui.widgets.error_table import ErrorRow
    from app.operations.events import Event
    from models.twin import Twin
    from training.verdict import Verdict

    FloatArray = NDArray[np.float64]

PHASES = "fit the mean", "fit mean and noise"
"""Stages of a fit, of each member, if several (", member 2 of 4" behind it): the training's losses
of the first are of another objective."""


@dataclass
class LiveFit:
    """The fit so far.

    Attributes
    ----------
    iterations, losses, validations
        One entry a `FitProgress` of the present member; validation NaN where it was not computed.
    reached, validated
        The last iteration that was told; whether any was validated.
    real, twin
        Repeats and samples `(R, T, C)` of one sequence; None before the first.
    held_out
        Sequences to step through after a score; None where there are not several.
    errors, coverage, details
        As in `TwinScored`; empty before the end.
    validation
        Of `training.validation.summary`; None before the end.
    deterministic
        Whether the twin that is scored has no noise to be judged.
    candidates, searched
        Structures scored so far, and the share of the search that is done; none without one.
    stage
        What the operation does, in words.
    turn
        The last iteration that fitted the mean alone; None where all did, or none.
    loss_unit
        As in `FitProgress`.
    """

    iterations: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    reached: int = 0
    validated: bool = False
    total: int = 0
    elapsed_s: float = 0.0
    sequence: int = 0
    real: FloatArray | None = None
    twin: FloatArray | None = None
    held_out: HeldOutSequences | None = None
    errors: dict[str, Any] = field(default_factory=dict)
    coverage: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    validation: dict[str, Any] | None = None
    deterministic: bool = False
    candidates: list[CandidateScored] = field(default_factory=list)
    searched: float = 0.0
    stage: str = ""
    turn: int | None = None
    loss_unit: str = ""

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a fit are left alone."""
        if isinstance(event, FitProgress):
            if self.iterations and event.iteration < self.iterations[-1]:  # another short fit
                self.iterations, self.losses, self.validations = [], [], []
            self.iterations.append(event.iteration)
            self.losses.append(event.loss)
            self.loss_unit = event.loss_unit
            self.validations.append(np.nan if event.validation is None else event.validation)
            self.validated |= event.validation is not None
            self.reached, self.total, self.elapsed_s = event.iteration, event.total, event.elapsed_s
        elif isinstance(event, Stage):
            self._begin(event.name)
        elif isinstance(event, CandidateScored):
            self.candidates.append(event)
        elif isinstance(event, Progress):
            self.searched = event.done / max(1.0, event.total)
        elif isinstance(event, FitSamples):
            self.sequence, self.real, self.twin = event.sequence, event.real, event.twin
        elif isinstance(event, TwinScored):
            self.errors, self.details = dict(event.errors), dict(event.details)
            self.validation = kept_validation(self.details)
            self.deterministic = bool((self.validation or {}).get("deterministic"))
            self.real = self.details.get("real", self.real)
            self.twin = self.details.get("twin", self.twin)
            self.held_out = HeldOutSequences.of(self.details)

    @property
    def beside(self) -> tuple[FloatArray | None, FloatArray | None]:
        """Repeats and samples `(R, T, C)` to draw: of the sequence that is stepped to, if any."""
        return (self.real, self.twin) if self.held_out is None else self.held_out.shown

    @property
    def verdict(self) -> str:
        """One sentence on the twin."""
        if self.validation is not None:
            return str(self.validation["verdict"]["words"])
        return self._weighed.words

    @property
    def at_floor(self) -> bool:
        """Whether the verdict says so."""
        if self.validation is not None:
            return bool(self.validation["verdict"]["at_floor"])
        return bool(self._weighed.at_floor)

    @property
    def _weighed(self) -> Verdict:
        return weighed(self.errors, self.coverage, deterministic=self.deterministic)

    @property
    def rows(self) -> list[ErrorRow]:
        """Of the table: what says something of the twin."""
        return error_rows(*telling(self.errors, self.coverage, deterministic=self.deterministic))

    def _begin(self, stage: str) -> None:
        """A stage begins; the losses of a search's short fits are not those of the fit."""
        if self.searching:
            self.iterations, self.losses, self.validations = [], [], []
        before, (phase, member) = _told(self.stage), _told(stage)
        if phase == PHASES[0] and member != before[1]:  # a fit of its own
            self.iterations, self.losses, self.validations, self.turn = [], [], [], None
        if (before[0], phase) == PHASES and self.iterations:
            self.turn = self.iterations[-1]
        self.stage = stage

    @property
    def member(self) -> str:
        """Which member is fitted, in words, of a twin of several."""
        return _told(self.stage)[1]

    @property
    def searching(self) -> bool:
        """Whether the structure is being chosen."""
        return self.stage.startswith("choose the structure")

    @property
    def heading(self) -> str:
        """What is going on, in words."""
        return "Choosing the structure" if self.searching else "Fitting a twin"

    def words(self, folder: Path | None) -> str:
        """How far it is, and where the best twin so far can be used."""
        if self.searching:
            tried = f"{len(self.candidates)} scored"
            return f"{tried} on validation sequences · iteration {self.reached} of a short fit"
        if not self.total:
            return "starting, reading recordings"
        member = f"{self.member} · " if self.member else ""
        said = f"{member}iteration {self.reached} of {self.total} · "
        if self.reached >= self.total and self.stage and not _told(self.stage)[0]:
            return said + self.stage  # what comes behind the last iteration
        said += f"samples of sequence {self.sequence + 1}, unseen"
        so_far = self.so_far(folder)
        return f"{said} · usable so far: {so_far}" if so_far else said

    def so_far(self, folder: Path | None) -> Path | None:
        """Where the best snapshot is a usable twin; None before its first validation."""
        known = self.candidates or self.validated
        return folder / SO_FAR if folder is not None and known and not self.errors else None

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left; None before there is one."""
        if self.searching:
            return self.searched, ""
        if not self.total or not self.reached:
            return None
        return min(1.0, self.reached / self.total), left_words(self.left_s or None)

    @property
    def left_s(self) -> float | None:
        """Time left at the pace so far; None before there is one."""
        return left_s(self.reached, self.total, self.elapsed_s)


def _told(stage: str) -> tuple[str, str]:
    """Phase of a fit, and which member it is of: both empty where a stage is none."""
    phase, _, member = stage.partition(", ")
    return (phase, member) if phase in PHASES else ("", "")


def fitted_earlier(twin: Twin) -> LiveFit:
    """What a twin says of itself that was fitted earlier."""
    if scored_by_older(twin):
        nothing = {"verdict": {"words": OLDER, "reasons": [], "at_floor": False}, "where": {}}
        return LiveFit(validation={**nothing, "curves": {}}, deterministic=True)
    kept = kept_validation(twin.meta)
    return LiveFit(
        errors=dict(twin.errors), coverage=dict(twin.coverage), details=kept_details(kept),
        validation=kept, deterministic=twin.deterministic,
    )  # fmt: skip


def kept_details(validation: dict[str, Any] | None) -> dict[str, Any]:
    """What the pages draw of a twin that was fitted earlier: PIT and ρ by lag."""
    curves = {} if validation is None else validation["curves"]
    wanted = (
        *("pit", "pit_low", "pit_high"),
        *(f"autocorrelation_{k}" for k in ("real", "twin", "low", "high")),
    )
    return {name: curves[name] for name in wanted if name in curves}
