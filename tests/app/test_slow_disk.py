"""Looks at a disk: in turn on a quick one, side by side on a slow one, never one lost."""

from __future__ import annotations

import threading
import time

import pytest

from app import slow_disk
from app.slow_disk import each


def test_a_quick_disk_is_looked_at_by_the_caller_alone() -> None:
    here = threading.current_thread()
    assert each(lambda k: (k, threading.current_thread()), range(50)) == [
        (k, here) for k in range(50)
    ]


def test_a_slow_disk_is_looked_at_side_by_side_and_told_in_order() -> None:
    looking, most = [], [0]

    def look(k: int) -> int:
        looking.append(k)
        most[0] = max(most[0], len(looking))
        time.sleep(0.03)
        looking.remove(k)
        return 10 * k

    assert each(look, range(40)) == [10 * k for k in range(40)]
    assert most[0] > 4


def test_none_is_an_answer_and_nothing_has_none() -> None:
    assert each(lambda _: time.sleep(0.02), [None] * 9) == [None] * 9
    assert each(lambda _: 1, []) == []


@pytest.mark.parametrize("slow_s", [0.0, 0.02])
def test_an_error_is_raised_behind_the_looks_that_go_on(slow_s: float) -> None:
    def look(k: int) -> int:
        time.sleep(slow_s)
        if k == 20:
            raise PermissionError(13, "Permission denied")
        return k

    with pytest.raises(PermissionError):
        each(look, range(30))
    assert not [t for t in threading.enumerate() if "work" in t.name]


def test_a_share_that_never_answers_holds_no_process() -> None:
    """Its threads are daemons: the window is closed beside them."""
    kinds: list[bool] = []

    def look(k: int) -> None:
        time.sleep(2 * slow_disk.SLOW_S)
        kinds.append(threading.current_thread().daemon)

    each(look, range(12))
    assert kinds[-1]
