"""The Monitor page: every value of the rig against time, whoever has the bench; runs for days."""

from __future__ import annotations

import time
import traceback
from itertools import cycle
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.artefacts import new_id
from app.gui.background import Latest
from app.gui.live_monitor import LiveMonitor
from app.gui.pages.monitor_files import written
from app.gui.pages.monitor_form import MonitorForm
from app.gui.pages.monitor_rows import said_of
from app.gui.pages.monitor_side import MonitorSide
from app.gui.pages.page import Page
from app.gui.widgets.basic import label
from app.gui.widgets.chart import Mark
from app.gui.widgets.chart_scale import NOW
from app.gui.widgets.segments import Segments
from app.gui.widgets.strip_charts import StripCharts
from app.gui.words import count, size
from app.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PyQt6.QtGui import QResizeEvent

    from app.alarms import Raised
    from app.gui.pages.shell import Shell
    from app.operations.events import Event
    from app.operations.monitor_export import Seen
    from instruments.bench_reading import BenchReading

__all__ = ["MonitorPage"]

SPANS = (("10 s", 10.0), ("1 min", 60.0), ("10 min", 600.0), ("1 h", 3600.0), ("1 d", 86_400.0))
FRAME_MS, SIDE_EVERY = 33, 3  # frames between two of the side
WORDS_EVERY_S, ALARMS_EVERY_MS = 0.5, 1000
WITH_SIDE_PX = 1000  # of the page: below it the charts take all, or their times would overlap


class MonitorPage(Page):
    """Strip charts, loop and spectrum; nothing here is ever sent to the rig."""

    key, name = "monitor", "Monitor"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Monitor", "runs for days, never stops a recording")
        self.run_id = new_id("mon")
        self.live: LiveMonitor | None = None
        self.frozen_at_s: float | None = None
        self._stood: NDArray[np.float64] | None = None  # values as it was frozen
        self.exported: tuple[Path, ...] = ()
        self._begin_s = time.monotonic()
        self._dirty, self._frame, self._said_s = False, 0, -WORDS_EVERY_S
        self._parts = cycle((0, 1))  # loop and spectrum by turns
        self.fields = MonitorForm(self.theme, self.form, self._choose_charts)
        self.fields.marker_text.returnPressed.connect(self.add_marker)
        self._header_buttons()
        middle = QHBoxLayout()
        middle.setSpacing(24)
        self.charts, self.side = StripCharts(self.theme), MonitorSide(self.theme)
        middle.addWidget(self._empty(), 1)
        middle.addWidget(self.charts, 1)
        middle.addWidget(self.side)
        self.body.addLayout(middle, 1)
        self.side.response.currentIndexChanged.connect(lambda _: self._touch())
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._tick)
        self._export, self._alarms = Latest(), QTimer(self)
        self._alarms.timeout.connect(self._watch_alarms)
        self._alarms.start(ALARMS_EVERY_MS)
        self._export.done.connect(self._exported)
        self._show_bench()

    def _header_buttons(self) -> None:
        self.marker_button = self.button("Add marker", self.add_marker)
        self.marker_button.setToolTip("A line through all charts, now, with the words of the form")
        self.freeze_button = self.button("Freeze", self.freeze)
        self.freeze_button.setToolTip("Stops the drawing; nothing else")
        self.span = Segments(self.theme, SPANS, "Time shown")
        self.span.value = 60.0
        self.span.setFixedWidth(260)
        self.span.chosen.connect(lambda _: self._touch())
        self._buttons.insertWidget(0, self.span)

    def _empty(self) -> QWidget:
        """Without a bench: a sentence, and the button that fills the page."""
        self.empty = QWidget()
        column = QVBoxLayout(self.empty)
        column.addStretch(1)
        self.connect_button = QPushButton("Connect the bench")
        self.connect_button.clicked.connect(lambda: self.shell.reconnect())
        for widget in (label("No bench is connected: there is nothing to see.", "label"),
                       self.connect_button):  # fmt: skip
            column.addWidget(widget, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        return self.empty

    # what comes in

    def _show_bench(self) -> None:
        """The traces of the bench that is connected; without one, what to do."""
        bench = self.session.bench
        if bench is not None and (self.live is None or self.live.channels != bench.live_channels):
            self.live, self._stood = LiveMonitor(bench), None
            self.fields.show_live(self.live)
            self.side.offer(self.live)
        self.charts.setVisible(self.live is not None)
        self.side.setVisible(self.live is not None and self.width() >= WITH_SIDE_PX)
        self.empty.setVisible(self.live is None)
        self._say()
        self._touch()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._show_bench()

    def bench_changed(self) -> None:
        self._show_bench()

    def take_reading(self, reading: BenchReading) -> None:
        if self.live is None:
            self._show_bench()
        if self.live is not None:
            self._tell(self.live.reading(reading, time.monotonic()))
            self._touch()

    def take_way(self, field_T: float, current_A: float) -> None:
        if self.live is not None:
            self._tell(self.live.way(field_T, current_A, time.monotonic()))
            self._touch()

    def watch(self, events: Sequence[Event]) -> None:
        if self.live is not None:
            self._tell(self.live.events(events, time.monotonic()))
            self._touch()

    def bench_lost(self, words: str) -> None:
        if self.live is not None:
            self.live.gap(words.splitlines()[0], time.monotonic())
            self._touch()

    def _watch_alarms(self) -> None:
        """Whoever has the bench, and where nobody reads it: what gives no value is said."""
        if self.live is not None:
            self._tell(self.live.alarms.overdue(time.monotonic()))

    def _tell(self, raised: Sequence[Raised]) -> None:
        """Say an alarm once, and that it is over."""
        if not raised or self.live is None:
            return
        traces = {trace.name: trace for trace in self.live.traces}
        for one in raised:
            words = said_of(one, traces[one.alarm.channel])
            self.shell.toast(words, "error" if one.side else "info")
        self._choose_charts()

    # what is seen

    def _choose_charts(self) -> None:
        live = self.live
        if live is None:
            return
        charts = self.fields.charts()
        self.charts.show_charts(charts)
        self.fields.shown_words.setText(f"{len(self.fields.shown)} of {len(live.traces)} shown")
        self._touch()

    def _touch(self) -> None:
        """There is something new to draw: at the next frame, once."""
        self._dirty = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        self._touch()
        self._timer.start()

    def _tick(self) -> None:
        if not self.isVisible():
            self._timer.stop()
            return
        if not self._dirty:
            return
        self._dirty = False
        self.draw()

    @property
    def seen_s(self) -> tuple[float, float]:
        """From when to when the charts reach, in monotonic time."""
        until_s = self.frozen_at_s or self._until_s()
        return until_s - float(self.span.value), until_s

    def _until_s(self) -> float:
        if self.live is None or self.live.lost or not self.live.store.count:
            return time.monotonic()
        return self.live.store.last_s

    def draw(self) -> None:
        """One frame; side and words less often."""
        live = self.live
        if live is None or not live.store.count:
            return
        from_s, until_s = self.seen_s
        known = live.values if self._stood is None else self._stood
        values = [float(known[chart.trace]) for chart in self.charts.charts]
        marks = [Mark(one.time_s, f"{one.clock} {one.text}") for one in live.markers]
        end = NOW if self.frozen_at_s is None else live.clock(self.frozen_at_s)
        self.charts.show_frame(live.store, from_s, until_s, values, marks, end)
        if self._frame % SIDE_EVERY == 0:  # between two frames: a turn of its own
            QTimer.singleShot(FRAME_MS // 2, self._draw_side)
        now_s = time.monotonic()
        if now_s - self._said_s >= WORDS_EVERY_S or live.lost or not self._frame:
            self._said_s = now_s
            self.charts.describe()
            self._say()
        self.fields.show_values()
        self._frame += 1

    def _draw_side(self) -> None:
        if self.live is not None and self.isVisible():
            self.side.show_run(self.run_id)
            part = None if self.frozen_at_s else next(self._parts)
            self.side.draw(self.live, *self.seen_s, part)

    def _say(self) -> None:
        live = self.live
        self._say_export()
        if live is None:
            self.say("Live values", "no bench is connected")
            return
        if live.lost:
            self.say("No reading", live.lost)
            return
        busy, at_s = self.session.at_bench, self.frozen_at_s
        heading = f"Frozen, {live.clock(at_s)}" if at_s else "Live values"
        heading += f", {busy.lower()}" if busy and not at_s else ""
        since_s = time.monotonic() - self._begin_s
        said = [live.pace(time.monotonic()), f"for {duration(since_s)}"]
        self.say(heading, " · ".join([live.silent, *said] if live.silent and not busy else said))

    # what can be pressed

    def freeze(self) -> None:
        """Freeze the drawing, or let it go on; readings go on either way."""
        self.frozen_at_s = self._until_s() if self.frozen_at_s is None else None
        frozen, live = self.frozen_at_s is not None, self.live
        self._stood = live.values.copy() if frozen and live is not None else None
        self.freeze_button.setText("Go on" if self.frozen_at_s else "Freeze")
        self._frame = 0
        self._touch()

    def add_marker(self) -> None:
        """A line through all charts, now, with the words that are typed."""
        if self.live is None:
            return
        self.live.mark(self.fields.marker_text.text().strip() or "marker", self._until_s())
        self.fields.marker_text.clear()
        self.fields.show_markers(self.live.markers)
        self._touch()

    def _seen(self) -> Seen | None:
        live = self.live
        if live is None or not live.store.count or not self.fields.shown:
            return None
        return live.seen(self.fields.shown, *self.seen_s)

    def _say_export(self) -> None:
        seen = self._seen()
        self.form.primary.setEnabled(seen is not None)
        if seen is None:
            self.form.primary.say("Export what is seen", "nothing is seen yet")
            return
        span = next(text for text, value in SPANS if value == self.span.value)
        cost = f"{span} · {count(len(seen.names), 'channel')} · {size(seen.size)} · CSV and PNG"
        self.form.primary.say("Export what is seen", cost)

    def press(self) -> None:
        """Write what is seen: the table in a thread, the picture as it stands."""
        seen = self._seen()
        if seen is None:
            return
        stem = f"{self.run_id}-{time.strftime('%H%M%S')}"
        picture, library = self.picture().toImage(), self.session.library
        self._export.ask(lambda: written(library, stem, seen, picture))

    def _exported(self, paths: tuple[Path, ...] | None, error: Exception | None) -> None:
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            self.shell.toast(f"Export: {error}", "error", trace)
        elif paths:
            self.exported = paths
            words = "" if len(paths) == 2 else "\nThe picture could not be written."
            self.shell.toast(f"Written: {paths[0]}{words}")

    # what comes back

    def form_values(self) -> dict[str, Any]:
        return {**self.fields.values(), "span_s": self.span.value}

    def set_form_values(self, values: dict[str, Any]) -> None:
        self.fields.set_values(values)
        if values.get("span_s") in [value for _, value in SPANS]:
            self.span.choose(values["span_s"])
