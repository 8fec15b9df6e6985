"""The page that imports measured repeats: a file, a map by controls, a preview of what it gives."""

from __future__ import annotations

import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QGridLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.background import Latest
from app.gui.import_form import ImportForm
from app.gui.import_words import command_of, words_of
from app.gui.job import JobSpec, Outcome
from app.gui.pages.page import Page
from app.gui.pages.twin_ensemble import Ensemble
from app.gui.widgets.basic import Elided, label, row
from app.gui.widgets.channels import Channels
from app.gui.widgets.file_dialog import beside
from app.gui.widgets.panel import Panel
from app.gui.words import prefix, some_of
from app.importing.nanoring import is_nanoring
from app.importing.preview import preview
from app.importing.reading import SUFFIXES, read_all
from app.operations.child import in_child
from app.operations.events import Result
from app.operations.import_measured import looked_at
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.foreign_files import Found
    from app.gui.pages.shell import Shell
    from app.importing.preview import Preview
    from app.operations.events import Event
    from models.recording import Recording

MOST_ARRAYS, MOST_REMARKS = 8, 5
EMPTY = (
    "Choose a file: NPZ, NPY, CSV, LVM, MAT, Touchstone, HDF5 or netCDF; or a folder: such files, "
    "one a run or one a step, or the public nanoring set."
)


class ImportDataPage(Page):
    """File, response, drive and names at the left; arrays, map, repeats and drive at the right."""

    key, name = "import_data", "Import"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Import", "measured repeats from elsewhere")
        self.file: Path | None = None
        self.found: dict[str, Found] = {}
        self.seen: Preview | None = None
        self.recording: Recording | None = None
        self.imported: Path | None = None
        self.imported_by: tuple[Path | None, str] = (None, "")  # file and map of the last press
        self.problem = ""
        self.sequence, self.channel = 0, 0
        self.form.section("File")
        self.file_label = Elided("none yet", "note")
        self.form.widget(self.file_label)
        buttons = [QPushButton(text) for text in ("Choose a file", "Choose a folder")]
        for button, folder in zip(buttons, (False, True), strict=True):
            button.clicked.connect(partial(self.choose_file, folder=folder))
        self.form.widget(row(*buttons))
        self.fields = ImportForm(self.theme, self.form)
        self.fields.changed.connect(self.form_changed)
        self._right()
        self.toggle = Channels(self.theme)
        self.toggle.hide()
        self.toggle.chosen.connect(self._choose_channel)
        self._buttons.insertWidget(0, self.toggle)
        self.next_button = self.button("›", lambda: self._hop(1))
        self.before_button = self.button("‹", lambda: self._hop(-1))
        self.fit_button = self.button("Fit a twin", self._fit)
        self.fit_button.hide()
        self._reading, self._looking = Latest(), Latest()
        self._reading.done.connect(self._read)
        self._looking.done.connect(self._looked)
        self.theme.changed.connect(self._draw)
        self.show_cost()

    def _right(self) -> None:
        self.arrays = label("", "note", wrap=True)
        self.map = label("", "id", wrap=True)
        self.map.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remarks, self.notes = (label("", role, wrap=True) for role in ("attention", "note"))
        self.words = words = QWidget()
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for title, shown in (("Arrays of the file", self.arrays), ("Map", self.map)):
            column.addWidget(label(title, "panel"))
            column.addWidget(shown)
        column.addWidget(self.remarks)
        column.addWidget(self.notes)
        self.body.addWidget(words)
        self.repeats = Ensemble(self.theme, "Response", "measured", dashed=False, noun="repeats")
        self.drive = Panel(self.theme, "Drive", x_label="Step")
        self.drive_line = self.drive.curve("field", 1.5)
        self.histogram = Panel(self.theme, "Drive range", "all sequences", x_label="Drive")
        self.bars = self.histogram.bars("field", 130)
        plots = QWidget()
        grid = QGridLayout(plots)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.addWidget(self.repeats, 0, 0, 1, 2)
        grid.addWidget(self.drive, 1, 0)
        grid.addWidget(self.histogram, 1, 1)
        for line, stretch in enumerate((3, 2)):
            grid.setRowStretch(line, stretch)
            grid.setColumnStretch(line, stretch)
        self.body.addWidget(plots, 1)

    # the file

    def choose_file(self, *_: Any, folder: bool = False) -> QFileDialog:
        """Ask for a file (or a folder) without holding up the window."""
        dialog = QFileDialog(self, "Measured repeats", str(Path.home()))
        if folder:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
            dialog.setNameFilters([f"Measured data ({patterns})", "All files (*)"])
        return beside(dialog, lambda path: self.open_file(Path(path)))

    def choose(self, artefact: Path) -> None:
        self.open_file(artefact)

    def open_file(self, file: Path) -> None:
        """Look into a file in a thread; the form offers what is found."""
        self.file, self.found, self.seen, self.recording = file, {}, None, None
        self.imported, self.problem, self.sequence = None, "", 0
        self.fit_button.hide()
        self.file_label.setText(str(file))
        self.fields.show_preview(None)
        self._looking.forget()
        self._reading.ask(partial(_open, file))
        self.say("Reading", str(file))
        self.show_cost()

    def _read(self, answer: Any, error: BaseException | None) -> None:
        if error is not None:
            self.problem = str(error)
            self.say("It can't be read", self.problem)
            self._tell(error)
        else:
            self.found, self.seen = answer
            self.fields.show_preview(self.seen)
        self.show_cost()

    def _tell(self, error: BaseException) -> None:
        """A fault of the file stands on the page; anything else has a traceback behind it."""
        if not isinstance(error, TwinrigError):
            self.shell.toast(str(error), "error", "".join(traceback.format_exception(error)))

    # what the map gives

    def show_cost(self) -> None:
        if self.running:
            return
        text = self.fields.map_text()
        self.map.setText(command_of(self.file, text) if text else "")
        self.form.primary.setEnabled(False)
        if self.seen is None or self.file is None:
            words = self.problem.splitlines()[0] if self.problem else "choose a file first"
            self.form.primary.say("Import", words, role="fault" if self.problem else "attention")
            if self.file is None:
                self.say("Nothing chosen yet", EMPTY)
            self._draw()
            return
        self.form.primary.say("Import", "looking at the numbers")
        self._looking.ask(partial(looked_at, self.file, text, self.found))

    def _looked(self, answer: Any, error: BaseException | None) -> None:
        if self.running:
            return
        self.recording, remarks = (None, []) if answer is None else answer
        noted = [text for text, level in remarks if level == "info"]
        if error is None:
            self._say_recording()
            warned = [text for text, level in remarks if level != "info"]
        else:
            self._tell(error)
            lines = [line.strip(" -") for line in str(error).splitlines()]
            warned = lines[1:] or lines or [type(error).__name__]
            self.form.primary.say("Import", warned[-1], role="fault")
            self.say(self.file.name if self.file else "", "the map does not fit yet")
        for shown, texts in ((self.remarks, warned), (self.notes, noted)):
            shown.setText("\n".join(some_of(texts, MOST_REMARKS)))
            shown.setVisible(bool(texts))
        self._draw()

    def _say_recording(self) -> None:
        recording = self.recording
        if recording is None or self.file is None:
            return
        s = recording.response.shape[0]
        what, cost, said = words_of(recording, self.seen.patterns if self.seen else 0)
        by = self.file, self.fields.map_text()
        if self.imported is not None and self.imported_by == by:
            self.form.primary.say("Imported", "another map imports it again")
            self.say("Imported", str(self.imported.parent))
        else:
            self.form.primary.setEnabled(True)
            self.form.primary.say(f"Import {what}", cost)
            self.say(self.file.name, said)
        self.toggle.offer(recording.channel_words)
        self.toggle.setVisible(len(recording.channels) > 1)
        self.channel = self.toggle.value
        self.sequence = min(self.sequence, s - 1)

    def _choose_channel(self, channel: int) -> None:
        self.channel = channel
        self._draw()

    def _hop(self, by: int) -> None:
        if self.recording is not None:
            self.sequence = (self.sequence + by) % self.recording.response.shape[0]
            self._draw()

    def _draw(self) -> None:
        infos = self.seen.arrays if self.seen else ()
        lines = [f"{info.name}   {info.words()}" for info in infos[:MOST_ARRAYS]]
        lines += [f"and {len(infos) - MOST_ARRAYS} more"] if len(infos) > MOST_ARRAYS else []
        lines += self.seen.left_out_words()[:MOST_ARRAYS] if self.seen else []
        self.arrays.setText("\n".join(lines))
        self.words.setVisible(bool(infos))
        several = self.recording is not None and self.recording.response.shape[0] > 1
        for button in (self.before_button, self.next_button):
            button.setVisible(several)
        if self.recording is None:
            self._draw_nothing()
            return
        r, s = self.recording, self.sequence
        length = int(r.lengths[s])
        traces = r.response[s, r.complete[s], :length, self.channel]
        factor, unit = prefix(float(np.abs(traces).max(initial=0.0)), r.units[self.channel])
        self.repeats.filled()
        self.repeats.title.setText(f"Response, sequence {s + 1}")
        self.repeats.show_traces(traces * factor, unit, r.channel_words[self.channel])
        self.drive.filled()
        self.drive_line.setData(np.arange(length), r.drive[s, :length])
        self.drive.unit.setText("0 … 1")
        heights, edges = np.histogram(r.drive[np.isfinite(r.drive)], bins=20, range=(0, 1))
        self.histogram.filled()
        self.bars.setOpts(x=(edges[1:] + edges[:-1]) / 2, height=heights, width=0.045)

    def _draw_nothing(self) -> None:
        for item in (self.repeats.lines, self.repeats.mean, self.drive_line):
            item.setData([], [])
        self.repeats.band_.clear()
        for panel in (self.repeats, self.drive):
            panel.unit.setText("")
        self.bars.setOpts(x=[], height=[])
        waiting = "the map does not fit yet" if self.seen else "choose a file"
        for panel in (self.repeats, self.drive, self.histogram):
            panel.empty(waiting)

    # the import

    def press(self) -> None:
        if self.running or self.file is None or not self.form.primary.isEnabled():
            return
        out = self.session.library.new_path("rec")
        text = self.fields.map_text()
        kwargs = {"file": self.file, "mapping": text, "out": out}

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            return in_child("app.operations.import_measured.import_measured", kwargs, stop)

        if self.shell.run(JobSpec(self.key, "Importing", out.name, start, hardware=False)):
            self.imported_by = self.file, text

    def job_started(self) -> None:
        super().job_started()
        self.imported = None
        self.form.primary.say("Importing", "in a process of its own", fraction=0.0)

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Result) and self.imported_by[0] == self.file:
                self.imported = Path(str(event.values["path"]))
            elif isinstance(event, Result):  # another file was chosen meanwhile
                self.shell.toast(f"Imported: {Path(str(event.values['path'])).parent}")

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        self.fit_button.setVisible(self.imported is not None)
        self.show_cost()

    def _fit(self) -> None:
        if self.imported is not None:
            self.shell.open_page("twin", self.imported)


def _open(file: Path) -> tuple[dict[str, Found], Preview]:
    found = {} if is_nanoring(file) else read_all(file)
    return found, preview(file, found or None)
