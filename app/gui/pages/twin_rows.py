"""The rows of the Twin page's form, of each kind of work its own: they read, show and ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.twin_asks import (
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

    from app.gui.offered import Item, Offered
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form

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
COMPARED = ("energy", "innovations-energy", "published")


class KindRows(QObject):
    """Rows of one kind of work; `changed` when a value has changed.

    Those added as `anew` are there while `anew` holds: what goes on keeps what it was asked.
    """

    changed = pyqtSignal()

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._form = form
        self._rows: list[tuple[bool, QWidget]] = []
        self._numbers: dict[str, NumberEntry | WholeEntry] = {}

    @property
    def anew(self) -> bool:
        """Whether nothing that ended early goes on."""
        return True

    def _add(self, name: str, control: QWidget, *, anew: bool = False) -> None:
        self._rows.append((anew, self._form.row(name, control)))

    def _keep(self, **entries: NumberEntry | WholeEntry) -> None:
        """Numbers that come back at the next start, by their names in the settings."""
        self._numbers |= entries
        for entry in entries.values():
            entry.valueChanged.connect(self._tell)

    def _tell(self, *_: Any) -> None:
        self.changed.emit()

    def show(self, on: bool) -> None:
        """Show or hide them."""
        for anew, widget in self._rows:
            widget.setVisible(on and (self.anew or not anew))

    def values(self) -> dict[str, Any]:
        """What comes back at the next start; what is of the library does not."""
        return {name: entry.value() for name, entry in self._numbers.items()}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        for name, entry in self._numbers.items():
            of_kind = int if isinstance(entry, WholeEntry) else float
            if isinstance(value := values.get(name), of_kind):
                entry.setValue(value)


class FitRows(KindRows):
    """One twin: a new one, from a twin of the library, or a fit that ended early."""

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self.unfinished: set[Path] = set()
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
        self._add("Objective", self.objective)
        self._add("Begin with", self.origin)
        self._add("Structure", self.structure)
        self._add("Latent, hidden", row(self.latent, self.hidden))
        self._add("Iterations", row(self.iterations, self.minutes))
        self._add("Members, seed", row(self.members, self.seed))
        self._keep(
            latent=self.latent, hidden=self.hidden, iterations=self.iterations,
            minutes=self.minutes, seed=self.seed, members=self.members,
        )  # fmt: skip
        for choice in (self.objective, self.structure, self.origin):
            choice.currentIndexChanged.connect(self._tell)

    def _tell(self, *_: Any) -> None:
        anew = self.origin.currentData() is None
        own = anew and not self.structure.currentData()
        for entry in (self.latent, self.hidden):
            entry.setEnabled(own and self.objective.currentData() != "published")
        self.structure.setEnabled(anew)
        self.members.setEnabled(anew and can_have_members(str(self.objective.currentData())))
        super()._tell()

    def offer(self, twins: Sequence[Item], begun: Sequence[Offered]) -> None:
        """Twins to go on from, and fits that ended early."""
        chosen_twin = self.origin.currentData() not in self.unfinished  # else it may be running
        self.unfinished = {one[1] for one in begun}
        self.origin.offer([("a new twin", None), *begun, *twins], keep=chosen_twin)
        self._tell()

    def ask(self) -> Ask:
        """A fit as the rows have it."""
        folder = self.origin.currentData()
        if folder in self.unfinished:
            return ResumeAsk(folder)
        searched = bool(self.structure.currentData()) and folder is None  # else it can't be chosen
        return FitAsk(
            str(self.objective.currentData()), searched, self.latent.value(), self.hidden.value(),
            self.iterations.value(), self.minutes.value(), self.seed.value(), folder,
            self.members.value(),
        )  # fmt: skip

    def values(self) -> dict[str, Any]:
        objective, searched = self.objective.currentData(), self.structure.currentData()
        return {"objective": objective, "searched": searched, **super().values()}

    def set_values(self, values: dict[str, Any]) -> None:
        if "origin" in values:
            self.origin.take(values["origin"])
        self.objective.choose(values.get("objective"))
        if isinstance(values.get("searched"), bool):
            self.structure.choose(values["searched"])
        super().set_values(values)


class ObjectiveRows(KindRows):
    """Objectives side by side: a new comparison, or one that ended early."""

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self.which = Choice(theme, (("a new comparison", None),), "Begin with, compared")
        self.which.currentIndexChanged.connect(self._tell)
        self._add("Begin with", self.which)
        self.objectives: dict[str, Tick] = {}
        for words, name in OFFERED:
            tick = self.objectives[name] = Tick(theme, words)
            tick.setChecked(name in COMPARED)
            tick.toggled.connect(self._tell)
            form.widget(tick)
            self._rows.append((True, tick))
        self.minutes = NumberEntry(4.0, 0.01, 10_000, "min", "Minutes of each fit")
        self.seeds = WholeEntry(3, 1, 100, "seeds", "Fits of each objective")
        self.seed = WholeEntry(0, 0, 2**31 - 1, "", "First seed")
        self._add("Each fit", row(self.minutes, self.seeds), anew=True)
        self._add("First seed", self.seed, anew=True)
        self._keep(
            compared_minutes=self.minutes, compared_seeds=self.seeds, compared_seed=self.seed
        )

    @property
    def anew(self) -> bool:
        return self.which.currentData() is None

    def ask(self) -> Ask:
        """A comparison as the rows have it."""
        if not self.anew:
            return ResumeComparisonAsk(self.which.currentData())
        names = tuple(name for name, tick in self.objectives.items() if tick.isChecked())
        minutes = round(self.minutes.value(), 2)
        return ObjectivesAsk(names, minutes, self.seeds.value(), self.seed.value())

    def values(self) -> dict[str, Any]:
        chosen = [name for name, tick in self.objectives.items() if tick.isChecked()]
        return {"objectives": chosen, **super().values()}

    def set_values(self, values: dict[str, Any]) -> None:
        if "compared" in values:
            self.which.choose(values["compared"])
        if isinstance(chosen := values.get("objectives"), list):
            for name, tick in self.objectives.items():
                tick.setChecked(name in chosen)
        super().set_values(values)


class BesideRows(KindRows):
    """The score of a twin, or of two beside each other."""

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self.first = Choice(theme, (), "First twin")
        self.second = Choice(theme, ((ALONE, None),), "Second twin")
        self._add("Twin", self.first)
        self._add("beside", self.second)
        for choice in (self.first, self.second):
            choice.currentIndexChanged.connect(self._tell)

    def offer(self, twins: Sequence[Item]) -> None:
        """Twins of the library."""
        self.first.offer(twins, keep=True)
        self.second.offer([(ALONE, None), *twins], keep=True)

    def ask(self) -> Ask:
        """A score as the rows have it."""
        first, second = self.first.currentData(), self.second.currentData()
        return ScoreAsk(first) if second is None else BesideAsk((first, second))


class CurveRows(KindRows):
    """A learning curve: a new one, or one that ended early."""

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self.grown = Choice(theme, (("a new curve", None),), "Begin with, learning curve")
        self.grown.currentIndexChanged.connect(self._tell)
        self._add("Begin with", self.grown)
        self.iterations = WholeEntry(4000, 1, 1_000_000, "", "Iterations of each fit")
        self.seeds = WholeEntry(1, 1, 100, "", "Fits of each part")
        words = "Target: mean, spread, autocovariance and CRPS over floor"
        self.target = NumberEntry(1.5, 1.01, 20.0, "× floor", words)
        self._add("Iterations", self.iterations, anew=True)
        self._add("Seeds", self.seeds, anew=True)
        self._add("Target", self.target, anew=True)
        self._keep(curve_iterations=self.iterations, curve_seeds=self.seeds, target=self.target)

    @property
    def anew(self) -> bool:
        return self.grown.currentData() is None

    def ask(self) -> Ask:
        """A curve as the rows have it."""
        if not self.anew:
            begun = self.grown.currentData()
            return ResumeCurveAsk(begun.folder, begun.target)
        target = round(self.target.value(), 2)
        return CurveAsk(self.iterations.value(), self.seeds.value(), target)
