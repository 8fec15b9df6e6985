"""The form of the Bench page: one table of the open bench file at a time, judged as one types."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import (
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.bench_change import file_of, since_opened, target_of, write_change
from app.gui.background import Latest
from app.gui.bench_values import shown, taken
from app.gui.pages.bench_draft_card import claimed
from app.gui.pages.bench_edit_row import EditRow
from app.gui.theme import mono
from app.gui.widgets.basic import Choice, label
from app.gui.widgets.basic import row as side_by_side
from app.gui.widgets.cost_button import CostButton
from app.words import counted
from instruments.bench_edit import edited, problems_of, table_text, tables_of, values_of
from instruments.bench_keys import MAY, RESET_KEYS, USUAL, Key, drive_keys, driver_keys
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.pages.shell import Shell
    from app.gui.widgets.form import Form
    from app.library.library import Library
    from instruments.bench_spec import BenchSpec

MOST_LINES, LEAST_PX = 9, 44
INTERLOCK_KEYS = (
    Key("instrument", "must"), Key("input", "must"), Key("above_V", MAY), Key("below_V", MAY),
    Key("when_out", MAY), Key("hold_at_most_s", MAY),
)  # fmt: skip
LEFT_OUT = ("virtual", "board")


class BenchEditForm:
    """The entries of one table and the file's text, until it is written.

    Attributes
    ----------
    text
        The bench file as it stands in the form.
    changes
        What differs from the file: (table, key) → value, None where it is taken away.
    stale
        What became of the file since it was opened, in words; empty: nothing.
    """

    def __init__(self, shell: Shell, form: Form) -> None:
        self._shell, self._session, theme = shell, shell.session, shell.theme
        self.text = self._session.spec.text
        self.changes: dict[tuple[str, str], Any] = {}
        self.problems: list[str] = []
        self.stale = ""
        self._target: Path | None = None  # known once the disk was asked
        self._writing = False
        self._later, self._writer = Latest(form), Latest(form)
        self._later.done.connect(self._looked)
        self._writer.done.connect(self._written)
        self._typed: dict[tuple[str, str], str] = {}
        self.words = form.section("Bench file")
        tables = [t for t in tables_of(self.text) if t.partition(".")[0] not in LEFT_OUT]
        self.table = Choice(theme, [(name, name) for name in tables], "Table of the bench file")
        self.more = QPushButton("")
        self.more.setFixedWidth(44)
        self.more.clicked.connect(lambda: self._show_optional(not self._all))
        form.row("Table", side_by_side(self.table, self.more))
        holder = QWidget()
        self._rows = QVBoxLayout(holder)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(6)
        form.widget(holder)
        self.rest = label("", "fault", wrap=True)
        self.rest.hide()
        form.widget(self.rest)
        self.preview = QPlainTextEdit()
        self.preview.setReadOnly(True)
        self.preview.setMinimumHeight(LEAST_PX)  # it gives way before the form scrolls
        self.preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        for bars in (
            self.preview.setHorizontalScrollBarPolicy, self.preview.setVerticalScrollBarPolicy,
        ):  # fmt: skip
            bars(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.preview.setAccessibleName("The table as it will be written")
        form.widget(self.preview)
        self.write_button = CostButton(theme)
        self.write_button.clicked.connect(lambda: self.write())
        self.write_button.hide()
        form.widget(self.write_button)
        self.rows: dict[str, EditRow] = {}
        self._all = False
        self.table.currentIndexChanged.connect(lambda _: self._show_table())
        self._show_table()

    def choose(self, table: str) -> None:
        """Show another table; what was typed in this one stays."""
        self.table.choose(table)

    def look(self) -> None:
        """See, in a thread, whether the file still is what was opened."""
        self._later.ask(partial(_seen, self._session.spec, self._session.library.folder))

    def _looked(self, seen: tuple[str, Path] | None, _error: Exception | None) -> None:
        self.stale, self._target = seen or ("", None)
        self._show(str(self.table.currentData() or ""), list(self.problems))

    def _keys(self, table: str) -> tuple[Key, ...]:
        values = values_of(self._session.spec.text, table)
        kind = table.partition(".")[0]
        if kind == "drive":
            return drive_keys(values, len(self._session.spec.magnets))
        if kind == "reset":
            return RESET_KEYS
        if kind == "interlock":
            return INTERLOCK_KEYS
        own = driver_keys(str(values.get("driver", "")))
        return (Key("resource", "must"), *own, Key("timeout_s", MAY))

    def _show_table(self) -> None:
        table = str(self.table.currentData() or "")
        for row in self.rows.values():
            row.hide()
            row.deleteLater()
        self.rows = {}
        if not table:
            return
        values = values_of(self._session.spec.text, table)
        for key in self._keys(table):
            first = shown(key.name, values[key.name]) if key.name in values else ""
            row = EditRow(key, first, self.judge)
            row.entry.setText(self._typed.get((table, key.name), first))
            row.entry.setCursorPosition(0)
            self.rows[key.name] = row
            self._rows.addWidget(row)
        self.words.setText(str(values.get("driver", "")))
        self._show_optional(False)
        self.judge()

    def _show_optional(self, all_of: bool) -> None:
        """Keys that may be left out are folded away, but for those with a value."""
        self._all = all_of
        optional = [row for row in self.rows.values() if row.key.need in (MAY, USUAL)]
        hidden = [row for row in optional if not row.text]
        for row in optional:
            row.setVisible(all_of or bool(row.text))
        self.more.setVisible(bool(hidden))
        words = "fewer keys" if all_of else f"{len(hidden)} keys more"
        self.more.setText("−" if all_of else f"+{len(hidden)}")
        self.more.setToolTip(words)
        self.more.setAccessibleName(words)

    def judge(self) -> None:
        """Put the entries into the file's text, and have the reader of bench files judge it."""
        table, spec = str(self.table.currentData() or ""), self._session.spec
        driver = str(values_of(spec.text, table).get("driver", "")) if table else ""
        for name, row in self.rows.items():
            self._typed.pop((table, name), None)
            self.changes.pop((table, name), None)
            if row.text != row.first:
                self._typed[table, name] = row.entry.text()
                self.changes[table, name] = taken(name, row.text, driver) if row.text else None
        try:
            self.text = edited(spec.text, self.changes)
            self.problems = problems_of(self.text, self._session.bench)
        except InputError as error:
            self.problems = [str(error)]
        self._show(table, list(self.problems))

    def _show(self, table: str, left: list[str]) -> None:
        for name, row in self.rows.items():
            row.judge(claimed(left, table, name))
        left = [self.stale, *left] if self.stale else left
        self.rest.setText("\n".join(left))
        self.rest.setVisible(bool(left))
        preview = table_text(self.text, table)
        self.preview.setPlainText(preview)
        lines = min(preview.count("\n") + 1, MOST_LINES)
        high = QFontMetrics(mono()).lineSpacing() * lines + 12
        self.preview.setMaximumHeight(high)
        number = len(self.changes)
        name = "the bench file" if self._target is None else self._target.name
        self.write_button.setVisible(bool(number or self.stale))
        self.write_button.setEnabled(not self.problems and not self._writing)
        cost = f"{counted(number, 'change')} · closes this bench, safe, and opens it anew"
        wrong = f"{len(self.problems)} wrong: nothing is written"
        role = "fault" if self.problems else ""
        self.write_button.say(f"Write {name}", wrong if self.problems else cost, role=role)
        if self.stale:
            self.write_button.setEnabled(True)
            self.write_button.say(f"Open {name} anew", "closes this bench, safe, before")

    def write(self) -> None:
        """Write the changed bench file, beside the window, and open it in place of this bench.

        One that somebody else has changed meanwhile is opened as it is.
        """
        session = self._session
        if session.busy:
            self._shell.toast(f"{session.busy} is under way: stop it first", "warning")
            return
        if self.stale and self._target is not None:
            self._shell.open_bench(self._target)
        elif not self._writing:
            self._writing = True
            self.write_button.setEnabled(False)
            spec, text, library = session.spec, self.text, session.library
            self._writer.ask(lambda: _changed(spec, text, library))

    def _written(self, made: tuple[Path, Path | None] | None, error: Exception | None) -> None:
        self._writing = False
        if made is None:
            self._shell.toast(str(error), "error")
            self.look()
            return
        path, kept = made
        old = f"; the old text is {kept.name}" if kept is not None else ""
        self._shell.toast(f"Written: {path}{old}")
        self._shell.open_bench(path)


def _changed(spec: BenchSpec, text: str, library: Library) -> tuple[Path, Path | None]:
    """Write a change; only that of a built-in rig goes into the library."""
    folder = library.folder if file_of(spec) is not None else library.there()
    return write_change(spec, text, folder)


def _seen(spec: BenchSpec, folder: Path) -> tuple[str, Path]:
    """What became of the file since it was opened, and where a change is written."""
    return since_opened(spec), target_of(spec, folder)
