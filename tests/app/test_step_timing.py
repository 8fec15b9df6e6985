"""How evenly a run's steps came: what a look at the supply takes is meant and makes none late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.operations.events import Note, RepeatRecorded, Result
from app.operations.record import record
from app.operations.step_timing import StepTiming
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.watch import CHECK_EVERY_S
from models.errors import StoppedError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event

LONG = FieldSequence(np.linspace(0.0, 1.0, 200), "ramp")  # 5.4 s: a look at the supply is due in it


def _recorded(bench: Bench, out: Path, **how: Any) -> tuple[dict[str, Any], Note, list[Event]]:
    events = list(record(bench, [LONG], 2, out, **how))
    (said,) = (e for e in events if isinstance(e, Note) and e.text.startswith("steps: "))
    assert isinstance(events[-1], Result)
    return events[-1].values["timing"], said, events


def test_a_look_at_the_supply_makes_no_step_late(bench: Bench, tmp_path: Path) -> None:
    timing, said, _ = _recorded(bench, tmp_path / "r")
    recording = read_recording(tmp_path / "r")
    intervals_s = np.diff(recording.read_s, axis=2)
    longest_s = intervals_s.max() - np.median(intervals_s)
    assert longest_s > 0.020, "the look takes longer than a tick of the ramp"
    assert (timing["late_steps"], timing["steps"]) == (0, 398)
    assert timing["looked_steps"] == 2
    assert timing["look_s"] == pytest.approx(longest_s, abs=1e-6)
    assert said.level == "info"
    assert "0 of 398 late" in said.text
    assert "before 2 of them supply or guards were looked at" in said.text
    (kept,) = (words for words in recording.meta["remarks"] if "a look at the supply" in words)
    assert kept.startswith("2 steps came after")


def test_a_step_that_is_later_than_the_look_before_it_is_late(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, count = bench.readouts["lockin"].read, iter(range(1000))

    def delayed() -> Any:
        if next(count) == 100:
            bench.clock.wait(0.021)  # as long as a look takes, and it was none
        return read()

    monkeypatch.setattr(bench.readouts["lockin"], "read", delayed)
    timing, said, _ = _recorded(bench, tmp_path / "r")
    assert (timing["late_steps"], timing["looked_steps"]) == (1, 2)
    assert said.level == "warning"


def test_a_hold_has_room_for_the_look(bench: Bench, tmp_path: Path) -> None:
    window = replace(bench.spec.window, hold_s=0.1)
    sequence = FieldSequence(np.full(120, 0.5), "level")  # nothing is sent between its steps
    assert sequence.steps * window.hold_s > 2 * CHECK_EVERY_S
    timing = list(record(bench, [sequence], 1, tmp_path / "r", window=window))[-1].values["timing"]
    intervals_s = np.diff(read_recording(tmp_path / "r").read_s[0, 0])
    longer_s = intervals_s - np.median(intervals_s)
    # two fall due; only what reaches beyond the end of its hold makes a step longer, and is counted
    assert timing["looked_steps"] == (longer_s > 1e-6).sum() <= 1
    assert timing["look_s"] == pytest.approx(longer_s.max(), abs=1e-6)
    assert timing["look_s"] < 0.020


def test_steps_from_before_an_interruption_are_not_judged(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, [LONG], 2, tmp_path / "r")
    while not isinstance(next(events), RepeatRecorded):
        pass
    bench.stop.request()
    with pytest.raises(StoppedError):
        list(events)
    bench.stop.clear()
    timing, said, _ = _recorded(bench, tmp_path / "r", resume=True)
    assert (timing["late_steps"], timing["steps"], timing["looked_steps"]) == (0, 199, 1)
    assert said.level == "info"


def test_steps_of_seconds_are_told_in_seconds() -> None:
    assert "one every 20 s (median)" in str(StepTiming(20.0, 0.0, 0.0, 0.0, 0, 2))


def test_a_reading_that_the_bench_file_gives_no_time_makes_not_every_step_late(
    tmp_path: Path,
) -> None:
    text = read_bench("virtual").text
    silent = text.replace("gate_s = 0.027027027", "gate_s = 0.0")
    assert silent != text
    with Bench.connect(parse_bench(silent, "bench")) as bench:
        read, count = bench.readouts["lockin"].read, iter(range(1000))

        def slow() -> Any:
            bench.clock.wait(0.4 if next(count) == 100 else 0.1)
            return read()

        bench.readouts["lockin"].read = slow  # type: ignore[method-assign]
        timing, said, _ = _recorded(bench, tmp_path / "r")
    assert (timing["late_steps"], timing["steps"]) == (1, 398)
    assert "a reading took 127 ms (median; the bench file has no gate_s)" in said.text
