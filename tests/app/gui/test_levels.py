"""Levels of repeats in bounded memory: exact while they are few, even over the run when many."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from app.gui.levels import Levels


def filled(count: int, sequences: int, kept: int, slope: float = 0.0) -> Levels:
    """Sequence s has the level s; each repeat `slope` more than the one before it."""
    levels, rng = Levels(kept), np.random.default_rng(1)
    for position in range(count):
        sequence = int(rng.integers(sequences))
        levels.add(position, sequence, np.array([sequence + slope * position, 5.0]))
    return levels


def test_few_are_kept_as_they_came() -> None:
    levels = filled(50, 4, kept=64)
    assert levels.positions.tolist() == list(range(50))
    assert len(levels) == levels.count == 50
    assert levels.newest == 49
    assert np.ptp(levels.drift(0, frozenset())) == pytest.approx(0.0)
    assert levels.sequence_at(3) >= 0
    assert levels.sequence_at(50) == -1


def test_many_stand_evenly_over_the_run_the_newest_included() -> None:
    levels = filled(10_000, 4, kept=64)
    assert levels.count == 10_000
    apart = np.diff(levels.positions)
    assert 32 <= levels.positions.size <= 64
    assert apart.min() == apart.max() == 256
    assert 10_000 - levels.positions[-1] <= 256
    assert levels.newest == 9999


def test_a_drift_is_seen_although_few_are_kept_of_each_sequence() -> None:
    levels = filled(20_000, 300, kept=64, slope=1e-3)
    drift = levels.drift(0, frozenset())
    steepness = np.polyfit(levels.positions, drift, 1)[0]
    assert steepness == pytest.approx(1e-3, rel=0.05)
    assert np.ptp(levels.of(0)) > 200  # the sequences themselves differ far more


def test_no_slope_is_told_before_a_sequence_has_come_again() -> None:
    levels = Levels(64)
    for position in range(10):
        levels.add(position, position, np.array([0.3 * position]))  # each sequence once
    assert levels.slope(0, frozenset()) is None
    levels.add(10, 0, np.array([3.0]))  # one pair: a slope, and no error of it
    assert levels.slope(0, frozenset()) is None


def test_a_drift_is_as_large_as_it_is_from_the_second_repeat_of_some() -> None:
    levels, rng = Levels(64), np.random.default_rng(3)
    for position, sequence in enumerate([*range(20), *range(5)]):
        levels.add(position, sequence, np.array([sequence + 0.5 * position + rng.normal(0, 0.1)]))
    fitted = levels.slope(0, frozenset())
    assert fitted is not None
    assert fitted[0] == pytest.approx(0.5, abs=4 * fitted[1])
    assert 1e-4 < fitted[1] < 0.02
    twice = Levels(64)  # at random, a sequence's two repeats apart by any number of others
    for position, sequence in enumerate(rng.permutation(np.repeat(np.arange(20), 2))):
        twice.add(position, int(sequence), np.array([sequence + 0.5 * position]))
    fitted = twice.slope(0, frozenset())
    assert fitted is not None
    assert fitted[0] == pytest.approx(0.5)
    assert fitted[2] == pytest.approx(20 / 2 - 0.5 - 0.5)


def test_a_bad_one_is_in_no_mean_where_another_is_left() -> None:
    levels = Levels(8)
    for position, level in enumerate((1.0, 99.0, 3.0)):
        levels.add(position, 0, np.array([level]))
    levels.add(3, 1, np.array([7.0]))
    fair = np.array([True, False, True, True])
    drift = levels.drift(0, frozenset({1}))
    assert drift[fair].tolist() == pytest.approx([1 - 2 + 11 / 3, 3 - 2 + 11 / 3, 11 / 3])
    assert np.isfinite(levels.drift(0, frozenset({0, 1, 2, 3}))).all()


def test_a_hundred_times_as_many_take_no_more_memory() -> None:
    levels = filled(300, 10, kept=64)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for position in range(300, 30_000):
        levels.add(position, position % 10, np.array([1.0, 2.0]))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 10_000
