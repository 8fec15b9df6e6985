"""The recordings of the Twin page's form: ticks, and what is read of them beside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QPushButton

from app.gui.background import Latest, Reading
from app.gui.offered import GONE, state
from app.gui.twin_looked import Looked, described, look
from app.gui.widgets.basic import Tick, label
from app.gui.words import BEING_READ, count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.library.folders import Artefact
    from app.library.library import Library

NONE_YET = "None yet: record some on the Record page."
MOST_SHOWN, FEW_SHOWN = 6, 3


class RecordingTicks(QObject):
    """Ticks of the library's recordings; `changed` when a tick, or what is known of one, has."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form, toast: Callable[..., None]) -> None:
        super().__init__(form)
        self._theme, self._form, self._toast = theme, form, toast
        self.ticks: dict[Path, Tick] = {}
        self.known: dict[Path, Looked] = {}
        self._before: dict[Path, Looked] = {}  # to be looked at again
        self._found: list[Artefact] = []
        self._shown: list[Artefact] = []  # a tick each
        self._unlisted: list[Artefact] = []  # chosen: outside the library, gone, or not told yet
        self._folder: Path | None = None  # of the library
        self._low = self._every = self._told = False  # told: the library was read
        self._words: dict[tuple[Path, float], str] = {}  # of one as it was then
        self._library, self._reader, self._describer = Reading(), Latest(), Latest()
        self._library.done.connect(self._take)
        self._reader.done.connect(self._read)
        self._describer.done.connect(self._described)
        self.note = form.section("Recordings")
        self.empty = label(f"{BEING_READ} …".capitalize(), "note", wrap=True)
        form.widget(self.empty)
        self.older = QPushButton("Show older")
        self.older.clicked.connect(self._show_every)
        self.older.hide()
        form.widget(self.older)

    def refresh(self, library: Library) -> None:
        """Look at the library again, beside the window; what has changed is read anew."""
        self._before |= self.known
        self.known = {}  # one that was still running has more repeats now
        self._folder = library.folder
        self._library.ask(lambda: library.artefacts("rec"))

    def set_low(self, low: bool) -> None:
        """Fewer of them, on one line each, where there is little height."""
        if low != self._low:
            self._low = low
            if self._told:
                self._offer()

    def choose(self, artefact: Artefact) -> None:
        """Tick one, also before the library is read, and one that it doesn't hold."""
        if artefact.path in self.ticks:
            self.ticks[artefact.path].setChecked(True)
            return
        self._unlisted.append(artefact)
        if self._told:
            self._offer()
        else:
            self.ask()

    def untick(self) -> None:
        """None is chosen any more."""
        self._unlisted = []
        for tick in self.ticks.values():
            tick.setChecked(False)

    def _show_every(self) -> None:
        """Show the older ones, too, or the newest alone again."""
        self._every = not self._every
        self._offer()

    @property
    def lacking(self) -> str:
        """What there must be before any can be ticked; empty until the library was read."""
        there = bool(self.ticks or self._unlisted)
        if self._library.is_first and not there:
            return BEING_READ
        there = there or not self._told
        return "" if there else "record some first, or import some"

    @property
    def chosen(self) -> list[Path]:
        """Folders of the ticked recordings."""
        ticked = [path for path, tick in self.ticks.items() if tick.isChecked()]
        return [*ticked, *(a.path for a in self._unlisted if a.path not in self.ticks)]

    @property
    def looked(self) -> list[Looked] | None:
        """What is known of the ticked ones; None while one is still read."""
        found = [self.known.get(path) for path in self.chosen]
        return None if any(one is None for one in found) else [one for one in found if one]

    def read(self, path: Path) -> Looked:
        """Look at one, unless it is as it was; in whichever thread, as it asks the disk."""
        return look(path, self._before.get(path))

    def ask(self) -> None:
        """Read what is ticked and not known, beside the window."""
        missing = [path for path in self.chosen if path not in self.known]
        if missing:
            self._reader.ask(lambda: [self.read(path) for path in missing])
        self._say()
        self.changed.emit()

    def _read(self, found: list[Looked] | None, error: Exception | None) -> None:
        for one in found or ():
            self.known[one.path] = one
        if error is not None:
            self._toast(str(error), "error")
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        looked = self.looked
        if not self.chosen:
            self.note.setText("")
        elif looked is None:
            self.note.setText("reading …")
        else:
            sequences, repeats = (sum(getattr(o, n) for o in looked) for n in (
                "sequences", "repeats"))  # fmt: skip
            self.note.setText(f"{count(sequences, 'sequence')} · {count(repeats, 'repeat')}")

    def _take(self, found: Sequence[Artefact] | None, error: Exception | None) -> None:
        if found is None:  # what was offered, and is ticked, stays
            self._toast(str(error), "error")
            self.ask()
            return
        self._found, self._told = list(found), True
        self._offer()

    def _offer(self) -> None:
        """Ticks anew for those that are to be seen.

        What is ticked and not, or no longer, in the library has one, too: nothing is fitted unseen,
        nor left out unsaid.
        """
        ticked, listed = set(self.chosen), {a.path for a in self._found}
        chosen = {a.path: a for a in (*self._shown, *self._unlisted) if a.path in ticked}
        self._unlisted = [a for path, a in chosen.items() if path not in listed]
        most = FEW_SHOWN if self._low else MOST_SHOWN
        if len(self._found) > most:
            most -= 1  # whose place the button has that shows the others
        newest = len(self._found) if self._every else most
        seen = [a for k, a in enumerate(self._found) if k < newest or a.path in ticked]
        self._shown = shown = [*seen, *self._unlisted]
        for tick in self.ticks.values():
            tick.hide()
            tick.deleteLater()
        first = self._form.position_of(self.empty) + 1
        self.ticks = {a.path: self._tick(a, first + k, a.path in ticked) for k, a in
                      enumerate(shown)}  # fmt: skip
        self._form.order_tabs()
        self.empty.setText(NONE_YET)
        self.empty.setVisible(not shown)
        hidden = len(self._found) - len(seen)
        self.older.setText(f"Show {hidden} older" if hidden else "Show the newest only")
        self.older.setVisible(len(self._found) > most and (hidden > 0 or self._every))
        told = {at for at, words in self._words.items() if words != GONE}
        new = [a for a in seen if (a.path, a.changed_s) not in told] + self._unlisted
        if new:
            self._describer.ask(lambda: {(a.path, a.changed_s): described(a) for a in new})
        self.ask()

    def _tick(self, artefact: Artefact, at: int, on: bool) -> Tick:
        """A tick of the form, with what is known of its recording."""
        tick = Tick(self._theme, artefact.id)
        self._describe(tick, artefact)
        tick.setChecked(on)
        tick.setEnabled(on or not artefact.broken)  # what is ticked can be taken away
        tick.toggled.connect(lambda _: self.ask())
        self._form.insert(at, tick)
        return tick

    def _describe(self, tick: Tick, artefact: Artefact) -> None:
        words = self._words.get((artefact.path, artefact.changed_s), artefact.when)
        tick.setText(f"{artefact.id}, {state(GONE)}" if words == GONE else artefact.id)
        if self._folder is not None and self._folder not in artefact.path.parents:
            words = f"outside the library · {words}"
        tick.set_note("" if self._low else words)
        tick.setToolTip(artefact.broken or f"{artefact.path}, {words}")

    def _described(self, found: dict[tuple[Path, float], str] | None, error: object) -> None:
        self._words.update(found or {})
        for artefact in self._shown:
            if artefact.path in self.ticks:
                self._describe(self.ticks[artefact.path], artefact)
