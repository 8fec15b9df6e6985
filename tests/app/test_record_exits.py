"""record: every way out ends safe, with the true status, and hides no fault."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from recorded import SEQUENCES, after, is_safe, iter_into, made_flaky, no_reply, run

from app.operations.events import (
    Event,
    Note,
    Progress,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
    StepRead,
)
from app.operations.record import order_of, record
from app.operations.runs import WayOut, status_of
from app.store import read_recording
from instruments.link_errors import LinkError
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from instruments.bench import Bench


@pytest.mark.parametrize(
    ("kind", "count", "complete"),
    [
        (RunPlan, 1, 0),
        (RepeatStarted, 1, 0),
        (StepRead, 2, 0),
        (RepeatRecorded, 3, 3),
        (Progress, 4, 4),
    ],
)
def test_closed_anywhere_it_is_safe_and_stopped(
    bench: Bench, tmp_path: Path, kind: type[Event], count: int, complete: int
) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r")
    after(events, kind, count)
    events.close()
    assert is_safe(bench)
    recording = read_recording(tmp_path / "r")
    assert (recording.status, int(recording.complete.sum())) == ("stopped", complete)


def test_stop_on_the_bench_ends_it_with_a_result(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r")
    after(events, RepeatRecorded, 1)
    bench.stop.request()
    rest: list[Event] = []
    with pytest.raises(StoppedError):
        rest.extend(iter_into(events, rest))
    assert isinstance(rest[-1], Result)
    assert rest[-1].values["status"] == "stopped"
    assert rest[-1].values["recorded"] == 1
    with bench.stop.shield():
        assert is_safe(bench)


def test_a_lost_reply_costs_one_repeat_which_is_run_again(bench: Bench, tmp_path: Path) -> None:
    made_flaky(bench, 3, fault=no_reply())
    events = run(bench, tmp_path / "r")
    warnings = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    assert len(warnings) == 1
    assert "no reply within 3 s" in warnings[0]
    recording = read_recording(tmp_path / "r")
    assert (recording.status, recording.complete.all()) == ("done", True)
    assert recording.meta["remarks"] == warnings


def test_an_overload_costs_one_repeat_which_is_run_again(bench: Bench, tmp_path: Path) -> None:
    flaky = made_flaky(bench)
    flaky.overloads = [(), ("input overload",)]
    events = run(bench, tmp_path / "r")
    assert "input overload" in read_recording(tmp_path / "r").meta["remarks"][0]
    assert flaky.count == 2 * (4 + 3) + {0: 4, 1: 3}[order_of(2, 2, 0)[1, 0]]
    assert isinstance(events[-1], Result)


def test_a_second_void_repeat_ends_the_run(bench: Bench, tmp_path: Path) -> None:
    made_flaky(bench, 6, 7, fault=no_reply())
    collected: list[Event] = []
    with pytest.raises(LinkError):
        iter_into(record(bench, SEQUENCES, 2, tmp_path / "r"), collected)
    assert isinstance(collected[-1], Result)
    assert collected[-1].values["status"] == "failed"
    recording = read_recording(tmp_path / "r")
    assert (recording.status, int(recording.complete.sum())) == ("failed", 1)
    assert is_safe(bench)


def test_a_set_point_changed_by_hand_ends_the_run_at_once(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r")
    after(events, StepRead, 1)
    bench.magnets["x"].magnet.set_current_A(1.0)
    with pytest.raises(TwinrigError, match="changed by hand"):
        iter_into(with_moved_setpoint(events, bench), [])
    assert read_recording(tmp_path / "r").status == "failed"
    assert is_safe(bench)


def with_moved_setpoint(events: Iterator[Event], bench: Bench) -> Iterator[Event]:
    """Events; after each step someone turns the knob."""
    for event in events:
        if isinstance(event, StepRead):
            bench.magnets["x"].magnet.set_current_A(1.0)
        yield event


def test_a_silent_read_out_does_not_hide_that_the_supply_went_off(
    bench: Bench, tmp_path: Path
) -> None:
    # both lose their mains within a repeat: "no reply within 3 s. Is it on?" was all that was told
    def silent() -> tuple[str, ...]:
        raise no_reply()

    flaky, events = made_flaky(bench), record(bench, SEQUENCES, 2, tmp_path / "r")
    after(events, StepRead, 3)
    flaky.faults = silent  # type: ignore[method-assign]
    bench.magnets["x"].magnet.output(False)
    with pytest.raises(TwinrigError, match=r"(?s)output went off without us.*lockin: no reply"):
        iter_into(events, [])
    assert is_safe(bench)


def test_a_read_out_without_a_number_is_never_stored(bench: Bench, tmp_path: Path) -> None:
    flaky = made_flaky(bench)
    flaky.read = lambda: np.array([np.nan, 0.0])  # type: ignore[method-assign]
    with pytest.raises(TwinrigError, match="the read-out gave no number"):
        run(bench, tmp_path / "r")
    assert not read_recording(tmp_path / "r").complete.any()


def test_a_vanished_folder_ends_safe(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r")
    after(events, RepeatRecorded, 1)
    shutil.rmtree(tmp_path / "r")
    with pytest.raises(TwinrigError, match="the folder has vanished") as caught:
        iter_into(events, [])
    assert is_safe(bench)
    assert any("On the way out" in note for note in caught.value.__notes__)


def test_any_exception_on_the_way_ends_safe(bench: Bench, tmp_path: Path) -> None:
    made_flaky(bench, 2, fault=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run(bench, tmp_path / "r")
    assert is_safe(bench)
    assert read_recording(tmp_path / "r").status == "failed"


def test_what_fails_on_the_way_out_never_hides_the_fault(bench: Bench) -> None:
    def fails(status: str) -> None:
        raise TwinrigError(f"no disk for {status}")

    with pytest.raises(ZeroDivisionError) as caught, WayOut(bench, fails):
        raise ZeroDivisionError
    assert caught.value.__notes__ == ["On the way out: no disk for failed"]
    for stop in (StoppedError("by the user"), GeneratorExit()):
        way_out = WayOut(bench, fails)
        with pytest.raises(TwinrigError, match="no disk for stopped"), way_out:
            raise stop
        assert way_out.status == "failed"
    with pytest.raises(TwinrigError, match="no disk for done"), WayOut(bench, fails):
        pass


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (None, "done"),
        (GeneratorExit(), "stopped"),
        (StoppedError("x"), "stopped"),
        (KeyboardInterrupt(), "stopped"),
        (TwinrigError("x"), "failed"),
        (ZeroDivisionError(), "failed"),
    ],
)
def test_the_status_of_a_run(fault: BaseException | None, status: str) -> None:
    assert status_of(fault) == status
