"""The plots of the Record page, drawn from a `LiveRecording` once a frame, or from a plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QWidget

from app.gui.live_record import spread
from app.gui.pages.record_drift import DriftPanel
from app.gui.pages.record_heat import HeatPanel
from app.gui.pages.record_response import ResponsePanel
from app.gui.widgets.channels import Channels
from app.gui.widgets.panel import Panel
from app.gui.widgets.segments import Segments
from app.gui.widgets.step_buttons import step_buttons
from app.gui.words import joined_words, minus, short
from models.channel_words import MANY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.live_record import LiveRecording
    from app.gui.record_design import Plan
    from app.gui.theme import Theme
    from models.sequence import DriveWindow, FieldSequence

    FloatArray = NDArray[np.float64]

NO_PLAN = "nothing is planned"
COMES, SECOND = "repeats appear here while they are recorded", "from the second repeat on"
FOLLOW_S = 1.5  # that a sequence stays in view while the run hops between interleaved ones


class RecordPlots(QWidget):
    """Field, response with its repeats, spread; distribution, drift, step pairs.

    `changed` where another channel is chosen, or map or trace: no frame of a run may follow.
    """

    changed = pyqtSignal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.channel = 0
        self.pinned: int | None = None
        self.shown = 0
        self.chosen = -1  # position of the repeat that is chosen by hand
        self._since_s = -FOLLOW_S
        self._seen: dict[str, tuple[object, ...]] = {}  # what response, spread and drift have drawn
        self._panels()
        self._curves()
        self._choosers()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(10)
        columns = (
            (self.field, self.response, self.spread),
            (self.distribution, self.drift, self.pairs),
        )
        for column, panels in enumerate(columns):
            for row, panel in enumerate(panels):
                grid.addWidget(panel, row, column)
        grid.addWidget(self.heat, 1, 0)
        self.heat.hide()
        grid.setColumnStretch(0, 74)
        grid.setColumnStretch(1, 26)
        for row, stretch in enumerate((21, 52, 27)):
            grid.setRowStretch(row, stretch)

    def _panels(self) -> None:
        theme = self.theme
        self.field = Panel(theme, "Field", "mT")
        self.before, self.next = step_buttons("sequence")
        for button in (self.before, self.next):
            self.field.head.addWidget(button)
        self.response = ResponsePanel(theme)
        self.heat = HeatPanel(theme)
        self.spread = Panel(theme, "Spread", x_label="Step")
        self.distribution = Panel(theme, "Distribution", x_label="Field, mT")
        self.drift = DriftPanel(theme)
        self.pairs = Panel(theme, "Step pairs", x_label="Drive now, next above")
        self.panels = (
            self.field, self.response, self.heat, self.spread, self.distribution, self.drift,
            self.pairs,
        )  # fmt: skip
        for panel in (self.spread, self.response, self.heat):
            panel.plot.setXLink(self.field.plot)
        for panel in (self.field, self.response, self.heat):
            panel.without_values("bottom")
            panel.plot.getAxis("bottom").setHeight(4)
        self.distribution.without_values("left")
        self._say_empty()
        self.distribution.plot.getAxis("left").setWidth(6)

    def _curves(self) -> None:
        self.field_line = self.field.curve("field", 1.5, steps=True, antialias=False)
        self.spread_line = self.spread.curve("measured", 1.5)
        self.spread_mean = self.spread.level()
        self.cursors = tuple(
            p.cursor() for p in (self.response, self.field, self.heat, self.spread)
        )
        self.bars = self.distribution.bars("field")
        self.pair_dots = self.pairs.dots("field", 4, 160)

    def _choosers(self) -> None:
        theme = self.theme
        self.channels = Channels(theme)
        self.channels.chosen.connect(self._choose_channel)
        self.as_map = Segments(theme, (("Map", True), ("Trace", False)), "View of the response")
        self.as_map.setFixedWidth(96)
        self.as_map.chosen.connect(lambda _: self._place_choosers())
        self.heat.picked.connect(self._pick_channel)
        for widget in (self.channels, self.as_map):
            self.response.head.addWidget(widget)
            widget.hide()

    def _choose_channel(self, channel: int) -> None:
        self.channel = channel
        self.changed.emit()

    def _pick_channel(self, channel: int) -> None:
        self.channels.choose(channel)
        self.as_map.choose(False)

    def _say_empty(self) -> None:
        """Words in place of what is to come."""
        for panel, words in ((self.response, COMES), (self.heat, COMES), (self.spread, SECOND)):
            panel.empty(words)
            panel.unit.setText("")
            panel.legend.show_keys(())
            panel.show_run("")

    def set_channels(self, channels: tuple[str, ...]) -> None:
        """Offer the channels; the toggle is there where there is a choice."""
        self.channels.offer(channels)
        self.channel = self.channels.value
        self._place_choosers()

    def _place_choosers(self) -> None:
        """Map or trace, and the channel, stand in the header of what is shown."""
        many = self.channels.count > MANY
        mapped = many and bool(self.as_map.value)
        for widget in (self.channels, self.as_map):
            (self.heat if mapped else self.response).head.addWidget(widget)
        self.channels.setVisible(self.channels.count > 1)
        self.as_map.setVisible(many)
        self.heat.setVisible(mapped)
        self.response.setVisible(not mapped)
        self.changed.emit()

    # before a run

    def preview(self, plan: Plan, shown: int = 0) -> None:
        """Field of one sequence, and where all of them go, before anything runs."""
        if plan.window is None or plan.coverage is None or not plan.sequences:
            return
        self.shown = shown % len(plan.sequences)
        for panel in (self.distribution, self.pairs):
            panel.filled()
        window, coverage = plan.window, plan.coverage
        self._show_played(plan.sequences[self.shown], window)
        ends_mT = 1e3 * window.field_T(np.linspace(0, 1, coverage.bars.size + 1))
        width = float(ends_mT[1] - ends_mT[0])
        self.bars.setOpts(x=ends_mT[:-1] + width / 2, height=coverage.bars, width=0.86 * width)
        self.distribution.unit.setText(f"{100 * coverage.drive_share:.0f} % of range")
        self.pair_dots.setData(x=coverage.pairs[:, 0], y=coverage.pairs[:, 1])
        self.pairs.unit.setText(f"{100 * coverage.pair_share:.0f} % of pairs")

    def clear_preview(self, words: str = NO_PLAN) -> None:
        """Nothing is to be applied; `words` say why nothing is told of it."""
        self.field_line.setData([], [])
        self.field.unit.setText("mT")
        self.bars.setOpts(x=[], height=[], width=1.0)
        self.pair_dots.setData(x=[], y=[])
        for panel in (self.distribution, self.pairs):
            panel.unit.setText("")
            panel.empty(words)

    def _show_played(self, sequence: FieldSequence, window: DriveWindow) -> None:
        """The field in time: a step that is held longer is drawn longer."""
        edges = np.concatenate([[0], np.cumsum(sequence.holds)])
        self.field_line.setData(edges, 1e3 * window.field_T(sequence.drive))
        self.field.plot.setXRange(0, edges[-1], padding=0)
        low, high = 1e3 * window.low_T, 1e3 * window.high_T
        self.field.unit.setText(minus(f"mT · drive 0 to 1: {low:.4g} to {high:.4g}"))

    def clear_response(self) -> None:
        """Nothing recorded yet."""
        self.pinned, self.shown, self.chosen = None, 0, -1
        self._since_s = -FOLLOW_S
        self._seen.clear()
        self.spread_line.setData([], [])
        self.response.clear()
        self.drift.clear()
        self._say_empty()
        for line in (*self.cursors, self.spread_mean):
            line.hide()
        self.heat.heat.hide()

    # a run

    def draw(self, live: LiveRecording, *, running: bool, part: int | None = None) -> None:
        """Draw the recording; `part`: 0 the response, 1 field and map, 2 spread and drift."""
        if live.plan is None:
            return
        self._follow(live, running)
        traces = live.traces(self.shown, self.channel)
        factor, unit = live.scale(self.channel, traces)
        kept = self.shown, self.channel, live.count_of(self.shown), live.bad, unit
        here = running and live.sequence == self.shown and live.step >= 0
        of_response, of_field, of_map, of_spread = self.cursors
        response = self.response
        if part in (None, 0):
            self._place_cursors((of_response,), live, here)
            self._draw_response(live, traces * factor, unit, self._fresh("response", kept), here)
            response.draw_running(live, self.channel, factor, here=here)
            response.draw_chosen(live, self.chosen, self.channel, factor)
            response.settle()
        if part in (None, 1):
            self._place_cursors((of_field, of_map), live, here)
            self._draw_field(live)
            if not self.heat.isHidden():
                mean = live.mean_of_all(self.shown)
                self.heat.draw(mean * factor, self.channel, unit)
                self.heat.settle()
            self.field.settle()
        if part in (None, 2):
            self._place_cursors((of_spread,), live, here)
            if self._fresh("spread", kept):
                self._draw_spread(traces * factor, unit)
            levels = live.done, self.channel, live.bad, len(live.references)
            if self._fresh("drift", levels):
                self.drift.draw(live, self.channel, factor, unit)
            self.spread.show_run(live.plan.run_id)
            self.drift.show_run(live.plan.run_id)
            self.spread.settle()
            self.drift.settle()

    def _draw_response(
        self, live: LiveRecording, traces: FloatArray, unit: str, fresh: bool, here: bool
    ) -> None:
        name = live.plan.channel_words[self.channel] if live.plan else ""
        many = self.channels.count > MANY  # then the name stands in its choice beside it
        if fresh:
            self.response.draw_repeats(traces)
        self.response.title.setText("Response" if many else f"Response {name}")
        self.response.unit.setText(unit)
        newest = "newest " if len(traces) == live.most else ""
        running = "running" if here else ""
        chosen = f"repeat {self.chosen + 1}" if self.chosen >= 0 else ""
        band = "90 %" if many else "90 % band"
        self.response.say(newest, len(traces), band, running, chosen)

    def _draw_field(self, live: LiveRecording) -> None:
        if self.shown in live.fields:
            field_T = live.fields[self.shown]
            self.field_line.setData(np.arange(field_T.size + 1), 1e3 * field_T)
            self.field.plot.setXRange(0, field_T.size, padding=0)

    def _draw_spread(self, traces: FloatArray, unit: str) -> None:
        if len(traces) < 2:
            self.spread_line.setData([], [])
            self.spread_mean.hide()
            self.spread.unit.setText("")  # that of another sequence is none of this one's
            self.spread.empty(SECOND)
            return
        std = spread(traces)
        self.spread.filled()
        self.spread_line.setData(np.arange(traces.shape[1]) + 0.5, std)
        self.spread_mean.setValue(float(std.mean()))
        self.spread_mean.show()
        self.spread.unit.setText(joined_words(unit, f"mean {short(std.mean())}", by=" · "))

    def _follow(self, live: LiveRecording, running: bool) -> None:
        """Show the running sequence; hop at most every `FOLLOW_S`: interleaved runs are fast."""
        of_chosen = live.repeat_at(self.chosen)[0] if self.chosen >= 0 else -1
        if of_chosen >= 0:
            self.shown = of_chosen
        elif self.pinned is not None:
            self.shown = self.pinned
        elif (
            running and time.monotonic() - self._since_s > FOLLOW_S and live.sequence != self.shown
        ):
            self.shown, self._since_s = live.sequence, time.monotonic()
        elif not running and live.done and not live.count_of(self.shown):
            newest = live.repeat_at(live.levels.newest)[0]  # the running one was not completed
            self.shown = newest if newest >= 0 else self.shown

    def _fresh(self, part: str, kept: tuple[object, ...]) -> bool:
        """Whether what is to be drawn differs from what that part has drawn."""
        drawn = self._seen.get(part)
        self._seen[part] = kept
        return drawn != kept

    @staticmethod
    def _place_cursors(cursors: tuple[Any, ...], live: LiveRecording, here: bool) -> None:
        """The running step, with its own plot only: a moved line paints the whole plot anew."""
        for cursor in cursors:
            cursor.setVisible(here)
            cursor.setValue(live.step + 0.5)
