from __future__ import annotations

import pytest

from training.comparison import Fitted, against, best_of, summarise, verdict


def fitted(objective, seed, mean, crps, **changes):
    def row(value, floor):
        return {
            "value": value, "floor": floor, "ratio": value / floor, "excess": value,
            "low": 0.9, "high": 1.1,
        }  # fmt: skip

    errors = {
        "mean": row(mean, 0.1), "spread": row(0.3, 0.2), "autocovariance": row(0.05, 0.1),
        "crps": row(crps, 0.5),
    }  # fmt: skip
    values = {"errors": errors, "coverage": {"value": 0.9, "expected": 0.891}, "iterations": 50}
    return Fitted(objective, seed, **{**values, **changes})


ROWS = [
    fitted("energy", 0, 0.2, 0.6),
    fitted("published", 0, 0.4, 0.9),
    fitted("energy", 1, 0.3, 0.8),
    fitted("published", 1, 0.1, 0.9),
    fitted("energy", 2, 0.9, 0.7),
    fitted("published", 2, 0.2, 0.9),
]


def test_seeds_are_summed_up_by_their_median_and_their_extremes():
    summary = summarise(ROWS)
    assert list(summary) == ["energy", "published"]
    energy = summary["energy"]
    assert energy["mean"]["value"] == 0.3
    assert energy["mean"]["ratio"] == pytest.approx(3.0)
    assert energy["crps"]["low"] == pytest.approx(1.2)
    assert energy["crps"]["high"] == pytest.approx(1.6)
    assert energy["coverage"] == {"value": 0.9, "expected": 0.891}
    assert (energy["seeds"], energy["failed"]) == (3, 0)


def test_the_best_has_the_smallest_crps_and_what_it_loses_is_said():
    summary = summarise(ROWS)
    assert best_of(summary) == "energy"
    words = verdict(summary)
    assert words.startswith("energy has the smallest CRPS, 1.400 times its floor")
    assert "in mean published is better (2.00 against 3.00, seeds overlap)" in words
    assert "spread" not in words


def test_objectives_whose_seeds_overlap_are_not_said_to_differ_and_no_more():
    close = [fitted("near", seed, 0.2, crps) for seed, crps in enumerate((0.65, 0.75, 0.72))]
    words = verdict(summarise([*ROWS, *close]))
    assert "1.400 times its floor, its seeds overlapping those of near" in words
    apart = [fitted("energy", 0, 0.2, 0.6), fitted("published", 0, 0.1, 0.9)]
    assert "overlap" not in verdict(summarise(apart))
    equal = [fitted("energy", 0, 0.2, 0.6), fitted("published", 0, 0.1, 0.6)]
    assert "overlap" not in verdict(summarise(equal))  # of one seed each nothing overlaps


def test_one_against_another_counts_the_errors_that_are_smaller():
    words = against(summarise(ROWS), "energy", "published")
    assert words.startswith("energy is better than published in 1 of 4 errors")
    assert "crps 0.7 against 0.9 (1.29 times)" in words


def test_a_seed_that_failed_or_has_no_number_is_not_left_out_unsaid():
    failed = Fitted("energy", 3, {}, {}, problem="the loss is nan")
    summary = summarise([*ROWS, failed])
    assert (summary["energy"]["seeds"], summary["energy"]["failed"]) == (3, 1)
    silent = fitted("energy", 4, 0.2, 0.6)
    silent.errors["spread"]["value"] = silent.errors["spread"]["ratio"] = None
    summary = summarise([*ROWS, silent])
    assert summary["energy"]["spread"]["ratio"] is None
    assert summary["energy"]["mean"]["ratio"] == pytest.approx(2.5)
    assert "spread has no score" in against(summary, "energy", "published")


def test_one_whose_fits_failed_is_not_called_best_and_is_named():
    failed = Fitted("fragile", 1, {}, {}, problem="the loss is nan")
    summary = summarise([*ROWS, fitted("fragile", 0, 0.1, 0.5), failed])
    assert best_of(summary) == "energy"
    assert best_of(summary, "mean") == "published"
    assert verdict(summary).endswith("; of fragile 1 of 2 fits failed.")
    alone = summarise([fitted("fragile", 0, 0.1, 0.5), failed])
    assert best_of(alone) == "fragile"


def test_nothing_that_could_be_scored():
    summary = summarise([Fitted("energy", 0, {}, {}, problem="diverged")])
    assert best_of(summary) is None
    assert verdict(summary) == "No objective gave a twin that could be scored."


def test_a_twin_without_noise_is_no_better_in_noise():
    def row(ratio):
        return {"value": ratio, "floor": 1.0, "ratio": ratio, "excess": ratio, "low": 1, "high": 1}

    names = ("mean", "spread", "autocovariance", "crps")
    noisy = {name: row(ratio) for name, ratio in zip(names, (1.5, 1.8, 3.0, 1.1), strict=True)}
    silent = {name: row(ratio) for name, ratio in zip(names, (1.2, 1.6, 3.0, 2.0), strict=True)}
    rows = [fitted("energy", 0, 0, 0, errors=noisy), fitted("mean", 0, 0, 0, errors=silent)]
    said = verdict(summarise(rows))
    assert "in mean mean is better" in said
    assert "in spread" not in said


def test_a_mean_without_noise_is_held_against_what_a_perfect_one_scores():
    """It has no scatter of few samples: with the larger error it was said to be the better one."""

    def row(value, floor):
        return {"value": value, "floor": floor, "ratio": value / floor, "excess": 0, "low": 1,
                "high": 1}  # fmt: skip

    other = {"spread": row(0.8, 0.8), "autocovariance": row(0.16, 0.16), "crps": row(0.65, 0.6)}
    silent = {"spread": row(1.0, 0.8), "autocovariance": row(0.1, 0.16), "crps": row(0.9, 0.6)}
    rows = [
        fitted("noisy", 0, 0, 0, errors={"mean": row(0.11, 0.1), **other}),
        fitted("silent", 0, 0, 0, errors={"mean": row(0.085, 0.0707), **silent}),
    ]
    summary = summarise(rows)
    said = against(summary, "noisy", "silent", ["silent"])
    assert said.startswith("noisy is better than silent in 2 of 2 errors: mean 1.1 against 1.202")
    assert "silent: no noise, and the other errors say only that" in said
    assert "spread" not in said
    assert "silent is better" not in verdict(summary, ["silent"])
