"""The newest repeats of a sequence: order, bounds, those that are marked bad."""

from __future__ import annotations

import numpy as np

from app.gui.kept_repeats import KeptRepeats

MOST, SHAPE = 4, (3, 2)


def kept(count: int) -> KeptRepeats:
    """Repeats whose every value is their number; positions are ten times that."""
    made = KeptRepeats(MOST, SHAPE)
    for number in range(count):
        made.add(10 * number, np.full(SHAPE, float(number)))
    return made


def test_they_come_in_their_order_and_the_oldest_makes_room() -> None:
    assert kept(0).traces(0, frozenset()).shape == (0, 3)
    assert kept(3).traces(1, frozenset())[:, 0].tolist() == [0, 1, 2]
    many = kept(10)
    assert many.count == 10
    assert many.traces(0, frozenset())[:, 2].tolist() == [6, 7, 8, 9]
    assert many.good(frozenset()).shape == (MOST, *SHAPE)


def test_the_bad_ones_are_left_out_and_stay_to_be_looked_at() -> None:
    many = kept(10)
    bad = frozenset({70, 90, 10})
    assert many.traces(0, bad)[:, 0].tolist() == [6, 8]
    at = many.at(70)
    assert at is not None
    assert at[0, 0] == 7
    assert many.at(10) is None


def test_what_was_handed_over_may_change_and_is_kept_as_it_was() -> None:
    made, response = KeptRepeats(MOST, SHAPE), np.ones(SHAPE)
    made.add(0, response)
    response[:] = 5.0
    traces = made.traces(0, frozenset())
    traces[:] = 7.0
    assert made.traces(0, frozenset()).max() == 1.0
