from __future__ import annotations

import numpy as np
import pytest

from models.errors import InputError, RefusedError
from models.schedule import refuse_longer
from models.supply import Supply
from models.wiring import (
    Source,
    delayed,
    laid_out,
    layers_text,
    longest_delay,
    wired,
    with_taps,
)


def test_a_layer_sees_the_one_before_and_with_skips_all_earlier_ones() -> None:
    assert wired("forward", 3) == ((Source(-1),), (Source(0),), (Source(1),))
    assert wired("skip", 2) == ((Source(-1),), (Source(-1), Source(0)))
    assert wired("forward", 1, (2, 0, 2)) == ((Source(-1, 0), Source(-1, 2)),)


def test_words_say_what_a_layer_sees_and_how_long_ago() -> None:
    first, second, third = wired("2:in@3,1 3:2,1@4", 3)
    assert first == (Source(-1),)
    assert second == (Source(-1, 3), Source(0))
    assert third == (Source(1), Source(0, 4))
    assert longest_delay(second, third) == 4
    assert [str(source) for source in second] == ["in@3", "1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1:1@1", "layer 1 can't see itself: the one device plays each node's whole sequence"),
        ("1:2", "layer 1 can't see layer 2: the one device"),
        ("3:in", "there are 2 layers"),
        ("2:in,in", "layer 2 sees a source twice"),
        ("2:in@500", "a delay is of 0…100 steps"),
        ("backward", "'backward' is none of: forward, skip"),
        ("2:in,,1", "is none of"),
    ],
)
def test_recurrence_and_other_words_are_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        wired(text, 2)


def test_layers_beside_each_other_see_the_same_and_are_seen_alike() -> None:
    nodes, parallel = laid_out("8+4,16,2+2") or ((), ())
    assert (nodes, parallel) == ((8, 4, 16, 2, 2), (1, 4))
    assert layers_text(nodes, parallel) == "8+4,16,2+2"
    inputs, both = (Source(-1),), (Source(0), Source(1))
    assert wired("forward", 5, (0,), parallel) == (inputs, inputs, both, (Source(2),), (Source(2),))
    skip = wired("skip", 5, (0,), parallel)
    assert skip == (inputs, inputs, inputs + both, *[(*inputs, *both, Source(2))] * 2)
    third = wired("3:in,2@4", 5, (0,), parallel)[2]
    assert third == (Source(-1), Source(1, 4))
    assert laid_out("8") == ((8,), ())


@pytest.mark.parametrize("text", ["", "8+", "+8", "8,,4", "0+4", "8;4", "a"])
def test_other_words_are_no_layers(text: str) -> None:
    assert laid_out(text) is None


def test_taps_are_every_block_at_every_delay() -> None:
    assert with_taps([0, -1], (1, 0)) == (
        Source(-1, 0), Source(-1, 1), Source(0, 0), Source(0, 1),
    )  # fmt: skip


def test_before_the_start_a_delayed_feature_is_at_its_mean() -> None:
    features = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(delayed(features, 0), features)
    np.testing.assert_array_equal(delayed(features, 3)[:, 0], [0, 0, 0, 0])
    np.testing.assert_array_equal(delayed(features, 1)[:, 1], [0, 1, 3, 5])
    np.testing.assert_array_equal(delayed(features, 9), np.zeros((4, 2)))


def test_a_supply_keeps_to_its_grid_and_its_slew() -> None:
    wanted = np.array([[0.9], [0.1], [0.1], [0.32]])
    played = Supply(step=0.25, slew=0.3).play(wanted, 0.1, 0.9)
    np.testing.assert_allclose(played[:, 0], [0.75, 0.5, 0.25, 0.25])
    np.testing.assert_array_equal(Supply().play(wanted, 0.1, 0.9), wanted)


def test_a_supply_that_can_play_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"no value within the fitted drives 0\.3…0\.45"):
        Supply(step=0.5).play(np.full((2, 1), 0.4), 0.3, 0.45)
    with pytest.raises(InputError, match=r"(?s)resolution -1.*slew 2"):
        Supply(-1, 2)


def test_a_schedule_beyond_its_limit_says_what_would_fit() -> None:
    refuse_longer([360.0] * 10, 1.0)
    refuse_longer([], 1.0)
    with pytest.raises(RefusedError, match=r"11 runs of 360 s each take 1.1 h.*10 of them would"):
        refuse_longer([360.0] * 11, 1.0)
    with pytest.raises(RefusedError, match=r"of 360 or 1800 s each take 1.1 h.*: 6 of them"):
        refuse_longer([360.0] * 6 + [1800.0], 1.0)
