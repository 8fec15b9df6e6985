"""The form of an import: which array is what, and the map in words that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLabel, QLineEdit, QWidget

from app.gui.widgets.basic import Choice, label
from app.gui.widgets.number_entry import WholeEntry
from app.importing.exported import EXPORTED
from app.importing.guess import drive_axes
from app.importing.join import longer
from app.importing.mapping import RAW_AXES
from app.importing.words import TESLA
from models.sequence import ENCODINGS

if TYPE_CHECKING:
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.importing.preview import ArrayInfo, Preview

MOST_AXES = 5
USUAL_SAMPLES = 50  # of a step of waveforms
NONE = "none"
WAVES = "Waveforms of the public nanoring set; features, samples and skip by further words."
TABLE = "A table with one row a step: its columns stand in the map."
WHOLE = "A recording that Twinrig exported: it comes back whole, its marks, too."


class ImportForm(QObject):
    """Rows of the form; `changed` is emitted when any of them is."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__()
        self.seen: dict[str, ArrayInfo] = {}
        self._fixed = ""  # a table's map, or a folder's: taken as it was guessed
        form.section("Response")
        self.as_guessed = label("", "note", wrap=True)
        form.widget(self.as_guessed)
        self.response = Choice(theme, (), "Array of the response")
        self.response_row = form.row("Array", self.response)
        self.axes = [Choice(theme, [(a, a) for a in RAW_AXES], f"Axis {k + 1}")
                     for k in range(MOST_AXES)]  # fmt: skip
        self.axis_rows = [form.row(f"Axis {k + 1}", axis) for k, axis in enumerate(self.axes)]
        self.samples = WholeEntry(USUAL_SAMPLES, 2, 1_000_000, "", "Samples a step")
        self.skip = WholeEntry(0, 0, 100_000_000, "", "Samples before the first step")
        self.features = _entry("1f,2f", "Features of a step")
        self.wave_rows = [
            form.row("Samples a step", self.samples),
            form.row("Skip samples", self.skip),
            form.row("Features", self.features),
        ]
        form.section("Drive")
        self.drive = Choice(theme, (), "Array of the drive")
        self.drive_row = form.row("Array", self.drive)
        self.holds = Choice(theme, (), "Array of the hold times")
        self.holds_row = form.row("Hold times", self.holds)
        self.field = _entry("0, 1", "Drive array's numbers at drive 0 and 1, or auto")
        self.unit = Choice(theme, [("no unit", ""), *((u, u) for u in TESLA)], "Unit of the field")
        self.encoding = Choice(theme, [(e, e) for e in ENCODINGS], "Encoding")
        self.encoding.choose("step")
        self.field_rows = [
            form.row("Low, high", self.field),
            form.row("Unit", self.unit),
            form.row("Encoding", self.encoding),
        ]
        form.section("Names")
        self.channels = _entry("", "Names of the channels")
        self.channels.setPlaceholderText("X,Y")
        self.units = _entry("", "Units of the channels")
        self.units.setPlaceholderText("V, or one each")
        self.more = _entry("", "Further words of the map")
        self.more.setPlaceholderText("only=repeat:0-15 cut=shortest")
        self.more.setToolTip("Such as only=repeat:0-15 cut=shortest")
        self.word_rows = [
            form.row("Channels", self.channels),
            form.row("Units", self.units),
            form.row("More words", self.more),
        ]
        self._connect()
        self.show_preview(None)

    def _connect(self) -> None:
        for choice in (self.response, self.drive, self.holds, self.unit, self.encoding, *self.axes):
            choice.currentIndexChanged.connect(self._changed)
        for box in (self.samples, self.skip):
            box.valueChanged.connect(self._changed)
        for entry in (self.field, self.features, self.channels, self.units, self.more):
            entry.textEdited.connect(self._changed)

    def _changed(self, *_: Any) -> None:
        self._show_rows()
        self.changed.emit()

    def show_preview(self, seen: Preview | None) -> None:
        """Offer a file's arrays and fill in the guess, all else as it first was; None: no file."""
        self.seen = {} if seen is None else {info.name: info for info in seen.arrays}
        guess = "" if seen is None else seen.guess
        words = dict(word.partition("=")[::2] for word in guess.split())
        array, colon, axes = words.get("response", "").rpartition(":")
        self._fixed = guess if seen is not None and (seen.patterns or not colon) else ""
        waves = seen is not None and bool(seen.patterns)
        self.as_guessed.setText(WHOLE if guess == EXPORTED else WAVES if waves else TABLE)
        none = (("none", NONE),)
        for choice, extra in ((self.response, ()), (self.drive, none), (self.holds, none)):
            choice.blockSignals(True)
            choice.clear()
            choice.blockSignals(False)
            choice.offer([*extra, *((name, name) for name in self.seen)])
        if seen is not None and seen.joined is not None:
            self.seen[array] = seen.joined
            self.response.offer([(name, name) for name in self.seen])
        self.response.choose(array)
        for choice, axis in zip(self.axes, axes.split(","), strict=False):
            choice.choose(axis)
        self.channels.setText(words.get("channels", ""))
        self.units.clear()
        self.more.clear()
        self.samples.setValue(USUAL_SAMPLES)
        self.skip.setValue(0)
        self.features.setText(words.get("features", "1f,2f"))
        for choice, word in ((self.drive, "drive"), (self.holds, "holds")):
            choice.choose(words.get(word, NONE).partition(":")[0])
        low_high, _, unit = words.get("field", "0,1").partition(",")
        self.field.setText("auto" if low_high == "auto" else "0, 1")
        self.unit.choose(unit if low_high == "auto" else "")
        self.encoding.choose(words.get("encoding", "step"))
        self._show_rows()

    def _dims(self) -> int:
        info = self.seen.get(str(self.response.currentData()))
        return len(longer(info.shape)) if info is not None else 0

    @property
    def chosen_axes(self) -> list[str]:
        """The response's axes, one for each that is longer than 1."""
        return [str(choice.currentData()) for choice in self.axes[: self._dims()]]

    @property
    def is_raw(self) -> bool:
        """Whether the response holds waveforms."""
        return bool({"sample", "time"} & set(self.chosen_axes))

    def _show_rows(self) -> None:
        free = bool(self.seen) and not self._fixed
        self.response_row.setVisible(free)
        self.as_guessed.setVisible(bool(self._fixed))
        info = self.seen.get(str(self.response.currentData()))
        sizes = longer(info.shape) if info is not None else ()
        for k, (row, choice) in enumerate(zip(self.axis_rows, self.axes, strict=True)):
            row.setVisible(free and k < len(sizes))
            if k < len(sizes):
                self._name(row, f"Axis of {sizes[k]}")
                choice.setAccessibleName(f"Axis of {sizes[k]}")
        for row in self.wave_rows:
            row.setVisible(free and self.is_raw)
        self.wave_rows[0].setVisible(free and "time" in self.chosen_axes)
        self.wave_rows[1].setVisible(free and "time" in self.chosen_axes)
        self.drive_row.setVisible(free)
        self.holds_row.setVisible(free and "time" not in self.chosen_axes)
        whole = self._fixed == EXPORTED
        known = self._fixed or self.drive.currentData() not in (None, NONE)
        for row in self.field_rows:
            row.setVisible(bool(self.seen) and bool(known) and not whole)
        for row in self.word_rows:
            row.setVisible(not whole)

    @staticmethod
    def _name(row: QWidget, text: str) -> None:
        words = row.findChild(QLabel)
        if words is not None:
            words.setText(text)

    def map_text(self) -> str:
        """The map that the form makes, as `twinrig import --map` takes it; empty: no file."""
        if not self.seen or self._fixed == EXPORTED:
            return self._fixed
        words = self._array_words() if not self._fixed else self._fixed_words()
        for word, entry in (("channels", self.channels), ("units", self.units)):
            if text := _joined(entry.text()):
                words.append(f"{word}={text}")
        return " ".join([*words, *self.more.text().split()])

    def _array_words(self) -> list[str]:
        axes = self.chosen_axes
        words = [f"response={self.response.currentData()}:{','.join(axes)}"]
        if self.is_raw:
            if "time" in axes:
                words += [f"samples={self.samples.value()}", f"skip={self.skip.value()}"]
            words.append(f"features={_joined(self.features.text())}")
        holds = str(self.holds.currentData())
        if holds in self.seen and "time" not in axes:
            words.append(f"holds={holds}")
        drive = str(self.drive.currentData())
        info = self.seen.get(drive)
        if info is None:
            return [*words, "drive=none"]
        response = longer(self.seen[str(self.response.currentData())].shape)
        turned = drive_axes(info.shape, response, axes)
        if info.of_each:
            turned = ",".join(axes[: len(longer(info.shape))])
        return [*words, f"drive={drive}:{turned}", *self._field_words()]

    def _fixed_words(self) -> list[str]:
        kept = [w for w in self._fixed.split() if not w.startswith(("field=", "encoding="))]
        return [*kept, *self._field_words()]

    def _field_words(self) -> list[str]:
        words, unit = [], str(self.unit.currentData() or "")
        field = _joined(self.field.text())
        if field and (field != "0,1" or unit):
            words.append(f"field={field}{f',{unit}' if unit else ''}")
        if self.encoding.currentData() != "step" or self._fixed:
            words.append(f"encoding={self.encoding.currentData()}")
        return words


def _entry(text: str, name: str) -> QLineEdit:
    made = QLineEdit(text)
    made.setAccessibleName(name)
    return made


def _joined(text: str) -> str:
    """A list as the map takes it: commas, no blanks."""
    return ",".join(part for part in text.replace(",", " ").split())
