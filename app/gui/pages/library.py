"""The Library page: every artefact with its lineage; search, notes, compare, run again, trash."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QPushButton

from app.gui.background import Latest, Reading
from app.gui.pages.library_again import again, refused
from app.gui.pages.library_detail import Detail
from app.gui.pages.library_export import EXPORTED, ExportButton
from app.gui.pages.library_find import FindRows
from app.gui.pages.library_list import EntryList, read_whole
from app.gui.pages.library_mark import MarkRow
from app.gui.pages.library_note import NoteEntry
from app.gui.pages.library_open import MAKES, lacks_fits, opening, page_of
from app.gui.pages.library_report import report_in, reported, show_file
from app.gui.pages.library_simulate import SimulateRow
from app.gui.pages.library_trash import TrashButton
from app.gui.pages.page import Page
from app.gui.widgets.basic import row
from app.gui.words import count
from app.library.index import Index, lineage
from app.library.kinds import BEGUN
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.job import Outcome
    from app.gui.pages.shell import Shell
    from app.library.index import Entry

FAR_MS = 500
FILES = (".json", ".nc")  # of what an artefact's own file ends in
AGAIN = "Fills the form of the page that made it as it was then"
REPORT = "One HTML page with figures, opened as the system does"
NO_REPORT = "It ended early and has no report yet: Open shows where it goes on"


class LibraryPage(Page):
    """A list read in a thread; figures, lineage and the note of what is chosen below and beside."""

    key, name, of_library = "library", "Library", True

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Library", "recordings, twins, networks, deployments")
        self.index = Index(self.session.library)
        self.all: list[Entry] = []
        self._read = False  # once at least
        self._empty = ""  # what is said where there are none
        self._wanted: Path | None = None  # to be chosen once it is read
        self._reading, self._looking, self._reporting = Reading(), Latest(), Latest()
        self._reading.done.connect(self._take_entries)
        self._looking.done.connect(self._show_there)
        self._reporting.done.connect(self._report_found)
        self._form()
        self.copy_button.hide()
        imports = partial(shell.open_page, "import_data")
        self.import_button = self.button("Import measured repeats", imports)
        folder = self.session.library.folder
        self.folder_button = self.button("Show the folder", partial(self._show, folder))
        self.list = EntryList(self.theme)
        self.list.chosen.connect(self._show_chosen)
        self.list.opened.connect(self.press)
        self.body.addWidget(self.list, 1)
        self.detail = Detail(self.theme)
        self.detail.opened.connect(self.press)
        self.body.addWidget(self.detail)
        self._far = QTimer(self)
        self._far.setInterval(FAR_MS)
        self._far.timeout.connect(self._show_far)
        self.say("Reading the library", str(self.session.library.folder))
        self._show_chosen()

    def _form(self) -> None:
        self.finder = self.remembers = FindRows(self.theme, self.form)
        self.finder.changed.connect(self._show_list)
        self.chosen_words = self.form.section("Chosen")
        self.note = NoteEntry()
        self.note.kept.connect(self.refresh)
        self.note.failed.connect(self._refused)
        self.note.warned.connect(lambda words: self.shell.toast(words, "warning"))
        self.form.widget(self.note)
        self.again = self._small("Run again", self._run_again)
        self.reveal = self._small("Show in folder", self._reveal)
        self.compare = self._small("Compare", self._compare)
        self.trash = TrashButton()
        self.trash.clicked.connect(self._trash)
        self.trash.told.connect(self.shell.toast)
        self.trash.over.connect(self.refresh)
        self.form.widget(row(self.again, self.reveal))
        self.form.widget(row(self.compare, self.trash))
        self.report = self._small("Report", self._report)
        self.export = ExportButton(self.shell, self.key)
        self.form.widget(row(self.report, self.export))
        self.mark = MarkRow()
        self.mark.marked.connect(self._marked)
        self.mark.warned.connect(lambda words: self.shell.toast(words, "warning"))
        self.mark.failed.connect(self._refused)
        self.simulate = SimulateRow(self.shell, self.key, self.session.library)
        for part in (self.mark, self.simulate):
            self.form.widget(part)

    def _small(self, text: str, press: Callable[[], None]) -> QPushButton:
        made = QPushButton(text)
        made.clicked.connect(lambda: press())
        return made

    # the list

    @property
    def rows(self) -> list[Entry]:
        """The entries in view, uppermost first."""
        return [entry for _, entry in self.list.entries.rows]

    def refresh(self) -> None:
        self._reading.ask(partial(read_whole, self.index))
        self._far.start()

    def _show_far(self) -> None:
        """How far a reading is that takes long: of a first one there is nothing else to see."""
        done, total = self.index.progress
        if not self._reading.goes_on:
            self._far.stop()
        elif not self._read:
            far = f"{done} of {count(total, 'artefact')}" if total else "looking into its folders"
            self.say("Reading the library", f"{far} · {self.session.library.folder}")

    def choose(self, artefact: Path) -> None:
        """Choose the artefact of a folder, or of a file in it, once it is read."""
        folder = artefact.parent if artefact.suffix in FILES else artefact  # no disk is asked here
        self._wanted = folder
        self._choose_wanted({e.artefact.path for e in self.all} & {folder})

    def _choose_wanted(self, found: set[Path]) -> None:
        """Choose what was asked for; what hides it from the list gives way."""
        if not found:
            return
        self._wanted = None
        if not found <= {entry.artefact.path for entry in self.rows}:
            self.finder.clear()
        self.list.clearSelection()
        self.list.choose(found)

    def _take_entries(self, read: tuple[list[Entry], str] | None, error: Exception | None) -> None:
        if read is None:
            self.say("The library can't be read", str(error))
            self.shell.toast(f"{self.session.library.folder}: {error}", "error")
            return
        self._read = True
        self.all, self._empty = read
        self._show_list()
        if self._wanted is not None:
            self._choose_wanted(_found(self._wanted, {e.artefact.path for e in self.all}))

    def _show_list(self) -> None:
        found = self.finder.found(self.all)
        tree = self.finder.as_tree
        self.list.show_rows(lineage(found) if tree else [(0, entry) for entry in found])
        head, how = self.finder.words(len(found), self.all)
        self.say(head, how if self.all else self._empty)
        self._show_chosen()

    def _show_chosen(self) -> None:
        self.note.keep()
        self.trash.not_sure()
        chosen = self.list.selected()
        one = chosen[0] if len(chosen) == 1 else None
        self.chosen_words.setText(one.id if one else f"{len(chosen)} chosen" if chosen else "")
        self.note.follow(one)
        whole = one.artefact.path if one is not None and not one.problem else None
        recording = whole if one is not None and one.kind == "rec" else None
        self.mark.follow(recording)
        data = whole if one is not None and one.kind in EXPORTED else None
        self.export.follow(None if self.running else data)
        self.simulate.follow(whole if one is not None and one.kind == "twin" else None)
        self.compare.setEnabled(len(chosen) == 2)
        self.compare.setToolTip("Choose two with Ctrl or Shift")
        self.trash.setEnabled(bool(chosen))
        self.reveal.setEnabled(one is not None)
        told = one is not None and not one.problem and one.kind != BEGUN
        early = one is not None and (one.kind == BEGUN or lacks_fits(one))
        no_again = refused(one) if one is not None and told else ""
        for button, barred in ((self.again, bool(no_again)), (self.report, early)):
            button.setEnabled(told and not self.running and not barred)
        self.report.setToolTip(NO_REPORT if early else REPORT)
        self.again.setToolTip(no_again or AGAIN)
        if one is not None:
            self.detail.show_one(one, self.all)
        elif len(chosen) == 2:
            self._compare()
        else:
            self.detail.hide()
        asked = opening(one, read=self._read, any_there=bool(self.all))
        self.form.primary.say(asked.words, asked.cost, role=asked.role)
        self.form.primary.setEnabled(asked.can)

    def _refused(self, words: str) -> None:
        self.shell.toast(words, "error")

    def _compare(self) -> None:
        if len(chosen := self.list.selected()) == 2:
            self.detail.show_two(*chosen)

    def press(self) -> None:
        if not self.all and self._read:
            self.shell.open_page("record")
            return
        chosen = self.list.selected()
        if len(chosen) != 1 or chosen[0].problem:
            return
        if page := page_of(chosen[0]):
            self.shell.open_page(page, chosen[0].artefact.path)
        else:
            self._report()

    def _report(self) -> None:
        self._reporting.ask(partial(report_in, self.list.selected()[0].artefact.path))

    def _report_found(self, found: tuple[Path, bool] | None, error: Exception | None) -> None:
        if found is None:
            self._refused(str(error))
        else:
            reported(self.shell, self.key, *found)

    def job_started(self) -> None:
        super().job_started()
        self._show_chosen()

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        self._show_chosen()
        values = outcome.result.values if outcome.result is not None else {}
        if "report" in values:
            show_file(self.shell, Path(str(values["report"])))
        elif "exported" in values:
            self.shell.toast(f"{values['exported']} is written, {values['size']}")
        elif values:
            self.choose(Path(str(values["path"])))

    def _run_again(self) -> None:
        """Fill the form of the page that made it as it was then; pressing there runs it."""
        entry = self.list.selected()[0]
        page = MAKES[entry.kind]
        self.shell.open_page(page)
        asked = again(entry, self.all)
        self.shell.fill_form(page, asked.values)
        for path in asked.handed:
            self.shell.open_page(page, path)
        if asked.missing:
            names = ", ".join(asked.missing)
            self.shell.toast(f"{entry.id}: {names} it was made with is not here", "warning")

    def _marked(self, words: str) -> None:
        self.shell.toast(words)
        self.refresh()

    def _reveal(self) -> None:
        self._show(self.list.selected()[0].artefact.path)

    def _show(self, folder: Path) -> None:
        self._looking.ask(lambda: (folder, folder_at(folder)))

    def _show_there(self, found: tuple[Path, bool] | None, error: Exception | None) -> None:
        folder, there = found or (self.session.library.folder, False)
        if not there or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.shell.toast(f"{folder}: there is no such folder yet, or nothing to show it with")

    def _trash(self) -> None:
        self.trash.press(self.list.selected(), self.all)


def _found(wanted: Path, paths: set[Path]) -> set[Path]:
    """What was asked for; by its name where another path leads to it, and to no other one."""
    named = {path for path in paths if path.name == wanted.name}
    return named & {wanted} or (named if len(named) == 1 else set())
