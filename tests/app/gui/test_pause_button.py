"""Pause and Resume in the window: button, action, words; Stop and Close while paused."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from app.store import read_recording

WAIT_MS = 120_000


@pytest.fixture
def paused(window, qtbot, press_record):
    """The Record page of a window whose recording waits at zero."""
    press_record(window, until_over=False, count=4, steps=60, repeats=30)
    page = window.pages["record"]
    assert page.pause_button.isVisible()
    assert page.pause_button.text() == "Pause"
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    assert page.pause_button.text() == "Resume"
    qtbot.waitUntil(lambda: "paused" in page.wait.words, timeout=WAIT_MS)
    return page


def test_the_button_pauses_at_zero_and_the_action_lets_it_go_on(window, paused, qtbot) -> None:
    page = paused
    qtbot.waitUntil(lambda: "paused" in page.form.primary.cost, timeout=WAIT_MS)
    state = window.session.bench.magnets["x"].magnet.state()
    assert (state.setpoint_A, state.output_on) == (0.0, True)
    done = page.live.done
    with qtbot.waitSignals([window.link.at_work] * 2, timeout=WAIT_MS):  # the window lives
        pass
    assert page.live.done == done
    assert "paused" in window.status.text
    assert {window.top.cells[name].value for name in ("field", "setpoint", "current")} == {0.0}
    assert window.top.cells["channel.X"].text == "—"  # nothing is measured meanwhile
    window.actions_by_id["pause"].trigger()
    assert page.pause_button.text() == "Pause"
    qtbot.waitUntil(lambda: page.live.done > done or window.job is None, timeout=WAIT_MS)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert not page.pause_button.isVisible()


def test_stop_while_paused_ends_safe_and_the_next_run_is_not_paused(
    window, paused, qtbot, press_record
) -> None:
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    bench = window.session.bench
    assert not any(state.output_on for state in bench.state().values())
    assert read_recording(paused.recorded).status == "stopped"
    press_record(window, count=1, steps=10, repeats=2)
    assert paused.live.done == 2


def test_close_while_paused_stops_and_closes(window, paused, qtbot) -> None:
    window.close()
    window.bar.buttons[0].click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert read_recording(paused.recorded).status == "stopped"
    QApplication.processEvents()


def test_the_action_does_nothing_while_nothing_runs(window) -> None:
    window.actions_by_id["pause"].trigger()
    assert not window.session.pause.requested


def test_the_deploy_page_says_that_it_pauses_after_the_node(make_window) -> None:
    window = make_window(connected=False)
    window.open_page("deploy")
    page = window.pages["deploy"]
    assert page.pause_button.text() == "Pause after node"
    page.session.pause.request()
    page.show_pause()
    assert page.pause_button.text() == "Resume"
    assert page.at_foot("Stop") == "pauses after this run of a node"
