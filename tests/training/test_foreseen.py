"""The foreseen interval is one that a further draw lies in as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from training.foresee import DRAWS, Foreseen, central

TRIALS = 4000


@pytest.mark.parametrize("count", [32, DRAWS, 200])
def test_nine_in_ten_further_deployments_are_inside(count: int) -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(TRIALS):
        *scores, measured = rng.exponential(size=count + 1)
        nothing = np.empty(0)
        foreseen = Foreseen(np.array(scores), *[nothing] * 5).predicted
        inside += foreseen["low"] <= measured <= foreseen["high"]
    # 3.5 standard errors; percentiles between the outermost draws hold 0.872 of 64
    assert inside / TRIALS == pytest.approx(0.9, abs=3.5 * (0.09 / TRIALS) ** 0.5)


def test_nine_in_ten_further_predictions_are_inside_the_band_of_each_step() -> None:
    draws, further = np.random.default_rng(2).standard_normal((2, DRAWS, TRIALS, 1))
    low, high = central(draws)
    inside = ((low <= further[0]) & (further[0] <= high)).mean()
    assert inside == pytest.approx(0.9, abs=3.5 * (0.09 / TRIALS) ** 0.5)
