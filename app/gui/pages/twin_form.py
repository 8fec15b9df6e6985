"""The form of the Twin page below its recordings: what to do with them, and with which twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.begun_fits import BegunCurve
from app.gui.offered import items_of, state
from app.gui.pace import curve_s, fit_s
from app.gui.pages.twin_rows import BesideRows, CurveRows, FitRows, ObjectiveRows
from app.gui.twin_asks import BESIDE, CURVE, FIT, OBJECTIVES, Ask, CurveAsk, FitAsk
from app.gui.widgets.segments import Segments
from app.gui.words import about

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.twin_looked import Looked
    from app.gui.widgets.form import Form
    from app.library.folders import Artefact

KINDS = (("Fit", FIT), ("Compare", OBJECTIVES), ("Score", BESIDE), ("Curve", CURVE))
NOTES = {
    FIT: "one twin", OBJECTIVES: "objectives side by side", BESIDE: "one twin, or two",
    CURVE: "how much must be measured",
}  # fmt: skip


def _early(folder: Path) -> tuple[str, Path]:
    """What ended early, to be offered."""
    return f"{folder.name}, ended early", folder


class TwinForm(QObject):
    """Rows of the page's form, of one kind of work at a time; `changed` when a value has changed.

    `twins`: those of the library that can be used, by their folder.
    """

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self.twins: dict[Any, Artefact] = {}
        self.note = form.section("Work")
        self.kind = Segments(theme, KINDS, "What to do with the recordings")
        self.kind.chosen.connect(self._choose)
        form.widget(self.kind)
        self.fit, self.compared = FitRows(theme, form), ObjectiveRows(theme, form)
        self.beside, self.curve = BesideRows(theme, form), CurveRows(theme, form)
        self._of: dict[str, FitRows | ObjectiveRows | BesideRows | CurveRows] = {
            FIT: self.fit, OBJECTIVES: self.compared, BESIDE: self.beside, CURVE: self.curve,
        }  # fmt: skip
        self._choose(FIT)
        for rows in self._of.values():
            rows.changed.connect(self._tell)

    def _choose(self, kind: str) -> None:
        self.note.setText(NOTES[kind])
        self._tell()

    def _tell(self) -> None:
        for kind, rows in self._of.items():
            rows.show(kind == self.kind.value)
        self.changed.emit()

    def offer_twins(
        self, found: Sequence[Artefact], unfinished: Sequence[Path] = (),
        comparisons: Sequence[Path] = (), curves: Sequence[BegunCurve] = (),
    ) -> None:  # fmt: skip
        """Twins of the library; fits, comparisons and curves that ended early, to go on with."""
        self.twins = {one.path: one for one in found if not one.broken}
        items = items_of(found)
        self.compared.which.offer([("a new comparison", None), *map(_early, comparisons)])
        begun = [(_early(one.folder)[0], one) for one in curves]
        self.curve.grown.offer([("a new curve", None), *begun])
        self.fit.offer(items, [_early(folder) for folder in unfinished])
        self.beside.offer(items)
        self._tell()

    def go_on_with(self, begun: Path) -> None:
        """Have a fit that ended early ready, also one that the library has not told yet."""
        self.kind.choose(FIT)
        self.fit.unfinished.add(begun)
        self.fit.origin.take(begun, _early(begun)[0])

    def go_on_with_several(self, begun: Artefact) -> None:
        """Have a comparison of objectives or a learning curve that ended early ready."""
        one: Path | BegunCurve = begun.path
        choice = self.compared.which
        if begun.kind == "curve":
            target = float(begun.head["grid"]["target"])
            choice, one = self.curve.grown, BegunCurve(begun.path, target)
        self.kind.choose(CURVE if begun.kind == "curve" else OBJECTIVES)
        choice.take(one, _early(begun.path)[0])

    def offer_score(self, twin: Path) -> None:
        """Have a twin ready to be scored, also one that the library has not told yet."""
        self.beside.first.take(_folder_of(twin))

    def ask(self) -> Ask:
        """What the form asks for."""
        return self._of[self.kind.value].ask()

    def words(self, ask: Ask, looked: Sequence[Looked] | None, *, again: bool) -> tuple[str, str]:
        """What a press does, and its cost; of fits with their time, where that can be foreseen."""
        time, (verb, cost) = "", ask.words(again)
        if isinstance(ask, FitAsk):
            time = about(fit_s(ask, looked or (), self.twins))
        elif isinstance(ask, CurveAsk):
            time = about(curve_s(ask, looked or (), self.twins))
        return verb, f"{time} · {cost}" if time else cost

    def longest_hold(self, twin: Path | None) -> int:
        """How many steps one was held at most in what a twin of the library was fitted on."""
        known = None if twin is None else self.twins.get(_folder_of(twin))
        return 1 if known is None else int(known.head.get("meta", {}).get("longest_hold", 1))

    @property
    def lost(self) -> str:
        """That a twin which is chosen can't be used any more; empty: each can."""
        used = {FIT: (self.fit.origin,), BESIDE: (self.beside.first, self.beside.second)}
        faults = [choice.fault for choice in used.get(self.kind.value, ()) if choice.fault]
        return f"the twin is {state(faults[0])}: choose another" if faults else ""

    def fits_like(self) -> Artefact | None:
        """The twin that the recordings must fit: the one to go on from, or the first compared."""
        like = {FIT: self.fit.origin, BESIDE: self.beside.first}.get(self.kind.value)
        return None if like is None else self.twins.get(like.currentData())

    def values(self) -> dict[str, Any]:
        """What comes back at the next start; twins do not."""
        kept: dict[str, Any] = {"kind": self.kind.value}
        for rows in self._of.values():
            kept |= rows.values()
        return kept

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        for rows in self._of.values():
            rows.set_values(values)
        if values.get("kind") in [kind for _, kind in KINDS]:
            self.kind.choose(values["kind"])


def _folder_of(twin: Path) -> Path:
    """The folder of a twin that is given by it, or by its file."""
    return twin.parent if twin.suffix == ".json" else twin
