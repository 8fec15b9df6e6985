"""The form of the Record page: what to record, of four kinds; it only reads and shows values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QPushButton, QWidget

from app.gui.background import Reading
from app.gui.offered import items_of
from app.gui.pages.record_told import RecordAboutRows, RecordFileRows
from app.gui.record_design import Design, TwinDesign
from app.gui.record_file import FileDesign
from app.gui.record_resume import unfinished
from app.gui.widgets.basic import Choice, row
from app.gui.widgets.field_entry import FieldEntry
from app.gui.widgets.number_entry import NumberEntry, WholeEntry
from app.gui.widgets.segments import Segments
from app.gui.words import BEING_READ
from models.sequence import ALL, FAMILIES, LONGEST_HOLD

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.record_design import Plan
    from app.gui.record_resume import Unfinished
    from app.gui.record_saved import NewDesign
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.library.folders import Artefact
    from app.library.library import Library
    from instruments.bench_file import BenchSpec

KINDS = (
    ("Family", "sequences"),
    ("File", "file"),
    ("For twin", "twin"),
    ("Go on", "resume"),
)
WHOLE = ("count", "steps", "holds", "seed", "repeats", "reference", "stop_at", "budget",
         "twin_steps", "twin_holds", "twin_repeats", "iterations", "twin_seed")  # fmt: skip


OF_BOTH = ("Seed", "Repeats", "Reference")  # rows of a family and of a file
HOLD_TIP = "Each step is held 1 to so many times as long, at random"
STOP_TIP = "Drift of the reference, in its own spread, that stops the run"
NO_NETWORK = "none"


class RatioEntry(NumberEntry):
    """A number such as `1.25 × floor`; 0 says `budget only`."""

    def __init__(self, value: float, name: str) -> None:
        super().__init__(value, 0.0, 20.0, "× floor", name)
        self.setSingleStep(0.05)
        self.setSpecialValueText("budget only")


class RecordForm(QObject):
    """Rows of the page's form; `changed` when any value has changed."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self._form = form
        self._rows: list[tuple[tuple[str, ...], QWidget]] = []
        self.unfinished: list[Unfinished] = []
        self._stop_shown: tuple[Path, float] | None = None
        self._library = Reading()
        self._library.done.connect(self._offer)
        self.form_note = form.section("Plan")
        self.kind = Segments(theme, KINDS, "What to record")
        self.kind.chosen.connect(self._choose)
        form.widget(self.kind)
        self.given = RecordFileRows(form)
        self._rows += [(("file",), widget) for widget in self.given.rows]
        self._sequence_rows(theme)
        self._twin_rows(theme)
        self.about = RecordAboutRows(form)
        self._rows += [(("sequences", "file", "twin"), self.about.head)]
        self._resume_rows(theme)
        self._choose("sequences")
        for name in WHOLE:
            getattr(self, name).valueChanged.connect(self._tell)
        self.target.valueChanged.connect(self._tell)
        for entry in (self.low, self.high, self.reset_field):
            entry.changed.connect(self._tell)
        self.given.changed.connect(self._tell)
        self.about.changed.connect(self._tell)
        for choice in (self.family, self.order, self.which, self.network):
            choice.currentIndexChanged.connect(self._tell)

    def _add(self, name: str, control: QWidget, *kinds: str) -> None:
        self._rows.append((kinds, self._form.row(name, control)))

    def _sequence_rows(self, theme: Theme) -> None:
        self.family = Choice(theme, [(f, f) for f in (*FAMILIES, ALL)], "Family")
        self.family.setToolTip(f"{ALL}: sequences of each of the others, in turn")
        self.family.choose("mixed")
        self.count = WholeEntry(40, 1, 10_000, "", "Sequences")
        self.steps = WholeEntry(100, 2, 100_000, "steps", "Steps of a sequence")
        self.holds = WholeEntry(1, 1, LONGEST_HOLD, "steps", "Longest hold of a step")
        self.holds.setSpecialValueText("1 step")
        self.holds.setToolTip(HOLD_TIP)
        self.low = FieldEntry(0.0, "Field at drive 0")
        self.high = FieldEntry(0.0, "Field at drive 1")
        self.seed = WholeEntry(0, 0, 2**31 - 1, "", "Seed")
        new = QPushButton("New")
        new.setAccessibleName("New seed")
        new.clicked.connect(lambda: self.seed.setValue(self.seed.value() + 1))
        self.repeats = WholeEntry(8, 1, 100_000, "", "Repeats of each sequence")
        orders = (("random", True), ("blocks", False))
        self.order = Choice(theme, orders, "Order of repeats")
        self.reset_field = FieldEntry(0.0, "Reset field")
        self.reference = WholeEntry(0, 0, 1000, "steps", "Steps of a reference, 0: none")
        self.stop_at = WholeEntry(0, 0, 1000, "σ", "Drift of the reference that stops, 0: none")
        self.reference.setSpecialValueText("none")
        self.stop_at.setSpecialValueText("no stop")
        self.stop_at.setToolTip(STOP_TIP)
        self.order.setToolTip("Random: repeats interleaved; blocks: one sequence after another")
        self.count.setFixedWidth(60)
        self.repeats.setFixedWidth(60)
        self.repeats.setToolTip(
            "To fit a twin: one or two of many sequences; to score it: 16 of some"
        )
        for name, control in (
            ("Family", self.family),
            ("Sequences", row(self.count, self.steps)),
            ("Hold, at most", self.holds),
            ("Field window", row(self.low, self.high)),
            ("Seed", row(self.seed, new)),
            ("Repeats", row(self.repeats, self.order)),
            ("Reset field", self.reset_field),
            ("Reference", row(self.reference, self.stop_at)),
        ):
            kinds = ("sequences", "file") if name in OF_BOTH else ("sequences",)
            self._add(name, control, *kinds)

    def _twin_rows(self, theme: Theme) -> None:
        asked = TwinDesign()
        self.budget = WholeEntry(asked.budget, 8, 10_000_000, "repeats", "Budget")
        words = "Target: mean, spread, autocovariance and CRPS over floor"
        self.target = RatioEntry(asked.target, words)
        self.twin_steps = WholeEntry(asked.steps, 2, 100_000, "steps", "Steps of a sequence")
        self.twin_holds = WholeEntry(
            asked.holds, 1, LONGEST_HOLD, "steps", "Longest hold of a step"
        )
        self.twin_holds.setSpecialValueText("1 step")
        self.twin_holds.setToolTip(HOLD_TIP)
        self.network = Choice(theme, ((NO_NETWORK, ""),), "Network that will drive the device")
        self.network.setToolTip("Half of each round is what it sends, the rest where twins differ")
        self.twin_repeats = WholeEntry(asked.repeats, 1, 1000, "", "Repeats of each sequence")
        self.iterations = WholeEntry(asked.iterations, 1, 10**6, "a fit", "Iterations of a fit")
        self.twin_seed = WholeEntry(asked.seed, 0, 2**31 - 1, "", "Seed")
        for name, control in (
            ("Budget", self.budget),
            ("Stop at", self.target),
            ("Steps, hold", row(self.twin_steps, self.twin_holds)),
            ("Network", self.network),
            ("Repeats", self.twin_repeats),
            ("Iterations", self.iterations),
            ("Seed", self.twin_seed),
        ):
            self._add(name, control, "twin")

    def _resume_rows(self, theme: Theme) -> None:
        self.which = Choice(theme, (), "Recording that ended early")
        self._add("Recording", self.which, "resume")
        self.what, self.came = self._form.fact("Sequences"), self._form.fact("Came as far as")
        parents = (self.what.parentWidget(), self.came.parentWidget())
        self._rows += [(("resume",), parent) for parent in parents if parent is not None]
        self.then_stop_at = NumberEntry(0.0, 0.0, 1000.0, "σ", "Drift that stops from here on")
        self.then_stop_at.setSpecialValueText("no stop")
        self.then_stop_at.setToolTip(STOP_TIP)
        self._add("Stop at drift", self.then_stop_at, "resume")
        self.then_stop_at.valueChanged.connect(self._tell)
        self.which.currentIndexChanged.connect(self._show_stop)

    def _show_stop(self, *_: Any) -> None:
        """That of the chosen recording, once: one it was stopped by is raised here."""
        found = self._chosen()
        shown = (found.path, found.stop_at) if found is not None else None
        if shown == self._stop_shown:
            return
        self._stop_shown = shown
        self.then_stop_at.blockSignals(True)
        self.then_stop_at.setValue(found.stop_at if found is not None else 0.0)
        self.then_stop_at.blockSignals(False)
        self.then_stop_at.setEnabled(found is not None and found.is_watched)

    def _choose(self, kind: str) -> None:
        for kinds, widget in self._rows:
            widget.setVisible(kind in kinds)
        self.about.show_rows(kind != "resume")
        self.changed.emit()

    def _tell(self, *_: Any) -> None:
        self.changed.emit()

    def take_defaults(self, spec: BenchSpec) -> None:
        """The bench's window and reset."""
        self.low.setValue(spec.window.low_T)
        self.high.setValue(spec.window.high_T)
        self.reset_field.setValue(spec.reset.field_T)

    @property
    def unread(self) -> bool:
        """Whether what can go on is not known yet."""
        return self._library.is_first

    def look_up(self, library: Library, but: Path | None) -> None:
        """Look beside the window for recordings that can go on, apart from the running one."""
        self._library.ask(
            lambda: (
                [one for one in unfinished(library) if one.path != but],
                library.checked("net"),
            )
        )

    def _offer(
        self, found: tuple[list[Unfinished], list[Artefact]] | None, _error: Exception | None
    ) -> None:
        if found is None:  # which is the Library page's to say; what is chosen stays
            self.changed.emit()
            return
        self.unfinished, networks = found
        every = [item._replace(value=str(item.value)) for item in items_of(networks)]
        self.network.blockSignals(True)
        self.network.offer([(NO_NETWORK, ""), *every], keep=True)
        self.network.blockSignals(False)
        self.which.blockSignals(True)
        self.which.offer([(one.name, str(one.path)) for one in self.unfinished])
        self.which.blockSignals(False)
        self._show_stop()
        self.form_note.setText(f"{len(self.unfinished)} unfinished" if self.unfinished else "")
        if self.kind.value == "resume":
            self.changed.emit()

    def _chosen(self) -> Unfinished | None:
        chosen = self.which.currentData()
        return next((one for one in self.unfinished if str(one.path) == chosen), None)

    def design(self) -> NewDesign | Unfinished | None:
        """What the form asks for; None: to go on, where nothing is unfinished."""
        if self.kind.value == "resume":
            found = self._chosen()
            none = BEING_READ if self.unread else "nothing is unfinished"
            self.what.setText(found.what if found is not None else "")
            self.came.setText(found.note if found is not None else none)
            return found and replace(found, stop_at=self.then_stop_at.value())
        if self.kind.value == "twin":
            return TwinDesign(
                self.budget.value(), round(self.target.value(), 2), self.twin_steps.value(),
                self.twin_repeats.value(), self.iterations.value(), self.twin_seed.value(),
                self.twin_holds.value(), str(self.network.currentData()), **self.about.told,
            )  # fmt: skip
        if self.kind.value == "file":
            return FileDesign(
                self.given.path, self.repeats.value(), self.seed.value(),
                bool(self.order.currentData()), self.reference.value(),
                float(self.stop_at.value()), **self.about.told,
            )  # fmt: skip
        return Design(
            str(self.family.currentData()), self.count.value(), self.steps.value(),
            self.holds.value(), self.seed.value(), float(self.low.value()),
            float(self.high.value()), self.repeats.value(), float(self.reset_field.value()),
            bool(self.order.currentData()), self.reference.value(), float(self.stop_at.value()),
            **self.about.told,
        )  # fmt: skip

    def told(self, plan: Plan | None) -> None:
        """What a plan says of the file that was looked at."""
        self.given.show_plan(plan if self.kind.value == "file" else None)

    def values(self) -> dict[str, Any]:
        """What comes back at the next start; fields stay those of the bench."""
        return {
            "family": self.family.currentData(),
            "interleave": self.order.currentData(),
            "target": self.target.value(),
            "kind": self.kind.value,
            "file": self.given.path,
            **self.about.values(),
            **{name: getattr(self, name).value() for name in WHOLE},
        }

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        self.family.choose(values.get("family"))
        if isinstance(values.get("interleave"), bool):
            self.order.choose(values["interleave"])
        if isinstance(values.get("target"), float):
            self.target.setValue(values["target"])
        for name in WHOLE:
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
        self.given.set_path(values.get("file"))
        self.about.set_values(values)
        if values.get("kind") in ("sequences", "file", "twin"):
            self.kind.choose(values["kind"])
