"""A guard that holds: zero within the ramp, each second a word, the repeat again, or a reason."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from exits_rig import ExitRig
from recorded import iter_into

from app.operations.events import Event, Held, Note, RepeatRecorded, Result, Resumed, StepRead
from app.operations.record import record
from app.operations.run_control import DWELL_S
from app.operations.void_repeats import MOST_HOLDS
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from models.errors import RefusedError, StoppedError, TwinrigError
from models.sequence import make_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from instruments.bench_spec import BenchSpec

WATER = """
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
when_out = "hold"
hold_at_most_s = 60
"""
SEQUENCES = make_sequences("mixed", 1, 8, 1)


class WaterRig(ExitRig):
    """A rig whose water flows again some device seconds after it stopped; None: never."""

    def spec(self, water: str = WATER) -> BenchSpec:
        return parse_bench(self.text + water, "water bench")

    def flow(self, volts: float) -> None:
        self.rig.instruments["sr830"].aux_in_V[0] = volts  # type: ignore[attr-defined]


@pytest.fixture
def rig() -> Iterator[WaterRig]:
    made = WaterRig(hold_s=0.5)
    yield made
    made.stop()


def with_water(
    rig: WaterRig, events: Iterator[Event], stop_at: int, back_s: float
) -> Iterator[Event]:
    """The events; the water stops at a step (counted over the run), and flows after `back_s`."""
    steps = 0
    for event in events:
        yield event
        steps += isinstance(event, StepRead)
        if isinstance(event, StepRead) and steps == stop_at:
            rig.flow(0.1)
        if isinstance(event, Held) and event.seconds >= back_s:
            rig.flow(5.0)


def test_the_repeat_is_void_the_magnet_at_zero_and_the_run_goes_on(
    rig: WaterRig, tmp_path: Path
) -> None:
    seen: list[Event] = []
    with Bench.connect(rig.spec()) as bench:
        events = record(bench, SEQUENCES, 3, tmp_path / "r")
        for event in with_water(rig, events, stop_at=11, back_s=10.0):
            seen.append(event)
            if isinstance(event, Held):
                state = bench.magnets["x"].magnet.state()
                assert (state.setpoint_A, state.output_on) == (0.0, True)
    held = [e for e in seen if isinstance(e, Held)]
    assert "interlock water" in held[0].out[0]
    assert held[0].at_most_s == 60
    assert all(after.seconds - before.seconds < 1.5 for before, after in pairwise(held))
    assert held[-1].out == ()
    assert 10.0 + DWELL_S <= next(e.seconds for e in seen if isinstance(e, Resumed)) < 19.0
    notes = [e.text for e in seen if isinstance(e, Note) and "void" in e.text]
    assert len(notes) == 1
    assert "again once that is back" in notes[0]
    assert sum(isinstance(e, RepeatRecorded) for e in seen) == 3
    recording = read_recording(tmp_path / "r")
    assert (recording.status, recording.complete.all()) == ("done", True)
    assert any(r.startswith("held for") and "water" in r for r in recording.meta["remarks"])
    starts = sorted(recording.start_s.ravel().tolist())
    assert starts[1] > starts[0] + 10.0 + DWELL_S  # that of the repeat that is true
    assert rig.unsafe_ends() == []


def test_two_holds_cost_no_retry(rig: WaterRig, tmp_path: Path) -> None:
    with Bench.connect(rig.spec()) as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r", retries=0)
        twice = with_water(rig, with_water(rig, events, 3, 2.0), 9, 2.0)
        assert sum(isinstance(e, Resumed) for e in twice) == 2
    assert read_recording(tmp_path / "r").status == "done"


def test_water_that_stays_away_ends_the_run_with_its_reason(rig: WaterRig, tmp_path: Path) -> None:
    seen: list[Event] = []
    with Bench.connect(rig.spec()) as bench:
        events = record(bench, SEQUENCES, 3, tmp_path / "r")
        with pytest.raises(TwinrigError, match=r"held for 6\d s, bench key hold_at_most_s = 60"):
            iter_into(with_water(rig, events, 3, 1e9), seen)
    assert isinstance(seen[-1], Result)
    assert seen[-1].values["status"] == "failed"
    assert "interlock water" in seen[-1].values["reason"]
    assert rig.unsafe_ends() == []


def test_stop_ends_a_hold(rig: WaterRig, tmp_path: Path) -> None:
    with Bench.connect(rig.spec()) as bench:
        events = record(bench, SEQUENCES, 3, tmp_path / "r")
        for event in with_water(rig, events, 3, 1e9):
            if isinstance(event, Held) and event.seconds > 3:
                break
        bench.stop.request()
        with pytest.raises(StoppedError):
            list(events)
        bench.stop.clear()
    assert read_recording(tmp_path / "r").status == "stopped"
    assert rig.unsafe_ends() == []


def test_without_the_word_it_ends_the_run_as_ever(rig: WaterRig, tmp_path: Path) -> None:
    ends = WATER.replace('when_out = "hold"\nhold_at_most_s = 60\n', "")
    with Bench.connect(rig.spec(ends)) as bench:
        events = record(bench, SEQUENCES, 3, tmp_path / "r")
        seen: list[Event] = []
        with pytest.raises(TwinrigError, match="interlock water"):
            iter_into(with_water(rig, events, 3, 1e9), seen)
    assert not any(isinstance(e, Held) for e in seen)


def test_a_supply_that_changes_while_it_is_held_ends_the_run(rig: WaterRig, tmp_path: Path) -> None:
    with Bench.connect(rig.spec()) as bench:
        events = record(bench, SEQUENCES, 3, tmp_path / "r")
        watered = with_water(rig, events, 3, 1e9)
        for event in watered:
            if isinstance(event, Held) and event.seconds > 3:
                break
        rig.by_hand("CURR 0.5")
        with pytest.raises(TwinrigError, match="changed by hand"):
            list(watered)
    assert read_recording(tmp_path / "r").status == "failed"


def test_a_guard_that_is_out_at_the_start_refuses_as_ever(rig: WaterRig, tmp_path: Path) -> None:
    rig.flow(0.0)
    with Bench.connect(rig.spec()) as bench, pytest.raises(RefusedError, match="interlock water"):
        list(record(bench, SEQUENCES, 3, tmp_path / "r"))
    assert not (tmp_path / "r").exists()


def test_one_void_repeat_more_than_retries_ends_the_run(rig: WaterRig, tmp_path: Path) -> None:
    from recorded import made_flaky, no_reply

    for retries, faulty, status in ((3, (3, 4, 5), "done"), (2, (3, 4, 5), "failed")):
        out = tmp_path / f"r{retries}"
        with Bench.connect(rig.spec("")) as bench:
            made_flaky(bench, *faulty, fault=no_reply())
            seen: list[Event] = []
            events = record(bench, SEQUENCES, 2, out, retries=retries)
            if status == "done":
                iter_into(events, seen)
            else:
                with pytest.raises(TwinrigError, match="no reply"):
                    iter_into(events, seen)
        recording = read_recording(out)
        assert recording.status == status
        void = [r for r in recording.meta["remarks"] if "was void" in r]
        assert [f"again ({n} of {retries})" in words for n, words in enumerate(void, 1)] == [
            True
        ] * min(retries, 3)
        assert all("no reply within 3 s" in words for words in void)


@pytest.mark.parametrize(("retries", "status"), [(3, "done"), (2, "failed")])
def test_a_read_out_that_is_away_for_a_while_is_waited_for_as_often_as_was_asked(
    rig: WaterRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retries: int, status: str
) -> None:
    """Its settings could not be asked for either, and that ended the run, whatever `retries`."""
    from recorded import made_flaky, no_reply

    answers, resting = iter([False, False, False, False, True]), list[float]()
    with Bench.connect(rig.spec("")) as bench:
        made_flaky(bench, 3, fault=no_reply())
        ask = bench._readout_settings

        def away() -> object:  # each check asks twice
            resting.append(bench.magnets["x"].state().setpoint_A)
            if not next(answers, True):
                raise no_reply()
            return ask()

        events, seen = record(bench, SEQUENCES, 2, tmp_path / "r", retries=retries), list[Event]()
        seen.append(next(events))  # the settings that it begins with are told by then
        monkeypatch.setattr(bench, "_readout_settings", away)
        with suppress(TwinrigError):
            seen.extend(events)
    assert read_recording(tmp_path / "r").status == status
    told = [e.text for e in seen if isinstance(e, Note) and "still no answer" in e.text]
    assert len(told) == retries - 1
    kept = [words for words in read_recording(tmp_path / "r").meta["remarks"] if "still" in words]
    assert kept == told[:1]
    assert resting[2:4] == [0.0, 0.0]  # no current flows through a device that nobody reads


def test_what_is_out_whenever_current_flows_is_not_waited_for_again_and_again(
    rig: WaterRig, tmp_path: Path
) -> None:
    limit = WATER.replace("lockin", "x").replace("aux1", "voltage limit")
    spec = rig.spec(limit.replace("above_V = 2.0\n", ""))
    rig.by_hand("VOLT 7")  # a step of 8.5 A wants 8.5 V
    seen: list[Event] = []
    with Bench.connect(spec) as bench:
        events = record(bench, SEQUENCES, 3, tmp_path / "r")
        with pytest.raises(TwinrigError, match=f"held {MOST_HOLDS} times in one repeat"):
            iter_into(events, seen)
    assert sum(isinstance(e, Resumed) for e in seen) == MOST_HOLDS
    assert read_recording(tmp_path / "r").status == "failed"
    assert rig.unsafe_ends() == []
