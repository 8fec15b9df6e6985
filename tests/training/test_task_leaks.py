"""What a task may not be: every leak and misfit is refused with its reason, where it is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.errors import InputError
from training.tasks import Task, mackey_glass_series, make_task
from training.tasks.doubts import doubts
from training.tasks.shared import trained_on

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def waves() -> Task:
    return make_task("signals:train=40,validation=10,test=20")


@pytest.fixture(scope="module")
def series() -> Task:
    return make_task("mackey-glass:train=700,validation=200,test=200,washout=50")


def rows(task: Task, mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(task.answers(mask))


def test_a_test_window_that_training_has_too_is_a_leak(waves: Task) -> None:
    inputs = waves.inputs.reshape(-1, waves.window, 1).copy()
    inputs[rows(waves, waves.test)[3]] = inputs[rows(waves, waves.train)[5]]
    with pytest.raises(
        InputError, match=r"1 test windows \(the first is number 3\) stand in the tr"
    ):
        replace(waves, inputs=inputs.reshape(-1, 1))


@pytest.mark.parametrize("later", [True, False])
def test_a_test_window_that_overlaps_one_of_validation_is_a_leak(waves: Task, later: bool) -> None:
    """Windows cut with a stride below their length, and drawn into parts afterwards."""
    inputs = waves.inputs.reshape(-1, waves.window, 1).copy()
    known, here = (slice(None, -4), slice(4, None))[:: 1 if later else -1]
    inputs[rows(waves, waves.test)[0], here] = inputs[rows(waves, waves.validation)[0], known]
    with pytest.raises(InputError, match="shifted by 4 steps in the training or validation part"):
        replace(waves, inputs=inputs.reshape(-1, 1))


def test_windows_of_a_pause_are_alike_everywhere_and_no_leak(waves: Task) -> None:
    inputs = waves.inputs.reshape(-1, waves.window, 1).copy()
    inputs[[rows(waves, waves.test)[0], rows(waves, waves.train)[0]]] = 0.25
    replace(waves, inputs=inputs.reshape(-1, 1))


def test_a_stretch_of_the_test_part_that_training_has_seen_is_a_leak(series: Task) -> None:
    inputs = series.inputs.copy()
    inputs[800:850] = inputs[100:150]
    with pytest.raises(
        InputError, match=r"19 stretches of 32 test steps \(the first at step 800\)"
    ):
        replace(series, inputs=inputs)


def test_a_short_test_part_is_compared_as_well(series: Task) -> None:
    inputs, test = series.inputs.copy(), np.zeros_like(series.test)
    test[800:825] = True
    inputs[800:825] = inputs[100:125]
    with pytest.raises(InputError, match=r"1 stretches of 25 test steps"):
        replace(series, inputs=inputs, test=test)


def test_what_was_saved_with_fewer_digits_is_the_same(waves: Task, series: Task) -> None:
    inputs = waves.inputs.reshape(-1, waves.window, 1).copy()
    again = inputs[rows(waves, waves.train)[:6]].astype(np.float32)
    inputs[rows(waves, waves.test)[:6]] = again
    with pytest.raises(InputError, match=r"6 test windows .* within 1e-05 of their spread"):
        replace(waves, inputs=inputs.reshape(-1, 1))
    steps = series.inputs.copy()
    steps[760:860] = steps[100:200].astype(np.float32)
    with pytest.raises(InputError, match="within 1e-05 of their spread in the training"):
        replace(series, inputs=steps)


def test_a_few_windows_that_are_near_by_chance_are_no_leak() -> None:
    """Waves without noise differ by their phase alone: of many some are near each other."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, 1600)
    waves = np.sin(phase[:, None] + np.arange(8) * 0.7)
    part = np.repeat([0, 1, 2, 3], [1000, 180, 20, 400])
    labels = np.arange(1600) % 2
    step = np.repeat(part, 8)
    made = Task(
        "waves", waves.reshape(-1, 1), np.eye(2)[labels], step == 0, step == 1, step == 3, 160,
        "error-rate", window=8, pool="mean", labels=labels, classes=("even", "odd"),
    )  # fmt: skip
    assert made.answers(made.test).sum() == 400


def test_a_test_part_before_others_is_refused_with_the_steps_behind_it(series: Task) -> None:
    """Its inputs were in the device's state, and in the penalty, when those were trained on."""
    index = np.arange(len(series.inputs))
    words = (
        r"400 steps of the training part \(300 to 699\) and 180 steps of the validation part "
        r"\(720 to 899\) stand behind the first test step \(60\): put the test part last"
    )
    parts = {"train": (index >= 300) & (index < 700), "validation": (index >= 720) & (index < 900)}
    with pytest.raises(InputError, match=words) as caught:
        replace(series, test=(index >= 60) & (index < 200), washout=90, **parts)
    assert "washout 90 must be within" in str(caught.value)  # all faults at once
    between = {"test": (index >= 710) & (index < 800), "validation": index >= 810}
    with pytest.raises(InputError, match="task 'mackey-glass': 140 steps of the validation part"):
        replace(series, train=index < 600, **between)


@pytest.mark.parametrize(
    "name", ["mackey-glass", "narma-10", "transform", "signals", "digits:fold=3", "emg"]
)
def test_the_test_part_of_every_task_stands_last(name: str) -> None:
    task = make_task(name)
    learned = np.flatnonzero(task.train | task.validation)
    assert learned[-1] < np.flatnonzero(task.test)[0]


@pytest.mark.parametrize(
    ("new", "before", "known"),
    [
        ("mackey-glass", "mackey-glass:train=5000", 1000),
        ("mackey-glass", "mackey-glass:train=3140,tau=17", 40),
        ("mackey-glass", "mackey-glass:h=7", 0),
        ("mackey-glass:train=5000", "mackey-glass", 0),
        ("narma-10", "narma-10:train=3600", 500),
        ("digits:fold=1", "digits", 360),
        ("digits:fold=1", "digits:fold=1,seed=3", 0),
        ("emg", "emg:validation=0", 0),
    ],
)
def test_answers_that_another_task_has_learned_from_are_counted(
    new: str, before: str, known: int
) -> None:
    """Scaled by another training part, too; of another split of the same images all."""
    assert trained_on(make_task(new), make_task(before)) == known


def test_inputs_are_known_as_they_were_measured(series: Task) -> None:
    np.testing.assert_allclose(series.measured[:20, 0], mackey_glass_series(20), rtol=1e-12)
    one, other = (make_task(f"emg:validation={session}") for session in (1, 2))
    first, second = (task.measured[task.test].sum(axis=1) for task in (one, other))
    np.testing.assert_allclose(np.sort(first), np.sort(second), rtol=1e-9)
    assert not np.allclose(np.sort(one.inputs[one.test].sum(axis=1)), np.sort(first))


def test_a_wave_that_repeats_is_known_by_its_nature(series: Task) -> None:
    longer = make_task("mackey-glass:train=1200,validation=200,test=200,washout=50")
    assert trained_on(series, longer) == 200
    assert trained_on(replace(series, repeats=True), longer) == 0


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_whose_targets_are_constant_has_no_score(series: Task, part: str) -> None:
    targets = series.targets.copy()
    targets[getattr(series, part)] = 0.5
    with pytest.raises(InputError, match=f"targets of the {part} part are constant"):
        replace(series, targets=targets)


def test_constant_inputs_are_refused(waves: Task) -> None:
    with pytest.raises(InputError, match="all inputs of the training part are constant"):
        replace(waves, inputs=np.zeros_like(waves.inputs))


def test_a_washout_that_covers_the_training_part_is_refused(series: Task) -> None:
    test = series.test & (np.arange(len(series.inputs)) >= 800)
    with pytest.raises(InputError, match="washout 700 steps leave nothing of the training part"):
        replace(series, test=test, washout=700)


def test_two_classes_of_one_name_are_refused(waves: Task) -> None:
    with pytest.raises(InputError, match="two classes have the name sine"):
        replace(waves, classes=("sine", "sine"))


@pytest.mark.parametrize("count", [497, 496])  # validation begins at step 500
def test_targets_that_reach_into_the_next_part_are_a_leak(series: Task, count: int) -> None:
    index = np.arange(len(series.inputs))
    replace(series, train=index < 495)
    with pytest.raises(InputError, match="of the train part look 5 steps ahead, into the validat"):
        replace(series, train=index < count)


def test_a_horizon_beyond_the_washout_reaches_into_the_test_part() -> None:
    with pytest.raises(InputError, match="of the validation part look 60 steps ahead, into the t"):
        make_task("mackey-glass:h=60,train=700,validation=200,test=200,washout=50")


@pytest.mark.parametrize(("part", "name"), [("train", "training"), ("test", "test")])
def test_a_class_that_a_part_lacks_is_named(waves: Task, part: str, name: str) -> None:
    assert waves.labels is not None
    labels = waves.labels.copy()
    labels[rows(waves, getattr(waves, part))] = 0
    with pytest.raises(InputError, match=f"the {name} part has no square"):
        replace(waves, labels=labels, targets=np.eye(2)[labels])


def test_a_mask_of_numbers_is_refused(series: Task) -> None:
    """Zeros and ones choose steps 0 and 1 where True and False choose those that are marked."""
    with pytest.raises(InputError, match="the train part holds int64: True and False"):
        replace(series, train=series.train.astype(np.int64))


def test_every_fault_is_told_at_once(waves: Task) -> None:
    inputs = waves.inputs.copy()
    inputs[7] = np.nan
    with pytest.raises(InputError) as caught:
        replace(waves, inputs=inputs, targets=waves.targets[:-1], pool="sum", labels=None)
    for words in ("1 values that are not finite", "targets have shape", "pool 'sum'", "labels"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window": 7}, "steps × 7 expected"),
        ({"washout": 5}, "washout 5 steps is no whole number of windows"),
        ({"pool": "step"}, "'step' goes with a window of 1"),
        ({"metric": "nmse"}, "metric 'nmse' and labels"),
        ({"classes": ("sine",)}, "for 1 classes; at least two"),
        ({"classes": ("sine", "square", "saw")}, "targets are not the labels"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(
    waves: Task, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        replace(waves, **change)


def test_a_part_that_cuts_a_window_is_refused(waves: Task) -> None:
    train = waves.train.copy()
    train[0] = False
    with pytest.raises(InputError, match="the train part cuts a window of 16 steps in two"):
        replace(waves, train=train)


def test_a_part_of_two_answers_is_told_for_its_score_is_chance(series: Task) -> None:
    """A test part of 2 steps gave an NMSE of a million without a word."""
    two = series.test.copy()
    two[np.flatnonzero(two)[2:]] = False
    assert doubts(series) == []
    assert "test part has 2 answers" in doubts(replace(series, test=two))[0]


def test_an_output_that_hardly_counts_in_the_score_is_told(series: Task) -> None:
    """Of outputs of 1000 and of 1 the second might be missed altogether at an NMSE of 1e-6."""
    both = np.concatenate([1000 * series.targets, series.targets], axis=1)
    assert "column 1 hardly counts" in doubts(replace(series, targets=both))[0]
    assert doubts(replace(series, targets=both / [1000, 1])) == []


def test_classes_that_a_part_lacks_or_hardly_has_are_told(waves: Task) -> None:
    """Of 100 test answers 5 of one class are half of a balanced accuracy; nothing said so."""
    assert waves.labels is not None
    assert doubts(waves) == []
    held, scored = rows(waves, waves.validation), rows(waves, waves.test)
    labels = waves.labels.copy()
    labels[held] = 0
    labels[scored], labels[scored[0]] = 0, 1
    rare = replace(waves, labels=labels, targets=np.eye(2)[labels], metric="balanced-error")
    missing, few = doubts(rare)
    assert "the validation part has no square: what is chosen by it" in missing
    assert "has 1 of square: one answer more or less is up to 50 points of a balanced" in few
    assert doubts(replace(rare, metric="error-rate")) == [missing]


def test_an_answer_that_stands_among_the_inputs_is_told(series: Task, waves: Task) -> None:
    """The target as a second input, in another unit, gave an NMSE of 1e-26 without a word."""
    given = np.concatenate([series.inputs, 2 * series.targets + 1], axis=1)
    [words] = doubts(replace(series, inputs=given))
    assert "targets, column 0, are a weighted sum of the inputs of the same step" in words
    assert waves.labels is not None
    label = np.repeat(waves.labels, waves.window)[:, None]
    [words] = doubts(replace(waves, inputs=np.concatenate([waves.inputs, label], axis=1)))
    assert "classes are a weighted sum of the inputs of the same window" in words


@pytest.mark.parametrize(
    "change",
    [lambda part: 1.1 * part, lambda part: part + 0.3, lambda part: -part, lambda part: part[::-1]],
    ids=["scaled", "moved", "upside-down", "backwards"],
)
def test_data_that_were_multiplied_before_they_were_split_are_told(
    series: Task, waves: Task, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Of windows that were scaled copies of training's the score was that of a memory, unsaid."""
    test = np.flatnonzero(series.test)
    for seen in (200, 500):  # a stretch of training's, and validation's
        inputs = series.inputs.copy()
        inputs[test] = change(inputs[seen : seen + len(test)])
        [words] = doubts(replace(series, inputs=inputs))
        assert "test stretches of 32 steps are what the training or validation part has" in words
    windows = waves.inputs.reshape(-1, waves.window, 1).copy()
    for one, known in zip(rows(waves, waves.test), rows(waves, waves.train), strict=False):
        windows[one] = change(windows[known])
    [words] = doubts(replace(waves, inputs=windows.reshape(-1, 1)))
    assert words.startswith("20 of 20 test windows are what the training or validation part has")


def test_a_staircase_of_held_values_is_no_copy_of_itself() -> None:
    """Two steps of it differ in level and height alone, and are not what training has."""
    held = np.repeat(np.random.default_rng(0).uniform(size=60), 25)[:, None]
    step = np.arange(len(held))
    parts = {"train": step < 900, "validation": (step >= 900) & (step < 1100), "test": step >= 1150}
    answers = np.convolve(held[:, 0], [0.2, 0.5, 0.3])[: len(held)] ** 2
    assert doubts(Task("stairs", held, answers[:, None], washout=50, **parts)) == []
