"""The Monitor page on the virtual rig: charts, alarms, markers, freeze, export; a lost read-out."""

from __future__ import annotations

import csv
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import WAIT_MS
from exits_rig import READOUT, exit_rig
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app.alarms import GONE_S, Alarm
from app.config import Settings
from app.gui.job import JobSpec
from app.gui.window import Window
from app.library.library import Library
from app.operations.manual_set import Hand, Target, manual_set
from app.session import Session
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.gui.theme import Theme


@pytest.fixture
def window(make_window: Any) -> Window:
    """Of the virtual rig, on its Monitor page."""
    made: Window = make_window(page="monitor")
    return made


@pytest.fixture
def page(window: Window, qtbot: Any) -> Any:
    made: Any = window.page()
    qtbot.waitUntil(lambda: made.live is not None and made.live.store.count > 2, timeout=WAIT_MS)
    return made


def energised(window: Window, *targets_mT: float) -> Hand:
    """A hand that has the magnet, in the window's own job."""
    window.open_page("bench")
    hand = Hand(window.session.spec)
    hand.ask(Target(1e-3 * targets_mT[0], 200.0))
    bench = window.session.bench
    assert bench is not None
    spec = JobSpec("bench", "Manual set", "man-1", lambda _: manual_set(bench, hand), hardware=True)
    assert window.run(spec)
    window.open_page("monitor")
    return hand


def test_every_trace_is_drawn_with_its_value(page: Any, qtbot: Any) -> None:
    assert [c.name for c in page.charts.charts] == ["Field", "Supply x", "X", "Y", "R"]
    qtbot.waitUntil(lambda: page.charts.points > 0, timeout=WAIT_MS)
    page.charts.describe()
    assert "Field 0.000 mT" in page.charts.accessibleDescription()
    page.fields.ticks["θ"].click()
    page.fields.ticks["Y"].click()
    assert [c.name for c in page.charts.charts][-1] == "θ"
    assert page.fields.shown_words.text() == "6 of 7 shown"


def test_the_set_point_lies_behind_the_field_and_has_its_own_chart_where_it_needs_one(
    page: Any, window: Window, qtbot: Any
) -> None:
    field = page.charts.charts[0]
    assert (field.beside, field.beside_name) == (1, "set point")
    hand = energised(window, 3.0)
    qtbot.waitUntil(lambda: page.live.values[1] > 2.9e-3, timeout=WAIT_MS)
    page.draw()
    line = page.charts._lines[0]
    assert line.behind is not None
    times_s, values_mT = line.behind
    assert times_s.size > 1
    assert values_mT[-1] == pytest.approx(3.0, rel=0.01)
    assert line.low < values_mT.min()
    assert values_mT.max() < line.high
    hand.end()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    page.fields.ticks["Field"].click()
    assert page.charts.charts[0].name == "Set point"
    page.fields.ticks["Field"].click()
    page.fields.alarm_channel.choose("Set point")
    page.fields.high.setText("5 mT")
    page.fields.put_alarm()
    assert [c.name for c in page.charts.charts][:2] == ["Field", "Set point"]
    assert page.charts.charts[0].beside == -1
    page.draw()  # each chart has its own trace's value
    assert page.charts.values == [float(page.live.values[c.trace]) for c in page.charts.charts]


def test_the_spectrum_names_its_peak_and_the_loop_its_grey(page: Any) -> None:
    trace = page.live.traces[3]
    times_s = np.arange(400) / 100.0
    page.side._draw_spectrum(page.live, trace, times_s, 1e-6 * np.sin(2 * np.pi * 12.5 * times_s))
    assert page.side.spectrum.unit.text().endswith("· peak 12.5 Hz")
    page.side._draw_loop(np.linspace(0, 3e-3, 20), np.linspace(0, 1e-6, 20), trace)
    assert [key.text for key in page.side.loop.legend._keys] == ["now", "before"]
    page.side._draw_spectrum(page.live, trace, times_s, np.full(times_s.size, 1e-6))
    page.side._draw_loop(times_s[:0], times_s[:0], trace)
    for panel, curve in ((page.side.spectrum, page.side.density), (page.side.loop, page.side.now)):
        assert panel.hint.text()  # and no line of before under it
        assert len(curve.getData()[0] if curve.getData()[0] is not None else []) == 0


def test_a_run_is_seen_while_another_page_has_it(page: Any, window: Window, qtbot: Any) -> None:
    hand = energised(window, 3.0)
    qtbot.waitUntil(lambda: page.live.values[0] > 2.9e-3, timeout=WAIT_MS)
    assert window.top.cells["field"].value == pytest.approx(3e-3, rel=0.01)
    hand.ask(Target(2.5e-3, 200.0))
    qtbot.waitUntil(lambda: page.live.values[1] == pytest.approx(2.5e-3), timeout=WAIT_MS)
    page.side.draw(page.live, *page.seen_s)
    x, _ = page.side.now.getData()
    assert x is not None
    page._say()
    assert page.heading.text() == "Live values, manual set"
    hand.end()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert window.session.bench is not None
    assert not any(s.output_on for s in window.session.bench.state().values())


def test_the_band_of_an_alarm_is_said_with_its_unit_as_it_is_typed(page: Any) -> None:
    """Beside a chart in nV a bare 400 was taken as volts, and nothing said so."""
    fields = page.fields
    fields.alarm_channel.choose("X")
    fields.low.setText("400")
    fields.high.setText("600")
    assert fields.alarm_note.isVisible()
    assert fields.alarm_note.text() == "no alarm while X is 400 to 600 V"
    fields.low.setText("400 nV")
    fields.high.setText("600 nV")
    assert fields.alarm_note.text() == "no alarm while X is 400 to 600 nV"
    fields.alarm_channel.choose("Field")
    fields.low.setText("2")
    fields.high.setText("1")
    assert fields.alarm_note.isHidden()
    assert fields.alarm_fault.text() == "low 2.00 mT must be below high 1.00 mT"


def test_an_alarm_is_judged_as_it_is_typed_said_once_and_coloured(
    page: Any, window: Window, qtbot: Any
) -> None:
    fields = page.fields
    fields.alarm_channel.choose("Field")
    fields.low.setText("abc")
    assert not fields.set_button.isEnabled()
    assert fields.alarm_fault.text() == "'abc' is no number of mT"
    fields.low.setText("3 mT")
    fields.high.setText("2")
    assert "must be below" in fields.alarm_fault.text()
    fields.low.clear()
    QTest.keyClick(fields.high, Qt.Key.Key_Return)
    alarm = page.live.alarms.by_channel["Field"]
    assert alarm.high == pytest.approx(2e-3)
    assert fields.alarm_rows["Field"].words_of_band() == "below 2.00 mT"
    for channel, words, low in (("Field", "1,5", 1.5e-3), ("theta", "-0,5 °", -0.5)):
        fields.alarm_channel.choose(channel)
        fields.low.setText(words)
        assert fields.alarm_fault.text() == ""
        assert fields._judge().low == pytest.approx(low)
        fields.low.clear()
    fields.alarm_channel.choose("Field")
    hand = energised(window, 3.0)
    qtbot.waitUntil(lambda: page.charts.charts[0].out == "above", timeout=WAIT_MS)
    assert sum("Alarm: Field" in line for line in window.log) == 1
    hand.end()
    qtbot.waitUntil(lambda: page.charts.charts[0].out == "", timeout=WAIT_MS)
    assert sum("Alarm over" in line for line in window.log) == 1
    choice = fields.alarm_channel  # in the narrow row its name is whole, that of a supply, too
    assert QFontMetrics(choice.font()).horizontalAdvance("Supply x") <= choice.width() - 36
    assert fields.set_button.accessibleName() == "Take the alarm away"
    fields.set_button.click()  # both bounds are empty: it is taken away
    assert page.live.alarms.by_channel == {}
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_a_pace_of_before_does_not_stand_where_nothing_is_read_any_more(
    page: Any, qtbot: Any
) -> None:
    live = page.live
    qtbot.waitUntil(lambda: live.per_second > 1, timeout=WAIT_MS)
    last_s = live.store.last_s
    assert live.pace(last_s + 0.3).endswith("readings a second")
    assert live.pace(last_s + 95.0) == "no reading for 1 min 35 s"
    for _ in range(40):
        live.rates.append((live.rates[-1][0] + 30.0, 1))  # steps of half a minute
    assert live.pace(last_s + 40.0) == "a reading each 30 s"
    assert live.pace(last_s + 95.0) == "no reading for 1 min 35 s"


def test_frozen_the_charts_stand_and_the_readings_go_on(page: Any, qtbot: Any) -> None:
    page.freeze_button.click()
    seen, count = page.seen_s, page.live.store.count
    qtbot.waitUntil(lambda: page.live.store.count > count + 2, timeout=WAIT_MS)
    assert page.seen_s == seen
    page.freeze_button.click()
    assert page.seen_s[1] > seen[1]


def test_frozen_charts_have_the_values_of_their_end_and_its_time(page: Any, qtbot: Any) -> None:
    """Beside the frozen lines stood what flowed now, and below them that they end now."""
    page.draw()
    before = list(page.charts.values)
    page.freeze_button.click()
    page.take_way(0.003, 7.5)
    page.draw()
    assert page.charts.values == before
    at_s = page.frozen_at_s
    assert page.charts._end == page.live.clock(at_s)
    page.freeze_button.click()
    page.take_way(0.003, 7.5)
    page.draw()
    assert page.charts.values[0] == 0.003
    assert page.charts._end == "now"


def test_what_is_seen_is_exported_with_its_marker(page: Any, qtbot: Any) -> None:
    page.fields.marker_text.setText("sample stage touched")
    QTest.keyClick(page.fields.marker_text, Qt.Key.Key_Return)
    assert page.fields.marker_text.text() == ""
    assert "sample stage touched" in page.fields.markers.text()
    count = page.live.store.count
    qtbot.waitUntil(lambda: page.live.store.count > count + 1, timeout=WAIT_MS)
    assert [mark.text.endswith("touched") for mark in _drawn(page).marks] == [True]
    page.press()
    qtbot.waitUntil(lambda: len(page.exported) == 2, timeout=WAIT_MS)
    table, picture = page.exported
    rows = list(csv.reader(table.read_text("utf-8").splitlines()))
    assert rows[0][:3] == ["time_s", "utc", "Field (T)"]
    assert any(row[-1] == "sample stage touched" for row in rows)
    assert picture.stat().st_size > 1000
    page.press()  # a second one has a name of its own
    qtbot.waitUntil(lambda: page.exported[0] != table, timeout=WAIT_MS)


def _drawn(page: Any) -> Any:
    page.draw()
    return page.charts


def test_what_was_chosen_comes_back(page: Any, make_window: Any, qtbot: Any) -> None:
    page.span.choose(10.0)
    page.fields.ticks["Supply x"].click()
    page.fields.alarm_channel.choose("X")
    page.fields.low.setText("-1 mV")
    page.fields.put_alarm()
    values = json.loads(json.dumps(page.form_values()))
    other = make_window(page="monitor").page()
    other.set_form_values(values)
    qtbot.waitUntil(lambda: other.live is not None, timeout=WAIT_MS)
    assert other.span.value == 10.0
    assert not other.fields.ticks["Supply x"].isChecked()
    assert other.live.alarms.by_channel["X"].low == pytest.approx(-1e-3)
    other.set_form_values({"hidden": 3, "alarms": [["X", 2, 1], "?"], "span_s": "?"})
    other.set_form_values({"alarms": [["Y", None, float("inf")], ["Y", 10**400, None]]})
    assert "Y" not in other.live.alarms.by_channel
    assert other.span.value == 10.0


@pytest.fixture
def served(qtbot: Any, theme: Theme, tmp_path: Any) -> Iterator[tuple[Any, Window]]:
    with exit_rig(accelerate=20.0) as rig:
        session = Session(rig.spec(), Library(tmp_path / "library"))
        window = Window(session, theme, Settings(page="monitor"))
        window.show()
        window.link.connect_bench()
        qtbot.waitUntil(lambda: window.top.cells["field"].value is not None, timeout=WAIT_MS)
        yield rig, window
        window.shut_down()
        qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
        window.link.wait(10)
        window.deleteLater()


def test_a_read_out_that_is_lost_is_a_gap_and_comes_back(
    served: tuple[Any, Window], qtbot: Any
) -> None:
    rig, window = served
    page: Any = window.pages["monitor"]
    qtbot.waitUntil(lambda: page.live is not None and page.live.store.count > 1, timeout=WAIT_MS)
    window.open_page("bench")
    bench: Any = window.pages["bench"]
    window.open_page("monitor")
    rig.lose(2.0, READOUT)
    qtbot.waitUntil(lambda: page.live.lost != "", timeout=WAIT_MS)
    assert np.isnan(page.live.values).all()
    page.draw()
    page._say()
    assert page.heading.text() == "No reading"
    assert "lockin" in page.subheading.text()
    lost = next(row for row in bench.rows.rows if row.name == "readout.lockin")
    assert (lost.level, lost.state, lost.value) == ("fault", "Lost", "—")
    assert lost.remarks[0][0]
    supply = next(row for row in bench.rows.rows if row.name == "magnet.x")
    assert supply.level != "fault"
    qtbot.waitUntil(lambda: page.live.lost == "", timeout=WAIT_MS)
    view = page.live.store.view(0.0, 1e12)
    assert np.isnan(view.low[0]).sum() == 1
    window.open_page("bench")
    assert all(row.level != "fault" for row in bench.rows.rows)


def test_without_a_bench_there_is_a_sentence_and_the_button_that_helps(
    make_window: Any, qtbot: Any
) -> None:
    window: Window = make_window(connected=False, page="monitor")
    page: Any = window.page()
    assert page.empty.isVisible()
    assert not page.charts.isVisible()
    page.connect_button.click()
    qtbot.waitUntil(lambda: page.charts.isVisible(), timeout=WAIT_MS)
    assert not page.empty.isVisible()


def test_alarms_stay_with_a_bench_that_comes_back_with_other_channels(page: Any) -> None:
    from app.gui.live_monitor import LiveMonitor

    for channel, high in (("Field", "1"), ("Y", "2 µV")):
        page.fields.alarm_channel.choose(channel)
        page.fields.high.setText(high)
        page.fields.put_alarm()
    bench = page.session.bench
    parts = {n: getattr(bench, n) for n in ("spec", "probe", "thermometers")}
    live = LiveMonitor(SimpleNamespace(live_channels=("X",), live_units=("V",), **parts))  # type: ignore[arg-type]
    assert "Y" not in live.names
    page.fields.show_live(live)
    assert list(live.alarms.by_channel) == list(page.fields.alarm_rows) == ["Field"]
    page.fields.show_values()  # a row of a channel that is gone had no value


def test_an_alarm_whose_channel_gives_no_value_says_so(page: Any, window: Window) -> None:
    live = page.live
    live.alarms.put(Alarm("X", high=1.0))
    page.fields.show_live(live)
    live.alarms.put(Alarm("X", high=1.0))
    now_s = time.monotonic()
    live.alarms.look({"X": 0.0}, now_s - GONE_S)
    page._watch_alarms()
    assert "X gives no value, it is not watched" in window.log[-1]
    said = len(window.log)
    page._watch_alarms()
    assert len(window.log) == said
    assert next(c for c in page.charts.charts if c.name == "X").out == "gone"
    page.charts.grab()  # its head says it, no bound


def test_alarms_of_the_last_start_are_in_force_whatever_page_is_opened(
    theme: Theme, tmp_path: Path, qtbot: Any
) -> None:
    forms = {"monitor": {"alarms": [["Field", 1e-3, None], ["Temperature coil", None, 310.0]]}}
    session = Session(read_bench("virtual"), Library(tmp_path / "library"))
    window = Window(session, theme, Settings(forms=forms, page="library"))
    window.show()
    window.link.connect_bench()
    try:
        qtbot.waitUntil(lambda: any("Alarm: Field" in line for line in window.log), timeout=WAIT_MS)
        assert window.page().key == "library"
        kept = window.settings_now().forms["monitor"]["alarms"]
        assert kept == [["Field", 1e-3, None], ["Temperature coil", None, 310.0]]
    finally:
        window.shut_down()
        qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
        window.link.wait(10)
        window.deleteLater()


def test_the_loop_says_its_unit(page: Any, qtbot: Any) -> None:
    live = page.live
    for k in range(3):
        live.store.push(
            np.array([live.store.last_s + 0.1]), np.full((len(live.traces), 1), k * 1e-6)
        )
    page._draw_side()
    page._draw_side()
    QApplication.processEvents()
    unit = page.side.loop.unit
    assert unit.text() == "µV"
    assert unit.isVisible()
    assert unit.width() >= unit.fontMetrics().horizontalAdvance("µV")


def test_one_channel_is_no_channels(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for names, words in ((("X",), "1 channel"), (("X", "Y"), "2 channels")):
        seen = SimpleNamespace(names=names, size=1000)
        monkeypatch.setattr(page, "_seen", lambda seen=seen: seen)
        page._say_export()
        assert f"1 min · {words} · " in page.form.primary.cost
