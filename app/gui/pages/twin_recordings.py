"""The recordings of the Twin page's form: ticks, and what is read of them beside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.background import Latest
from app.gui.twin_looked import Looked, look
from app.gui.widgets.basic import Tick, label
from app.gui.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.session import Artefact, Library

MOST_SHOWN, FEW_SHOWN = 6, 3


class RecordingTicks(QObject):
    """Ticks of the library's recordings; `changed` when a tick, or what is known of one, has."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form, toast: Callable[..., None]) -> None:
        super().__init__(form)
        self._theme, self._form, self._toast = theme, form, toast
        self.ticks: dict[Path, Tick] = {}
        self.known: dict[Path, Looked] = {}
        self._wanted: list[Path] = []  # chosen before the library was read
        self._found: list[Artefact] = []
        self._low = False
        self._library, self._reader = Latest(), Latest()
        self._library.done.connect(self._offer)
        self._reader.done.connect(self._read)
        self.note = form.section("Recordings")
        self.empty = label("None yet: record some on the Record page.", "note", wrap=True)
        form.widget(self.empty)

    def refresh(self, library: Library) -> None:
        """Look at the library again, beside the window; what was read is read anew."""
        self.known = {}  # one that was still running has more repeats now
        self._library.ask(lambda: library.artefacts("rec"))

    def set_low(self, low: bool) -> None:
        """Fewer of them, on one line each, where there is little height."""
        if low != self._low:
            self._low = low
            self._offer(self._found, None)

    def choose(self, path: Path) -> None:
        """Tick one, also before it is known."""
        for tick_path, tick in self.ticks.items():
            if tick_path in (path, path.parent):
                tick.setChecked(True)
                return
        self._wanted.append(path)
        self.ask()

    @property
    def chosen(self) -> list[Path]:
        """Folders of the ticked recordings."""
        ticked = [path for path, tick in self.ticks.items() if tick.isChecked()]
        waiting = [path if path.suffix != ".nc" else path.parent for path in self._wanted]
        return [*ticked, *(path for path in waiting if path not in ticked)]

    @property
    def looked(self) -> list[Looked] | None:
        """What is known of the ticked ones; None while one is still read."""
        found = [self.known.get(path) for path in self.chosen]
        return None if any(one is None for one in found) else [one for one in found if one]

    def ask(self) -> None:
        """Read what is ticked and not known, beside the window."""
        missing = [path for path in self.chosen if path not in self.known]
        if missing:
            self._reader.ask(lambda: [look(path) for path in missing])
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

    def _offer(self, found: Sequence[Artefact] | None, error: Exception | None) -> None:
        if error is not None:
            self._toast(str(error), "error")
        self._found = list(found or ())
        ticked = set(self.chosen)
        most = FEW_SHOWN if self._low else MOST_SHOWN
        shown = [a for k, a in enumerate(self._found) if k < most or a.path in ticked]
        for tick in self.ticks.values():
            tick.hide()
            tick.deleteLater()
        self.ticks = {}
        first = self._form.position_of(self.empty) + 1
        for at, artefact in enumerate(shown):
            note = "" if self._low else artefact.broken or artefact.when
            tick = Tick(self._theme, artefact.id, note)
            tick.setToolTip(artefact.broken or f"{artefact.path}, {artefact.when}")
            tick.setChecked(artefact.path in ticked)
            tick.setEnabled(not artefact.broken)
            tick.toggled.connect(lambda _: self.ask())
            self._form.insert(first + at, tick)
            self.ticks[artefact.path] = tick
        self._wanted = [p for p in self._wanted if p not in self.ticks and p.parent not in
                        self.ticks]  # fmt: skip
        self.empty.setVisible(not shown)
        self.ask()
