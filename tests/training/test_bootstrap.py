"""The bootstrap's intervals: 90 % hold the truth at 90 %, also over few sequences."""

from __future__ import annotations

import numpy as np
import pytest

from training.bootstrap import bootstrap_weights, centred, interval


@pytest.mark.parametrize(("sequences", "usual"), [(6, 0.81), (8, 0.83), (40, 0.89)])
def test_an_interval_over_few_sequences_holds_the_truth_as_often_as_it_says(
    sequences: int, usual: float
) -> None:
    rng, runs = np.random.default_rng(sequences), 1500
    held, plain = 0, 0
    for _ in range(runs):
        sums = rng.standard_normal(sequences)
        means = bootstrap_weights(sequences, rng) @ sums / sequences
        low, high = interval(centred(means, float(means[0]), sequences))
        assert low is not None
        assert high is not None
        held += low <= 0.0 <= high
        narrow = np.percentile(means, [5, 95])
        plain += bool(narrow[0] <= 0.0 <= narrow[1])
    assert held / runs == pytest.approx(0.9, abs=0.025)
    assert plain / runs == pytest.approx(usual, abs=0.03)


def test_of_one_sequence_nothing_is_widened() -> None:
    values = np.array([0.9, 1.0, 1.2])
    np.testing.assert_allclose(centred(values, 1.1, 1), values + 0.1)
