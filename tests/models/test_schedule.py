from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np

from models import schedule
from models.network import Layer

if TYPE_CHECKING:
    from models.network import Network


def of(*nodes: int) -> Network:
    """The one thing of a network that a schedule looks at."""
    layers = tuple(Layer(np.zeros((n, 1)), np.zeros(n)) for n in nodes)
    return cast("Network", SimpleNamespace(layers=layers))


def test_every_node_runs_once_layer_by_layer() -> None:
    runs = schedule.runs(of(2, 3))
    assert [(r.layer, r.node) for r in runs] == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert [r.position for r in runs] == list(range(5))


def test_the_predicted_duration_is_that_of_the_runs_still_to_do() -> None:
    runs = schedule.runs(of(2, 3))
    assert schedule.predicted_s(runs, 30.0) == 150.0
    assert schedule.predicted_s(runs[4:], 30.0) == 30.0
    assert schedule.predicted_s([], 30.0) == 0.0


def test_warm_and_cool_runs_of_a_layer_take_turns() -> None:
    runs = schedule.runs(of(5))
    order = schedule.alternating(runs, [0.1, 0.9, 0.5, 0.2, 0.7])
    assert [run.node for run in order] == [1, 0, 4, 3, 2]
    assert schedule.alternating([], []) == []
