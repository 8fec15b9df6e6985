from __future__ import annotations

import numpy as np
import pytest

from models.errors import InputError
from models.score import score
from training.recalibrate import recalibrate
from training.stretch import Stretch
from training.tasks import Task, make_task

SMALL = "mackey-glass:train=700,validation=200,test=60,washout=20"


def drawn(shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, targets, and the weights of a read-out that is off by `shift` in five columns."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((400, 60))
    true = rng.standard_normal((60, 1)) / 8
    targets = rows @ true + 0.2 * rng.standard_normal((400, 1))
    off = true.copy()
    off[:5] += shift
    return rows, targets, off


def test_a_read_out_that_is_off_is_corrected_and_the_gain_is_called_real() -> None:
    rows, targets, off = drawn(0.3)
    found = recalibrate(rows, targets, off, np.zeros(1), "nmse")
    assert found.real
    assert found.after < 0.3 * found.before
    fresh, true = drawn(0.0, seed=1)[0], drawn(0.0)[2]
    error = np.mean((fresh @ found.weights + found.bias - fresh @ true) ** 2)
    assert error < 0.2 * np.mean((fresh @ off - fresh @ true) ** 2)


def test_a_read_out_that_is_right_stays_to_the_last_digit_and_no_gain_is_claimed() -> None:
    called_real = 0
    for seed in range(6):
        rows, targets, true = drawn(0.0, seed)
        found = recalibrate(rows, targets, true, np.zeros(1), "nmse")
        called_real += found.real
        if not found.real:
            np.testing.assert_array_equal(found.weights, true)
    assert called_real <= 1


def test_too_few_answers_are_refused_with_how_many_are_needed() -> None:
    rows, targets, off = drawn(0.3)
    with pytest.raises(InputError, match="32 at least"):
        recalibrate(rows[:20], targets[:20], off, np.zeros(1), "nmse")


def test_a_stretch_ends_before_the_test_part_and_has_its_washout() -> None:
    task = make_task(SMALL)
    part = Stretch.last(task, 120)
    known = np.flatnonzero(task.train | task.validation)
    assert part.run.stop == known[-1] + 1
    assert part.run.stop - part.run.start == 120 + task.washout
    assert not (part.test & task.test).any()
    np.testing.assert_array_equal(part.inputs, task.inputs)


def test_a_stretch_longer_than_what_training_may_see_is_refused() -> None:
    with pytest.raises(InputError, match="ask for fewer --steps"):
        Stretch.last(make_task(SMALL), 5000)


def test_no_answer_of_no_part_is_one_that_a_read_out_is_corrected_by() -> None:
    """Steps of part 0 are run and not used: a user's own answers there may be anything."""
    index, draw = np.arange(900), np.random.default_rng(0)
    out = (index >= 560) & (index < 600)
    parts = {
        "train": (index < 399) & (index != 395),
        "validation": (index >= 400) & (index < 700) & ~out,
        "test": index >= 740,
    }
    inputs, targets = draw.uniform(size=(2, 900, 1))
    targets[out] = 50.0
    task = Task("own", inputs, targets, washout=40, reach=1, **parts)
    for steps, begin in ((100, 600), (101, 459), (164, 396), (165, 230), (355, 40)):
        part = Stretch.last(task, steps)
        assert np.flatnonzero(part.test)[[0, -1]].tolist() == [begin, begin + steps - 1]
        assert part.targets[part.answers(part.test)].max() < 1.0
    with pytest.raises(InputError, match="a stretch of 356 steps without a gap after 40 of was"):
        Stretch.last(task, 356)


def test_logits_are_corrected_in_their_own_order_and_right_ones_stay() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 400)
    targets = np.eye(3)[labels]
    rows = 2.0 * targets @ rng.standard_normal((3, 20)) + rng.standard_normal((400, 20))
    middle = rows.mean(axis=0)
    gram = (rows - middle).T @ (rows - middle) + 1e-6 * np.eye(20)
    right = np.linalg.solve(gram, (rows - middle).T @ (targets - targets.mean(axis=0)))
    bias = targets.mean(axis=0) - middle @ right
    kept = recalibrate(rows, targets, 40 * right, 40 * bias, "error-rate")
    assert not kept.real
    np.testing.assert_array_equal(kept.weights, 40 * right)
    off = right.copy()
    off[:, 0] += 0.8 * rng.standard_normal(20)
    mended = recalibrate(rows, targets, 40 * off, 40 * bias, "error-rate")
    assert mended.before > 0.1
    assert mended.real
    assert mended.after < 0.5 * mended.before


def ordered_classes() -> Task:
    """Eight classes one after another in the training part, and again in validation and test."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.repeat(np.arange(8), n) for n in (40, 20, 20)])
    part = np.repeat([0, 1, 2], [320, 160, 160]).repeat(10)
    inputs = rng.standard_normal((len(labels) * 10, 1)) + np.repeat(labels, 10)[:, None]
    parts = {"train": part == 0, "validation": part == 1, "test": part == 2}
    return Task(
        "ordered", inputs, np.eye(8)[labels], washout=20, metric="balanced-error", window=10,
        pool="mean", labels=labels, classes=tuple("abcdefgh"), **parts,
    )  # fmt: skip


def test_a_stretch_that_lacks_a_class_is_refused_with_the_steps_that_have_all() -> None:
    """Its read-out was "corrected" (the gain is real) and answered that class no more."""
    task = ordered_classes()
    with pytest.raises(InputError, match=r"hardly any, of a, b, c, d, e, which .* unlearn") as said:
        Stretch.last(task, 600)
    steps = int(str(said.value).rsplit(" ", 1)[1])
    part = Stretch.last(task, steps)
    counts = part.targets[part.answers(part.test)].sum(axis=0)
    assert counts.min() >= 0.25 / 8 * counts.sum()
    with pytest.raises(InputError, match="of a, which"):
        Stretch.last(task, steps - 10)


def test_a_rare_class_is_not_unlearned_for_the_others_sake_where_all_count_alike() -> None:
    """With 8 of 240 answers the balanced error on fresh ones rose by a third, called a gain."""
    found, before, after = 0, 0.0, 0.0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        centres, gain = 1.2 * rng.standard_normal((8, 12)), 1 + 0.35 * rng.standard_normal(12)

        def rows_of(labels: np.ndarray, gain: np.ndarray) -> np.ndarray:
            clean = centres[labels] + 0.7 * rng.standard_normal((len(labels), 12))  # noqa: B023
            return clean * gain + (gain - 1) / 2

        known, fresh = rng.integers(0, 8, 2000), rng.integers(0, 8, 2000)
        wide = np.c_[rows_of(known, np.ones(12)), np.ones(2000)]
        trained = np.linalg.lstsq(wide, np.eye(8)[known], rcond=None)[0]
        stretch = rng.choice([0, 1, 2, 4, 5, 6, 7], 240)
        stretch[rng.choice(240, 8, replace=False)] = 3
        made = recalibrate(
            rows_of(stretch, gain), np.eye(8)[stretch], trained[:-1], trained[-1],
            "balanced-error", gap=2,
        )  # fmt: skip
        unseen = rows_of(fresh, gain)
        found += made.real
        before += score("balanced-error", unseen @ trained[:-1] + trained[-1], np.eye(8)[fresh])
        after += score("balanced-error", unseen @ made.weights + made.bias, np.eye(8)[fresh])
    assert found >= 4
    assert after < 0.9 * before
