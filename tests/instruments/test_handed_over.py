"""Calls in a thread of their own: in their order, and nobody waits long for one that hangs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from instruments import handed_over
from instruments.handed_over import PATIENCE_S, HandedOver

if TYPE_CHECKING:
    import pytest


def test_a_call_is_made_before_the_next_line_of_whoever_hands_it_over() -> None:
    made: list[int] = []
    aside = HandedOver("calls")
    for k in range(100):
        aside(lambda k=k: made.append(k))  # type: ignore[misc]
        assert made[-1] == k
    assert aside.finish(0.0) or aside.finish(10.0)


def test_one_that_hangs_is_waited_for_once_and_none_is_lost() -> None:
    back, made = threading.Event(), list[int]()
    aside = HandedOver("calls")
    began_s = time.monotonic()
    aside(lambda: back.wait(30))
    for k in range(50):
        aside(lambda k=k: made.append(k))  # type: ignore[misc]
    assert PATIENCE_S <= time.monotonic() - began_s < 2 * PATIENCE_S
    assert not aside.finish(0.1)
    back.set()
    assert aside.finish(10.0)
    assert made == list(range(50))
    aside(lambda: made.append(50))
    assert made[-1] == 50


def test_one_that_fails_is_logged_and_the_next_is_made(caplog: pytest.LogCaptureFixture) -> None:
    made: list[int] = []
    aside = HandedOver("calls")
    aside(lambda: 1 // 0)
    aside(lambda: made.append(1))
    assert made == [1]
    assert "ZeroDivisionError" in caplog.text


def test_nothing_was_handed_over_and_nothing_is_waited_for() -> None:
    assert HandedOver("calls").finish()


def test_a_thread_that_has_nothing_to_do_ends_and_the_next_call_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handed_over, "IDLE_S", 0.05)
    made: list[int] = []
    aside = HandedOver("calls that ended")
    aside(lambda: made.append(0))
    until_s = time.monotonic() + 10
    while any(t.name == "calls that ended" for t in threading.enumerate()):
        assert time.monotonic() < until_s
        time.sleep(0.01)
    aside(lambda: made.append(1))
    assert made == [0, 1]
