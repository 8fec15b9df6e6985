"""The Bench page, first version: the instruments of the bench, their state, limits, a reconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QSizePolicy

from app.gui import icons
from app.gui.pages.page import Page, Shell
from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, mono, sans
from app.gui.widgets.basic import label
from app.gui.widgets.tables import LEFT, RIGHT, Painted

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme
    from instruments.bench import BenchReading


class InstrumentRows(Painted):
    """One row an instrument: state in word and glyph, name and driver, address and identity."""

    ROW_PX = 62

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: list[tuple[str, str, str, str, str]]) -> None:
        """Rows of (state, name, driver, resource, identity)."""
        if rows != self.rows:
            self.rows = rows
            self.setFixedHeight(self.ROW_PX * max(1, len(rows)) + 1)
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = self.theme.tokens
        for index, (state, name, driver, resource, identity) in enumerate(self.rows):
            y = index * self.ROW_PX
            self.rule(painter, y)
            glyph = {"Connected": "check", "Connecting": "wait"}.get(state, "fault")
            ink = t.fault if glyph == "fault" else t.text2
            icons.draw(painter, glyph, QRectF(14, y + 13, 15, 15), ink, t.surface)
            painter.setPen(colour(ink))
            painter.setFont(sans(BODY_PX))
            painter.drawText(QRectF(36, y + 10, 90, 20), LEFT, state)
            self.words(painter, QRectF(128, y + 10, 150, 20), name, weight=600)
            self.words(painter, QRectF(128, y + 32, 150, 18), driver, ink="text2", pixels=LABEL_PX)
            painter.setFont(mono(LABEL_PX))
            width = self.width() - 300
            for line, text, token in ((10, resource, t.text1), (32, identity, t.text2)):
                painter.setPen(colour(token))
                where = QRectF(288, y + line, width, 20)
                painter.drawText(where, LEFT, elided(text, painter.font(), int(where.width())))
        self.rule(painter, self.height() - 1)


class BenchPage(Page):
    """What is connected, what is wrong with the rest, and the limits in force."""

    key, name = "bench", "Bench"

    def __init__(self, shell: Shell) -> None:
        spec = shell.session.spec
        super().__init__(shell, "Bench", spec.source)
        self.form.section("Magnet and limits")
        limits = spec.magnets[spec.drive_magnet].limits
        for name, value in (
            ("Magnet", spec.drive_magnet),
            ("Field per ampere", f"{1e3 * limits.tesla_per_ampere:g} mT/A"),
            ("Current limit", f"{limits.max_current_A:g} A"),
            ("Ramp limit", f"{limits.max_ramp_A_per_s:g} A/s"),
        ):
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
                "Editing the bench, manual set, console and wire log come with a later release. "
                "`twinrig bench check --bench B.toml` says what is wrong with each instrument, "
                "`--wire-log FILE` writes every byte.",
                "note",
                wrap=True,
            )
        )
        self.rows = InstrumentRows(self.theme)
        self.body.addWidget(self.rows)
        self.body.addStretch(1)
        self.copy_button.hide()
        self.problem = ""
        self.refresh()

    def _fact(self, name: str, value: str) -> None:
        self.form.fact(name, value).setAlignment(RIGHT | Qt.AlignmentFlag.AlignVCenter)

    def press(self) -> None:
        self.shell.reconnect()

    def bench_changed(self) -> None:
        self.refresh()

    def take_reading(self, reading: BenchReading) -> None:
        self.refresh()

    def refresh(self) -> None:
        spec, bench = self.session.spec, self.session.bench
        identities = bench.identities() if bench is not None and not self.rows.rows else None
        state = "Connected" if bench is not None else "Not connected"
        known = {row[1]: row[4] for row in self.rows.rows} if bench is not None else {}
        rows = []
        for group, instruments in (("magnet", spec.magnets), ("readout", spec.readouts)):
            for name, item in instruments.items():
                identity = (identities or {}).get(name, known.get(f"{group}.{name}", ""))
                rows.append((state, f"{group}.{name}", item.driver, item.resource, identity))
        self.rows.show_rows(rows)
        count = len(rows) if bench is not None else 0
        self.say(f"{count} of {len(rows)} instruments answer", spec.name)
        self.form.primary.setEnabled(bench is None)
        if bench is None:
            self.form.primary.say("Connect", "identifies every instrument, drives nothing")
        else:
            self.form.primary.say("Connected", "the bench answers")
