"""The form of the Bench page: one table of the open bench file at a time, judged as one types."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.bench_change import since_opened, target_of, write_change
from app.gui.background import Latest
from app.gui.pages.bench_draft_card import claimed, placeholder
from app.gui.theme import mono
from app.gui.widgets.basic import Choice, label, set_level
from app.gui.widgets.basic import row as side_by_side
from app.gui.widgets.cost_button import CostButton
from app.words import counted
from instruments.bench_edit import edited, problems_of, table_text, tables_of, values_of
from instruments.bench_keys import MAY, RESET_KEYS, USUAL, Key, drive_keys, driver_keys
from instruments.bench_words import unit_of
from instruments.draft_values import toml, typed
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.pages.page import Shell
    from app.gui.widgets.form import Form

LABEL_PX, MOST_LINES, LEAST_PX = 112, 9, 44
NAMES = {
    "tesla_per_ampere": "Field per ampere", "max_current_A": "Current limit",
    "max_ramp_A_per_s": "Ramp limit", "max_field_T": "Field limit", "max_duty_A2s": "Duty",
    "duty_window_s": "Duty window", "compliance_V": "Voltage limit", "resource": "Resource",
    "timeout_s": "Time-out", "channels": "Channels", "low_T": "Field at drive 0",
    "high_T": "Field at drive 1", "hold_s": "Hold", "gate_s": "Gate", "field_T": "Reset field",
    "encoding": "Encoding", "timing": "Timing", "min_K": "Lowest", "max_K": "Highest",
    "input": "Input", "axis": "Axis", "tolerance_T": "Tolerance", "instrument": "Instrument",
    "above_V": "Above", "below_V": "Below", "when_out": "When out", "marker_T": "Marker",
    "hold_at_most_s": "Hold at most", "trigger": "Trigger", "baud_rate": "Baud rate",
}  # fmt: skip
LEAST = 0.0999  # of a unit: 0.4 mT/A, not 400 µT/A
DOWN = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
INTERLOCK_KEYS = (
    Key("instrument", "must"), Key("input", "must"), Key("above_V", MAY), Key("below_V", MAY),
    Key("when_out", MAY), Key("hold_at_most_s", MAY),
)  # fmt: skip
LEFT_OUT = ("virtual", "board")


def shown(key: str, value: Any) -> str:
    """A value as the form shows it: `0.4 mT/A`, `X, Y`; `typed` reads it back."""
    unit = unit_of(key)
    if unit and isinstance(value, (int, float)) and not isinstance(value, bool):
        size = abs(float(value))
        if not math.isfinite(size):
            return f"{value:g} {unit}"
        scale, letter = next((s for s in DOWN if size >= LEAST * s[0]), DOWN[0])
        return f"{float(f'{value / scale:.12g}'):g} {letter}{unit}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else toml(value)


class EditRow(QWidget):
    """A key, its entry, and below it what is wrong with it."""

    def __init__(self, key: Key, text: str, changed: Callable[[], None]) -> None:
        super().__init__()
        self.key, self.first = key, text
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        line = QHBoxLayout()
        line.setSpacing(8)
        words = NAMES.get(key.name, key.name)
        name = label(words, "label")
        name.setFixedWidth(LABEL_PX)
        name.setToolTip(key.name)
        self.entry = QLineEdit(text)
        self.entry.setAccessibleName(words)
        self.entry.setToolTip(key.words)
        self.entry.setPlaceholderText(placeholder(key))
        self.entry.textChanged.connect(lambda _: changed())
        name.setBuddy(self.entry)
        line.addWidget(name)
        line.addWidget(self.entry, 1)
        column.addLayout(line)
        self.fault = label("", "fault", wrap=True)
        self.fault.setIndent(LABEL_PX + 8)
        self.fault.hide()
        column.addWidget(self.fault)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.entry.text().strip()

    def judge(self, problem: str) -> None:
        """Show a problem; empty: there is none."""
        self.fault.setText(problem.partition("] ")[2] or problem)
        self.fault.setVisible(bool(problem))
        set_level(self.entry, "fault" if problem else "")


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
        self._later = Latest(form)
        self._later.done.connect(self._looked)
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
        self._later.ask(partial(since_opened, self._session.spec))

    def _looked(self, stale: str | None, _error: Exception | None) -> None:
        self.stale = stale or ""
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
                self.changes[table, name] = typed(name, row.text, driver) if row.text else None
        try:
            self.text = edited(spec.text, self.changes)
            self.problems = problems_of(self.text)
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
        path = target_of(self._session.spec, self._session.library.folder)
        self.write_button.setVisible(bool(number or self.stale))
        self.write_button.setEnabled(not self.problems)
        cost = f"{counted(number, 'change')} · closes this bench, safe, and opens it anew"
        wrong = f"{len(self.problems)} wrong: nothing is written"
        role = "fault" if self.problems else ""
        self.write_button.say(f"Write {path.name}", wrong if self.problems else cost, role=role)
        if self.stale:
            self.write_button.setEnabled(True)
            self.write_button.say(f"Open {path.name} anew", "closes this bench, safe, before")

    def write(self) -> None:
        """Write the changed bench file and open it in place of this bench.

        One that somebody else has changed meanwhile is opened as it is.
        """
        session = self._session
        if session.busy:
            self._shell.toast(f"{session.busy} is under way: stop it first", "warning")
            return
        if self.stale:
            self._shell.open_bench(target_of(session.spec, session.library.folder))
            return
        try:
            path, kept = write_change(session.spec, self.text, session.library.folder)
        except TwinrigError as error:
            self._shell.toast(str(error), "error")
            self.look()
            return
        self.write_button.setEnabled(False)
        old = f"; the old text is {kept.name}" if kept is not None else ""
        self._shell.toast(f"Written: {path}{old}")
        self._shell.open_bench(path)
