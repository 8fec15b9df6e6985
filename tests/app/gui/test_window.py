from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QDesktopServices, QKeySequence, QPixmap
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QPlainTextEdit

from app.cli.arguments import build_parser
from app.config import Settings
from app.gui.actions import ACTIONS, PAGES
from app.gui.job import JobSpec
from app.gui.theme import DARK, LIGHT
from app.gui.window import WITHIN, Window
from app.library.library import Library
from app.operations.events import Note
from app.session import Session
from app.store import read_recording
from instruments.bench_file import read_bench
from models.errors import TwinrigError

WAIT_MS = 120_000
ALARMED = {"monitor": {"alarms": [["channel.X", -1.0, 1.0]]}}


def bench_is_safe(window) -> bool:
    return not any(state.output_on for state in window.session.bench.state().values())


def test_it_opens_on_the_virtual_rig_and_shows_its_values(window, qtbot) -> None:
    assert window.session.spec.virtual is not None
    qtbot.waitUntil(lambda: window.top.cells["field"].value is not None, timeout=WAIT_MS)
    assert window.top.cells["field"].text == "0.000"
    assert window.top.pill.state.words == "Within limits"
    assert "output off" in window.top.pill.state.reason


def test_before_the_bench_answers_the_window_is_usable_and_claims_nothing(
    make_window, qtbot
) -> None:
    window = make_window(connected=False)
    assert {cell.text for cell in window.top.cells.values()} == {"—"}
    record = window.pages["record"]
    assert not record.form.primary.isEnabled()
    qtbot.waitUntil(lambda: "no bench" in record.form.primary.cost, timeout=WAIT_MS)
    window.open_page("library")
    assert window.page() is window.pages["library"]


@pytest.mark.parametrize("key", ["record", "twin", "network"])
def test_seeds_begin_with_the_command_lines(make_window, key) -> None:
    window = make_window(connected=False, page=key)
    asked = build_parser().parse_args(["fit", "recording", "--out", "twin"])
    assert window.page().form_values()["seed"] == asked.seed


def test_the_form_answers_before_the_plots_are_there(make_window, qtbot) -> None:
    window = make_window(connected=False)
    page = window.page()
    page.set_form_values({"count": 2, "steps": 20, "repeats": 3})
    page.steps.selectAll()
    qtbot.keyClicks(page.steps, "60")
    page.show_cost()
    assert page.subheading.text().startswith("sequence 1 of 2")
    assert not page.whole
    qtbot.waitUntil(lambda: page.whole, timeout=WAIT_MS)
    assert page.plots.field_line.getData()[0][-1] == 60  # of what was asked for meanwhile
    assert page.plots.isVisible()


def test_a_window_that_begins_minimised_connects_its_bench_before_anybody_looks(
    theme, tmp_path, qtbot, monkeypatch
) -> None:
    session = Session(read_bench("virtual"), Library(tmp_path / "library"))
    window = Window(session, theme, Settings(page="record", forms=ALARMED))
    unseen = SimpleNamespace(isExposed=lambda: False)  # as a window manager has it
    monkeypatch.setattr(window, "windowHandle", lambda: unseen)
    without_plots = []
    window.complete.connect(lambda: without_plots.append(not window.page().whole))
    window.complete.connect(window.link.connect_bench)  # as its start does
    window.showMinimized()
    qtbot.waitUntil(lambda: "channel.Y" in window.top.cells, timeout=WAIT_MS)
    assert without_plots == [True]
    assert "monitor" in window.pages
    window.showNormal()
    qtbot.waitUntil(lambda: window.page().whole, timeout=WAIT_MS)
    assert len(without_plots) == 1
    window.shut_down()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    window.link.wait(10)
    window.deleteLater()


def test_plots_that_are_wanted_early_are_made_once(make_window, qtbot) -> None:
    window = make_window(connected=False)
    page = window.page()
    assert not page.whole
    page.copy_button.click()
    made = page.plots
    with qtbot.waitSignal(window.complete, timeout=WAIT_MS):
        pass
    assert page.plots is made
    assert len(page.findChildren(type(made))) == 1


def test_every_page_of_the_menu_opens_and_its_keys_open_it(make_window, qtbot) -> None:
    window = make_window(connected=False, page="log")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)
    pages = [info for info in ACTIONS if info.id.startswith("page.")]
    for info in pages:
        window.actions_by_id[info.id].trigger()
        assert window.page().key == info.id.removeprefix("page.")
    assert set(window.pages) == {key for key, _ in PAGES} | {*WITHIN, "log", "settings"}
    for info in pages:
        for key in filter(None, (info.key, info.also)):
            window.open_page("log" if info.id != "page.log" else "keys")
            QTest.keySequence(window, QKeySequence(key))
            assert window.page().key == info.id.removeprefix("page."), key
    assert window.toasts.shown == []


def test_what_else_the_menu_does(window, qtbot, monkeypatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()) or True
    )
    do = {name: action.trigger for name, action in window.actions_by_id.items()}
    for mode in ("dark", "light"):
        do[f"theme.{mode}"]()
        assert window.theme.mode == mode
    do["theme.system"]()
    assert window.theme.mode == "system"
    do["theme.light"]()
    do["reconnect"]()
    assert window.toasts.shown[-1].text == "The bench is connected"
    do["guide"]()
    assert window.guide_bar.isVisible()
    window.guide.leave()
    window.session.library.folder.mkdir(exist_ok=True)
    do["problem"]()
    qtbot.waitUntil(lambda: "Look through it" in window.toasts.shown[-1].text, timeout=WAIT_MS)
    assert shown == [str(window.session.library.folder)]
    (bundle,) = window.session.library.folder.glob("*.zip")
    assert bundle.name in window.toasts.shown[-1].text
    do["quit"]()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)


def test_stop_is_enabled_while_idle_and_makes_the_bench_safe(window, qtbot) -> None:
    bench = window.session.bench
    bench.energise()
    bench.magnets["x"].ramp_to_T(0.002)
    qtbot.mouseClick(window.top.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(window.toasts.shown), timeout=WAIT_MS)
    assert bench_is_safe(window)


def test_stop_during_a_recording_leaves_the_output_off(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    page = window.pages["record"]
    assert window.top.cells["field"].name == "Field, as set"
    window.actions_by_id["stop"].trigger()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert bench_is_safe(window)
    recording = read_recording(page.recorded)
    assert recording.status == "stopped"
    assert 0 < recording.complete.sum() < 200
    assert page.heading.text().startswith("Stopped")
    assert window.session.poll() is not None


def test_stop_twice_is_harmless_and_a_new_run_starts(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=50)
    window.stop()
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: bool(window.toasts.shown), timeout=WAIT_MS)
    assert bench_is_safe(window)
    press_record(window, count=1, steps=10, repeats=2)
    assert window.pages["record"].live.done == 2


def test_escape_stops_unless_an_entry_has_the_focus(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    window.activateWindow()
    entry = window.pages["record"].steps
    entry.setFocus()
    qtbot.waitUntil(entry.hasFocus, timeout=60_000)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not window.job.stop_asked
    window.top.stop_button.setFocus()
    qtbot.keyClick(window.top.stop_button, Qt.Key.Key_Escape)
    assert window.job.stop_asked
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_closing_while_running_asks_stops_and_closes(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    bench, page = window.session.bench, window.pages["record"]
    window.close()
    assert window.isVisible()
    assert window.bar.isVisible()
    assert [b.text() for b in window.bar.buttons] == ["Stop and close", "Keep running"]
    window.bar.buttons[1].click()
    assert not window.bar.isVisible()
    assert window.job is not None
    window.close()
    states = []
    close = bench.close

    def close_and_tell() -> None:
        bench.stop.clear()
        states.append(bench.state())
        close()

    bench.close = close_and_tell
    window.bar.buttons[0].click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert not window.isVisible()
    assert not any(state.output_on for state in states[0].values())
    assert read_recording(page.recorded).status == "stopped"


def test_escape_takes_the_question_back_and_stops_nothing(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    window.activateWindow()
    entry = window.pages["record"].steps
    entry.setFocus()
    window.close()
    window.close()  # pressed again: it is one question, and what had the keyboard still has it back
    assert QApplication.focusWidget() is window.bar.buttons[1]  # "Keep running"
    qtbot.keyClick(window.bar.buttons[1], Qt.Key.Key_Escape)
    assert not window.bar.isVisible()
    assert not window.job.stop_asked
    assert QApplication.focusWidget() is entry
    window.close()
    window.top.stop_button.setFocus()  # elsewhere Escape means the question, too
    qtbot.keyClick(window.top.stop_button, Qt.Key.Key_Escape)
    assert not window.bar.isVisible()
    assert not window.job.stop_asked
    qtbot.keyClick(window.top.stop_button, Qt.Key.Key_Escape)
    assert window.job.stop_asked
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_the_question_goes_when_what_it_asks_about_has_ended(window, qtbot) -> None:
    window.open_page("record")
    window.pages["record"].set_form_values({"count": 1, "steps": 40, "repeats": 4})
    window.pages["record"].press()
    window.close()  # before it can have ended
    assert window.bar.isVisible()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert not window.bar.isVisible()
    assert window.isVisible()


def test_closing_while_idle_disconnects(window, qtbot) -> None:
    with qtbot.waitSignal(window.gone, timeout=WAIT_MS):
        window.close()
    assert window.session.bench is None
    assert not window.isVisible()


def test_only_one_job_runs(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    spec = JobSpec("record", "Recording", "rec-2", lambda stop: iter(()), True)
    assert not window.run(spec)
    assert "under way" in window.toasts.shown[-1].text
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_a_failing_job_becomes_a_toast_with_its_traceback(window, qtbot) -> None:
    def source(stop):
        yield Note("begun")
        raise TwinrigError("the disk is full")

    assert window.run(JobSpec("record", "Recording", "rec-1", source, True))
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    toast = window.toasts.shown[-1]
    assert toast.text == "Recording: the disk is full"
    assert "TwinrigError" in toast.trace
    assert window.rail.items["record"].mark == "fault"
    assert QApplication.activeModalWidget() is None
    toast.show_details()
    assert toast.findChild(QPlainTextEdit).isVisible()
    window.open_page("log")
    assert "the disk is full" in window.pages["log"].text.toPlainText()


def test_a_lost_bench_shows_no_stale_number(window, qtbot, monkeypatch) -> None:
    qtbot.waitUntil(lambda: window.top.cells["field"].value is not None, timeout=WAIT_MS)

    def gone():
        raise TwinrigError("x at TCPIP0::…: no reply to MEAS:CURR?")

    monkeypatch.setattr(window.session.bench, "monitor", gone)
    qtbot.waitUntil(lambda: window.top.cells["field"].text == "—", timeout=WAIT_MS)
    assert window.top.pill.state.level == "attention"
    assert "no reply" in window.top.pill.state.reason
    monkeypatch.undo()
    qtbot.waitUntil(lambda: window.top.cells["field"].text != "—", timeout=WAIT_MS)


def test_what_a_watchdog_says_is_told_once_and_is_no_stop(window, qtbot) -> None:
    qtbot.waitUntil(lambda: window.top.cells["field"].value is not None, timeout=WAIT_MS)
    words, ends = "the computer can't be kept awake", threading.Event()

    def start(stop):
        while not stop() and not ends.wait(0.02):
            yield Note("running")

    assert window.run(JobSpec("record", "Busy", "x", start, hardware=True))
    try:
        for _ in range(2):
            window.session.bench.note(words)
        qtbot.waitUntil(lambda: window.log.count(f"warning: {words}") == 2, timeout=WAIT_MS)
        assert len(window.toasts.shown) == 1
        assert window.top.pill.state.words != "Stopping"
    finally:
        ends.set()
        qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_a_bench_that_does_not_connect_is_said_in_the_pill(make_window, qtbot, monkeypatch) -> None:
    window = make_window(connected=False)

    def refuse():
        raise TwinrigError("x at TCPIP0::192.168.1.2: nothing listens there")

    monkeypatch.setattr(window.session, "connect", refuse)
    window.link.connect_bench()
    qtbot.waitUntil(lambda: bool(window.toasts.shown), timeout=WAIT_MS)
    assert window.top.pill.state.words == "Not connected"
    assert window.rail.items["bench"].mark == "fault"
    monkeypatch.undo()
    window.open_page("bench")
    window.pages["bench"].form.primary.click()
    qtbot.waitUntil(lambda: window.session.bench is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.rail.items["bench"].mark == "", timeout=WAIT_MS)


def test_copy_plots_puts_a_picture_on_the_clipboard(window, qtbot) -> None:
    window.open_page("record")
    window.page().copy_button.click()
    picture = QApplication.clipboard().pixmap()
    assert isinstance(picture, QPixmap)
    assert picture.width() > 600
    assert window.page().copy_button.text() == "Copied"
    qtbot.waitUntil(lambda: window.page().copy_button.text() == "Copy plots", timeout=60_000)


def test_plots_take_the_theme_also_those_that_are_there(make_window) -> None:
    window = make_window(connected=False)
    plots = window.pages["record"].plots
    for mode, tokens in (("dark", DARK), ("light", LIGHT)):
        window.set_theme(mode)
        assert plots.response.mean_line.opts["pen"].color().name().upper() == tokens.measured
        assert plots.field.view.backgroundBrush().color().name().upper() == tokens.surface


def test_a_refused_recording_says_so_before_anything_is_pressed(window, qtbot) -> None:
    page = window.pages["record"]
    page.set_form_values({"count": 4})  # a large design is looked at beside the window
    page.high.setValue(0.02)
    page.show_cost()
    assert not page.form.primary.isEnabled()
    assert page.form.primary.cost.startswith("refused")
    page.press()
    assert window.job is None
    page.high.setValue(0.0034)
    page.show_cost()
    assert page.form.primary.isEnabled()
    assert "within limits" in page.form.primary.cost


def test_the_cost_is_what_the_bench_predicts(window) -> None:
    page = window.pages["record"]
    page.set_form_values({"count": 3, "steps": 50, "repeats": 4})
    page.show_cost()
    seconds = 12 * window.session.bench.predicted_s(50)
    assert page.form.primary.text() == "Record 12 repeats"
    assert f"{round(seconds)} s" in page.form.primary.cost
    assert "48 kB" in page.form.primary.cost  # with times, drive and field, and its head
    assert np.array_equal(
        page.plots.field_line.getData()[1],
        1e3 * page.plan.window.field_T(page.plan.sequences[0].drive),
    )


def test_a_supply_that_cannot_be_made_safe_keeps_the_window_and_asks(
    window, qtbot, monkeypatch
) -> None:
    def stuck():
        window.session.bench.tell("x: not safe yet, trying again (no reply)")
        raise TwinrigError("x COULD NOT BE MADE SAFE within 10 s")

    monkeypatch.setattr(window.session.bench, "make_safe", stuck)
    window.close()
    qtbot.waitUntil(lambda: len(window.bar.buttons) == 2, timeout=WAIT_MS)
    assert window.isVisible()
    assert window.top.pill.state.level == "fault"
    assert "trying again" in window.top.pill.state.reason
    monkeypatch.undo()
    window.bar.buttons[0].click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert not window.left_unsafe


def test_a_signal_closes_even_a_bench_that_is_lost(window, qtbot, monkeypatch, capsys) -> None:
    def stuck():
        raise TwinrigError("x COULD NOT BE MADE SAFE within 10 s")

    monkeypatch.setattr(window.session.bench, "make_safe", stuck)
    window.shut_down(forced=True)
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert "COULD NOT BE MADE SAFE" in capsys.readouterr().err
    assert window.left_unsafe  # exit code 1: whatever started the window hears of it


@pytest.mark.parametrize("hardware", [False, True])
def test_live_values_go_on_while_a_job_only_computes(make_window, qtbot, hardware) -> None:
    window = make_window(page="monitor")
    qtbot.waitUntil(lambda: window.top.cells["field"].value is not None, timeout=WAIT_MS)
    monitor, ends = window.page(), threading.Event()
    window.open_page("record")
    window.open_page("monitor")

    def start(stop):
        while not stop() and not ends.wait(0.02):
            yield Note("computing")

    assert window.run(JobSpec("record", "Busy", "x", start, hardware))
    try:
        if hardware:
            with qtbot.waitSignal(window.link.at_work, timeout=WAIT_MS):
                pass  # behind a reading that was under way as it began
            before = monitor.live.store.count
            with qtbot.waitSignals([window.link.at_work] * 3, timeout=WAIT_MS):
                pass
            assert monitor.live.store.count == before
        else:
            before = monitor.live.store.count
            qtbot.waitUntil(lambda: monitor.live.store.count > before + 2, timeout=WAIT_MS)
            assert window.job is not None
            assert monitor.heading.text() == "Live values"  # it is nobody's but the bench's own
    finally:
        ends.set()
        qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
