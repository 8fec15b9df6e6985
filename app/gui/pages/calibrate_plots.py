"""Field over current with its branches, what is off the line, and the figures beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.gui.live_calibrate import rows
from app.gui.widgets.basic import label
from app.gui.widgets.figures import FigureTable
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel
from app.gui.words import prefix
from app.words import capitalised
from instruments.calibration_walk import BRANCHES

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent
    from PyQt6.QtWidgets import QLabel

    from app.gui.live_calibrate import LiveCalibration
    from app.gui.theme import Theme

TOKENS = ("text3", "field", "text1")  # of BRANCHES: the initial one takes no part in the fit
EMPTY = "the field over the current appears here while it is measured"
OFF_EMPTY = "and here how far it is from a straight line"
TO_COME = "What was found stands here, beside the bench file's and the last calibration's."
FOUND = (
    "In brackets: the standard error of the last digit. A bench file takes the field per ampere; "
    "offset and yoke are told, not corrected."
)
MOST_WARNINGS, MOST_DOTS = 4, 200
NARROW_PX = 640  # in a window of 1024 a plot beside the figures would be as wide as its axis


class CalibratePlots(QWidget):
    """Two plots over the current at the left; figures and warnings at the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.field = Panel(theme, "Field", "mT, measured")
        self.off = Panel(theme, "Off the line", x_label="Current, A")
        self.field.without_values("bottom")
        self.field.plot.getAxis("bottom").setHeight(4)
        self.off.plot.setXLink(self.field.plot)
        self.line = self.field.curve("text2", 1)
        self.zero = self.off.level()
        self.curves = [self.field.curve(token, 1.5) for token in TOKENS]
        self.off_curves = [self.off.curve(token, 1.5) for token in TOKENS]
        self.dots = [self.off.dots(token, 5) for token in TOKENS]
        self.head = self.field.dots("text1", 7)
        self._name("bench file")
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(10)
        self.figures = self._figures(theme)
        self._arrange(narrow=False)
        grid.setColumnStretch(0, 54)
        grid.setColumnStretch(1, 46)
        grid.setRowStretch(0, 60)
        grid.setRowStretch(1, 40)
        self.clear()

    def _arrange(self, *, narrow: bool) -> None:
        """Figures beside the two plots; in a narrow window below them, the plots side by side."""
        self._narrow = narrow
        for widget, wide, low in (
            (self.field, (0, 0, 1, 1), (0, 0, 1, 1)),
            (self.off, (1, 0, 1, 1), (0, 1, 1, 1)),
            (self.figures, (0, 1, 2, 1), (1, 0, 1, 2)),
        ):
            self._grid.removeWidget(widget)
            self._grid.addWidget(widget, *(low if narrow else wide))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if (narrow := self.width() < NARROW_PX) != self._narrow:
            self._arrange(narrow=narrow)

    def _name(self, line: str) -> None:
        """The legend; `line` is what the straight line is."""
        keys = [Key("line", token, name) for token, name in zip(TOKENS, BRANCHES, strict=True)]
        self.field.legend.show_keys([*keys, Key("line", "text2", line)])

    def _figures(self, theme: Theme) -> QWidget:
        """The column at the right."""
        made = QWidget()
        made.setMinimumWidth(384)
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        head = label("Calibration", "panel")
        head.setFixedHeight(28)
        column.addWidget(head)
        self.table = FigureTable(theme)
        column.addWidget(self.table)
        self.remark = label("", "note", wrap=True)
        column.addWidget(self.remark)
        self.warnings: list[QLabel] = []
        for _ in range(MOST_WARNINGS):
            words = label("", "attention", wrap=True)
            words.hide()
            column.addWidget(words)
            self.warnings.append(words)
        column.addStretch(1)
        return made

    def clear(self) -> None:
        """Nothing measured yet."""
        for curve in (*self.curves, *self.off_curves, self.line):
            curve.setData([], [])
        for dots in (*self.dots, self.head):
            dots.setData(x=[], y=[])
        self.zero.hide()
        self.field.empty(EMPTY)
        self.off.empty(OFF_EMPTY)
        self.table.show_rows([])
        self.remark.setText(TO_COME)
        self._warn([])

    def draw(self, live: LiveCalibration, *, running: bool) -> None:
        """Draw what is there."""
        if not live.done:  # as after a Stop within the first branch
            self.clear()
            self._warn(live.warnings)
            return
        self.field.filled()
        self.off.filled()
        every_A = np.concatenate([live.curve(branch)[0] for branch in range(len(BRANCHES))])
        ends_A = np.array([every_A.min(), every_A.max()])
        line_mT = 1e3 * live.line_T(ends_A)
        known = np.isfinite(line_mT)  # else no line can be drawn, nor how far off it points are
        self.line.setData(ends_A[known], line_mT[known])
        factor, unit = self._scale(live)
        which = "the fit" if live.found is not None else "the bench file"
        self._name(which.removeprefix("the "))
        self.off.unit.setText(f"{unit} from {which}")
        self.zero.setValue(0.0)
        self.zero.show()
        for branch, (curve, off, dots) in enumerate(
            zip(self.curves, self.off_curves, self.dots, strict=True)
        ):
            current_A, field_T = live.curve(branch)
            curve.setData(current_A, 1e3 * field_T)
            away = factor * (field_T - live.line_T(current_A))
            current_A, away = current_A[np.isfinite(away)], away[np.isfinite(away)]
            off.setData(current_A, away)
            few = slice(None if current_A.size <= MOST_DOTS else 0)  # more is a thick line
            dots.setData(x=current_A[few], y=away[few])
        self._draw_head(live, running)
        self._draw_figures(live)
        if live.plan is not None:
            self.off.show_run(live.plan.run_id)

    def _scale(self, live: LiveCalibration) -> tuple[float, str]:
        largest_T = 0.0
        for branch in range(len(BRANCHES)):
            current_A, field_T = live.curve(branch)
            away_T = np.abs(field_T - live.line_T(current_A))
            largest_T = max(largest_T, float(away_T.max(initial=0.0)))
        return prefix(max(largest_T, 1e-9), "T")

    def _draw_head(self, live: LiveCalibration, running: bool) -> None:
        current_A, field_T = live.curve(live.branch)
        if running and current_A.size:
            self.head.setData(x=current_A[-1:], y=1e3 * field_T[-1:])
        else:
            self.head.setData(x=[], y=[])

    def _draw_figures(self, live: LiveCalibration) -> None:
        self.table.show_rows(rows(live))
        words = TO_COME
        if live.found is not None:
            words = FOUND
            if live.last is not None:
                words += f" The last one is of {live.last_when[:16].replace('T', ' ')} UTC."
        self.remark.setText(words)
        self._warn(live.warnings)

    def _warn(self, said: list[str]) -> None:
        """The last few warnings; the Log has all."""
        shown = said[-MOST_WARNINGS:]
        for words, text in zip(self.warnings, [*shown, *[""] * MOST_WARNINGS], strict=False):
            words.setText(capitalised(text))
            words.setVisible(bool(text))
