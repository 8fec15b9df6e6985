"""An echo-state network's read-out of classes: every one that a device's network chooses from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_baselines import own_task

from training.baselines import echo_state, echo_state_trials
from training.baselines.classes import PassesClasses
from training.baselines.linear import logistic_scores
from training.baselines.reservoir import EchoState, of_states
from training.baselines.ridge import passes_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]


def far_ones(steps: int = 600) -> Task:
    """Two classes of one input, a few values of which are far away: they draw a plane to them."""
    rng = np.random.default_rng(3)
    inputs = np.clip(rng.standard_cauchy((steps, 1)), -40, 40)
    return own_task(inputs, labels=(inputs[:, 0] > 0.5).astype(np.int64))


def beside_noise(task: Task, states: int, passes: int) -> list[FloatArray]:
    """Passes of columns: so many states that say nothing, another draw each, and the inputs."""
    rng = np.random.default_rng(4)
    return [
        np.column_stack([rng.standard_normal((len(task.inputs), states)), task.inputs])
        for _ in range(passes)
    ]


def scores_of(task: Task, passes: list[FloatArray], states: int) -> tuple[float, float]:
    readout = PassesClasses(task, np.arange(passes[0].shape[1]) < states)
    for columns in passes:
        readout.add(columns)
    return readout.scores()


def test_it_is_a_logistic_regression_where_validation_prefers_it() -> None:
    """By ridge alone an eighth of the answers were wrong, which the inputs tell."""
    task = far_ones()
    (columns,) = beside_noise(task, 1, 1)
    by_ridge, found = passes_scores(task, [columns]), scores_of(task, [columns], 1)
    assert by_ridge[1] > 0.1
    assert found[0] < by_ridge[0] / 3
    assert found[1] < by_ridge[1] / 3
    assert scores_of(task, [columns], 0)[0] == logistic_scores(task, columns)[0]


def test_states_are_penalised_by_themselves_and_every_pass_is_scored() -> None:
    """Sixty states of noise hide one input: what is learned of them by heart costs answers."""
    task = far_ones(300)
    passes = beside_noise(task, 60, 6)
    alike, own = scores_of(task, passes, 0), scores_of(task, passes, 60)
    assert own[0] < alike[0]
    assert own[1] < alike[1]
    worse = [*passes[:5], passes[5] * np.where(np.arange(61) == 60, -1.0, 1.0)]  # turned round
    assert scores_of(task, worse, 60)[1] > own[1] + 0.1


def test_where_nothing_may_be_fitted_there_is_no_score() -> None:
    task = far_ones(60)
    readout = PassesClasses(task, np.zeros(1, dtype=bool), np.zeros(60, dtype=bool))
    readout.add(task.inputs)
    validation, test = readout.scores()
    assert validation == float("inf")
    assert np.isnan(test)


@pytest.mark.parametrize(("window", "pool"), [(1, "step"), (5, "last"), (5, "all")])
def test_states_are_told_from_inputs_however_windows_are_pooled(window: int, pool: str) -> None:
    inputs = np.random.default_rng(0).integers(1, 9, (100, 2)).astype(float)
    task = own_task(inputs, targets=inputs[window - 1 :: window, :1], window=window)
    columns = next(EchoState(3, 0.5, 1.0, 0.1).features(replace(task, pool=pool), [0.0], (0, 1)))
    states = of_states(replace(task, pool=pool), 3, (0, 1))
    assert columns.shape[1] == len(states)
    whole = columns == np.round(columns)
    assert whole[:, ~states].all()
    assert not whole[-1, states].any()


def test_echo_state_networks_choose_from_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, values in {"LEAKS": (0.9,), "RADII": (0.7,), "INPUT_SCALES": (0.25, 0.7)}.items():
        monkeypatch.setattr(echo_state, name, values)
    monkeypatch.setattr(echo_state, "NETWORKS", 2)
    task = far_ones()
    *told, (quiet, noisy) = echo_state_trials(task, 3, (0.0, 0.5))
    assert told[-1] == echo_state.Tried(told[-1].total, told[-1].total)
    networks = [EchoState(3, 0.9, 0.7, 0.7, seed) for seed in (0, 1)]
    ridge = [
        np.mean([passes_scores(task, one.features(task, [level] * passes))[1] for one in networks])
        for level, passes in ((0.0, 1), (0.5, 16))
    ]
    assert quiet < ridge[0] / 2
    assert noisy < ridge[1]
