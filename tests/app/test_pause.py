"""Pause and resume: at zero current, output on, looked after, true start times, safe ways out."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from network_samples import saved_network
from recorded import SEQUENCES, after, is_safe, iter_into, run

from app.operations.deploy import deploy
from app.operations.events import (
    Event,
    NodeMeasured,
    Paused,
    RepeatRecorded,
    RepeatStarted,
    Result,
    Resumed,
    StepRead,
)
from app.operations.record import record
from app.store import read_recording
from instruments.clock import Pause
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from instruments.bench import Bench


@pytest.fixture
def pause() -> Pause:
    return Pause()


def paused_run(bench: Bench, out: Path, pause: Pause, **options: Any) -> Iterator[Event]:
    return record(bench, SEQUENCES, 2, out, pause=pause, **options)


def flowing(bench: Bench) -> tuple[float, bool]:
    state = bench.magnets["x"].magnet.state()
    return state.setpoint_A, state.output_on


def test_a_pause_inside_a_repeat_waits_for_its_end_at_zero_with_the_output_on(
    bench: Bench, tmp_path: Path, pause: Pause
) -> None:
    events = paused_run(bench, tmp_path / "r", pause)
    after(events, StepRead, 1)
    pause.request()
    before: list[Event] = []
    for event in events:
        before.append(event)
        if isinstance(event, Paused) and event.seconds > 0:
            break
    assert [type(e) for e in before if isinstance(e, RepeatRecorded)] == [RepeatRecorded]
    assert not any(isinstance(e, RepeatStarted) for e in before)
    assert flowing(bench) == (0.0, True)
    pause.clear()
    rest = list(events)
    assert isinstance(rest[0], Resumed)
    assert isinstance(rest[-1], Result)
    recording = read_recording(tmp_path / "r")
    assert (recording.status, recording.complete.all()) == ("done", True)
    assert recording.meta["remarks"][0].startswith("paused for")
    assert is_safe(bench)


def test_start_times_tell_the_pause_and_nothing_else_moves(
    bench: Bench, tmp_path: Path, pause: Pause
) -> None:
    events = paused_run(bench, tmp_path / "r", pause, seed=1)
    after(events, RepeatRecorded, 2)
    pause.request()
    after(events, Paused, 2)
    pause.clear()
    seconds = [e.seconds for e in events if isinstance(e, Resumed)]
    recording = read_recording(tmp_path / "r")
    starts = sorted(recording.start_s.ravel().tolist())
    repeat_s = starts[1] - starts[0]
    gap_s = starts[2] - starts[1]
    assert seconds[0] >= 1.0
    assert gap_s > 0.9 * seconds[0]
    assert gap_s < seconds[0] + 3 * repeat_s + 0.5
    assert starts[3] - starts[2] < 3 * repeat_s


def test_a_run_that_is_never_paused_is_the_same_with_a_pause_at_hand(
    bench: Bench, tmp_path: Path, pause: Pause
) -> None:
    kinds = [type(e) for e in paused_run(bench, tmp_path / "r", pause)]
    assert Paused not in kinds


@pytest.mark.parametrize("way", ["stop", "close"])
def test_stop_and_close_work_while_paused(
    bench: Bench, tmp_path: Path, pause: Pause, way: str
) -> None:
    events = paused_run(bench, tmp_path / "r", pause)
    after(events, RepeatRecorded, 1)
    pause.request()
    after(events, Paused, 2)
    begin_s = time.monotonic()
    if way == "close":
        events.close()  # type: ignore[attr-defined]
    else:
        threading.Timer(0.2, bench.stop.request).start()
        with pytest.raises(StoppedError):
            iter_into(events, [])
    assert time.monotonic() - begin_s < 1.0
    bench.stop.clear()
    assert is_safe(bench)
    assert read_recording(tmp_path / "r").status == "stopped"


def test_what_would_end_a_repeat_ends_a_pause(bench: Bench, tmp_path: Path, pause: Pause) -> None:
    events = paused_run(bench, tmp_path / "r", pause)
    after(events, RepeatRecorded, 1)
    pause.request()
    after(events, Paused, 2)
    bench.magnets["x"].magnet.set_current_A(1.0)
    begin_s = bench.clock.now_s()
    with pytest.raises(TwinrigError, match="changed by hand"):
        iter_into(events, [])
    assert bench.clock.now_s() - begin_s < 6
    assert is_safe(bench)


def test_settings_changed_in_a_pause_end_the_run_before_its_next_repeat(
    bench: Bench, tmp_path: Path, pause: Pause
) -> None:
    events = paused_run(bench, tmp_path / "r", pause)
    after(events, RepeatRecorded, 1)
    pause.request()
    after(events, Paused, 1)
    threading.Timer(0.3, pause.clear).start()
    bench.readouts["lockin"]._session.write("HARM 1")
    with pytest.raises(TwinrigError, match="settings differ"):
        iter_into(events, [])
    recording = read_recording(tmp_path / "r")
    assert (recording.status, int(recording.complete.sum())) == ("failed", 1)


def test_a_paused_run_that_was_stopped_goes_on(bench: Bench, tmp_path: Path, pause: Pause) -> None:
    events = paused_run(bench, tmp_path / "r", pause)
    after(events, RepeatRecorded, 1)
    pause.request()
    after(events, Paused, 1)
    events.close()  # type: ignore[attr-defined]
    run(bench, tmp_path / "r", resume=True)
    assert read_recording(tmp_path / "r").complete.all()


def test_a_deployment_pauses_between_nodes(bench: Bench, tmp_path: Path, pause: Pause) -> None:
    saved_network(bench, tmp_path)
    events = deploy(tmp_path / "network", bench, tmp_path / "d", pause=pause)
    after(events, NodeMeasured, 1)
    pause.request()
    after(events, Paused, 2)
    assert flowing(bench) == (0.0, True)
    pause.clear()
    rest = list(events)
    assert isinstance(rest[-1], Result)
    assert read_recording(tmp_path / "d" / "nodes").status == "done"
