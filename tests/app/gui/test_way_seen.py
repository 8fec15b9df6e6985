"""What flows stands in the strip also while a run reads nothing: on the way to its reset field."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from two_coils import TWO_COILS

from app.alarms import Alarm
from app.gui.job import JobSpec
from app.gui.widgets.strip import Interlock
from app.library.library import Library
from app.operations.events import Stage, StepRead
from app.operations.safely import voice_of
from app.session import Session
from instruments.bench_file import parse_bench

WAIT_MS = 20_000


@pytest.fixture
def on_a_way(window, qtbot):
    """A run that has brought the magnet to 3 mT and reads nothing there until its end."""
    bench, over = window.session.bench, threading.Event()

    def walk(stop_asked):
        bench.energise()
        bench.magnets["x"].ramp_to_T(0.003)
        over.wait(WAIT_MS / 1e3)
        bench.make_safe()
        yield from ()

    window.open_page("monitor")
    window.open_page("record")
    qtbot.waitUntil(lambda: window.top.cells["field"].value == 0.0, timeout=WAIT_MS)
    assert window.run(JobSpec("record", "Recording", "rec-x", walk, hardware=True))
    yield
    over.set()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_strip_and_monitor_show_what_flows_where_no_step_says_it(window, qtbot, on_a_way) -> None:
    cells = window.top.cells
    qtbot.waitUntil(lambda: cells["field"].text == "3.000", timeout=WAIT_MS)
    assert (cells["field"].name, cells["setpoint"].text) == ("Field, as set", "3.000")
    assert cells["current"].value == pytest.approx(window.session.passing()[1])
    live = window.pages["monitor"].live
    assert dict(zip(live.names, live.values, strict=True))["Field"] == pytest.approx(0.003)


def test_an_alarm_hears_of_a_field_that_no_step_says(window, qtbot, on_a_way) -> None:
    live = window.pages["monitor"].live
    live.alarms.put(Alarm("Field", high=0.0025))
    qtbot.waitUntil(lambda: live.alarms.out == {"Field": "above"}, timeout=WAIT_MS)
    assert "Field" in window.toasts.shown[-1].text


def test_a_supply_that_is_not_reached_shows_no_value_of_before(window, qtbot, on_a_way) -> None:
    cells = window.top.cells
    qtbot.waitUntil(lambda: cells["field"].text == "3.000", timeout=WAIT_MS)
    window.link.unsafe.emit("x: not safe yet, trying again (no reply)")
    with qtbot.waitSignals([window.link.at_work] * 2, timeout=WAIT_MS):  # who asks for what flows
        pass
    assert cells["field"].value is None
    window.top.pill.show_state(Interlock("ok", "Within limits", ""))
    qtbot.waitUntil(lambda: cells["field"].text == "3.000", timeout=WAIT_MS)


def test_the_bench_page_shows_no_value_of_before_a_run(window, qtbot, on_a_way) -> None:
    window.open_page("bench")
    page = window.pages["bench"]
    assert [row.state for row in page.rows.rows] == ["Busy", "Busy"]
    assert {(row.value, row.below_value) for row in page.rows.rows} == {("", "")}
    assert page.manual.state.text() == "recording has it"
    assert page.manual.end.cost == "Recording has the bench: Stop ends it at zero"


def test_the_bench_page_shows_values_again_once_the_bench_is_free(window, qtbot) -> None:
    window.open_page("bench")
    page = window.pages["bench"]
    qtbot.waitUntil(lambda: page.rows.rows[0].value == "0.000 A", timeout=WAIT_MS)
    held = threading.Event()

    def hold(stop_asked):
        yield Stage("recording")
        held.wait(WAIT_MS / 1e3)

    assert window.run(JobSpec("record", "Recording", "rec-x", hold, hardware=True))
    qtbot.waitUntil(lambda: page.rows.rows[0].value == "", timeout=WAIT_MS)
    held.set()
    qtbot.waitUntil(lambda: page.rows.rows[0].value == "0.000 A", timeout=WAIT_MS)
    assert page.manual.state.text() == "output off"


def test_the_pill_names_another_bench_of_the_run_that_is_on(window, qtbot, on_a_way) -> None:
    """Layers of a network on devices of their own: one bench is energised at a time."""
    values = np.zeros(2)
    window._take([StepRead(0, 0.003, 7.5, values, "virtual leaky integrator")])
    pill = window.top.pill
    assert pill.state == Interlock("attention", "Another bench is on", "virtual leaky integrator")
    window._take([StepRead(0, 0.003, 7.5, values, window.session.spec.name)])
    assert pill.state.words == "Within limits"


def test_the_strip_follows_a_magnet_on_its_way_to_zero_while_the_window_closes(
    window, qtbot, monkeypatch
) -> None:
    bench, cells, seen = window.session.bench, window.top.cells, []
    make_safe = bench.make_safe

    def slowly():
        with window.session.stop.shield():
            bench.energise()
            for field_T in (0.002, 0.001):
                bench.magnets["x"].ramp_to_T(field_T)
                taken.clear()
                voice_of(bench).say(f"on its way, at {field_T} T")
                taken.wait(WAIT_MS / 1e3)  # the window's thread takes the words
        return make_safe()

    def take(words: str) -> None:
        if "on its way" in words:  # on a slow machine more is told, and nobody waits for it
            seen.append(cells["field"].text)
            taken.set()

    taken = threading.Event()
    monkeypatch.setattr(bench, "make_safe", slowly)
    window.link.told.connect(take)
    window.close()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert seen == ["2.000", "1.000"]


def test_a_field_that_turns_is_not_zero_where_one_magnet_passes_zero(tmp_path) -> None:
    session = Session(parse_bench(TWO_COILS, "turns.toml"), Library(tmp_path))
    assert np.isnan(session.passing()).all()
    bench = session.connect()
    bench.energise()
    bench.magnets["y"].ramp_to_T(0.002)
    assert session.passing() == (pytest.approx(0.002), 0.0)
    bench.magnets["x"].ramp_to_T(0.0015)
    assert session.passing() == (pytest.approx(0.0025), pytest.approx(3.75))
    session.close()
