"""The Bench page: instruments and their state, the file, a field by hand, wire log, console."""

from __future__ import annotations

import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout

from app.gui.background import Latest
from app.gui.pages.bench_edit_form import BenchEditForm
from app.gui.pages.bench_manual import ManualPanel
from app.gui.pages.bench_rows import InstrumentRow, InstrumentRows
from app.gui.pages.bench_states import (
    CONSOLE,
    RECONNECT,
    TEST,
    Known,
    found_rows,
    guard_checks,
    headline,
    rows_of,
)
from app.gui.pages.bench_wire import WirePanel
from app.gui.pages.page import Page
from app.gui.widgets.basic import scroll_area
from app.gui.widgets.checks import CheckList
from app.gui.words import count
from app.operations.instrument_care import check_one, reconnect_each, reconnect_one
from instruments.checks import InstrumentCheck
from instruments.discovery import Found, discover
from instruments.guards import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QHideEvent, QShowEvent

    from app.gui.job import Outcome
    from app.gui.pages.shell import Shell
    from app.operations.events import Event
    from instruments.bench_reading import BenchReading

__all__ = ["BenchPage"]

LIST_PX = 250  # four instruments; with more, or with remarks, the list scrolls at 1280×720


class BenchPage(Page):
    """What answers, what is wrong with the rest, the limits in force, and a hand on the rig."""

    key, name = "bench", "Bench"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Bench", shell.session.spec.source)
        self.known = Known(shell.session)
        self.checking = False
        self.doing = ""
        self.found: Found | None = None
        self._checked_at = self._busy = ""
        self.edit = BenchEditForm(shell, self.form)
        self._guards()
        self._instruments()
        self.manual, self.wire = ManualPanel(shell), WirePanel(shell)
        self.remembers = self.wire
        below = QHBoxLayout()
        below.setSpacing(24)
        below.addWidget(self.manual)
        below.addWidget(self.wire, 1)
        self.body.addLayout(below, 2)
        self.copy_button.hide()
        self._header_buttons()
        self._later_check, self._later_one = Latest(), Latest()
        self._later_check.done.connect(self._checked)
        self._later_one.done.connect(self._checked)
        self._later_found = Latest()
        self._later_found.done.connect(self._discovered)
        self.refresh()

    @property
    def checks(self) -> dict[str, InstrumentCheck]:
        """The last check of each instrument, by name."""
        return self.known.checks

    def _guards(self) -> None:
        """What else may forbid current, and whether it does."""
        self.guards: CheckList | None = None
        if listed(self.session.spec):
            self.form.section("Interlocks")
            self.guards = CheckList(self.theme)
            self.form.widget(self.guards)
            self._show_guards(())

    def _instruments(self) -> None:
        self.rows = InstrumentRows(self.theme)
        self.rows.chosen.connect(self._chosen)
        self.rows.pressed.connect(self._pressed)
        self.list_area = scroll_area(self.rows)
        self.list_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(self.list_area)

    def _order_tabs(self) -> None:
        super()._order_tabs()
        self.rows.order_tabs()

    def _header_buttons(self) -> None:
        pages = self.shell.open_page
        self.draft_button = self.button("New bench", partial(pages, "bench_draft"))
        self.calibrate_button = self.button("Calibrate", partial(pages, "calibrate"))
        self.reconnect_button = self.button("Reconnect all", self.reconnect_all)
        self.check_button = self.button("Test all", self.check)
        self.find_button = self.button("Find resources", self.look)
        for button, tip in (
            (self.draft_button, "A bench file for another rig, from what answers"),
            (self.reconnect_button, "Opens every link again and asks who is there; sets nothing"),
            (self.check_button, "Asks every instrument who it is and what state it is in"),
            (self.find_button, "Lists what VISA sees; nothing is opened"),
        ):
            button.setToolTip(tip)

    # what can be pressed

    def press(self) -> None:
        """Connect; where the bench is connected, test every instrument."""
        if self.session.bench is None:
            self.shell.reconnect()
        else:
            self.check()

    def check(self) -> None:
        """Ask every instrument, in a thread; refused while a job has the bench."""
        if self._may("test"):
            self.checking = True
            self._later_check.ask(self.session.check)
            self.refresh()

    def _may(self, what: str) -> bool:
        if self.session.at_bench:
            self.shell.toast(
                f"{self.session.at_bench} has the bench: {what} when it is done", "warning"
            )
        return not (self.session.at_bench or self.checking or self.doing)

    def reconnect_all(self) -> None:
        """Open every link again; where no bench is connected, connect it."""
        if self.session.bench is None:
            self.shell.reconnect()
        else:
            self._some("Reconnecting", partial(reconnect_each, self.session))

    def _some(self, words: str, task: Callable[[], Any]) -> None:
        if self._may(words.lower()):
            self.doing = words
            self._later_one.ask(task)
            self.refresh()

    def _pressed(self, row: str, words: str) -> None:
        name = row.rpartition(".")[2]
        if words == CONSOLE:
            self.wire.choose(name)
        elif words == TEST:
            self._some(f"Testing {name}", partial(check_one, self.session, name))
        elif words == RECONNECT:
            if self.session.bench is None:
                self.shell.reconnect()
            else:
                self._some(f"Reconnecting {name}", partial(reconnect_one, self.session, name))
        else:  # a resource that is in no bench file yet
            self.shell.open_page("bench_draft")

    def look(self) -> None:
        """List what VISA sees, in a thread; none of it is opened."""
        if self._may("look for resources"):
            self.doing = "Looking for resources"
            self._later_found.ask(discover)
            self.refresh()

    # what comes back

    def _chosen(self, row: str) -> None:
        self.edit.choose(row)

    def _checked(self, found: Any, error: Exception | None) -> None:
        self.edit.look()
        what = self.doing or "Test"
        self.checking, self.doing = False, ""
        if found is not None:
            self.known.add([found] if isinstance(found, InstrumentCheck) else list(found))
            self._checked_at = time.strftime("%H:%M:%S")
        self._tell(what, error)
        self.refresh()

    def _discovered(self, found: Found | None, error: Exception | None) -> None:
        self.doing = ""
        self.found = found or self.found
        self._tell("Find resources", error)
        self.refresh()

    def _tell(self, what: str, error: Exception | None) -> None:
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            self.shell.toast(f"{what}: {error}", "error", trace)

    def bench_changed(self) -> None:
        self.known.connected()
        self.manual.show_cost()
        self.refresh()
        if self.session.bench is None and not self.session.at_bench:
            self.check()  # connecting failed: what each instrument says about it

    def bench_lost(self, words: str) -> None:
        self.known.lost(words)
        self.manual.lost()
        self.refresh()

    def take_reading(self, reading: BenchReading) -> None:
        self._see(reading)

    def take(self, events: Sequence[Event]) -> None:
        self.watch(events)

    def watch(self, events: Sequence[Event]) -> None:
        for event in events:
            if self.known.sees(event):
                self._see(event)
        back = self.known.answered(events)
        if self.isVisible() and (back or self._busy != self.session.at_bench):
            self.refresh()

    def _see(self, reading: Any) -> None:
        self.known.read(reading)
        self.manual.show_reading(reading)
        self._show_guards(reading.forbids)
        if self.isVisible():
            self.refresh()

    def _show_guards(self, forbids: Sequence[str]) -> None:
        if self.guards is not None:
            self.guards.show_checks(guard_checks(self.session.spec, forbids))

    def job_started(self) -> None:
        super().job_started()
        self.refresh()

    def job_finished(self, outcome: Outcome) -> None:
        self.manual.finished()
        super().job_finished(outcome)

    def show_pause(self) -> None:
        if self.running and self.session.pause.requested:
            self.session.pause.clear()
            self.shell.toast("A field that is set by hand is not paused: ramp it to zero instead")

    # what is shown

    def refresh(self) -> None:
        self._busy = self.session.at_bench
        rows = rows_of(self.known, checking=self.checking)
        found = found_rows(self.session.spec, self.found)
        self.rows.show_rows([*rows, *found])
        height = self.rows.height() + 2
        self.list_area.setMinimumHeight(min(height, LIST_PX))
        self.list_area.setMaximumHeight(height)
        if self.manual.question.isHidden():
            self.manual.show_cost()
        self._say(rows, len(found))
        self._say_primary(len(rows))

    def _say_primary(self, number: int) -> None:
        bench, busy = self.session.bench, self.session.at_bench
        idle = not (self.checking or self.doing)
        self.check_button.setVisible(bench is None)
        for button in (self.check_button, self.find_button, self.reconnect_button):
            button.setEnabled(idle)
        self.form.primary.setEnabled(idle and not busy)
        if bench is None:
            self.form.primary.say("Connect", "identifies every instrument, drives nothing")
        else:
            cost = f"{busy} has the bench" if busy else "reads only, drives nothing"
            self.form.primary.say(
                f"Test {count(number, 'instrument')}", cost, role="attention" if busy else ""
            )

    def _say(self, rows: list[InstrumentRow], found: int) -> None:
        doing = "" if self.checking else self.doing
        heading = headline(rows, checking=self.checking, doing=doing)
        when = f" · tested {self._checked_at}, reads only" if self._checked_at else ""
        more = "" if self.found is None else f" · {count(found, 'more resource')} found"
        self.say(heading, f"{self.session.spec.name}{when}{more}")

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self.edit.look()
        self.wire.watch(on=True)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if self.isVisible():  # such as: the window is in front again, after an editor's
            self.edit.look()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self.wire.watch(on=False)
