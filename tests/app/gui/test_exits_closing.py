"""A bench that can't be made safe stays in view and is tried on; a signal ends the window."""

from __future__ import annotations

import sys
import threading
from itertools import count

import pytest
from PyQt6.QtCore import QTimer

from app.gui.hooks import Hooks
from app.gui.start import end_safe, session_ends
from app.stopping import stop_signals
from instruments.limits import UnsafeError
from models.errors import TwinrigError

WAIT_MS = 60_000
BY_HAND = "x COULD NOT BE MADE SAFE within 10 s: switch the supply off at its front panel"


@pytest.fixture
def unreachable(window, monkeypatch):
    """The window's bench can't be made safe until the fixture's function is called."""
    bench = window.session.bench
    monkeypatch.setattr("app.gui.link.TRY_AGAIN_S", 0.01)

    def refuse():
        bench.tell("x: not safe yet, trying again (no reply)")
        raise UnsafeError(BY_HAND)

    monkeypatch.setattr(bench, "make_safe", refuse)
    return lambda: monkeypatch.setattr(bench, "make_safe", type(bench).make_safe.__get__(bench))


def test_stop_on_a_lost_supply_stays_in_view_and_is_tried_until_it_is_safe(
    window, qtbot, unreachable
) -> None:
    bench = window.session.bench
    bench.energise()
    bench.magnets["x"].ramp_to_T(0.002)
    window.stop()
    window.stop()
    qtbot.waitUntil(lambda: BY_HAND in window.bar._words.text(), timeout=WAIT_MS)
    assert "goes on trying" in window.bar._words.text()
    assert window.top.pill.state.level == "fault"
    assert sum(t.name == "make safe" and t.is_alive() for t in threading.enumerate()) == 1
    assert any(BY_HAND in line for line in window.log)
    unreachable()
    qtbot.waitUntil(lambda: not window.bar.isVisible(), timeout=WAIT_MS)
    assert not bench.state()["x"].output_on
    assert "walked to zero" in window.toasts.shown[-1].text


def test_a_run_that_ends_unsafe_says_so_and_no_other_starts(
    window, qtbot, press_record, unreachable
) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert BY_HAND in window.bar._words.text()
    window.pages["record"].press()
    assert window.job is None
    assert "not safe yet" in window.toasts.shown[-1].text
    assert any(BY_HAND in toast.text for toast in window.toasts.shown)
    unreachable()
    qtbot.waitUntil(lambda: not window.session.unsafe, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.bar.isVisible(), timeout=WAIT_MS)
    assert not any(BY_HAND in toast.text for toast in window.toasts.shown)  # true no more
    assert any(BY_HAND in line for line in window.log)
    press_record(window, count=1, steps=10, repeats=2)
    assert window.pages["record"].live.done == 2


def test_not_safe_weighs_more_than_a_bench_that_cannot_be_read(
    window, qtbot, unreachable, monkeypatch
) -> None:
    window.stop()
    qtbot.waitUntil(lambda: bool(window.session.unsafe), timeout=WAIT_MS)
    monkeypatch.setattr("app.gui.link.LOST_POLL_S", 0.01)

    def lost():
        raise TwinrigError("lockin (TCPIP0::a::1::SOCKET): nothing listens")

    monkeypatch.setattr(window.session, "poll", lost)
    said: list[tuple[str, str]] = []
    missing = window.top.missing
    monkeypatch.setattr(
        window.top, "missing", lambda *words: (said.append(words[:2]), missing(*words))
    )
    with qtbot.waitSignals([window.link.lost] * 2, timeout=WAIT_MS):
        pass
    assert ("NOT SAFE", BY_HAND) in said
    assert "Bench lost" not in {words for words, _ in said}
    assert window.top.pill.state.level == "fault"
    unreachable()
    qtbot.waitUntil(lambda: not window.session.unsafe, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.top.pill.state.words == "Bench lost", timeout=WAIT_MS)


def test_a_paused_run_whose_supply_is_lost_is_said_to_end_not_to_be_paused(
    window, qtbot, press_record, unreachable
) -> None:
    press_record(window, until_over=False, count=4, steps=20, repeats=50)
    page = window.pages["record"]
    window.pause()
    qtbot.waitUntil(lambda: "paused at zero" in page.subheading.text(), timeout=WAIT_MS)
    window.link.unsafe.emit("x: not safe yet, trying again (no reply)")  # before the run is over
    assert page.subheading.text() == "x: not safe yet, trying again (no reply)"
    assert page.wait.words == ""
    unreachable()


def test_a_signal_ends_a_window_that_asks_what_to_do(window, qtbot, unreachable, capsys) -> None:
    window.close()
    qtbot.waitUntil(lambda: len(window.bar.buttons) == 2, timeout=WAIT_MS)
    window.shut_down(forced=True)
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert BY_HAND in capsys.readouterr().err


def test_the_end_of_the_session_waits_until_the_rig_is_safe(window, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    session_ends(window, lambda: window.shut_down(forced=True))
    assert window._closed
    assert window.job is None
    assert window.session.bench is None


def test_an_event_loop_that_just_ends_leaves_nothing_energised(window, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=100, repeats=50)
    end_safe(window)
    assert window.session.bench is None
    assert not window.job._thread.is_alive()


def test_closing_while_it_connects_does_not_wait_for_a_silent_instrument(
    make_window, qtbot, monkeypatch
) -> None:
    window = make_window(connected=False)
    begun = threading.Event()

    def connect():
        begun.set()
        window.session.stop.sleep(60.0)

    monkeypatch.setattr(window.session, "connect", connect)
    window.link.connect_bench()
    assert begun.wait(10)
    window.close()
    qtbot.waitUntil(lambda: window._closed, timeout=2000)


def test_a_slot_that_fails_at_every_turn_is_told_once(qtbot, qapp, capsys) -> None:
    hooks, told, turns = Hooks(), [], count()
    hooks.failed.connect(lambda text, trace: told.append(text))
    failing = QTimer()

    def fail() -> None:
        next(turns)
        raise ValueError("a slot is broken")

    failing.timeout.connect(fail)
    try:
        with qtbot.captureExceptions():
            sys.excepthook = hooks._interpreter  # pytest-qt puts its own there while it captures
            failing.start(0)
            qtbot.waitUntil(lambda: next(turns) > 100, timeout=WAIT_MS)
            failing.stop()
    finally:
        hooks.close()
    assert told == ["ValueError: a slot is broken"]
    assert capsys.readouterr().err.count("a slot is broken\n") == 1


def test_what_fails_while_a_failure_is_told_is_no_endless_loop(qapp, capsys) -> None:
    hooks = Hooks()
    hooks.failed.connect(lambda text, trace: 1 / 0)
    try:
        hooks._interpreter(ValueError, ValueError("first"), None)
    finally:
        hooks.close()
    assert "first" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="SIGHUP is POSIX")
def test_hang_up_is_heard_unless_nohup_has_it_ignored() -> None:
    import signal

    assert signal.SIGHUP in stop_signals()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in stop_signals()
    finally:
        signal.signal(signal.SIGHUP, before)
