"""The Monitor page, first version: the last minute of every value, while no job has the bench."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.pages.page import Page, Shell
from app.gui.widgets.basic import Segments, label
from app.gui.widgets.panel import Panel
from app.gui.words import prefix, reading

if TYPE_CHECKING:
    from instruments.bench import BenchReading

SPANS = (("10 s", 10.0), ("1 min", 60.0), ("10 min", 600.0))
CAPACITY = 4096
MOST_CHANNELS = 4


class MonitorPage(Page):
    """Strip charts of field, supply and read-out, the present value at the right end of each."""

    key, name = "monitor", "Monitor"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Monitor", "reads only, while no run has the bench")
        self.form.section("What works now")
        self.form.widget(
            label(
                "Field, supply and the first read-out channels, four readings a second. Loop view, "
                "spectrum, markers, alarms and export come with a later release; "
                "`twinrig monitor --bench B.toml` writes every channel to a file.",
                "note",
                wrap=True,
            )
        )
        self.span = Segments(self.theme, SPANS, "Time shown")
        self.span.value = 60.0
        self.span.setFixedWidth(190)
        self._buttons.insertWidget(0, self.span)
        self.frozen = False
        self.panels: list[Panel] = []
        self.lines: list[Any] = []
        self._times = np.zeros(CAPACITY)
        self._values = np.zeros((0, CAPACITY))
        self._count = 0
        self.say("Live values", "waiting for the first reading")
        self.press()
        self.press()

    def press(self) -> None:
        """Freeze and go on; freezing stops the drawing only."""
        self.frozen = not self.frozen
        words = "Go on" if self.frozen else "Freeze"
        self.form.primary.say(words, "readings go on either way")

    def _make_panels(self) -> None:
        bench = self.session.bench
        if bench is None:
            return
        names = [
            ("Field", "mT", "field"),
            (f"Supply {self.session.spec.drive_magnet}", "A", "field"),
        ]
        names += [
            (c, u, "measured") for c, u in zip(bench.live_channels, bench.live_units, strict=True)
        ]
        for title, unit, token in names[: 2 + MOST_CHANNELS]:
            panel = Panel(self.theme, title, unit)
            self.body.addWidget(panel, 1)
            self.panels.append(panel)
            self.lines.append(panel.curve(token, 1.2))
        self._values = np.zeros((len(self.panels), CAPACITY))

    def take_reading(self, reading: BenchReading) -> None:
        if not self.panels:
            self._make_panels()
        row = [1e3 * reading.field_T, reading.current_A, *reading.values]
        if self._count == CAPACITY:
            self._times[:-1], self._values[:, :-1] = self._times[1:], self._values[:, 1:]
            self._count -= 1
        self._times[self._count] = time.monotonic()
        self._values[:, self._count] = row[: len(self.panels)]
        self._count += 1
        if self.isVisible() and not self.frozen:
            self._draw()

    def _draw(self) -> None:
        bench = self.session.bench
        x = self._times[: self._count] - self._times[self._count - 1]
        units = ["mT", "A", *(bench.live_units if bench else ())]
        span = float(self.span.value)
        for index, (panel, line) in enumerate(zip(self.panels, self.lines, strict=True)):
            y = self._values[index, : self._count]
            seen = y[x >= -span]
            scale = float(np.abs(seen).max(initial=0.0))
            factor, unit = (1.0, units[index]) if index < 2 else prefix(scale, units[index])
            line.setData(x, y * factor)
            panel.plot.setXRange(-span, 0, padding=0)
            panel.unit.setText(f"{unit} · now {reading(float(y[-1] * factor))}")
        self.say("Live values", f"{self._count} readings, idle")
