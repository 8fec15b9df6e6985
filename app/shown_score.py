"""Scores as people and programs read them: an accuracy where the files keep an error.

Inside, every metric is an error, so that less is always better. What is shown of a classification
is the accuracy, 1 − error, and with it the ends of an interval change places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.score import CLASSIFIES

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from app.operations.events import Event

ACCURACY = "accuracy"
WORDS = {"nmse": "NMSE", "error-rate": "accuracy", "balanced-error": "balanced accuracy"}
SINGLE = ("measured", "validation", "validation_before", "validation_of_layers")
INTERVALS = ("predicted", "judged", "predicted_before")
NAMED = ("baselines", "cross_validated")


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a result or an artefact, `metric` and every score as they are shown.

    Those of no classification, or shown already, are given back as they are. `metric_words` says
    which accuracy it is: the balanced one is averaged over the classes.
    """
    metric = values.get("metric")
    if metric not in CLASSIFIES:
        return dict(values)
    made = {**values, "metric": ACCURACY, "metric_words": WORDS[metric]}
    for name in SINGLE:
        if isinstance(values.get(name), (int, float)):
            made[name] = 1 - values[name]
    for name in INTERVALS:
        if isinstance(values.get(name), dict):
            made[name] = _turned(values[name])
    for name in NAMED:
        if isinstance(values.get(name), dict):
            made[name] = {key: 1 - value for key, value in values[name].items()}
    if isinstance(values.get("seeds"), dict):
        made["seeds"] = {
            seed: {name: 1 - value for name, value in row.items()}
            for seed, row in values["seeds"].items()
        }
    if isinstance(values.get("rounds"), dict):
        made["rounds"] = {
            name: {key: 1 - value if key.startswith("predicted") else value
                   for key, value in row.items()}
            for name, row in values["rounds"].items()
        }  # fmt: skip
    if isinstance(values.get("over_seeds"), dict):
        made["over_seeds"] = {**values["over_seeds"], "mean": 1 - values["over_seeds"]["mean"]}
    return made


def _turned(interval: Mapping[str, float]) -> dict[str, float]:
    other = {"low": "high", "high": "low"}
    turned = {other.get(name, name): 1 - value for name, value in interval.items()}
    return {name: turned[name] for name in ("value", "low", "high") if name in turned}


def shown_events(events: Generator[Event, None, Any]) -> Generator[Event, None, Any]:
    """The events of an operation, every score in them as it is shown."""
    from dataclasses import replace

    from app.operations.events import Result, ScoreSoFar
    from app.operations.learning_events import BaselineScored, TrainProgress

    try:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value
            if isinstance(event, Result):
                event = Result(shown(event.values))
            elif isinstance(event, BaselineScored):
                told = shown({"metric": event.metric, "measured": event.value})
                event = replace(event, metric=told["metric"], value=told["measured"])
            elif isinstance(event, TrainProgress):
                told = shown({"metric": event.metric, "validation": event.validation})
                event = replace(event, metric=told["metric"], validation=told["validation"])
            elif isinstance(event, ScoreSoFar):
                so_far = {"value": event.value, "low": event.low, "high": event.high}
                told = shown({"metric": event.metric, "predicted": so_far})
                event = replace(event, metric=told["metric"], **told["predicted"])
            yield event
    finally:
        events.close()
