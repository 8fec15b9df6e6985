from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.errors import InputError
from training.tasks import mackey_glass_series, make_task
from training.tasks.series import FINE_STEPS


def test_mackey_glass_is_split_into_training_validation_and_unseen_parts() -> None:
    task = make_task("mackey-glass")
    assert task.inputs.shape == task.targets.shape == (4100, 1)
    assert int(task.train.sum()) == 2495
    assert int(task.validation.sum()) == 500
    assert int(task.test.sum()) == 1000
    assert (task.run.start, task.run.stop, task.washout) == (3000, 4100, 100)
    assert task.inputs[:3000].min() == 0.0
    assert task.inputs[:3000].max() == 1.0
    assert task.validation_run == slice(2400, 3000)


def test_no_training_target_reaches_into_the_validation_or_unseen_part() -> None:
    task = make_task("mackey-glass", horizon=20)
    last = int(np.flatnonzero(task.train)[-1])
    assert last + 20 < int(np.flatnonzero(task.validation)[0])
    last = int(np.flatnonzero(task.validation)[-1])
    assert last + 20 < int(np.flatnonzero(task.test)[0])


def test_a_series_is_scaled_by_what_is_trained_on_alone() -> None:
    inputs = make_task("mackey-glass:train=260,validation=60,test=800,washout=50").inputs
    assert (inputs[:260].min(), inputs[:260].max()) == (0.0, 1.0)
    assert inputs.max() > 1.01


def test_the_target_is_the_input_so_many_steps_later() -> None:
    task = make_task("mackey-glass:h=7")
    np.testing.assert_array_equal(task.targets[:-7], task.inputs[7:])


def test_the_series_is_that_of_the_equation() -> None:
    """The samples' slope agrees with β x(t−17)/(1 + x(t−17)¹⁰) − γ x(t) to fourth order."""
    x = mackey_glass_series(400)
    late = x[: len(x) - 17]
    slope = (0.2 * late / (1 + late**10) - 0.1 * x[17:])[2:-2]
    measured = (8 * (x[20:-1] - x[18:-3]) - (x[21:] - x[17:-4])) / 12
    np.testing.assert_allclose(measured, slope, atol=2e-3)
    assert np.abs(measured).max() > 0.05


def test_ten_fine_steps_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty give the same series over 100 steps after the transient is cut short."""
    coarse = _without_transient(monkeypatch, FINE_STEPS)
    fine = _without_transient(monkeypatch, 2 * FINE_STEPS)
    np.testing.assert_allclose(coarse, fine, atol=5e-5)


def _without_transient(monkeypatch: pytest.MonkeyPatch, fine_steps: int) -> np.ndarray:
    monkeypatch.setattr("training.tasks.series.TRANSIENT", 0)
    monkeypatch.setattr("training.tasks.series.FINE_STEPS", fine_steps)
    return mackey_glass_series(100)


def test_the_description_says_horizon_step_and_split() -> None:
    words = make_task("mackey-glass:h=3,test=200").describe()
    for part in ("h 3", "dt 1", "2497 train", "500 validation", "200 test after 100 washout"):
        assert part in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mackey-gals", "did you mean 'mackey-glass'"),
        ("mackey-glass:horizons=5", "option 'horizons' is unknown; known: horizon"),
        ("mackey-glass:h=5,horizon=6", "option 'horizon' stands twice, as 5 and 6: leave one"),
        ("mackey-glass:h=soon", "must read horizon=whole number"),
        ("mackey-glass:h=0", "horizon = 0 steps must be at least 1"),
        ("mackey-glass:tau=3", "stays at 1 over its training part: tau = 3 is too short"),
        ("mackey-glass:h=5000", "horizon = 5000 steps leaves nothing to train on of 2500"),
        ("mackey-glass:train=400", "train = 400 steps must be at least 607: 500 of validation"),
        ("mackey-glass:train=606", "must be at least 607: .* 5 of horizon and 2 to train on"),
        ("narma-10:train=600,test=1", r"(?s)2 problems.*test = 1 .*train = 600 .* at least 602"),
        ("mackey-glass:train=400,washout=0", "at least 600: .* 0 of washout.* 95 to train on"),
        ("transform:period=5,train=300", r"(?s)2 problems.*period = 5 .*train = 300 .* 400"),
    ],
)
def test_what_a_task_can_not_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_task(text)


def test_a_step_in_two_parts_is_a_leak() -> None:
    task = make_task("mackey-glass")
    with pytest.raises(InputError, match="step 3500 is in the train and the test part: a leak"):
        replace(task, train=task.train | (np.arange(4100) == 3500))


def test_a_gap_in_the_unseen_part_or_a_washout_without_room_is_refused() -> None:
    task = make_task("mackey-glass")
    with pytest.raises(InputError, match="gaps"):
        replace(task, test=task.test & (np.arange(4100) != 3500))
    with pytest.raises(InputError, match="washout 4000"):
        replace(task, washout=4000)
