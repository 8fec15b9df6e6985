"""The held-out sequences that a score sends to be stepped through: which, how many, how large."""

from __future__ import annotations

import numpy as np
import pytest

from app.operations import scored
from app.operations.scored import held_out_beside, shown_beside

STEPS, REPEATS = 6, 5


class Echo:
    """Stands in for a twin: answers a drive with itself and a little noise, one channel."""

    deterministic = False

    def simulate(self, drive, repeats, seed=0):
        noise = np.random.default_rng(seed).normal(0, 0.01, (len(drive), repeats, drive.shape[1]))
        return (drive[:, None] + noise)[..., None]


def measured(count: int, *, off: int | None = None):
    """Drives `(S, T)` and repeats `(S, R, T, 1)` of a device that echoes, but of one sequence."""
    rng = np.random.default_rng(3)
    drive = rng.uniform(0, 1, (count, STEPS))
    real = (drive[:, None] + rng.normal(0, 0.01, (count, REPEATS, STEPS)))[..., None]
    if off is not None:
        real[off] += 0.2
    return drive, real


def beside(drive, real):
    _, there, twin = shown_beside(Echo(), drive[:1], real[:1], seed=1)
    return held_out_beside(Echo(), drive, real, (there, twin)), there, twin


def test_all_of_them_are_there_the_first_as_it_is_drawn_and_the_worst_is_named() -> None:
    drive, real = measured(12, off=7)
    found, there, twin = beside(drive, real)
    assert found["held_out_places"].tolist() == list(range(12))
    assert (found["held_out_sequences"], found["held_out_worst"]) == (12, 7)
    assert np.array_equal(found["held_out_real"], real)
    assert np.array_equal(found["held_out_real"][0], there)
    assert np.array_equal(found["held_out_twin"][0], twin)
    assert found["held_out_twin"].shape == (12, 16, STEPS, 1)
    assert np.abs(found["held_out_twin"][5].mean(axis=0)[:, 0] - drive[5]).max() < 0.02


@pytest.mark.parametrize("off", [2, 90])
def test_of_many_the_first_ones_are_sent_and_the_worst_one(off: int) -> None:
    found, _, _ = beside(*measured(100, off=off))
    last = 63 if off < 64 else off
    assert found["held_out_places"].tolist() == [*range(63), last]
    assert (found["held_out_sequences"], found["held_out_worst"]) == (100, off)


def test_no_more_bytes_are_sent_than_a_pipe_and_a_window_shall_hold(monkeypatch) -> None:
    each = 2 * 16 * STEPS * 8
    monkeypatch.setattr(scored, "MOST_BYTES", 5 * each + 1)
    found, _, _ = beside(*measured(30, off=20))
    assert found["held_out_places"].tolist() == [0, 1, 2, 3, 20]
    sent = found["held_out_real"].nbytes + found["held_out_twin"].nbytes
    assert sent <= scored.MOST_BYTES
    monkeypatch.setattr(scored, "MOST_BYTES", 2 * each - 1)
    assert beside(*measured(30))[0] == {}


def test_sequences_of_other_lengths_end_in_nan_and_one_without_a_whole_repeat_is_left_out() -> None:
    drive, real = measured(4, off=3)
    drive[1, 4:] = np.nan
    real[1, :, 4:] = np.nan
    real[2, range(REPEATS), range(REPEATS)] = np.nan  # a hole in each repeat
    real[3, 0, 2] = np.nan  # a hole in one of them
    found, _, _ = beside(drive, real)
    assert found["held_out_places"].tolist() == [0, 1, 3]
    assert np.isnan(found["held_out_twin"][1, :, 4:]).all()
    assert np.array_equal(found["held_out_real"][1, :, :4], real[1, :, :4])
    assert np.array_equal(found["held_out_real"][2, :4], real[3, 1:])
    assert np.isnan(found["held_out_real"][2, 4]).all()


def test_held_steps_are_shown_where_they_were_read() -> None:
    drive, real = measured(3)
    real[:, :, ::2] = np.nan
    found, _, _ = beside(drive, real)
    assert np.array_equal(found["held_out_real"], real[:, :, 1::2])
    assert found["held_out_twin"].shape == (3, 16, STEPS // 2, 1)


def test_one_sequence_is_none_to_step_through() -> None:
    assert beside(*measured(1))[0] == {}
