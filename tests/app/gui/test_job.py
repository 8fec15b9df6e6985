from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.gui.job import Job, JobSpec, Outcome
from app.operations.events import Event, Note, Result
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Run:
    """One job, driven to its end; what it told and how it ended."""

    def __init__(self, qtbot, source, interrupt: Callable[[], None] = lambda: None) -> None:
        self.batches: list[list[Event]] = []
        self.ended: list[Outcome] = []
        self.job = Job(JobSpec("record", "Recording", "rec-1", source, True), interrupt)
        self.job.events.connect(self.batches.append)
        self.job.finished.connect(self.ended.append)
        self._qtbot = qtbot

    def start(self) -> Run:
        self.job.start()
        return self

    def until_over(self) -> Outcome:
        self._qtbot.waitUntil(lambda: bool(self.ended), timeout=60_000)
        return self.ended[0]


def test_events_come_in_few_batches_and_in_order(qtbot) -> None:
    def source(stop: Callable[[], bool]) -> Iterator[Event]:
        for number in range(5000):
            yield Note(str(number))
        yield Result({"path": "x"})

    run = Run(qtbot, source).start()
    outcome = run.until_over()
    told = [e.text for batch in run.batches for e in batch if isinstance(e, Note)]
    assert told == [str(n) for n in range(5000)]
    assert len(run.batches) < 200
    assert outcome.status == "done"
    assert outcome.result == Result({"path": "x"})


def test_stop_closes_the_generator_in_its_own_thread(qtbot) -> None:
    pulled, closed = [], []
    go = threading.Event()

    def source(stop: Callable[[], bool]) -> Iterator[Event]:
        pulled.append(threading.get_ident())
        try:
            while True:
                go.wait(0.01)
                yield Note("step")
        finally:
            closed.append(threading.get_ident())

    run = Run(qtbot, source).start()
    qtbot.waitUntil(lambda: bool(run.batches), timeout=60_000)
    run.job.stop()
    assert run.until_over().status == "stopped"
    assert closed == pulled
    assert closed[0] != threading.get_ident()


def test_stop_interrupts_a_pause_and_counts_as_stopped(qtbot) -> None:
    asked = threading.Event()

    def source(stop: Callable[[], bool]) -> Iterator[Event]:
        yield Note("begun")
        assert asked.wait(10)
        raise StoppedError("stopped by the user")

    run = Run(qtbot, source, asked.set).start()
    qtbot.waitUntil(lambda: bool(run.batches), timeout=60_000)
    run.job.stop()
    assert run.until_over().status == "stopped"


@pytest.mark.parametrize("error", [TwinrigError("the link is gone"), ValueError("odd")])
def test_an_error_is_told_with_its_traceback(qtbot, error: Exception) -> None:
    def source(stop: Callable[[], bool]) -> Iterator[Event]:
        yield Note("begun")
        raise error

    outcome = Run(qtbot, source).start().until_over()
    assert outcome.status == "failed"
    assert outcome.error is error
    assert str(error) in outcome.trace


def test_a_result_that_says_stopped_is_not_done(qtbot) -> None:
    def source(stop: Callable[[], bool]) -> Iterator[Event]:
        yield Result({"status": "stopped"})

    assert Run(qtbot, source).start().until_over().status == "stopped"
