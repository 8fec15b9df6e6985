"""What the Record page records: designs, their plans, the queue and its words; no window."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.gui.job import Outcome
from app.gui.live_record import LiveRecording
from app.gui.record_coverage import Coverage, longest_hold
from app.gui.record_design import (
    AT_ONCE,
    LOOKED_AT,
    Design,
    Plan,
    TwinDesign,
    with_room,
)
from app.gui.record_queue import RecordQueue
from app.gui.record_resume import Unfinished
from app.gui.record_saved import from_json, to_json
from app.gui.record_words import Between, ended_words, preview_words, running_words
from app.operations.adaptive_rounds import ForTwin
from app.operations.events import Note, RepeatStarted, Result, RunPlan, Stage
from app.operations.learning_events import FitProgress
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Pause
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import FieldSequence
from models.short_form import parse_short_form

FIELDS = {"low_T": 0.0022, "high_T": 0.0034, "reset_T": 0.004}
SMALL = Design(count=4, steps=20, repeats=3, **FIELDS)


@pytest.fixture(scope="module")
def bench():
    made = Bench.connect(read_bench("virtual"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("drive", "holds", "longest"),
    [
        ([0.1, 0.1, 0.2], [1, 1, 1], 2),
        ([0.3], [4], 4),
        ([0.1, 0.1, 0.2], [1, 1, 5], 5),
        ([1, 0.2, 0.2, 0.2, 1], [1, 2, 1, 2, 1], 5),
    ],
)
def test_longest_hold(drive, holds, longest) -> None:
    assert longest_hold(np.array(drive, dtype=float), np.array(holds)) == longest


def test_coverage_counts_parts_of_the_range_and_of_step_pairs() -> None:
    whole = Coverage.of([FieldSequence(np.linspace(0, 1, 1000))])
    assert whole.drive_share == 1.0
    assert whole.pair_share == pytest.approx((8 + 7) / 64)  # a ramp only meets its neighbours
    still = Coverage.of([FieldSequence(np.full(10, 0.5))])
    assert still.drive_share == pytest.approx(1 / 16)
    assert still.pair_share == pytest.approx(1 / 64)
    two = Coverage.of([FieldSequence(np.array([0.0, 0.1])), FieldSequence(np.array([1.0, 0.9]))])
    assert len(two.pairs) == 2  # none from one sequence to the next


def test_bars_count_a_step_as_often_as_it_is_held() -> None:
    held = Coverage.of([FieldSequence(np.array([0.0, 1.0]), "given", np.array([7, 2]))])
    assert (held.bars[0], held.bars[-1]) == (7, 2)


def test_the_name_of_a_design_is_the_short_form_that_makes_its_sequences() -> None:
    design = replace(SMALL, holds=3, seed=5)
    made = parse_short_form(design.name)
    for one, other in zip(made, design.sequences(), strict=True):
        assert np.array_equal(one.drive, other.drive)
        assert np.array_equal(one.holds, other.holds)


def test_a_plan_costs_what_the_bench_predicts(bench, tmp_path) -> None:
    plan = SMALL.foreseen(bench.spec, bench)
    assert plan.seconds == pytest.approx(12 * bench.predicted_s(20))
    assert plan.cost.endswith("within limits")
    held = replace(SMALL, holds=4).foreseen(bench.spec, bench)
    assert held.seconds > plan.seconds


@pytest.mark.parametrize("reference", [0, 10])
def test_a_slow_magnet_takes_the_time_of_the_fields_that_are_asked_for(reference) -> None:
    """A window of ten times the bench's was foreseen in the bench's own time."""
    spec = read_bench("virtual")
    magnet = spec.magnets["x"]
    slow = replace(magnet, limits=replace(magnet.limits, max_ramp_A_per_s=0.5))
    bench = Bench.connect(replace(spec, magnets={"x": slow}))
    try:
        plan = replace(SMALL, low_T=-0.004, reference=reference).foreseen(bench.spec, bench)
        window = replace(bench.spec.window, low_T=-0.004)
        one = bench.predicted_s(20, None, window, bench.spec.reset)
        if reference:
            one += bench.predicted_s(reference, None, window, bench.spec.reset)
        assert plan.seconds == pytest.approx(12 * one)
        assert plan.seconds > 2 * SMALL.foreseen(bench.spec, bench).seconds
    finally:
        bench.close()


def test_a_plan_says_what_refuses_it(bench, tmp_path) -> None:
    hot = replace(SMALL, high_T=0.5).foreseen(bench.spec, bench)
    assert hot.level == "fault"
    assert hot.cost.startswith("refused")
    assert "needs a reference" in replace(SMALL, stop_at=4.0).foreseen(bench.spec, bench).problem
    away = SMALL.foreseen(bench.spec, None)
    assert (away.level, away.seconds) == ("attention", None)
    with pytest.raises(InputError, match="low_T"):
        replace(SMALL, high_T=0.001).foreseen(bench.spec, bench)


def test_more_than_the_disk_has_is_refused_with_both_figures(bench, tmp_path) -> None:
    huge = replace(SMALL, count=1000, steps=1000, repeats=100_000)
    problem = with_room(huge.foreseen(bench.spec, bench), tmp_path).problem
    assert "GB of the disk, which has" in problem


def test_a_large_design_is_looked_at_in_part_and_says_so(bench, tmp_path) -> None:
    large = replace(SMALL, count=1000, steps=1000)
    assert not large.is_quick
    assert SMALL.is_quick
    plan = large.foreseen(bench.spec, bench)
    assert (len(plan.sequences), plan.of) == (50, 1000)
    assert np.array_equal(plan.sequences[7].drive, replace(large, count=8).sequences()[7].drive)
    assert "(the first 50)" in preview_words(plan, 0)
    with pytest.raises(InputError, match="a month"):
        replace(SMALL, count=10_000, steps=100_000).foreseen(bench.spec, bench)
    assert AT_ONCE < LOOKED_AT


def test_what_takes_longer_than_a_frame_is_looked_at_beside_the_window() -> None:
    assert TwinDesign().is_quick
    assert not TwinDesign(steps=2000).is_quick
    short, long = (SimpleNamespace(lengths=np.full(n, 60)) for n in (2, 400))
    assert Unfinished(Path("rec-a"), short).is_quick
    assert not Unfinished(Path("rec-a"), long).is_quick


def test_a_recording_for_a_twin_has_a_cost_and_no_nonsense(bench, tmp_path) -> None:
    plan = TwinDesign(budget=100).foreseen(bench.spec, bench)
    assert plan.seconds == pytest.approx((100 + 12 * 16) * bench.predicted_s(100))
    held = TwinDesign(budget=100, holds=4)
    assert held.asked.holds == 4
    longer = held.foreseen(bench.spec, bench)
    assert max(s.holds.max() for s in longer.sequences) == 4
    assert longer.seconds > 1.2 * plan.seconds
    with pytest.raises(InputError, match="budget of 10"):
        TwinDesign(budget=10).foreseen(bench.spec, bench)


def test_a_plan_as_it_first_stands_is_new_to_a_twin_that_was_recorded_for() -> None:
    from training.acquire import pool  # torch, which the other tests here do without

    asked = ForTwin()
    candidates = {s.drive.tobytes() for s in pool(asked.pool, asked.steps, 1)}  # of a first round
    assert candidates.isdisjoint(s.drive.tobytes() for s in Design().sequences())


@pytest.mark.parametrize(
    "design", [SMALL, TwinDesign(budget=64, target=2.0, holds=3, network="net-a")]
)
def test_a_design_comes_back_from_the_settings(design) -> None:
    assert from_json(to_json(design)) == design
    with pytest.raises(InputError):
        from_json({**to_json(design), "repeats": "many"})
    with pytest.raises(InputError):
        from_json("nonsense")


# the queue


def queue_of(*seeds: int) -> RecordQueue:
    queue = RecordQueue()
    for seed in seeds:
        queue.add(replace(SMALL, seed=seed), Plan(seconds=10.0, bytes=1e6))
    return queue


def seeds(queue: RecordQueue) -> list[int]:
    return [each.design.seed for each in queue.waiting]


def test_the_queue_is_reordered_within_its_ends() -> None:
    queue = queue_of(1, 2, 3)
    assert queue.move(2, 0) == 0
    assert seeds(queue) == [3, 1, 2]
    assert queue.move(0, -5) == 0
    assert queue.move(0, 9) == 2
    queue.remove(1)
    assert seeds(queue) == [1, 3]
    assert queue.words == "2 recordings · 20 s · 2.0 MB"


def run_next(queue: RecordQueue, outcome: Outcome) -> str:
    one = queue.next()
    assert one is not None
    queue.took(one)
    return queue.ended(outcome)


def test_after_one_that_is_done_the_next_begins_until_none_is_left() -> None:
    queue = queue_of(1, 2)
    queue.start()
    assert run_next(queue, Outcome("done")) == ""
    assert (seeds(queue), queue.going) == ([2], True)
    run_next(queue, Outcome("done"))
    assert (queue.waiting, queue.going) == ([], False)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome("failed", error=TwinrigError("lockin: no reply")), "failed"),
        (Outcome("stopped"), "was stopped"),
    ],
)
def test_one_that_failed_or_was_stopped_holds_the_queue(outcome, word) -> None:
    queue = queue_of(1, 2, 3)
    queue.start()
    said = run_next(queue, outcome)
    assert word in said
    assert "2 recordings wait" in said
    assert not queue.going
    assert "held" in queue.words
    queue.start()  # a person decided
    assert (queue.going, queue.held) == (True, "")


def test_one_that_was_refused_is_skipped_with_its_reason_and_keeps_its_place() -> None:
    queue = queue_of(1, 2)
    queue.start()
    said = run_next(queue, Outcome("failed", error=RefusedError("magnet x: 12 A of 11 A")))
    assert "skipped: magnet x" in said
    assert queue.going
    assert seeds(queue) == [1, 2]
    assert queue.waiting[0].skipped == "magnet x: 12 A of 11 A"
    assert queue.next().design.seed == 2
    run_next(queue, Outcome("done"))
    assert not queue.going  # only the skipped one is left
    queue.start()
    assert queue.next().design.seed == 1


def test_a_recording_beside_the_queue_does_not_start_it() -> None:
    queue = queue_of(1)
    assert queue.ended(Outcome("done")) == ""
    assert not queue.going


def test_what_was_queued_for_another_bench_is_not_recorded_on_this_one() -> None:
    """Its fields are that bench's: they were sent to whatever bench was open."""
    first = RecordQueue("nanoring")
    first.add(SMALL, Plan(seconds=10.0, bytes=1e6))
    second = RecordQueue("ice")
    second.load(json.loads(json.dumps(first.to_json())))
    assert [each.time for each in second.waiting] == ["skipped"]
    said = second.start()
    assert "it was queued for nanoring, this is ice" in said
    assert second.next() is None
    second.add(replace(SMALL, seed=7), None)
    second.start()
    one = second.next()
    assert one is not None
    assert one.design.seed == 7
    back = RecordQueue("nanoring")  # that bench again
    back.load(second.to_json())
    assert back.next() is not None
    assert back.next().design.seed == SMALL.seed
    back.waiting.pop(0)
    assert back.start()
    assert back.next() is None


def test_what_an_earlier_version_queued_without_its_bench_is_not_recorded() -> None:
    """Whichever bench was open got the fields of one that nobody knows."""
    kept = queue_of(1).to_json()
    del kept[0]["bench"]
    queue = RecordQueue("ice")
    queue.load(kept)
    assert "an earlier version kept no bench with it: add it anew" in queue.start()
    assert queue.next() is None


def test_the_queue_comes_back_and_never_starts_by_itself() -> None:
    queue, other = queue_of(1, 2), RecordQueue()
    queue.start()
    other.load(queue.to_json())
    assert seeds(other) == [1, 2]
    assert not other.going
    other.load([{"design": {"kind": "sequences"}}, 7, None])
    other.load("nonsense")
    assert seeds(other) == [1, 2]


# words


def test_words_of_a_run_say_what_waits_first() -> None:
    live = LiveRecording()
    live.take(RunPlan(2, 3, 4, ("X",), ("V",), 1.0, "out", "rec-1"))
    live.take(RepeatStarted(1, 0, 0, np.zeros(4), np.zeros(4)))
    words = running_words(live, 0, "paused at zero field for 3 s", "")
    assert words.startswith("paused at zero field for 3 s · repeat 1 of 6")
    assert "sequence 2 of 2 running · showing sequence 1" in words
    failed = Outcome("failed", error=TwinrigError("lockin: no reply\nhint"))
    assert ended_words(live, failed) == (
        "0 of 6 repeats kept · goes on by “Go on” · lockin: no reply"
    )


def test_between_rounds_the_fit_and_what_it_told_are_said() -> None:
    between = Between()
    between.take(Stage("fit 3 twins on 48 measurements"))
    between.take(FitProgress(10, 90, 1.0, None, 2.0))
    between.take(Note("48 measurements: mean 1.60 times the floor"))
    assert between.words == (
        "fitting twins, iteration 10 of 90 · 48 measurements: mean 1.60 times the floor"
    )
    between.take(RepeatStarted(0, 0, 0, np.zeros(2), np.zeros(2)))
    assert between.words == "48 measurements: mean 1.60 times the floor"


def test_between_rounds_is_told_what_a_fit_told_and_at_the_end_all_that_was_measured() -> None:
    between = Between()
    for event in (Stage("record round 1 (first), 48 measurements"), Note("steps: one every 27 ms")):
        between.take(event)
    assert between.words == "record round 1 (first), 48 measurements"
    for event in (Stage("fit 3 twins on 48 measurements"), Note("48 measurements: mean 2.9")):
        between.take(event)
    assert between.words.endswith("· 48 measurements: mean 2.9")
    between.take(Stage("record round 2 (chosen), 24 measurements"))
    between.take(Note("x: found at 3 A"))
    assert between.told == "48 measurements: mean 2.9"
    live = LiveRecording(RunPlan(24, 2, 4, ("X",), ("V",), 1.0, "out", "rec-x"))
    result = Result({"measurements": 60, "scoring_measurements": 192})
    words = ended_words(live, Outcome("stopped", result))
    assert words == "60 repeats to fit on, 192 that score · goes on by “Go on”"


def test_the_folder_of_a_plan_need_not_be_there(bench, tmp_path) -> None:
    plan = SMALL.foreseen(bench.spec, bench)
    assert with_room(plan, tmp_path / "nowhere/at/all").level == ""


def test_the_file_is_as_large_as_was_said(bench, tmp_path) -> None:
    said = SMALL.foreseen(bench.spec, bench).bytes
    for _ in SMALL.start(bench, tmp_path / "rec", Pause()):
        pass
    assert said == pytest.approx((tmp_path / "rec" / "recording.nc").stat().st_size, rel=0.05)
