"""Advice for a network that sees no past and loses to what does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples
import pytest

from app.advice import UNTRAINED, past_advice, training_advice
from app.gui.network_run import NetworkRun
from models.wiring import INPUTS, Source

if TYPE_CHECKING:
    from pathlib import Path

BASELINES = {"persistence": 0.5, "ar-1": 0.4, "ar-18": 0.0045, "ar-4": 0.019, "esn-12": 0.01}


@pytest.mark.parametrize(("foreseen", "lags"), [(0.13, 4), (0.019, 4), (0.01, 18)])
def test_it_names_the_shortest_regression_that_is_ahead(foreseen: float, lags: int) -> None:
    words = past_advice(0, foreseen, BASELINES)
    assert f"AR-{lags} sees the last {lags} values" in words
    assert "taps 0,3,6" in words


@pytest.mark.parametrize(
    ("past", "foreseen", "baselines"),
    [
        (6, 0.13, BASELINES),  # it sees the past
        (0, 0.003, BASELINES),  # it is ahead
        (0, 0.45, {"ar-1": 0.4, "persistence": 0.5}),  # what is ahead sees the present alone
        (0, 0.13, {"ridge": 0.06}),  # no series
        (0, float("nan"), BASELINES),
    ],
)
def test_it_says_nothing_where_delays_are_no_remedy(
    past: int, foreseen: float, baselines: dict[str, float]
) -> None:
    assert past_advice(past, foreseen, baselines) == ""


@pytest.mark.parametrize(
    ("untrained", "says"), [(0.06, True), (0.07, True), (0.08, False), (float("nan"), False)]
)
def test_a_training_that_brought_nothing_is_told(untrained: float, *, says: bool) -> None:
    """Its score stood beside the untrained network's without a word."""
    words = training_advice(6, 0.07, {**BASELINES, UNTRAINED: untrained})
    assert words.startswith("Training brought nothing: ") == says
    assert words.endswith("several seeds.") == says
    both = training_advice(0, 0.07, {**BASELINES, UNTRAINED: untrained})
    assert both.startswith("AR-4 sees the last 4 values")
    assert ("Training brought nothing: " in both) == says


def test_the_window_says_it_of_a_network_from_the_library(tmp_path: Path) -> None:
    network = samples.network()
    predicted = {"value": 0.13, "low": 0.1, "high": 0.2}
    losing = replace(network, predicted=predicted, baselines=BASELINES)
    assert losing.past == 0
    said = NetworkRun.of_network(tmp_path, losing).verdict
    assert "AR-4 sees the last 4 values" in said
    delayed = (Source(INPUTS), Source(0, 6), Source(1))
    seeing = replace(losing, readout=delayed)
    assert seeing.past == 6
    assert "sees the last" not in NetworkRun.of_network(tmp_path, seeing).verdict
