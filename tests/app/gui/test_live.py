"""What pages draw, from scripted events: no window, no rig."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from app.gui.fit_rows import error_rows
from app.gui.fit_rows import verdict as word_of
from app.gui.live_deploy import LiveDeployment, criterion, inside_share, verdict
from app.gui.live_fit import LiveFit
from app.gui.live_record import LiveRecording, band, slope, spread
from app.gui.live_train import LiveTraining, against, score_rows, sentence
from app.gui.twin_asks import BesideAsk, ObjectivesAsk, ScoreAsk
from app.gui.twin_runs import TwinRuns
from app.operations.events import (
    NodeMeasured,
    NodeStarted,
    Note,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
    ScoreSoFar,
    Stage,
    StepRead,
)
from app.operations.learning_events import BaselineScored, FitProgress, TrainProgress, TwinScored
from app.running_score import running_score, score_interval
from models.score import nmse

PLAN = RunPlan(2, 3, 4, ("X", "Y"), ("V", "V"), 1.0, "out/recording.nc", "rec-1")


def recorded(repeats: list[tuple[int, float]]) -> LiveRecording:
    live = LiveRecording()
    live.take(PLAN)
    for position, (sequence, level) in enumerate(repeats):
        live.take(RepeatStarted(sequence, position, position, np.zeros(4), np.zeros(4)))
        live.take(
            RepeatRecorded(sequence, position, position, np.full((4, 2), level), float(position))
        )
    return live


def test_a_running_repeat_grows_step_by_step() -> None:
    live = LiveRecording()
    live.take(PLAN)
    live.take(RepeatStarted(1, 0, 0, np.linspace(0, 1, 4), np.linspace(0, 1, 4)))
    live.take(StepRead(0, 0.1, 2.0, np.array([5.0, 6.0])))
    live.take(StepRead(1, 0.2, 3.0, np.array([7.0, 8.0])))
    assert live.step == 1
    assert live.running[:2].tolist() == [[5, 6], [7, 8]]
    assert np.isnan(live.running[2:]).all()
    live.take(Note("nothing to draw"))
    assert live.total == 6


def test_drift_ignores_that_sequences_differ() -> None:
    live = recorded([(0, 1.0), (1, 5.0), (0, 1.1), (1, 5.1), (0, 1.2), (1, 5.2)])
    position, level = live.drift(0)
    assert position.tolist() == [1, 2, 3, 4, 5, 6]
    assert np.ptp(level) == pytest.approx(0.2)
    fitted = slope(position, level)
    assert fitted is not None
    assert fitted[0] > 0
    assert slope(position[:2], level[:2]) is None


def test_a_bad_repeat_is_out_of_mean_spread_and_slope_and_stays_in_view() -> None:
    live = recorded([(0, 1.0), (0, 50.0), (0, 3.0), (1, 9.0)])
    live.bad = frozenset({1})
    assert live.traces(0, 0)[:, 0].tolist() == [1.0, 3.0]
    assert live.mean_of_all(0)[0].tolist() == [2.0, 2.0]
    number, level = live.drift(0)
    assert live.is_bad(number).tolist() == [False, True, False, False]
    assert level[~live.is_bad(number)].mean() == pytest.approx(13 / 3)  # of 1, 3 and 9
    assert live.repeat_at(1)[0] == 0
    assert live.repeat_at(9) == (-1, None)
    live.bad = frozenset({0, 1, 2, 3})  # all: nothing is left to draw a line through
    assert np.isfinite(live.drift(0)[1]).all()
    assert live.done == 4


def test_traces_spread_and_band_are_over_repeats_of_one_sequence() -> None:
    live = recorded([(0, 1.0), (0, 3.0), (1, 9.0)])
    traces = live.traces(0, 1)
    assert traces.shape == (2, 4)
    assert spread(traces).tolist() == pytest.approx([np.sqrt(2)] * 4)
    low, high = band(traces)
    assert (low > 1.0).all()
    assert (high < 3.0).all()
    assert spread(live.traces(1, 0)).size == 0


def test_a_fit_collects_losses_and_foresees_its_end() -> None:
    live = LiveFit()
    assert live.left_s is None
    live.take(FitProgress(10, 100, 2.0, None, 5.0))
    live.take(FitProgress(20, 100, 1.5, 1.7, 10.0))
    assert live.losses == [2.0, 1.5]
    assert np.isnan(live.validations[0])
    assert live.left_s == pytest.approx(40.0)
    assert live.progress == (0.2, "40 s left")
    assert live.words(None) == "iteration 20 of 100 · samples of sequence 1, unseen"
    live.take(FitProgress(100, 100, 1.0, 1.1, 50.0))
    live.take(Stage("score on held-out repeats", 4, 4))
    assert live.progress == (1.0, "")  # seconds of scoring are still to come
    assert live.words(None) == "iteration 100 of 100 · score on held-out repeats"
    live.take(
        TwinScored({"mean": {"value": 1.0, "floor": 1.0, "ratio": 1.0}}, {"real": 1, "twin": 2})
    )
    assert live.real == 1


@pytest.mark.parametrize(
    ("ratio", "low", "high", "word", "level"),
    [
        (1.02, 1.01, 1.1, "at floor", "ok"),
        (1.2, 0.9, 1.4, "at floor, likely", "ok"),
        (1.3, 1.1, 1.4, "likely off", "attention"),
        (1.6, 1.3, 1.9, "above floor", "attention"),
        (None, None, None, "not scored", "attention"),
    ],
)
def test_words_for_a_ratio(ratio: float, low: float, high: float, word: str, level: str) -> None:
    assert word_of({"ratio": ratio, "low": low, "high": high}) == (word, level)


def test_coverage_stands_beside_its_expectation_without_a_ratio() -> None:
    errors = {"mean": {"value": 0.024, "floor": 0.015, "ratio": 1.6, "low": 1.2, "high": 2.0}}
    rows = error_rows(errors, {"value": 0.7, "expected": 0.892})
    assert [r.name for r in rows] == ["Mean", "90 % coverage"]
    assert rows[1].ratio is None
    assert rows[1].floor == 0.892
    assert rows[1].word == "too narrow"
    (row,) = error_rows({}, {"value": 0.86, "low": 0.83, "high": 0.88, "expected": 0.891})
    assert row.word == "likely narrow"


def test_baselines_that_win_say_so() -> None:
    predicted = {"value": 0.020, "low": 0.018, "high": 0.027}
    baselines = {"ar-18": 0.0054, "ar-1": 0.42, "esn": 0.02}
    rows = score_rows("This network", predicted, baselines, "nmse")
    assert [(r.name, r.word) for r in rows] == [
        ("This network", "foreseen"),
        ("AR-18", "beats it"),
        ("Esn", "tie"),
        ("AR-1", "beaten"),
    ]
    assert against({}, 1.0) == ""


def test_the_sentence_leaves_no_lost_baseline_out() -> None:
    words = sentence(0.02, {"ar-18": 0.005, "ar-1": 0.4, "ar-4": 0.019}, "It")
    assert words == "It beats AR-1, loses to AR-18 and AR-4."
    assert "no baseline" in sentence(0.02, {}, "It")


def test_a_baseline_inside_what_is_foreseen_is_level_in_words_as_in_the_table() -> None:
    """The sentence had said that the network beats what its table called a tie."""
    foreseen = {"value": 0.040, "low": 0.037, "high": 0.061}
    baselines = {"ar-1": 0.43, "ar-4": 0.044, "ar-18": 0.0045}
    assert [against(foreseen, score) for score in baselines.values()] == [
        "beaten", "tie", "beats it",
    ]  # fmt: skip
    said = sentence(0.040, baselines, "Foreseen, the network", foreseen)
    assert said == "Foreseen, the network beats AR-1, is level with AR-4, loses to AR-18."


def test_a_training_collects_its_curve() -> None:
    live = LiveTraining()
    live.take(BaselineScored("ar-1", 0.4))
    live.take(TrainProgress(10, 40, 0.3, None, 2.0))
    assert live.latest == 0.3
    live.take(TrainProgress(20, 40, 0.2, 0.25, 4.0))
    assert live.latest == 0.25
    assert live.left_s == pytest.approx(4.0)
    live.take(Result({"predicted": {"value": 0.1}, "baselines": {"ar-4": 0.02}}))
    assert live.predicted == {"value": 0.1}
    assert set(live.baselines) == {"ar-1", "ar-4"}


class FakeNetwork(SimpleNamespace):
    """Two layers of two nodes, one channel; the forecast is the sum of all responses."""

    def device_of(self, layer):
        return SimpleNamespace(channels=("V",))

    def answer(self, responses):
        features = np.concatenate([r.reshape(len(r), -1) for r in responses], axis=1)
        return features.sum(axis=1, keepdims=True)[self.washout :]

    def score(self, answers):
        return nmse(answers, self.targets[self.washout :])


@pytest.fixture
def network() -> FakeNetwork:
    layers = [SimpleNamespace(nodes=2, device=0), SimpleNamespace(nodes=2, device=0)]
    mean = np.arange(4.0)[:, None, None] * np.ones((4, 6, 1))
    targets = np.linspace(0, 1, 6)[:, None]
    return FakeNetwork(
        layers=layers, node_mean=mean, inputs=np.zeros((6, 1)), targets=targets, washout=2,
        nodes=4, task={"metric": "nmse"}, unseen_targets=targets[2:],
    )  # fmt: skip


def nodes(*measured: tuple[int, float]) -> SimpleNamespace:
    """A recording of four nodes, two repeats each; these levels are measured once."""
    response, order = np.full((4, 2, 6, 1), np.nan), np.full((4, 2), -1)
    for place, (node, level) in enumerate(measured):
        response[node, 0], order[node, 0] = level, place
    return SimpleNamespace(response=response, order=order)


def test_unmeasured_nodes_are_the_twins(network) -> None:
    assert running_score(network, [nodes()]).prediction[:, 0].tolist() == [6.0] * 4
    told = running_score(network, [nodes((3, 10.0))])
    assert told.prediction[:, 0].tolist() == [13.0] * 4
    assert told.nodes == 1
    assert re.fullmatch(
        r"score so far \S+, other stretches \S+ to \S+", told.words("nmse")
    )  # not those of the foreseen interval, which is of the unseen part


def test_the_interval_of_a_score_holds_what_other_stretches_give() -> None:
    noise = np.random.default_rng(3)

    def stretch() -> tuple:
        target = np.sin(0.3 * np.arange(400) + noise.uniform(0, 6))[:, None]
        return target + 0.1 * noise.standard_normal(target.shape), target

    low, high = score_interval("nmse", *stretch())
    inside = [low <= nmse(*stretch()) <= high for _ in range(60)]
    assert low < high
    assert 0.6 <= np.mean(inside) <= 1.0


def test_nine_in_ten_further_stretches_score_within_the_interval_of_one() -> None:
    """Of the stretch that is measured, too, chance made the score: drawn once three in four did."""
    noise = np.random.default_rng(4)

    def stretch() -> tuple:
        target = np.sin(0.3 * np.arange(400) + noise.uniform(0, 6))[:, None]
        return target + 0.1 * noise.standard_normal(target.shape), target

    inside = []
    for seed in range(300):
        low, high = score_interval("nmse", *stretch(), seed)
        inside.append(low <= nmse(*stretch()) <= high)
    assert 0.83 <= np.mean(inside) <= 0.95  # 0.76 if drawn once


def test_answers_that_are_all_right_leave_no_room_for_another_score() -> None:
    answers = np.eye(3)[np.arange(30) % 3]
    assert score_interval("error-rate", answers, answers) == (0.0, 0.0)


def test_a_deployment_scores_after_every_node(network) -> None:
    live = LiveDeployment()
    live.take(RunPlan(4, 1, 6, ("X",), ("V",), 1.0, "out", "dep-1"), network)
    live.take(NodeStarted(0, 1, np.zeros(6), np.zeros((6, 1)), np.ones((6, 1))), network)
    live.take(StepRead(0, 0.1, 1.0, np.array([0.5])), network)
    assert live.measured[0, 0] == 0.5
    live.take(NodeMeasured(0, 1, np.ones((6, 1)), 1.2), network)
    assert live.misfit == {(0, 1): 1.2}
    assert live.scores == []
    live.take(ScoreSoFar(1, 0.3, 0.2, 0.4, np.zeros((4, 1))), network)
    assert live.scores == [(1, 0.3, 0.2, 0.4)]
    assert live.told.shape == (4, 1)
    assert live.done == 1


def test_share_inside_the_band() -> None:
    measured = np.array([0.0, 1.0, 3.0, np.nan])
    assert inside_share(measured, np.zeros(4), np.ones(4)) == pytest.approx(2 / 3)
    assert inside_share(measured, None, None) is None


PREDICTED = {"value": 0.020, "low": 0.018, "high": 0.027}


def test_the_criterion_stands_there_before_the_result() -> None:
    words = criterion(PREDICTED, 36)
    assert "all 36 nodes" in words.heading
    assert "at most 0.027" in words.text


@pytest.mark.parametrize(
    ("measured", "words"),
    [(0.026, "Transferred as foreseen"), (0.03, "Not transferred"),
     (0.01, "Transferred, better than foreseen")],
)  # fmt: skip
def test_the_verdict_is_honest(measured: float, words: str) -> None:
    told = verdict(
        {"measured": measured, "predicted": PREDICTED, "baselines": {"ar-18": 0.0054, "ar-1": 0.4}}
    )
    assert told.heading == words
    assert "loses to AR-18" in told.text
    assert "beats AR-1" in told.text


def test_a_baseline_that_another_run_could_overtake_is_told() -> None:
    """The network `loses to` it by less than one run to the next differs."""
    beside = {"ar-18": 0.0054, "ar-4": 0.025, "esn-4": 0.033, "ar-1": 0.4}
    told = verdict({"measured": 0.026, "predicted": PREDICTED, "baselines": beside})
    assert "beats ESN-4 and AR-1, loses to AR-18 and AR-4. " in f"{told.text} "
    assert told.text.endswith("Within the scatter of single runs: AR-4 and ESN-4.")
    sure = verdict({"measured": 0.026, "predicted": PREDICTED, "baselines": {"ar-1": 0.4}})
    assert "scatter" not in sure.text
    level = {"value": 0.02, "low": 0.02, "high": 0.02}  # of a twin without noise
    quiet = verdict({"measured": 0.02, "predicted": level, "baselines": {"ar-18": 0.02}})
    assert "scatter" not in quiet.text


@pytest.mark.parametrize(
    ("measured", "metric", "score", "words"),
    [
        (0.0473, "nmse", "0.0473", "Outside the foreseen 0.0410 (0.0340 to 0.0470): "),
        (0.0338, "nmse", "0.0338", "Foreseen: 0.0410 (0.0340 to 0.0470). "),
        (0.04702, "nmse", "0.04702", "Outside the foreseen 0.04100 (0.03400 to 0.04700): "),
        (0.0469, "nmse", "0.0469", "Foreseen: 0.0410 (0.0340 to 0.0470). "),
        (0.047, "nmse", "0.047", "Foreseen: 0.041 (0.034 to 0.047). "),
        (0.0600, "nmse", "0.060", "Outside the foreseen 0.041 (0.034 to 0.047): "),
        (0.0473, "error-rate", "0.9527", "Outside the foreseen 0.9590 (0.9530 to 0.9660): "),
    ],
)
def test_the_score_and_the_interval_show_the_verdict(measured, metric, score, words) -> None:
    """A measured 0.047 was called outside 0.034 to 0.047: both were rounded to two digits."""
    predicted = {"value": 0.041, "low": 0.034, "high": 0.047}
    told = verdict({"measured": measured, "metric": metric, "predicted": predicted})
    assert told.score == score
    assert told.text.startswith(words)


def test_a_comparison_that_is_over_does_not_say_that_it_runs(tmp_path) -> None:
    runs = TwinRuns(asked=BesideAsk((tmp_path / "a", tmp_path / "b")))
    assert runs.header[0] == "Comparing twins"
    assert runs.ended("done")[0] == "Twins compared"
    runs.asked = ObjectivesAsk(("energy", "crps"))
    assert runs.ended("done")[0] == "Objectives compared"


def test_what_writes_nothing_never_says_where_it_was_kept(tmp_path) -> None:
    for asked in (BesideAsk((tmp_path / "a", tmp_path / "b")), ScoreAsk(tmp_path / "a")):
        runs = TwinRuns(asked=asked, folder=tmp_path / "rec-a")
        heading, words = runs.ended("failed")
        assert heading == "Failed: no scores"
        assert "kept" not in words
