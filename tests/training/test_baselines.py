from __future__ import annotations

import numpy as np
import pytest

from training.baselines import (
    EchoState,
    autoregression,
    echo_state_score,
    persistence,
    software_baselines,
    solve_ridge,
)
from training.tasks import Task, make_task


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task("mackey-glass")


@pytest.mark.parametrize(
    ("lags", "published", "within"), [(1, 0.42, 0.03), (4, 0.019, 0.05), (18, 0.0054, 0.15)]
)
def test_autoregression_reproduces_the_table_at_five_steps_ahead(
    task: Task, lags: int, published: float, within: float
) -> None:
    assert autoregression(task, lags) == pytest.approx(published, rel=within)


def test_persistence_reproduces_the_table(task: Task) -> None:
    variance = task.targets[task.test].var()
    assert variance == pytest.approx(0.060, rel=0.05)
    assert persistence(task) * variance == pytest.approx(2.9e-2, rel=0.06)


def test_state_noise_and_not_capacity_sets_an_echo_state_networks_error(task: Task) -> None:
    quiet, one, five = (echo_state_score(task, 50, noise) for noise in (0.0, 0.01, 0.05))
    assert quiet < 1e-3
    assert quiet < one / 5
    assert one < five / 2
    assert 0.01 < five < 0.08


def test_state_noise_is_carried_on_by_the_recurrence() -> None:
    inputs = np.zeros((400, 1))
    network = EchoState(20, leak=0.3, radius=0.9, input_scale=1.0)
    noise = network.states(inputs, 0.01) - network.states(inputs)
    lag_one = np.mean(noise[200:-1] * noise[201:]) / np.mean(noise[200:] ** 2)
    assert noise[200:].std() > 0.011
    assert lag_one > 0.4


def test_every_baseline_has_its_own_name_and_a_score() -> None:
    short = make_task("mackey-glass:train=700,validation=200,test=200,washout=50")
    scores = dict(software_baselines(short, 10, 0.06))
    assert list(scores) == [
        "persistence",
        "ar-1",
        "ar-4",
        "ar-18",
        "esn-10",
        "esn-10 with 1 % state noise",
        "esn-10 with 5 % state noise",
        "esn-10 with 6 % state noise, as the device",
    ]
    assert all(0 < score < 2 for score in scores.values())


def test_ridge_shrinks_towards_zero_and_solves_exactly_without_it() -> None:
    rng = np.random.default_rng(0)
    X, true = rng.standard_normal((200, 5)), np.arange(1.0, 6.0)[:, None]
    np.testing.assert_allclose(solve_ridge(X, X @ true, 0.0), true, rtol=1e-8)
    shrunk = solve_ridge(X, X @ true, 1.0)
    assert np.linalg.norm(shrunk) < 0.7 * np.linalg.norm(true)
