"""The form of the Twin page below its recordings: a fit, or a comparison; it reads and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.begun_fits import BegunCurve
from app.gui.offered import items_of, state
from app.gui.twin_asks import (
    BESIDE,
    CURVE,
    FIT,
    OBJECTIVES,
    Ask,
    BesideAsk,
    CurveAsk,
    FitAsk,
    ObjectivesAsk,
    ResumeAsk,
    ResumeComparisonAsk,
    ResumeCurveAsk,
    ScoreAsk,
)
from app.gui.widgets.basic import Choice, Tick, row
from app.gui.widgets.number_entry import NumberEntry, WholeEntry
from app.gui.widgets.segments import Segments
from models.twin import MOST_MEMBERS
from training.fit_settings import (
    FEW_SEQUENCES,
    MANY_SEQUENCES,
    MEMBERS_OF_FEW,
    VERY_FEW_SEQUENCES,
    can_have_members,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PyQt6.QtWidgets import QWidget

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.library.folders import Artefact

KINDS = (("Fit", FIT), ("Compare", OBJECTIVES), ("Score", BESIDE), ("Curve", CURVE))
NOTES = {
    FIT: "one twin", OBJECTIVES: "objectives side by side", BESIDE: "one twin, or two",
    CURVE: "how much must be measured",
}  # fmt: skip
OFFERED = (
    ("energy score", "energy"),
    ("CRPS, step by step", "crps"),
    ("innovations, then energy", "innovations-energy"),
    ("innovations likelihood", "innovations"),
    ("one-step likelihood", "one-step"),
    ("mean only", "mean"),
    ("published method (hours)", "published"),
)
ALONE = "nothing, alone"
ANEW, NEW_CURVE = "objectives anew", "a curve anew"
COMPARED = ("energy", "innovations-energy", "published")
WHOLE = ("latent", "hidden", "iterations", "minutes", "seed", "members", "compared_seeds",
         "compared_seed", "curve_iterations", "curve_seeds")  # fmt: skip
NUMBERS = ("target", "compared_minutes")


def _early(folder: Path) -> tuple[str, Path]:
    """What ended early, to be offered."""
    return f"{folder.name}, ended early", folder


class TwinForm(QObject):
    """Rows of the page's form; `changed` when any value has changed."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self._form, self._theme = form, theme
        self._rows: list[tuple[str, QWidget]] = []
        self.twins: dict[Any, Artefact] = {}
        self.unfinished: set[Path] = set()
        self.note = form.section("Work")
        self.kind = Segments(theme, KINDS, "What to do with the recordings")
        self.kind.chosen.connect(self._choose)
        form.widget(self.kind)
        self._fit_rows()
        self._objective_rows()
        self._beside_rows()
        self._curve_rows()
        self._choose(FIT)
        for name in WHOLE:
            getattr(self, name).valueChanged.connect(self._tell)
        for name in NUMBERS:
            getattr(self, name).valueChanged.connect(self._tell)
        for choice in (
            self.objective,
            self.structure,
            self.origin,
            self.which,
            self.grown,
            self.first,
            self.second,
        ):
            choice.currentIndexChanged.connect(self._tell)

    def _add(self, kind: str, name: str, control: QWidget) -> None:
        self._rows.append((kind, self._form.row(name, control)))

    def _fit_rows(self) -> None:
        theme = self._theme
        self.objective = Choice(theme, (("usual", ""), *OFFERED), "Objective")
        self.objective.setToolTip(
            f"usual: innovations, then energy, of {VERY_FEW_SEQUENCES} to {MANY_SEQUENCES - 1} "
            "fitted sequences of few channels where the C kernel runs; otherwise the energy score; "
            "to go on from a twin: its own"
        )
        structures = (("as given", False), ("searched", True))
        self.structure = Choice(theme, structures, "Structure")
        self.structure.setToolTip(
            "Searched: short fits of some sizes in 40 % of the time, scored on validation sequences"
        )
        self.latent = WholeEntry(0, 0, 64, "", "Latent state")
        self.hidden = WholeEntry(0, 0, 1024, "", "Hidden units")
        for entry in (self.latent, self.hidden):
            entry.setSpecialValueText("usual")
            entry.setToolTip("usual: 16 and 64, of a spectrum with many channels 32 and 96")
        self.origin = Choice(theme, (("a new twin", None),), "Begin with")
        self.origin.setToolTip("A twin to go on from keeps its structure; the old one stays")
        self.iterations = WholeEntry(6000, 1, 1_000_000, "", "Iterations")
        self.minutes = WholeEntry(0, 0, 100_000, "min", "Minutes at most")
        self.minutes.setSpecialValueText("no limit")
        self.members = WholeEntry(0, 0, MOST_MEMBERS, "", "Members")
        self.members.setSpecialValueText("usual")
        self.members.setToolTip(
            "So many fits of the same repeats make one twin and share the iterations: what they "
            f"disagree on is what the repeats leave open; usual: {MEMBERS_OF_FEW} of fewer than "
            f"{FEW_SEQUENCES} sequences, of more one"
        )
        self.seed = WholeEntry(0, 0, 2**31 - 1, "", "Seed")
        for name, control in (
            ("Objective", self.objective),
            ("Begin with", self.origin),
            ("Structure", self.structure),
            ("Latent, hidden", row(self.latent, self.hidden)),
            ("Iterations", row(self.iterations, self.minutes)),
            ("Members, seed", row(self.members, self.seed)),
        ):
            self._add(FIT, name, control)

    def _objective_rows(self) -> None:
        self.which = Choice(self._theme, (("a new comparison", None),), "Begin with, compared")
        self._add(OBJECTIVES, "Begin with", self.which)
        self.objectives: dict[str, Tick] = {}
        for words, name in OFFERED:
            tick = Tick(self._theme, words)
            tick.setChecked(name in COMPARED)
            tick.toggled.connect(self._tell)
            self._form.widget(tick)
            self._rows.append((ANEW, tick))
            self.objectives[name] = tick
        self.compared_minutes = NumberEntry(4.0, 0.01, 10_000, "min", "Minutes of each fit")
        self.compared_seeds = WholeEntry(3, 1, 100, "seeds", "Fits of each objective")
        self.compared_seed = WholeEntry(0, 0, 2**31 - 1, "", "First seed")
        self._add(ANEW, "Each fit", row(self.compared_minutes, self.compared_seeds))
        self._add(ANEW, "First seed", self.compared_seed)

    def _beside_rows(self) -> None:
        self.first = Choice(self._theme, (), "First twin")
        self.second = Choice(self._theme, ((ALONE, None),), "Second twin")
        self._add(BESIDE, "Twin", self.first)
        self._add(BESIDE, "beside", self.second)

    def _curve_rows(self) -> None:
        self.grown = Choice(self._theme, (("a new curve", None),), "Begin with, learning curve")
        self._add(CURVE, "Begin with", self.grown)
        self.curve_iterations = WholeEntry(4000, 1, 1_000_000, "", "Iterations of each fit")
        self.curve_seeds = WholeEntry(1, 1, 100, "", "Fits of each part")
        words = "Target: mean, spread, autocovariance and CRPS over floor"
        self.target = NumberEntry(1.5, 1.01, 20.0, "× floor", words)
        self._add(NEW_CURVE, "Iterations", self.curve_iterations)
        self._add(NEW_CURVE, "Seeds", self.curve_seeds)
        self._add(NEW_CURVE, "Target", self.target)

    def _choose(self, kind: str) -> None:
        self._show_rows()
        self.note.setText(NOTES[kind])
        self.changed.emit()

    def _show_rows(self) -> None:
        """Those of the kind; a comparison or curve that goes on keeps what it was asked."""
        kinds = {self.kind.value}
        if self.kind.value == CURVE and self.grown.currentData() is None:
            kinds.add(NEW_CURVE)
        if self.kind.value == OBJECTIVES and self.which.currentData() is None:
            kinds.add(ANEW)
        for kind, widget in self._rows:
            widget.setVisible(kind in kinds)

    def _tell(self, *_: Any) -> None:
        own = self.origin.currentData() is None and not self.structure.currentData()
        for entry in (self.latent, self.hidden):
            entry.setEnabled(own and self.objective.currentData() != "published")
        anew = self.origin.currentData() is None
        self.structure.setEnabled(anew)
        self.members.setEnabled(anew and can_have_members(str(self.objective.currentData())))
        self._show_rows()
        self.changed.emit()

    def offer_twins(
        self, found: Sequence[Artefact], unfinished: Sequence[Path] = (),
        comparisons: Sequence[Path] = (), curves: Sequence[BegunCurve] = (),
    ) -> None:  # fmt: skip
        """Twins of the library; fits, comparisons and curves that ended early, to go on with."""
        self.twins = {one.path: one for one in found if not one.broken}
        items = items_of(found)
        begun = [_early(folder) for folder in unfinished]
        self.which.offer([("a new comparison", None), *map(_early, comparisons)])
        self.grown.offer([("a new curve", None), *((_early(one.folder)[0], one) for one in curves)])
        twin_chosen = self.origin.currentData() not in self.unfinished  # else it may be running
        self.unfinished = set(unfinished)
        self.origin.offer([("a new twin", None), *begun, *items], keep=twin_chosen)
        self.first.offer(items, keep=True)
        self.second.offer([(ALONE, None), *items], keep=True)
        self._tell()

    def go_on_with(self, begun: Path) -> None:
        """Have a fit that ended early ready, also one that the library has not told yet."""
        self.kind.choose(FIT)
        self.unfinished.add(begun)
        if not self.origin.choose(begun):
            self.origin.addItem(*_early(begun))
            self.origin.choose(begun)

    def go_on_with_several(self, begun: Artefact) -> None:
        """Have a comparison of objectives or a learning curve that ended early ready."""
        one: Path | BegunCurve = begun.path
        choice = self.which
        if begun.kind == "curve":
            choice, one = self.grown, BegunCurve(begun.path, float(begun.head["grid"]["target"]))
        self.kind.choose(CURVE if begun.kind == "curve" else OBJECTIVES)
        if not choice.choose(one):  # the library has not told it yet
            choice.addItem(_early(begun.path)[0], one)
            choice.choose(one)

    def offer_score(self, twin: Path) -> None:
        """Have a twin ready to be scored, also one that the library has not told yet."""
        folder = twin.parent if twin.suffix == ".json" else twin
        if not self.first.choose(folder):
            self.first.addItem(folder.name, folder)
            self.first.choose(folder)

    def ask(self) -> Ask:
        """What the form asks for."""
        if self.kind.value == OBJECTIVES:
            if (begun := self.which.currentData()) is not None:
                return ResumeComparisonAsk(begun)
            names = tuple(name for name, tick in self.objectives.items() if tick.isChecked())
            return ObjectivesAsk(
                names, round(self.compared_minutes.value(), 2), self.compared_seeds.value(),
                self.compared_seed.value(),
            )  # fmt: skip
        if self.kind.value == BESIDE:
            first, second = self.first.currentData(), self.second.currentData()
            return ScoreAsk(first) if second is None else BesideAsk((first, second))
        if self.kind.value == CURVE:
            if (begun := self.grown.currentData()) is not None:
                return ResumeCurveAsk(begun.folder, begun.target)
            target = round(self.target.value(), 2)
            return CurveAsk(self.curve_iterations.value(), self.curve_seeds.value(), target)
        if (folder := self.origin.currentData()) in self.unfinished:
            return ResumeAsk(folder)
        return FitAsk(
            str(self.objective.currentData()),
            bool(self.structure.currentData()) and folder is None,  # else it can't be chosen
            self.latent.value(), self.hidden.value(), self.iterations.value(),
            self.minutes.value(), self.seed.value(), self.origin.currentData(),
            self.members.value(),
        )  # fmt: skip

    def longest_hold(self, twin: Path | None) -> int:
        """How many steps one was held at most in what a twin of the library was fitted on."""
        folder = twin.parent if twin is not None and twin.suffix == ".json" else twin
        known = self.twins.get(folder)
        return 1 if known is None else int(known.head.get("meta", {}).get("longest_hold", 1))

    @property
    def lost(self) -> str:
        """That a twin which is chosen can't be used any more; empty: each can."""
        used = {FIT: (self.origin,), BESIDE: (self.first, self.second)}.get(self.kind.value, ())
        faults = [choice.fault for choice in used if choice.fault]
        return f"the twin is {state(faults[0])}: choose another" if faults else ""

    def fits_like(self) -> Artefact | None:
        """The twin that the recordings must fit: the one to go on from, or the first compared."""
        if self.kind.value == FIT:
            return self.twins.get(self.origin.currentData())
        return self.twins.get(self.first.currentData()) if self.kind.value == BESIDE else None

    def values(self) -> dict[str, Any]:
        """What comes back at the next start; twins do not."""
        return {
            "kind": self.kind.value,
            "objective": self.objective.currentData(),
            "searched": self.structure.currentData(),
            "objectives": [n for n, tick in self.objectives.items() if tick.isChecked()],
            **{name: getattr(self, name).value() for name in (*WHOLE, *NUMBERS)},
        }

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        if "origin" in values and not self.origin.choose(origin := values["origin"]):
            self.origin.addItem(origin.name, origin)  # the library is still being read
            self.origin.choose(origin)
        if "compared" in values:
            self.which.choose(values["compared"])
        self.objective.choose(values.get("objective"))
        if isinstance(values.get("searched"), bool):
            self.structure.choose(values["searched"])
        if isinstance(values.get("objectives"), list):
            for name, tick in self.objectives.items():
                tick.setChecked(name in values["objectives"])
        for name in NUMBERS:
            if isinstance(values.get(name), float):
                getattr(self, name).setValue(values[name])
        for name in WHOLE:
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
        if values.get("kind") in [kind for _, kind in KINDS]:
            self.kind.choose(values["kind"])
