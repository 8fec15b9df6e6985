"""Echo-state networks beside a device: nobody holds them back, and no test part helps them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from test_baselines import own_task

from training import fitted
from training.baselines import EchoState, Tried, echo_state, echo_state_trials, ridge_scores
from training.baselines.linear import lagged
from training.baselines.reservoir import features_of
from training.baselines.ridge import RIDGES, PassesRidge, passes_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.tasks import Task

KNOBS = {"LEAKS": (0.4,), "RADII": (1.0, 1.4), "INPUT_SCALES": (0.7, 2.0)}


@pytest.fixture(autouse=True)
def _few_knobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of the grid."""
    for name, values in KNOBS.items():
        monkeypatch.setattr(echo_state, name, values)


def small(window: int = 1, steps: int = 1500) -> Task:
    """What was seen up to two steps ago, with classes or none; the test part is the last fifth."""
    inputs = np.random.default_rng(0).uniform(-1, 1, (steps, 1))
    if window == 1:
        seen = lagged(inputs, (0, 1, 2))
        return own_task(inputs, targets=seen[:, :1] * seen[:, 1:2] + seen[:, 2:])
    return own_task(inputs, targets=inputs.reshape(-1, window).std(axis=1)[:, None], window=window)


def with_another_test(task: Task) -> Task:
    """The same task with four times the inputs of its test part."""
    return replace(task, inputs=np.where(task.test[:, None], 4 * task.inputs, task.inputs))


def scores_of(task: Task, noises: tuple[float, ...], **given: Any) -> tuple[float, ...]:
    *_, found = echo_state_trials(task, 10, noises, **given)
    assert not isinstance(found, Tried)
    return found


class Watched:
    """Which networks are judged by all passes, of how many passes, and every validation score."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.networks: list[EchoState] = []
        self.passes: list[int] = []
        self.validation: list[float] = []
        features, chosen = EchoState.features, PassesRidge.chosen

        def watched(one: EchoState, task: Task, noises: Any, delays: Any) -> Iterator[np.ndarray]:
            self.networks.append(one)
            self.passes.append(len(noises))
            return features(one, task, noises, delays)

        def judged(one: PassesRidge) -> tuple[float, float]:
            self.validation.append(chosen(one)[0])
            return chosen(one)

        monkeypatch.setattr(EchoState, "features", watched)
        monkeypatch.setattr(PassesRidge, "chosen", judged)


@pytest.mark.parametrize("window", [1, 5])
def test_nothing_that_is_chosen_rests_on_the_test_part(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The noise was scaled by the spread over the test part, too: 0.135 where it had been 0.104."""
    monkeypatch.setattr(echo_state, "NETWORKS", 2)
    task, watched = small(window), Watched(monkeypatch)
    before = scores_of(task, (0.0, 0.05), spread=0.1)
    networks, validation = watched.networks[:], watched.validation[:]
    after = scores_of(with_another_test(task), (0.0, 0.05), spread=0.1)
    assert watched.networks[len(networks) :] == networks
    assert watched.validation[len(validation) :] == validation
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_a_read_out_is_fitted_to_as_many_noisy_passes_as_a_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was fitted to one where the device's had 16: 0.014 where 0.011 was to be had."""
    monkeypatch.setattr(echo_state, "NETWORKS", 2)
    watched = Watched(monkeypatch)
    scores_of(small(), (0.0, 0.05), spread=0.1)
    assert watched.passes == ([1] * 3 + [fitted.PASSES] * 6) * 2
    assert {network.seed for network in watched.networks} == {0, 1}


def test_passes_are_fitted_together_and_scored_one_by_one() -> None:
    task = small(steps=500)
    passes = list(EchoState(20, 0.4, 1.0, 0.7).features(task, [0.1] * 16, (0, 1, 2)))
    by_one = np.mean([ridge_scores(task, columns)[1] for columns in passes])
    assert passes_scores(task, passes)[1] < 0.9 * by_one
    assert passes_scores(task, passes[:1] * 3) == pytest.approx(ridge_scores(task, passes[0]))
    ridge, seen, truth = PassesRidge(task), task.train | task.validation, task.targets[task.test]
    for columns in passes:
        ridge.add(columns)
    design = [np.column_stack([columns, np.ones(len(columns))]) for columns in passes]
    rows, targets = np.concatenate([one[seen] for one in design]), [task.targets[seen]] * 16
    weights = np.linalg.lstsq(rows, np.concatenate(targets))[0]
    errors = [np.mean((one[task.test] @ weights - truth) ** 2) / truth.var() for one in design]
    assert ridge.test_score(RIDGES[0]) == pytest.approx(np.mean(errors), rel=1e-6)


def test_a_score_is_the_mean_over_networks_each_at_its_own_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = small()
    monkeypatch.setattr(echo_state, "NETWORKS", 1)
    alone = [scores_of(task, (0.05,), seed=seed)[0] for seed in (4, 5)]
    assert alone[0] != alone[1]
    monkeypatch.setattr(echo_state, "NETWORKS", 2)
    assert scores_of(task, (0.05,), seed=2)[0] == pytest.approx(np.mean(alone), rel=1e-9)


def test_networks_of_another_seed_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table's seeds would share three of four, and hardly differ."""
    watched = Watched(monkeypatch)
    for seed in (0, 1):
        scores_of(small(), (0.0,), seed=seed)
    assert {network.seed for network in watched.networks} == set(range(8))


def test_networks_side_by_side_are_what_each_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of them that the memory holds, with the same noise for all."""
    task = small(5, 300)
    networks = [EchoState(6, leak, 1.0, 0.7, seed=3) for leak in (0.1, 0.4, 0.8)]
    noises = [[0.0, 0.05, 0.05]] * 3
    together = list(features_of(networks, task, noises, (0, 2)))
    assert not np.array_equal(together[1], together[2])
    alone = [each for one in networks for each in one.features(task, noises[0], (0, 2))]
    monkeypatch.setattr("training.baselines.reservoir.AT_A_TIME", 2 * 300 * 6)
    few = list(features_of(networks, task, noises, (0, 2)))
    for one, other, third in zip(together, alone, few, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
        assert one.shape == third.shape == (60, 14)
    np.testing.assert_allclose(few[0], together[0], rtol=0, atol=1e-9)


def test_what_is_run_may_end_before_the_test_part() -> None:
    task = small()
    end = int(np.flatnonzero(task.test)[0])
    network = EchoState(6, 0.4, 1.0, 0.7)
    whole = next(network.features(task, [0.1], (0, 3)))
    part = next(features_of([network], task, [[0.1]], (0, 3), end))
    np.testing.assert_allclose(part, whole[:end], rtol=0, atol=1e-9)
