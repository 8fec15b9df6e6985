from __future__ import annotations

import numpy as np
import pytest

from app.report.curve import sentences
from models.sequence import FAMILIES, FieldSequence
from training.acquire import disagreement, drawn, drives_of, pool
from training.acquire_curve import medians, needed, needed_between, nested, parts_of, worst_ratio


class Known:
    """A model whose answer is its drive times a gain, with white noise of a known spread."""

    def __init__(self, gain, spread, where=0.0):
        self.gain, self.spread, self.where = gain, spread, where

    def simulate(self, drive, repeats, seed=0):
        noise = np.random.default_rng(seed).standard_normal((len(drive), repeats, drive.shape[1]))
        excess = np.maximum(drive - self.where, 0.0)
        return (drive + self.gain * excess)[:, None, :, None] + self.spread * noise[..., None]


def levels(*values, steps=16):
    return [FieldSequence(np.full(steps, value)) for value in values]


def test_members_that_agree_everywhere_disagree_nowhere():
    same = [Known(0.0, 0.1), Known(0.0, 0.1), Known(0.0, 0.1)]
    found = disagreement(same, levels(0.0, 0.5, 1.0), np.array([0.1]), seed=1, samples=24)
    assert (found < 0.1).all()


def test_the_drive_at_which_the_means_differ_is_found():
    members = [Known(0.0, 0.1), Known(1.0, 0.1, where=0.7), Known(-1.0, 0.1, where=0.7)]
    found = disagreement(members, levels(0.2, 0.5, 0.9), np.array([0.1]), seed=1)
    assert found[2] > 5 * found[:2].max()


def test_a_spread_that_differs_counts_though_the_means_are_the_same():
    members = [Known(0.0, 0.1), Known(0.0, 0.3)]
    drive = levels(0.5)
    assert disagreement(members, drive, np.array([0.1]), 1)[0] > 0.3
    assert disagreement(members, drive, np.array([np.inf]), 1)[0] == 0


def test_sequences_of_different_lengths_are_compared_over_their_own():
    members = [Known(0.0, 0.1), Known(1.0, 0.1, where=0.7)]
    sequences = [*levels(0.9), *levels(0.9, steps=5)]
    found = disagreement(members, sequences, np.array([0.1]), 1)
    assert np.isfinite(found).all()
    assert found[1] > 1


def test_only_the_read_end_of_a_held_step_counts():
    """Members differ while a step lasts, and agree where it is read."""

    class Late(Known):
        def simulate(self, drive, repeats, seed=0):
            out = super().simulate(drive, repeats, seed)
            out[:, :, 2::3] = super(Late, Late(0.0, self.spread)).simulate(drive, repeats, seed)[
                :, :, 2::3
            ]
            return out

    members = [Late(0.0, 0.1), Late(5.0, 0.1)]
    held = FieldSequence(np.full(16, 0.9), "given", np.full(16, 3))
    assert drives_of([held]).shape == (1, 48)
    assert disagreement(members, [held], np.array([0.1]), 1)[0] < 0.1
    once = FieldSequence(np.full(48, 0.9))
    assert disagreement(members, [once], np.array([0.1]), 1)[0] > 1


def test_a_batch_prefers_what_is_larger_and_holds_nothing_twice():
    scores = np.array([0.0, 0.1, 0.1, 10.0, 0.0, 5.0])
    batches = [drawn(scores, 2, seed) for seed in range(200)]
    assert all(len(set(b.tolist())) == 2 for b in batches)
    counts = np.bincount(np.concatenate(batches), minlength=6)
    assert counts[3] > 170
    assert counts[5] > 150
    assert counts[[0, 4]].sum() < 20
    assert set(drawn(np.zeros(4), 4, 0).tolist()) == {0, 1, 2, 3}


def test_a_candidate_is_as_likely_as_the_square_of_its_disagreement():
    first = [int(drawn(np.array([1.0, 2.0]), 1, seed)[0]) for seed in range(4000)]
    assert np.mean(first) == pytest.approx(4 / 5, abs=0.02)
    rare = [int(drawn(np.array([1.0, 0.0]), 1, seed)[0]) for seed in range(20_000)]
    assert 5 <= sum(rare) <= 40  # a thousandth: what no twin disagrees about may be wrong, too


def test_the_pool_holds_every_family_alike_and_is_repeatable():
    first, again = pool(10, 12, 3), pool(10, 12, 3)
    assert np.array_equal(drives_of(first), drives_of(again))
    families = [s.family for s in first]
    assert {families.count(f) for f in FAMILIES} == {2, 3}
    held = pool(10, 12, 3, holds=4)
    assert {int(n) for s in held for n in s.holds} == {1, 2, 3, 4}
    assert [s.drive.tolist() for s in held] == [s.drive.tolist() for s in first]
    assert len({s.drive.tobytes() for s in first}) == 10


def test_every_beginning_of_the_order_holds_the_families_in_proportion():
    families = ["steps"] * 30 + ["sines"] * 10
    order = nested(families, 1)
    assert sorted(order.tolist()) == list(range(40))
    for count in (8, 16, 24):
        steps = sum(families[int(i)] == "steps" for i in order[:count])
        assert abs(steps - 0.75 * count) <= 2


def test_what_selects_a_snapshot_is_part_of_what_is_paid_for():
    chosen = np.array([7, 3, 9, 1, 5, 11, 20, 22, 24, 26, 28, 30])
    training, validation = parts_of(chosen)
    assert sorted([*training, *validation]) == sorted(chosen)
    assert validation.size == 1
    assert parts_of(np.arange(50))[1].size == 4


@pytest.mark.parametrize(
    "alike", [np.arange(24) // 2, np.arange(24) % 12, np.arange(24) // 12, np.zeros(24, int)]
)
def test_a_drive_that_was_recorded_twice_is_not_fitted_and_selected_by(alike):
    chosen = 3 * np.arange(24)
    training, validation = parts_of(chosen, alike)
    assert sorted([*training, *validation]) == chosen.tolist()
    assert training.size
    assert validation.size
    if len(set(alike)) > 1:
        assert not {*alike[training // 3]} & {*alike[validation // 3]}


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ((4.0, 2.0, 1.0), 200 * 2 ** (np.log(2 / 1.5) / np.log(2))),
        ((1.4, 1.3, 1.2), 100.0),
        ((4.0, 3.0, 2.0), None),
        ((1.4, 2.0, 1.0), 200 * 2 ** (np.log(2 / 1.5) / np.log(2))),  # a lucky first point
        ((np.inf, 1.2, 1.1), 200.0),
    ],
)
def test_measurements_needed_are_read_between_the_points(ratios, expected):
    found = needed((100, 200, 400), ratios, 1.5)
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_worst_ratio_is_that_of_the_errors_that_decide():
    errors = {n: {"ratio": r} for n, r in
              (("mean", 1.1), ("spread", 1.3), ("autocovariance", 1.2), ("crps", 1.0),
               ("cross_correlation", 9.0))}  # fmt: skip
    assert worst_ratio(errors) == 1.3
    assert worst_ratio({**errors, "spread": {"ratio": None}}) == np.inf


def curve_point(sequences, ratio, wide=1.2):
    row = {"value": 1.0, "floor": 1.0, "ratio": ratio, "excess": 0.0,
           "low": ratio / wide, "high": ratio * wide}  # fmt: skip
    return {"sequences": sequences, "repeats": 2, "seed": 0, "problem": "", "worst": ratio,
            "errors": dict.fromkeys(("mean", "spread", "autocovariance", "crps"), row),
            "coverage": {"value": 0.9}}  # fmt: skip


def test_measurements_needed_are_told_with_what_the_intervals_leave_open():
    """The last point is above the target by chance, the one before it was below."""
    rows = medians([curve_point(s, r) for s, r in ((5, 2.0), (10, 1.6), (20, 1.15), (40, 1.31))])
    low, high = needed_between(rows, 1.25)
    assert low == pytest.approx(20 * 2 ** (np.log(1.6 / 1.5) / np.log(1.6 / 1.15)))
    assert high is None
    said = sentences(rows, {"2": needed([10, 20, 40, 80], [2.0, 1.6, 1.15, 1.31], 1.25)}, 1.25)
    assert said[1].startswith(
        "With 2 repeats it takes more than 80 measurements to reach 1.25 (by the errors' "
        "90 % intervals 23 to more than 80: "
    )
    sure = medians([curve_point(s, r, 1.01) for s, r in ((5, 1.1), (10, 1.0))])
    assert sentences(sure, {"2": 10.0}, 1.25)[1] == (
        "With 2 repeats it takes at most 10 measurements to reach 1.25."
    )


def test_one_repeat_is_told_as_one():
    points = [{**curve_point(s, r, 1.01), "repeats": 1} for s, r in ((5, 1.1), (10, 1.0))]
    said = sentences(medians(points), {"1": 10.0}, 1.25)
    assert said[0].startswith("Nearest to the floor with 10 sequences × 1 repeat: ")
    assert said[1].startswith("With 1 repeat it takes ")
