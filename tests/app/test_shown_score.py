from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.operations.events import Result, ScoreSoFar
from app.operations.learning_events import BaselineScored, TrainProgress
from app.shown_score import shown, shown_events

if TYPE_CHECKING:
    from collections.abc import Generator

ERRORS: dict[str, Any] = {
    "metric": "balanced-error", "measured": 0.2, "predicted": {"value": 0.1, "low": 0.05,
    "high": 0.15}, "baselines": {"majority": 0.875}, "nodes": 4, "validation_of_layers": 0.4,
    "rounds": {"round 1": {"predicted_after": 0.4, "twin_error": 0.1}},
    "seeds": {"seed 0": {"validation": 0.3}}, "over_seeds": {"mean": 0.3, "std": 0.01},
}  # fmt: skip


def test_a_classification_is_shown_as_accuracies_whose_interval_is_turned() -> None:
    told = shown(ERRORS)
    assert (told["metric"], told["metric_words"]) == ("accuracy", "balanced accuracy")
    assert told["measured"] == pytest.approx(0.8)
    assert told["predicted"] == pytest.approx({"value": 0.9, "low": 0.85, "high": 0.95})
    assert told["baselines"]["majority"] == pytest.approx(0.125)
    assert told["seeds"]["seed 0"]["validation"] == pytest.approx(0.7)
    assert told["over_seeds"] == pytest.approx({"mean": 0.7, "std": 0.01})
    assert told["rounds"]["round 1"] == pytest.approx({"predicted_after": 0.6, "twin_error": 0.1})
    assert told["validation_of_layers"] == pytest.approx(0.6)
    assert told["nodes"] == 4
    assert shown(told) == told


def test_an_nmse_is_shown_as_it_is() -> None:
    values = {"metric": "nmse", "measured": 0.02, "predicted": {"value": 0.01}}
    assert shown(values) == values


def test_an_operations_baselines_and_result_are_shown_so_and_its_value_is_kept() -> None:
    def operation() -> Generator[Any, None, str]:
        yield BaselineScored("majority", 0.875, "error-rate")
        yield Result({"metric": "error-rate", "measured": 0.25})
        return "path"

    events = shown_events(operation())
    assert next(events) == BaselineScored("majority", 0.125, "accuracy")
    assert next(events).values["measured"] == pytest.approx(0.75)
    with pytest.raises(StopIteration) as end:
        next(events)
    assert end.value.value == "path"


def test_the_scores_on_the_way_are_shown_as_the_result_is() -> None:
    prediction = np.zeros((3, 2))

    def operation() -> Generator[Any, None, None]:
        yield TrainProgress(5, 10, 0.7, 0.3, 1.0, 0, "error-rate")
        yield TrainProgress(6, 10, 0.7, None, 1.0, 0, "error-rate")
        yield TrainProgress(5, 10, 0.7, 0.3, 1.0)
        yield ScoreSoFar(2, 0.3, 0.2, 0.5, prediction, "balanced-error")

    first, without, series, so_far = shown_events(operation())
    assert (first.training, first.validation, first.metric) == (0.7, 0.7, "accuracy")
    assert without.validation is None
    assert (series.validation, series.metric) == (0.3, "nmse")
    assert (so_far.value, so_far.low, so_far.high) == pytest.approx((0.7, 0.5, 0.8))
    assert so_far.metric == "accuracy"


def test_a_stop_reaches_the_operation_behind() -> None:
    left: list[bool] = []

    def operation() -> Generator[Any, None, None]:
        try:
            yield Result({"metric": "nmse"})
        finally:
            left.append(True)

    events = shown_events(operation())
    next(events)
    events.close()
    assert left == [True]
