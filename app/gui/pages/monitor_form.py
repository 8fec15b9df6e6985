"""The form of the Monitor page: channels to show, alarms, markers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.alarms import Alarm
from app.gui.pages.monitor_rows import AlarmRow, TraceTick, band_words, unit_of
from app.gui.widgets.basic import Choice, label, row, set_level
from app.gui.widgets.chart import Chart
from app.gui.words import reading, written_unit
from instruments.draft_values import typed
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.gui.live_monitor import LiveMonitor, Marker, Trace
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form

SET_POINT = "Set point"
SHOWN_FIRST = 7  # of the traces: so many charts can be read at 1280×720
MARKERS_SHOWN = 3


class MonitorForm:
    """The entries; `changed` is called when other charts are to be seen."""

    def __init__(self, theme: Theme, form: Form, changed: Callable[[], None]) -> None:
        self._theme, self._changed = theme, changed
        self.live: LiveMonitor | None = None
        self.shown_words = form.section("Channels")
        self.ticks: dict[str, TraceTick] = {}
        self._ticks = self._column(form)
        self.alarm_words = form.section("Alarms")
        self._alarms = self._column(form)
        self.alarm_rows: dict[str, AlarmRow] = {}
        self._alarm_entries(form)
        self.marker_words = form.section("Markers")
        self.marker_text = QLineEdit()
        self.marker_text.setPlaceholderText("what happens now; Enter marks it")
        self.marker_text.setAccessibleName("Words of the next marker")
        form.widget(self.marker_text)
        self.markers = label("", "note", wrap=True)
        form.widget(self.markers)
        self._wanted: dict[str, Any] = {}

    @staticmethod
    def _column(form: Form) -> QVBoxLayout:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        form.widget(holder)
        return column

    def _alarm_entries(self, form: Form) -> None:
        self.alarm_channel = Choice(self._theme, (), "Channel of the alarm")
        self.low, self.high = QLineEdit(), QLineEdit()
        for entry, name in ((self.low, "low"), (self.high, "high")):
            entry.setPlaceholderText(name)
            entry.setFixedWidth(64)  # the channel's name needs the rest
            entry.setAccessibleName(f"Alarm when {'below' if name == 'low' else 'above'}")
            entry.textChanged.connect(lambda _: self._judge())
            entry.returnPressed.connect(self.put_alarm)
        self.alarm_channel.currentIndexChanged.connect(lambda _: self._judge())
        self.set_button = QPushButton("Set")
        self.set_button.setToolTip("Set the alarm; with both bounds empty: take it away")
        self.set_button.clicked.connect(lambda: self.put_alarm())
        form.widget(row(self.alarm_channel, self.low, self.high, self.set_button, gap=6))
        self.alarm_fault = label("", "fault", wrap=True)
        self.alarm_fault.hide()
        form.widget(self.alarm_fault)
        self.alarm_note = label("", "note", wrap=True)
        self.alarm_note.hide()
        form.widget(self.alarm_note)

    # channels

    def show_live(self, live: LiveMonitor) -> None:
        """The traces of a bench that was connected; what was chosen before stays."""
        if self.live is not None and self.live is not live:
            self._wanted["alarms"] = self.values()["alarms"]
        self.live = live
        for row_of in self.alarm_rows.values():
            row_of.hide()
            row_of.deleteLater()
        self.alarm_rows = {}
        for tick in self.ticks.values():
            tick.hide()
            tick.deleteLater()
        self.ticks = {}
        hidden = set(self._wanted.get("hidden", ()))
        for number, trace in enumerate(live.traces):
            tick = TraceTick(self._theme, trace)
            first = number < SHOWN_FIRST and not (
                trace.unit == "°" and "hidden" not in self._wanted
            )
            tick.setChecked(trace.name not in hidden if "hidden" in self._wanted else first)
            tick.toggled.connect(lambda _: self._changed())
            self._ticks.addWidget(tick)
            self.ticks[trace.name] = tick
        self.alarm_channel.offer([(name, name) for name in live.names])
        for channel, low, high in self._wanted.get("alarms", ()):
            if channel in live.names:
                self._put(Alarm(channel, _bound(low, -math.inf), _bound(high, math.inf)))
        self._changed()

    @property
    def shown(self) -> list[int]:
        """Which traces have a chart, by position."""
        return [n for n, tick in enumerate(self.ticks.values()) if tick.isChecked()]

    def charts(self) -> list[Chart]:
        """The charts of what is shown, with its alarm and whether that is raised."""
        live, found = self.live, []
        if live is None:
            return []
        beside = self._beside()
        for number in self.shown:
            trace = live.traces[number]
            if number in beside.values():
                continue
            alarm = live.alarms.by_channel.get(trace.name)
            band = (alarm.low, alarm.high) if alarm else (-math.inf, math.inf)
            shown = (trace.name, trace.unit, trace.token, trace.factor, trace.shown_unit)
            out = live.alarms.out.get(trace.name, "")
            grey = beside.get(number, -1)
            named = live.traces[grey].name.lower() if grey >= 0 else ""
            found.append(Chart(number, *shown, trace.limit, *band, out, grey, named))
        return found

    def _beside(self) -> dict[int, int]:
        """Field → set point where both are shown: what lags is seen on one axis.

        A set point that has an alarm keeps its own chart, which shows the alarm's band.
        """
        live = self.live
        if live is None or not {"Field", SET_POINT} <= set(live.names):
            return {}
        field, set_point = live.names.index("Field"), live.names.index(SET_POINT)
        both = {field, set_point} <= set(self.shown)
        return {field: set_point} if both and SET_POINT not in live.alarms.by_channel else {}

    # alarms

    def _trace(self) -> Trace | None:
        name = self.alarm_channel.currentData()
        traces = self.live.traces if self.live is not None else ()
        return next((one for one in traces if one.name == name), None)

    def _typed(self, entry: QLineEdit, usual: float, trace: Trace) -> float:
        """A bound as typed, in SI: `4.2 mT`; a bare number is in the unit that is shown."""
        text = entry.text().strip()
        if not text:
            return usual
        unit = trace.unit or "1"
        value = typed(f"bound_{unit}", text.removesuffix("°").replace(",", "."))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            shown = written_unit(trace.shown_unit or unit)
            of_unit = f" of {shown}" if shown else ""
            raise InputError(f"{text!r} is no number{of_unit}")
        bare = not text[-1].isalpha() and text[-1] != "°"
        return float(value) / (trace.factor or 1.0) if bare else float(value)

    def _typed_alarm(self, trace: Trace) -> Alarm:
        low, high = self._typed(self.low, -math.inf, trace), self._typed(self.high, math.inf, trace)
        if low >= high:
            factor, unit = unit_of(trace, low, high)
            ends = [f"{reading(end * factor, 3)} {unit}" for end in (low, high)]
            raise InputError(f"low {ends[0]} must be below high {ends[1]}")
        return Alarm(trace.name, low, high)

    def _judge(self) -> Alarm | None:
        """The alarm as typed; below stands, as one types, its band or what is wrong with it."""
        trace, fault, alarm = self._trace(), "", None
        empty = not (self.low.text().strip() or self.high.text().strip())
        if trace is not None and not empty:
            try:
                alarm = self._typed_alarm(trace)
            except InputError as error:
                fault = str(error)
        self.alarm_fault.setText(fault)
        self.alarm_fault.setVisible(bool(fault))
        self.alarm_note.setVisible(alarm is not None)
        if alarm is not None and trace is not None:
            self.alarm_note.setText(f"no alarm while {trace.name} is {band_words(alarm, trace)}")
        for entry in (self.low, self.high):
            set_level(entry, "fault" if fault and entry.text().strip() else "")
        known = trace is not None and trace.name in self.alarm_rows
        self.set_button.setText("×" if empty and known else "Set")
        self.set_button.setAccessibleName("Take the alarm away" if empty and known else "Set")
        self.set_button.setEnabled(alarm is not None or (empty and known))
        return alarm

    def put_alarm(self) -> None:
        """Set the alarm as typed, or take it away where both bounds are empty."""
        alarm, trace = self._judge(), self._trace()
        if trace is None or self.live is None or not self.set_button.isEnabled():
            return
        if alarm is None:
            self.live.alarms.remove(trace.name)
            gone = self.alarm_rows.pop(trace.name)
            gone.hide()
            gone.deleteLater()
        else:
            self._put(alarm)
        self.low.clear()
        self.high.clear()
        self._changed()

    def _put(self, alarm: Alarm) -> None:
        if self.live is None:
            return
        self.live.alarms.put(alarm)
        trace = next(one for one in self.live.traces if one.name == alarm.channel)
        old = self.alarm_rows.pop(alarm.channel, None)
        if old is not None:
            old.hide()
            old.deleteLater()
        made = self.alarm_rows[alarm.channel] = AlarmRow(self._theme, alarm, trace)
        self._alarms.addWidget(made)

    def show_values(self) -> None:
        """Where the values are in their bands."""
        if self.live is None:
            return
        values = dict(zip(self.live.names, self.live.values.tolist(), strict=True))
        out = self.live.alarms.out
        for channel, one in self.alarm_rows.items():
            one.show_value(values[channel], out.get(channel, ""))
        raised = f"{len(out)} raised" if out else "none raised"
        self.alarm_words.setText(raised if self.alarm_rows else "none set")

    def show_markers(self, markers: Iterable[Marker]) -> None:
        """The latest markers, newest first."""
        all_of = list(markers)
        self.marker_words.setText(f"{len(all_of)}" if all_of else "")
        last = all_of[-MARKERS_SHOWN:][::-1]
        self.markers.setText("\n".join(f"{one.clock}   {one.text}" for one in last))

    # what comes back

    def values(self) -> dict[str, Any]:
        """What is chosen, for the next start; alarms of another bench's channels stay."""
        if self.live is None:
            return self._wanted
        alarms: Sequence[Alarm] = list(self.live.alarms.by_channel.values())
        hidden = [name for name, tick in self.ticks.items() if not tick.isChecked()]
        bands = [[a.channel, _finite(a.low), _finite(a.high)] for a in alarms]
        others = [a for a in self._wanted.get("alarms", ()) if a[0] not in self.live.names]
        return {"hidden": hidden, "alarms": [*bands, *others]}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put back what fits; the rest is left alone."""
        hidden, alarms = values.get("hidden"), values.get("alarms")
        if isinstance(hidden, list):
            self._wanted["hidden"] = [str(name) for name in hidden]
        if isinstance(alarms, list):
            self._wanted["alarms"] = [a for a in alarms if _is_band(a)]
        if self.live is not None:
            self.show_live(self.live)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _bound(value: float | None, usual: float) -> float:
    return usual if value is None else float(value)


def _is_band(value: object) -> bool:
    if not (isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)):
        return False
    if not all(one is None or isinstance(one, (int, float)) for one in value[1:]):
        return False
    try:
        Alarm(value[0], _bound(value[1], -math.inf), _bound(value[2], math.inf))
    except (InputError, OverflowError):  # no band; a whole number beyond every float
        return False
    return True
