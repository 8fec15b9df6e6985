from __future__ import annotations

import threading

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QObject

from app.gui.background import Latest, Reading, courier


@pytest.fixture(autouse=True)
def reopened():
    yield
    courier().open()


def held(task: Latest | Reading, answer: str) -> tuple[threading.Event, threading.Event]:
    """Ask for an answer that comes when the first event is set; the second: it has come."""
    go, came = threading.Event(), threading.Event()

    def work() -> str:
        go.wait(10)
        came.set()
        return answer

    task.ask(work)
    return go, came


def threads_end() -> None:
    for thread in threading.enumerate():
        if "_run" in thread.name:
            thread.join(10)


def test_only_the_latest_answer_is_told_and_in_the_windows_thread(qtbot) -> None:
    task, told = Latest(), []
    task.done.connect(lambda answer, _: told.append((answer, threading.current_thread())))
    first, _ = held(task, "first")
    second, _ = held(task, "second")
    first.set()
    second.set()
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    threads_end()
    qtbot.wait(50)
    assert told == [("second", threading.main_thread())]


def test_the_answer_to_an_object_that_is_gone_is_dropped(qtbot) -> None:
    parent = QObject()
    task, told = Latest(parent), []
    task.done.connect(lambda answer, _: told.append(answer))
    go, _ = held(task, "late")
    sip.delete(parent)
    go.set()
    threads_end()
    with qtbot.captureExceptions() as wrong:
        qtbot.wait(50)
    assert (told, wrong) == ([], [])


def test_behind_the_event_loops_end_no_thread_touches_qt(qtbot) -> None:
    task, told = Latest(), []
    task.done.connect(lambda answer, _: told.append(answer))
    go, came = held(task, "too late")
    courier().close()
    go.set()
    assert came.wait(10)
    threads_end()
    qtbot.wait(50)
    assert told == []
    with qtbot.waitSignal(task.done, timeout=5000):  # whoever asks again is answered again
        task.ask(lambda: "again")
    assert told == ["again"]


def test_a_reading_that_goes_on_is_told_and_the_last_wish_is_read_behind_it(qtbot) -> None:
    """Whoever looked at the page of a slow library once a minute never saw it."""
    task, told = Reading(), []
    task.done.connect(lambda answer, _: told.append(answer))
    first, _ = held(task, "first")
    wishes = [held(task, name) for name in ("second", "third")]
    assert len([t for t in threading.enumerate() if "_run" in t.name]) == 1
    first.set()
    qtbot.waitUntil(lambda: told == ["first"], timeout=5000)
    assert task.goes_on
    for go, _ in wishes:
        go.set()
    qtbot.waitUntil(lambda: told == ["first", "third"], timeout=5000)
    assert not task.goes_on
    assert not wishes[0][1].is_set()


def test_a_reading_that_fails_is_told_and_the_next_one_goes_on(qtbot) -> None:
    task, told = Reading(), []
    task.done.connect(lambda answer, error: told.append((answer, str(error or ""))))

    def fails() -> None:
        raise OSError("the share is gone")

    task.ask(fails)
    qtbot.waitUntil(lambda: told == [(None, "the share is gone")], timeout=5000)
    task.ask(lambda: 3)
    qtbot.waitUntil(lambda: told[1:] == [(3, "")], timeout=5000)
