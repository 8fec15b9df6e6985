from __future__ import annotations

import numpy as np
import pytest

from models.errors import InputError
from models.score import METRICS, by_output, nmse, pooled, score


def test_the_three_metrics_on_a_case_done_by_hand() -> None:
    """Classes 0 0 0 1, answered 0 0 1 0: half are wrong; one third of class 0, all of class 1."""
    target = np.eye(2)[[0, 0, 0, 1]]
    prediction = np.array([[0.9, 0.1], [0.2, -0.3], [0.4, 0.6], [0.55, 0.45]])
    assert score("error-rate", prediction, target) == pytest.approx(0.5)
    assert score("balanced-error", prediction, target) == pytest.approx((1 / 3 + 1) / 2)
    series = np.array([[0.0], [1.0], [2.0], [3.0]])
    assert score("nmse", series + 0.5, series) == pytest.approx(0.25 / 1.25)
    assert score("nmse", series + 0.5, series) == nmse(series + 0.5, series)
    both = np.concatenate([series, 0.1 * series + 70.0], axis=1)  # errors of both over both spreads
    off = both + np.array([0.5, 0.1])
    assert nmse(off, both) == pytest.approx((0.25 + 0.01) / (1.25 + 0.0125))
    np.testing.assert_allclose(by_output(off, both), [0.25 / 1.25, 0.01 / 0.0125])
    assert np.isnan(by_output(off, np.ones_like(both))).all()


@pytest.mark.parametrize("metric", METRICS)
def test_a_perfect_answer_scores_zero(metric: str) -> None:
    target = np.eye(3)[[0, 1, 2, 2, 0]]
    assert score(metric, target, target) == 0.0


def test_always_the_same_class_is_wrong_as_often_as_it_is_fair_to_say() -> None:
    target = np.eye(4)[[0] * 97 + [1, 2, 3]]
    same = np.broadcast_to([1.0, 0.0, 0.0, 0.0], target.shape)
    assert score("error-rate", same, target) == pytest.approx(0.03)
    assert score("balanced-error", same, target) == pytest.approx(0.75)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(InputError, match="metric 'accuracy' is none of nmse"):
        score("accuracy", np.zeros((2, 1)), np.zeros((2, 1)))


def test_a_window_is_pooled_into_one_row() -> None:
    features = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(pooled(features, 1, "step"), features)
    np.testing.assert_array_equal(pooled(features, 3, "last"), [[4, 5], [10, 11]])
    np.testing.assert_array_equal(pooled(features, 3, "mean"), [[2, 3], [8, 9]])
    np.testing.assert_array_equal(pooled(features, 3, "late"), [[3, 4], [9, 10]])  # steps 2 and 3
    np.testing.assert_array_equal(pooled(features, 3, "all"), features.reshape(2, 6))


@pytest.mark.parametrize("pool", ["last", "mean", "late", "all"])
def test_passes_are_pooled_each_by_itself(pool: str) -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((6, 4, 2))
    each = [pooled(features[:, one], 3, pool) for one in range(4)]
    np.testing.assert_allclose(pooled(features, 3, pool), np.stack(each, axis=1))
