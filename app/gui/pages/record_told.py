"""Rows of the Record page's form: the file of sequences, and what a person tells of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QWidget

from app.gui.theme import BODY_PX, elided, sans
from app.gui.widgets.basic import row
from app.gui.widgets.file_dialog import ask_file
from app.gui.widgets.number_entry import NumberEntry
from app.gui.words import minus, unkeyed
from app.words import MISSING
from models.command import unquoted

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QFileDialog

    from app.gui.record_design import Plan
    from app.gui.widgets.form import Form

FILES = "Sequences or a recording (*.json *.nc)"
MOST_WORDS, TOLD_PX = 18, 128  # of the line that says what is told, beside a scroll bar, too
REMEMBERED = ("sample", "operator")  # a note or temperature of yesterday would be another's


class RecordFileRows(QObject):
    """The file, and what is in it; `changed` when another one is named."""

    changed = pyqtSignal()

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._form = form
        self.file = QLineEdit()
        self.file.setPlaceholderText("JSON, or a recording")
        self.file.setAccessibleName("File of sequences")
        self.file.textChanged.connect(lambda _: self.changed.emit())
        choose = QPushButton("…")
        choose.setAccessibleName("Choose a file of sequences")
        choose.setFixedWidth(32)
        choose.clicked.connect(lambda _: self.choose_file())
        self.rows: list[QWidget] = [form.row("File", row(self.file, choose))]
        self.holds, self.window = (form.fact(n, MISSING) for n in ("Sequences", "Field window"))
        for fact in (self.holds, self.window):
            if (parent := fact.parentWidget()) is not None:
                self.rows.append(parent)

    @property
    def path(self) -> str:
        """As it is written there, without quotes around it."""
        return unquoted(self.file.text())

    def set_path(self, value: Any) -> None:
        """Put a path back; what is none is left alone."""
        if isinstance(value, str):
            self.file.setText(value)

    def choose_file(self) -> QFileDialog:
        """Open a dialog for the file, beside the window: nothing waits for it."""
        begin = Path(self.path).parent if self.path else Path.home()
        return ask_file(self._form, "Sequences to record", begin, FILES, self.file.setText)

    def show_plan(self, plan: Plan | None) -> None:
        """Say what was found in the file; None: nothing."""
        if plan is None or plan.window is None:
            self.holds.setText(MISSING)
            self.window.setText(MISSING)
            return
        steps = {s.steps for s in plan.sequences}
        most = f"{min(steps)} to {max(steps)}" if len(steps) > 1 else f"{max(steps)}"
        self.holds.setText(f"{len(plan.sequences)} × {most} steps")
        low, high = 1e3 * plan.window.low_T, 1e3 * plan.window.high_T
        self.window.setText(minus(f"{low:.4g} to {high:.4g} mT"))


class RecordAboutRows(QObject):
    """Sample, operator, temperature, notes, folded to one line that says what is told.

    `changed` when one of them has changed.
    """

    changed = pyqtSignal()

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self.sample, self.operator, self.notes = QLineEdit(), QLineEdit(), QLineEdit()
        entries = (("sample", self.sample), ("operator", self.operator), ("notes", self.notes))
        for name, entry in entries:
            entry.setAccessibleName(name.capitalize())
            entry.setPlaceholderText(name)
            entry.textChanged.connect(lambda _: self.changed.emit())
        self.temperature = NumberEntry(0.0, 0.0, 2000.0, "K", "Temperature of the sample")
        self.temperature.setSpecialValueText("not told")
        self.temperature.valueChanged.connect(lambda _: self.changed.emit())
        self.unfold = QPushButton()
        self.unfold.setCheckable(True)
        self.unfold.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.unfold.setToolTip("Sample, operator, temperature and notes, kept with the recording")
        self.unfold.toggled.connect(self.show_rows)
        self.head = form.row("Kept with it", self.unfold)
        self.rows: list[QWidget] = [
            form.row("Sample, by", row(self.sample, self.operator)),
            form.row("Temperature", self.temperature),
            form.row("Notes", self.notes),
        ]
        self.changed.connect(self._say)
        self._say()

    def show_rows(self, wanted: bool) -> None:
        """Show the entries where they are unfolded, and `wanted`."""
        for each in self.rows:
            each.setVisible(wanted and self.unfold.isChecked())

    def _say(self) -> None:
        told = self.told
        kelvin = f"{told['temperature_K']:g} K" if told["temperature_K"] else ""
        parts = (told["sample"], told["operator"], kelvin, told["notes"])
        words = " · ".join(part for part in parts if part) or "nothing yet"
        shown = words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 1]}…"
        shown = elided(shown, sans(BODY_PX), TOLD_PX)
        self.unfold.setText(unkeyed(shown))

    @property
    def told(self) -> dict[str, Any]:
        """As a design takes it."""
        texts = {name: getattr(self, name).text().strip() for name in (*REMEMBERED, "notes")}
        return {**texts, "temperature_K": round(float(self.temperature.value()), 6)}

    def values(self) -> dict[str, Any]:
        """What comes back at the next start."""
        return {name: self.told[name] for name in REMEMBERED}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        for name in REMEMBERED:
            if isinstance(values.get(name), str):
                getattr(self, name).setText(values[name])
