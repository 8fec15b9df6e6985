"""One resource of a bench in the making: who it is, its driver, its name, the keys of its table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import mono, sans
from app.gui.widgets.basic import Choice, Elided, label, line, set_level, set_role
from instruments.bench_draft import DraftInstrument, is_missing
from instruments.bench_keys import EITHER, MAY, MUST, Key, driver_keys, guard_inputs
from instruments.bench_words import unit_of
from instruments.boards import spelt
from instruments.draft_of_bench import guard_text
from instruments.draft_settings import interlocks_of
from instruments.draft_values import toml, typed
from instruments.drivers import DRIVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PyQt6.QtGui import QResizeEvent

    from app.gui.theme import Theme
    from instruments.bench_draft import Draft

KEY_PX, ENTRY_PX, NAME_PX, DRIVER_PX = 152, 152, 128, 168
OF_ADDRESS = ("terminator", "timeout_s", "baud_rate")  # keys of any driver
RESOURCE = "TCPIP0::192.168.0.5::5025::SOCKET"
NOBODY = "not on this bench"
GUARDS = "interlocks"


class KeyRow(QWidget):
    """A key, its entry, and behind it what it means, or what is wrong with it."""

    def __init__(self, key: Key, changed: Callable[[], None], words: str = "") -> None:
        super().__init__()
        self.key = key
        self._words = words or key.words
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        name = label(key.name, "label")
        name.setFixedWidth(KEY_PX)
        self.entry = QLineEdit()
        self.entry.setAccessibleName(key.name)
        self.entry.setFixedWidth(ENTRY_PX)
        self.entry.setPlaceholderText(placeholder(key))
        self.entry.textChanged.connect(lambda _: changed())
        name.setBuddy(self.entry)
        self.note = Elided(self._words, "note")
        for widget in (name, self.entry, self.note):
            layout.addWidget(widget, 1 if widget is self.note else 0)
        self.setFixedHeight(28)

    @property
    def text(self) -> str:
        """What was typed."""
        return self.entry.text().strip()

    def judge(self, problem: str, *, wrong: bool = False) -> None:
        """Show a problem of this key (`wrong`: a missing value too), or what the key means."""
        level = ""
        if problem:
            level = "attention" if is_missing(problem) and not wrong else "fault"
        words = problem.partition("] ")[2].removeprefix("magnet limits: ")
        missing = f"to fill in: {self._words}" if self._words else "to fill in"
        if words.startswith("needs "):
            missing = f"{words}: {self._words}"
        self.note.setText({"": self._words, "attention": missing}.get(level, words))
        set_role(self.note, level or "note")
        set_level(self.entry, level)


def placeholder(key: Key) -> str:
    """What an empty entry shows: the default, or the unit."""
    if key.usual is not None:
        return ", ".join(key.usual) if isinstance(key.usual, (list, tuple)) else str(key.usual)
    return unit_of(key.name)


def claimed(problems: list[str], table: str, key: str) -> str:
    """The first problem of a key of a table, taken from the list; empty where there is none."""
    words = rf"\b({re.escape(key)}|{re.escape(key.removesuffix('s'))})\b"
    for problem in problems:
        place, _, rest = problem.partition("] ")
        if place == f"[{table}" and re.search(words, rest):
            problems.remove(problem)
            return problem
    return ""


class InstrumentCard(QFrame):
    """A resource and its table; `changed` is called with every change."""

    def __init__(self, theme: Theme, one: DraftInstrument, changed: Callable[[], None]) -> None:
        super().__init__()
        self._theme, self._changed = theme, changed
        self.one = one
        self.rows: dict[str, KeyRow] = {}
        self.guards: KeyRow | None = None
        self._fed: dict[str, Mapping[str, Any]] = {}
        self._fed_words = ""  # the interlocks that it began with, as its row has them
        self._typed: dict[str, str] = {}
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 12, 12)
        outer.setSpacing(6)
        outer.addWidget(line())
        outer.addLayout(self._head())
        self.identity = Elided("", "note")
        self.identity.setFixedHeight(16)
        outer.addWidget(self.identity)
        self._keys = QVBoxLayout()
        self._keys.setSpacing(4)
        outer.addLayout(self._keys)
        self.more = QPushButton("")
        self.more.clicked.connect(lambda: self._show_optional(not self._optional_shown()))
        self.rest = label("", "fault", wrap=True)
        self.rest.hide()
        foot = QHBoxLayout()
        foot.addWidget(self.more)
        foot.addWidget(self.rest, 1)
        foot.addStretch(0)
        outer.addLayout(foot)
        self.show_known(one)

    def _head(self) -> QBoxLayout:
        self.resource = QLineEdit(self.one.resource)
        self.resource.setFont(mono())
        self.resource.setAccessibleName("Resource")
        self.resource.setPlaceholderText(RESOURCE)
        self.resource.setReadOnly(bool(self.one.resource))
        self.resource.textChanged.connect(lambda _: self._changed())
        drivers = [(NOBODY, "")]
        drivers += [(name, name) for kind in DRIVERS.values() for name in kind]
        self.driver = Choice(self._theme, drivers, "Driver")
        self.driver.setFixedWidth(DRIVER_PX)
        self.driver.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.driver.currentIndexChanged.connect(lambda _: self._driver_chosen())
        self.table_name = QLineEdit()
        self.table_name.setAccessibleName("Name")
        self.table_name.setFixedWidth(NAME_PX)
        self.table_name.textChanged.connect(lambda _: self._changed())
        self.kind = label("", "note")
        self.kind.setFixedWidth(round(QFontMetricsF(sans()).horizontalAdvance("thermometer ")))
        self._top = head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        head.setSpacing(8)
        head.addWidget(self.resource, 1)
        beside = QHBoxLayout()
        beside.setSpacing(8)
        for widget in (self.driver, self.kind, self.table_name):
            beside.addWidget(widget)
        beside.addStretch(0)
        head.addLayout(beside)
        return head

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The resource has a line of its own, where beside driver and name it would be cut."""
        super().resizeEvent(event)
        whole = QFontMetricsF(mono()).horizontalAdvance(RESOURCE) + 24
        others = DRIVER_PX + self.kind.width() + NAME_PX + 3 * self._top.spacing()
        below = whole + others > self.contentsRect().width() - 12
        ways = QBoxLayout.Direction
        self._top.setDirection(ways.TopToBottom if below else ways.LeftToRight)

    def show_known(self, one: DraftInstrument) -> None:
        """Show what is known of the resource; what was typed stays."""
        self.one = one
        words, role = one.identity, "note"
        if one.remark:
            words, role = one.remark, "attention"
        self.identity.setText(words or "not asked who it is")
        set_role(self.identity, role)
        if one.driver and one.driver != self.driver.currentData():
            self.driver.choose(one.driver)
        else:
            self._driver_chosen()

    def instrument(self) -> DraftInstrument:
        """The instrument as it stands in the form."""
        driver = str(self.driver.currentData() or "")
        values = {k: v for k, v in self.one.values.items() if k in OF_ADDRESS}
        values |= {
            name: typed(name, row.text, driver) for name, row in self.rows.items() if row.text
        }
        known = self.one if driver == self.one.driver else DraftInstrument(self.one.resource)
        return replace(
            known, resource=spelt(self.resource.text()), driver=driver, values=values,
            name=self.table_name.text().strip(),
        )  # fmt: skip

    def take_interlocks(self, draft: Draft) -> None:
        """Begin with those of a bench that this instrument feeds."""
        if self.guards is not None:
            self._fed = {
                n: t for n, t in draft.interlocks.items() if t["instrument"] == self.one.name
            }
            self._fed_words = guard_text(draft, self.one.name)
            self.guards.entry.setText(self._fed_words)

    def interlocks(self, name: str) -> dict[str, dict[str, Any]]:
        """The interlocks that this instrument, of that name, is to feed.

        Those of the bench that it began with are whole until other words are typed, which know
        neither their names nor what a run does when one is out.
        """
        words = self.guards.text if self.guards is not None else ""
        if words and words == self._fed_words:
            return {one: {**table, "instrument": name} for one, table in self._fed.items()}
        return interlocks_of(name, words)

    def suggest(self, name: str) -> None:
        """The name that it gets where none is typed."""
        self.table_name.setPlaceholderText(name)

    def judge(self, table: str, problems: list[str]) -> None:
        """Show each problem of this table at its key, and take it from the list."""
        needs = [p for p in problems if p.startswith(f"[{table}] needs ")]
        for problem in needs:
            problems.remove(problem)
        for name, row in self.rows.items():
            problem = claimed(problems, table, name)
            if not problem and row.key.need == EITHER and needs:
                problem = needs[0]
            row.judge(problem)
            if problem:
                row.show()
        self._judge_guards(table.partition(".")[2], problems)
        mine = [p for p in problems if p.startswith(f"[{table}] ")]
        for problem in mine:
            problems.remove(problem)
        self.rest.setText("; ".join(p.partition("] ")[2] for p in mine))
        self.rest.setVisible(bool(mine))

    def _judge_guards(self, name: str, problems: list[str]) -> None:
        if self.guards is None:
            return
        tables = tuple(f"[interlock.{one}] " for one in self.interlocks(name))
        mine = [p for p in problems if p.startswith(tables)] if tables else []
        for problem in mine:
            problems.remove(problem)
        self.guards.judge(mine[0] if mine else "", wrong=True)

    def _driver_chosen(self) -> None:
        """Rows for the keys of the driver; what was typed for a key of that name stays."""
        driver = str(self.driver.currentData() or "")
        self._typed |= {name: row.text for name, row in self.rows.items()}
        if self.guards is not None:
            self._typed[GUARDS] = self.guards.text
        for row in self.rows.values():
            row.hide()
            row.deleteLater()
        self.rows = {}
        for key in driver_keys(driver):
            row = KeyRow(key, self._changed)
            row.entry.setText(self._typed.get(key.name) or self._given(key.name))
            self.rows[key.name] = row
            self._keys.addWidget(row)
        self._offer_guards(driver)
        kind = next((kind for kind, drivers in DRIVERS.items() if driver in drivers), "")
        self.kind.setText(kind)
        self.table_name.setVisible(bool(kind))
        self._show_optional(False)
        self._changed()

    def _offer_guards(self, driver: str) -> None:
        """A row for the interlocks that the driver's instrument can feed."""
        if self.guards is not None:
            self.guards.hide()
            self.guards.deleteLater()
            self.guards = None
        volts, bits = guard_inputs(driver)
        if volts or bits:
            can = ", ".join((*bits, *(f"{one} > 2 V" for one in volts)))
            words = f"guards of the magnets: {can}"
            self.guards = KeyRow(Key(GUARDS, MAY), self._changed, words)
            self.guards.entry.setText(self._typed.get(GUARDS, ""))
            self._keys.addWidget(self.guards)

    def _given(self, name: str) -> str:
        return toml(self.one.values[name]) if name in self.one.values else ""

    def _optional(self) -> Sequence[KeyRow]:
        return [row for row in self.rows.values() if row.key.need == MAY]

    def _optional_shown(self) -> bool:
        return all(not row.isHidden() for row in self._optional())

    def _show_optional(self, shown: bool) -> None:
        """Show or hide the keys that may be left out; those with a value stay in view."""
        rows: Any = self._optional()
        for row in rows:
            row.setVisible(shown or bool(row.text))
        self.more.setVisible(bool(rows))
        self.more.setText("Fewer keys" if shown else f"{len(rows)} keys more")
        for row in self.rows.values():
            if row.key.need == MUST:
                row.show()
