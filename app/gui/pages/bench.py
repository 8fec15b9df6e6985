"""The Bench page, first version: check every instrument, its state, limits, a reconnect."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QScrollArea

from app.gui.background import Latest
from app.gui.pages.bench_rows import InstrumentRow, InstrumentRows
from app.gui.pages.page import Page, Shell
from app.gui.widgets.basic import label
from app.gui.widgets.tables import RIGHT
from instruments.guards import listed

if TYPE_CHECKING:
    from instruments.bench import BenchReading
    from instruments.bench_spec import InstrumentSpec
    from instruments.checks import InstrumentCheck

IN_USE = "in use by"


class BenchPage(Page):
    """What answers, what is wrong with the rest, and the limits in force."""

    key, name = "bench", "Bench"

    def __init__(self, shell: Shell) -> None:
        spec = shell.session.spec
        super().__init__(shell, "Bench", spec.source)
        self.checks: dict[str, InstrumentCheck] = {}
        self.checking = False
        self._checked_at = ""
        self._identities: dict[str, str] = {}
        self._facts()
        self.rows = InstrumentRows(self.theme)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.rows)
        self.body.addWidget(scroll, 1)
        self.copy_button.hide()
        self.check_button = self.button("Check all", self.check)
        self.check_button.setToolTip("Asks every instrument who it is and what state it is in")
        self.calibrate_button = self.button("Calibrate", lambda: shell.open_page("calibrate"))
        self.draft_button = self.button("New bench file", lambda: shell.open_page("bench_draft"))
        self._later_check = Latest()
        self._later_check.done.connect(self._checked)
        self.refresh()

    def _facts(self) -> None:
        spec = self.session.spec
        self.form.section("Magnet and limits")
        limits = spec.magnets[spec.drive_magnet].limits
        for name, value in (
            ("Magnet", spec.drive_magnet),
            ("Field per ampere", f"{1e3 * limits.tesla_per_ampere:g} mT/A"),
            ("Current limit", f"{limits.max_current_A:g} A"),
            ("Ramp limit", f"{limits.max_ramp_A_per_s:g} A/s"),
        ):
            self._fact(name, value)
        for name, value in listed(spec):
            self._fact(name, value)
        self.form.section("Drive and reset")
        window = spec.window
        for name, value in (
            ("Encoding", window.encoding),
            ("Field window", f"{1e3 * window.low_T:g} to {1e3 * window.high_T:g} mT"),
            ("Hold", "the read-out is the gate" if not window.hold_s else f"{window.hold_s:g} s"),
            ("Reset field", f"{1e3 * spec.reset.field_T:g} mT"),
        ):
            self._fact(name, value)
        self.form.section("What works now")
        self.form.widget(
            label(
                "Manual set, console and wire log come with a later release. "
                "`twinrig bench check B.toml --energise A` proves a magnet with a small current, "
                "`--wire-log FILE` writes every byte.",
                "note",
                wrap=True,
            )
        )

    def _fact(self, name: str, value: str) -> None:
        self.form.fact(name, value).setAlignment(RIGHT | Qt.AlignmentFlag.AlignVCenter)

    def press(self) -> None:
        self.shell.reconnect()

    def check(self) -> None:
        """Ask every instrument, in a thread; refused while a job has the bench."""
        if self.checking:
            return
        if self.session.busy:
            self.shell.toast(f"{self.session.busy} has the bench: check when it is done", "warning")
            return
        self.checking = True
        self._later_check.ask(self.session.check)
        self.refresh()

    def _checked(self, checks: list[InstrumentCheck] | None, error: Exception | None) -> None:
        self.checking = False
        if checks is not None:
            self.checks = {check.name: check for check in checks}
            self._checked_at = time.strftime("%H:%M:%S")
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            self.shell.toast(f"Check: {error}", "error", trace)
        self.refresh()

    def bench_changed(self) -> None:
        self.checks = {}
        self.refresh()
        if self.session.bench is None and not self.session.busy:
            self.check()  # connecting failed: what each instrument says about it

    def take_reading(self, reading: BenchReading) -> None:
        self.refresh()

    def refresh(self) -> None:
        spec, bench = self.session.spec, self.session.bench
        if bench is None:
            self._identities = {}
        elif not self._identities:
            self._identities = bench.identities()
        groups = (
            ("magnet", spec.magnets), ("readout", spec.readouts),
            ("thermometer", spec.thermometers), ("teslameter", spec.teslameters),
        )  # fmt: skip
        rows = [
            self._row(f"{group}.{name}", one) for group, of in groups for name, one in of.items()
        ]
        for name, check in self.checks.items():
            if name not in {one.name for one in spec.instruments}:  # a served rig's clock
                rows.append(_of_check(name, check))
        self.rows.show_rows(rows)
        self._say(rows)
        self.check_button.setEnabled(not self.checking)
        self.form.primary.setEnabled(bench is None and not self.checking)
        if bench is None:
            self.form.primary.say("Connect", "identifies every instrument, drives nothing")
        else:
            self.form.primary.say("Connected", "the bench answers")

    def _say(self, rows: list[InstrumentRow]) -> None:
        answers = sum(row.level in {"ok", "attention"} for row in rows)
        heading = f"{answers} of {len(rows)} instruments answer"
        if self.checking:
            heading = f"Asking {len(rows)} instruments"
        when = f" · checked {self._checked_at}, reads only" if self.checks else ""
        self.say(heading, f"{self.session.spec.name}{when}")

    def _row(self, title: str, one: InstrumentSpec) -> InstrumentRow:
        check = self.checks.get(one.name)
        if check is not None:
            return _of_check(title, check)
        level, state = "idle", "Not connected"
        if self.session.bench is not None:
            level, state = "ok", "Connected"
        elif self.checking:
            level, state = "wait", "Asking"
        identity = self._identities.get(one.name, "")
        return InstrumentRow(level, state, title, one.driver, one.resource, identity)


def _of_check(title: str, check: InstrumentCheck) -> InstrumentRow:
    level, state = "ok", "Answers"
    if not check.ok:
        level, state = "fault", "In use" if IN_USE in check.problem else "Wrong"
    elif check.findings:
        level, state = "attention", "Look"
    value = below = ""
    if check.state is not None:
        value = f"{check.state['current_A']:.3f} A"
        below = f"output {'on' if check.state['output_on'] else 'off'}"
    elif not check.ok:
        value = "—"
    remarks = tuple((one.words[:1].upper() + one.words[1:], one.hint) for one in check.findings)
    return InstrumentRow(
        level, state, title, check.driver, check.resource, check.identity, value, below, remarks
    )
