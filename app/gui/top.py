"""The top strip: name, instrument cells, interlock pill, and Stop, always in the same place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from app.gui import icons
from app.gui.flowing import field_of
from app.gui.theme import LABEL_PX, elided, sans
from app.gui.widgets.basic import label
from app.gui.widgets.strip import CELL_PX, Interlock, Pill, StopButton, StripCell
from app.gui.words import prefix, written_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PyQt6.QtGui import QResizeEvent

    from app.gui.theme import Theme
    from app.operations.bench_read import BenchRead
    from app.operations.events import PointMeasured
    from app.session import Session
    from instruments.bench_reading import BenchReading

MOST_CHANNELS = 3
AROUND_PX = 48  # between nameplate, cells, pill, Stop and edge
LEAST_PX = 640  # with two cells: pill and Stop stay whole on the smallest screen
BARE = (
    ("field", "Field", "mT", 1e3),
    ("setpoint", "Set point", "mT", 1e3),
    ("current", "Supply", "A", 1.0),
)
"""Cells that every bench has: key, name, unit, factor."""


class TopStrip(QWidget):
    """Values in ink over their range; the pill says in words what holds or what is wrong."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(72)
        self.setMinimumWidth(LEAST_PX)
        self._theme = theme
        self._session: Session
        self.menu = QMenu(self)
        self.pill = Pill(theme)
        self.stop_button = StopButton(theme)
        self.cells: dict[str, StripCell] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 16, 1)
        layout.setSpacing(0)
        self._plate = self._nameplate()
        layout.addWidget(self._plate)
        layout.addSpacing(16)
        self._cells = QHBoxLayout()
        self._cells.setSpacing(0)
        layout.addLayout(self._cells)
        layout.addStretch(1)
        layout.addWidget(self.pill)
        layout.addSpacing(16)
        layout.addWidget(self.stop_button)
        theme.changed.connect(self._restyle)
        self._restyle()
        for key, name, unit, factor in BARE:
            self._cell(key, name, unit, factor)

    def begin(self, session: Session) -> None:
        """Before the bench answers: the names are known, the values are not."""
        self._session = session
        name = session.spec.name
        self.bench_name.setText(elided(name, sans(LABEL_PX), 126))
        self.bench_name.setToolTip(name)
        self.idle()

    def _nameplate(self) -> QWidget:
        plate = QWidget()
        plate.setFixedWidth(152)
        outer = QVBoxLayout(plate)
        outer.setContentsMargins(16, 14, 10, 14)
        outer.setSpacing(1)
        first = QHBoxLayout()
        first.addWidget(label("Twinrig", "title"), 1)
        self.menu_button = QToolButton()
        self.menu_button.setFixedSize(26, 24)
        self.menu_button.setAccessibleName("Menu")
        self.menu_button.setMenu(self.menu)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        first.addWidget(self.menu_button)
        outer.addLayout(first)
        self.bench_name = label("", "note")
        outer.addWidget(self.bench_name)
        return plate

    def _restyle(self) -> None:
        self.menu_button.setIcon(icons.icon("menu", self._theme.tokens.text2))
        for widget in (self.pill, *self.cells.values()):
            widget.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._spare_cells()

    def _spare_cells(self) -> None:
        """The first cells that have room; Stop and pill always have it."""
        cells = list(self.cells.values())
        around = sum(w.width() for w in (self._plate, self.pill, self.stop_button)) + AROUND_PX
        fit = (self.width() - around) // CELL_PX
        for number, cell in enumerate(cells):
            cell.setVisible(number < fit)

    def _cell(self, key: str, name: str, unit: str, factor: float) -> StripCell:
        cell = StripCell(self._theme, name, unit)
        cell.factor = factor
        self._cells.addWidget(cell)
        self.cells[key] = cell
        self._spare_cells()
        return cell

    def bench_connected(self) -> None:
        """Ranges and read-out cells of the connected bench."""
        bench, spec = self._session.bench, self._session.spec
        if bench is None:
            return
        limits = spec.magnets[spec.drive_magnet].limits
        per_A, window = limits.tesla_per_ampere, spec.window
        top_A = math.copysign(limits.highest_A, per_A)  # of a coil wired either way
        back = -1.0 if window.encoding == "loop" or window.low_T < 0 else 0.0  # the field turns
        for key, top in (("field", top_A * per_A), ("setpoint", top_A * per_A), ("current", top_A)):
            self.cells[key].set_range(*sorted((back * top, top)))
        supply = self.cells["current"]
        supply.factor, supply.unit = prefix(abs(top_A), "A")
        for name, unit in list(zip(bench.live_channels, bench.live_units, strict=True))[
            :MOST_CHANNELS
        ]:
            if f"channel.{name}" not in self.cells:
                self._cell(f"channel.{name}", f"Read-out {name}", written_unit(unit), 1.0)

    def show_reading(self, reading: BenchReading | BenchRead) -> None:
        """One idle reading of the bench."""
        self.cells["field"].show_value(field_of(self._session.spec, reading), reading.setpoint_T)
        self.cells["setpoint"].show_value(reading.setpoint_T)
        self.cells["current"].show_value(reading.current_A)
        self._show_values(reading.values)
        if reading.forbids:
            self.forbidden("No current allowed", "; ".join(reading.forbids))
        elif reading.others and not (reading.output_on and self._session.spec.rotation):
            self.forbidden("Another magnet is on", "; ".join(reading.others))
        else:
            self._neutral(output_on=reading.output_on)

    def show_step(self, field_T: float, current_A: float, values: NDArray[np.float64]) -> None:
        """One step of a run: field and current are those set, the read-outs those measured."""
        self.cells["field"].name = "Field, as set"
        self.cells["field"].show_value(field_T, field_T)
        self.cells["setpoint"].show_value(field_T)
        self.cells["current"].show_value(current_A)
        self._show_values(values)
        self._neutral(output_on=True)

    def show_way(self, field_T: float, current_A: float) -> None:
        """Between the steps of a run: what flows, as set; not over a supply that is not reached."""
        if self.pill.state.level == "fault" or math.isnan(field_T):
            return
        self.cells["field"].name = "Field, as set"
        self.cells["field"].show_value(field_T, field_T)
        self.cells["setpoint"].show_value(field_T)
        self.cells["current"].show_value(current_A)

    def show_point(self, point: PointMeasured) -> None:
        """One point of a calibration: its field is measured, and no read-out is read."""
        scale = self._session.spec.magnets[point.magnet].limits.tesla_per_ampere
        self.cells["field"].name = "Field, measured"
        self.cells["current"].name = f"Supply {point.magnet}"
        self.cells["field"].show_value(point.field_T, point.set_A * scale)
        self.cells["setpoint"].show_value(point.set_A * scale)
        self.cells["current"].show_value(point.measured_A)
        self._show_values(())
        self._neutral(output_on=True)

    def forbidden(self, words: str, reason: str, level: str = "attention") -> None:
        """A guard forbids current, a run waits, another bench is not safe: the values stay."""
        self.pill.show_state(Interlock(level, words, reason))

    def show_rest(self) -> None:
        """A run waits at zero current; what the read-outs last showed was measured before."""
        for key, *_ in BARE:
            self.cells[key].show_value(0.0)
        self._show_values(())
        self._neutral(output_on=True)

    def idle(self) -> None:
        """No run has the bench: the field cell shows what the supply really delivers again."""
        self.cells["field"].name = "Field"
        self.cells["current"].name = f"Supply {self._session.spec.drive_magnet}"
        for name in ("field", "current"):
            self.cells[name].update()

    def _show_values(self, values: NDArray[np.float64] | tuple[float, ...]) -> None:
        """What each read-out shows; other numbers, as a turn's components, are no cell's: —."""
        bench = self._session.bench
        if bench is None:
            return
        if len(values) != len(bench.live_channels):
            values = (math.nan,) * len(bench.live_channels)
        pairs = zip(bench.live_channels, bench.live_units, values, strict=True)
        for name, unit, value in list(pairs)[:MOST_CHANNELS]:
            cell = self.cells.get(f"channel.{name}")
            if cell is None:
                continue
            size = abs(float(value))
            if size > cell.high:
                cell.set_range(-size, size)
                cell.factor, cell.unit = prefix(size, unit)
            cell.show_value(None if math.isnan(size) else float(value))

    def _neutral(self, *, output_on: bool) -> None:
        limits = self._session.spec.magnets[self._session.spec.drive_magnet].limits
        state = "output on" if output_on else "output off"
        self.pill.show_state(
            Interlock("ok", "Within limits", f"{state} · limit {limits.max_current_A:g} A")
        )

    def missing(self, words: str, reason: str, level: str = "attention") -> None:
        """No reading: every value becomes —, the pill says why."""
        for cell in self.cells.values():
            cell.show_value(None)
        self.pill.show_state(Interlock(level, words, reason))

    def waiting(self, words: str, reason: str) -> None:
        """Something is under way: connecting, stopping."""
        self.pill.show_state(Interlock("wait", words, reason))
