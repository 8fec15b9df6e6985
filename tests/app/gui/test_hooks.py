from __future__ import annotations

import signal
import sys
import threading

import pytest
from PyQt6.QtCore import QTimer

from app.gui.hooks import Hooks


@pytest.fixture
def hooks(qapp):
    before = sys.excepthook
    made = Hooks()
    yield made
    made.close()
    assert sys.excepthook is before


def test_an_exception_in_a_slot_is_told_and_the_program_lives(qtbot, hooks, capsys) -> None:
    told: list[tuple[str, str]] = []
    hooks.failed.connect(lambda text, trace: told.append((text, trace)))

    def broken() -> None:
        raise ValueError("a slot is broken")

    with qtbot.captureExceptions() as caught:
        sys.excepthook = hooks._interpreter  # pytest-qt puts its own there while it captures
        QTimer.singleShot(0, broken)
        qtbot.waitUntil(lambda: bool(told), timeout=60_000)
    assert caught == []
    text, trace = told[0]
    assert text == "ValueError: a slot is broken"
    assert "broken()" in trace or "in broken" in trace
    assert "a slot is broken" in capsys.readouterr().err


def test_an_exception_in_a_thread_is_told(qtbot, hooks, capsys) -> None:
    told: list[str] = []
    hooks.failed.connect(lambda text, trace: told.append(text))
    threading.excepthook = hooks._thread

    def broken() -> None:
        raise RuntimeError("a worker is broken")

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: told == ["RuntimeError: a worker is broken"], timeout=60_000)


@pytest.mark.parametrize(
    "name", ["SIGINT", "SIGTERM", *(["SIGHUP"] if hasattr(signal, "SIGHUP") else [])]
)
def test_a_signal_wakes_the_event_loop(qtbot, hooks, name: str) -> None:
    heard: list[int] = []
    hooks.signalled.connect(heard.append)
    number = getattr(signal, name)
    QTimer.singleShot(0, lambda: signal.raise_signal(number))
    qtbot.waitUntil(lambda: heard == [number], timeout=60_000)


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="Windows has no Ctrl-Z")
def test_ctrl_z_neither_suspends_nor_ends_the_window(qtbot, hooks, capfd) -> None:
    heard: list[int] = []
    hooks.signalled.connect(heard.append)
    assert signal.getsignal(signal.SIGTSTP) is not signal.SIG_DFL  # else this test is suspended
    signal.raise_signal(signal.SIGTSTP)
    signal.raise_signal(signal.SIGINT)
    qtbot.waitUntil(lambda: bool(heard), timeout=60_000)
    assert heard == [signal.SIGINT]
    assert "Ctrl-Z is not obeyed" in capfd.readouterr().err
