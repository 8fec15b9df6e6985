"""Comparisons on the Twin page: objectives or twins side by side, and learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.gui.live_compare import HEADS, TITLES, LiveComparison, LiveCurve
from app.gui.theme import LABEL_PX, elided, sans
from app.gui.widgets.basic import label
from app.gui.widgets.columns import ColumnTable
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel
from training.comparison import COMPARED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gui.theme import Theme

UNIT = "over the floor"
MOST_LINES = 5
HEADROOM = 0.08
AXIS_PX, LEAST_PX = 60, 60  # beside the dots; of a name below each


class Sentences(QWidget):
    """The first sentence strong, the others small below it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.rest = label("", "panel", wrap=True), label("", "note", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for words in (self.first, self.rest):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(words)

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show them."""
        self.first.setText(lines[0] if lines else "")
        self.rest.setText("\n".join(lines[1:]))
        self.rest.setVisible(len(lines) > 1)

    def text(self) -> str:
        """All of them, one a line."""
        return "\n".join(part for part in (self.first.text(), self.rest.text()) if part)


class ComparedPlots(QWidget):
    """The verdict, the table, and every twin's errors over their floors."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.verdict = Sentences()
        self.table = ColumnTable(theme, HEADS, name="over the floor, medians", shares=(0.25, 0.27))
        self.table.setAccessibleName("Twins compared")
        self.panels = {error: Panel(theme, TITLES[error], UNIT, log_y=True) for error in COMPARED}
        self.dots = {error: panel.dots("twin", 8) for error, panel in self.panels.items()}
        self.floors = {error: panel.level("text3") for error, panel in self.panels.items()}
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(8)
        outer.addWidget(self.verdict)
        outer.addWidget(self.table, 4)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        for column, panel in enumerate(self.panels.values()):
            grid.addWidget(panel, 0, column)
            grid.setColumnStretch(column, 1)
        outer.addLayout(grid, 5)
        self.draw(LiveComparison())

    def show_run(self, run_id: str) -> None:
        """Paint the run's id."""
        for panel in self.panels.values():
            panel.show_run(run_id)

    def draw(self, live: LiveComparison) -> None:
        """Draw what is compared so far."""
        waiting = "The verdict comes when all are scored." if live.fitted or live.running else ""
        self.verdict.show_lines(live.verdict[:3] or [waiting or "Nothing compared yet."])
        rows = live.lines()
        self.table.show_rows(rows)
        self.table.setMaximumHeight(self.table.HEAD_PX + 28 * max(3, len(rows)) + 4)
        for error, panel in self.panels.items():
            names, places, ratios = live.ratios(error)
            good = ratios > 0
            self.dots[error].setData(x=places[good], y=np.log10(ratios[good]))
            self.floors[error].setVisible(bool(good.any()))
            if not good.any():
                panel.empty("as twins are scored")
                continue
            panel.filled()
            self.floors[error].setValue(0.0)
            logs = np.append(np.log10(ratios[good]), 0.0)
            room = HEADROOM + 0.1 * float(np.ptp(logs))
            low, high = float(logs.min()) - room, float(logs.max()) + room
            panel.plot.setYRange(low, high, padding=0)
            panel.plot.setXRange(-0.6, len(names) - 0.4, padding=0)
            short = list(enumerate(_below(names, (panel.width() - AXIS_PX) // len(names))))
            panel.plot.getAxis("bottom").setTicks([short])
            panel.plot.getAxis("bottom").places = tuple(names)
            panel.plot.getAxis("left").setTicks([_ratio_ticks(low, high)])


def _below(names: Sequence[str], room_px: int) -> list[str]:
    """Names below their dots; objectives that have no room there by their initials, as `ie`."""
    font = sans(LABEL_PX)
    wide = max(QFontMetrics(font).horizontalAdvance(name) for name in names)
    initials = ["".join(part[:1] for part in name.split("-")) for name in names]
    ids = any(sign.isdigit() for name in names for sign in name)  # of twins: their ends tell
    if wide > room_px and room_px < LEAST_PX and not ids and len({*initials}) == len(names):
        return initials
    return [elided(name, font, max(LEAST_PX, room_px)) for name in names]


class CurvePlots(QWidget):
    """Errors over their floors against what was measured, and what the target takes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.verdict = Sentences()
        self.worst = Panel(theme, "Worst error", UNIT, x_label="Measured", log_y=True)
        self.each = Panel(theme, "Each error", "at most repeats", x_label="Measured",
                          log_y=True)  # fmt: skip
        for panel in (self.worst, self.each):
            panel.plot.setLogMode(True, True)
        widths = (1.2, 1.4, 1.6, 1.8, 2.0)
        self.worst_lines = [
            self.worst.curve("text3", w, dashed=bool(k % 2)) for k, w in enumerate(widths[:-1])
        ]
        self.worst_lines.append(self.worst.curve("twin", 2.0))
        self.worst_dots = [self.worst.dots("text3", 6) for _ in widths[:-1]]
        self.worst_dots.append(self.worst.dots("twin", 7))
        styles = (("measured", False), ("twin", False), ("twin", True), ("text2", False))
        self.each_lines = {
            error: self.each.curve(token, 1.8, dashed=dashed)
            for error, (token, dashed) in zip(COMPARED, styles, strict=True)
        }
        keys = zip(COMPARED, styles, strict=True)
        self.each.legend.show_keys(
            [Key("dash" if dashed else "line", token, TITLES[e]) for e, (token, dashed) in keys]
        )
        self.levels = [panel.level("text3") for panel in (self.worst, self.each)]
        self.table = ColumnTable(
            theme, ("measured", *(TITLES[e] for e in COMPARED)), name="sequences × repeats",
            shares=(0.22, 0.24),
        )  # fmt: skip
        self.table.setAccessibleName("Points of the learning curve")
        self._lay_out()
        self.draw(LiveCurve(), 1.5)

    def _lay_out(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(8)
        outer.addWidget(self.verdict)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.addWidget(self.worst, 0, 0)
        grid.addWidget(self.each, 0, 1)
        outer.addLayout(grid, 6)
        outer.addWidget(self.table, 5)

    def show_run(self, run_id: str) -> None:
        """Paint the run's id."""
        for panel in (self.worst, self.each):
            panel.show_run(run_id)

    def draw(self, live: LiveCurve, target: float) -> None:
        """Draw the points so far; `target` is the ratio to be reached."""
        waiting = "What the target takes is told at the end." if live.points else ""
        self.verdict.show_lines(live.verdict[:4] or [waiting or "No curve yet."])
        self.table.show_rows(live.lines())
        repeats = live.repeats[-MOST_LINES:]
        traces = [live.worst(number) for number in repeats]
        shown = list(zip(self.worst_lines, self.worst_dots, strict=True))
        for (line, dots), (x, y) in zip(shown[len(shown) - len(traces) :], traces, strict=True):
            line.setData(x, y)
            dots.setData(x=np.log10(x), y=np.log10(y))
        for line, dots in shown[: len(shown) - len(traces)]:
            line.setData([], [])
            dots.setData(x=[], y=[])
        keys = [
            Key(
                "dash" if (MOST_LINES - len(repeats) + k) % 2 and number != repeats[-1] else "line",
                "twin" if number == repeats[-1] else "text3", f"{number} repeats",
            )
            for k, number in enumerate(repeats)
        ]  # fmt: skip
        self.worst.legend.show_keys(keys[-3:])
        every = list(traces)
        for error, line in self.each_lines.items():
            x, y = live.error(error)
            line.setData(x, y)
            every.append((x, y))
        self._ranges(every, target)

    def _ranges(self, traces: list[tuple[Any, Any]], target: float) -> None:
        x = np.concatenate([a for a, _ in traces]) if traces else np.empty(0)
        y = np.concatenate([b for _, b in traces]) if traces else np.empty(0)
        for panel, level in zip((self.worst, self.each), self.levels, strict=True):
            level.setVisible(bool(x.size))
            if not x.size:
                panel.empty("points appear here as they are fitted")
                continue
            panel.filled()
            level.setValue(np.log10(target))
            low, high = np.log10(min(y.min(), target)), np.log10(max(y.max(), target))
            room = 0.06 + 0.05 * (high - low)
            panel.plot.setYRange(low - room, high + room, padding=0)
            panel.plot.getAxis("left").setTicks([_ratio_ticks(low - room, high + room)])
            at = sorted(set(x.tolist()))
            panel.plot.setXRange(np.log10(at[0]) - 0.05, np.log10(at[-1]) + 0.05, padding=0)
            panel.plot.getAxis("bottom").setTicks([_apart(at)])


def _apart(values: list[float]) -> list[tuple[float, str]]:
    """Ticks at these numbers on a logarithmic axis, those too near to the one before left out."""
    ticks: list[tuple[float, str]] = []
    span = max(float(np.log10(values[-1] / values[0])), 1e-9)
    for value in values:
        place = float(np.log10(value))
        if not ticks or place - ticks[-1][0] > 0.11 * span:
            ticks.append((place, f"{value:.0f}"))
    return ticks


def _ratio_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks of ratios between two logarithms."""
    narrow = high - low < 0.5
    steps = (0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3) if narrow else (
        0.5, 1, 2, 5, 10, 20, 50, 100, 1000)  # fmt: skip
    return [(float(np.log10(s)), f"{s:g} ×") for s in steps if low <= np.log10(s) <= high]
