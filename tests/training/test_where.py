"""Where a twin is off, its verdict in words, spectra and rank plots."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from training.bootstrap import bootstrap_weights
from training.ensembles import Ground
from training.floors import Drives, _coverage_interval, _within_by_repeat, score
from training.metrics import coverage
from training.noise_checks import pit_band, spectrum
from training.validation import SCORING_REPEATS, _plain, summary
from training.verdict import AT_FLOOR, coverage_state, state_of, verdict, worst_places
from training.verdict_places import uncovered_places
from training.where import _ranked, _ratio, parts_of

pytestmark = pytest.mark.usefixtures("few_splits")
SEQUENCES, STEPS = 12, 96
FAMILIES = ("steps",) * 6 + ("smooth",) * 6


def drives(seed=0):
    rng = np.random.default_rng(seed)
    drive = rng.random((SEQUENCES, STEPS // 3)).repeat(3, axis=1)
    return Drives(drive, FAMILIES, ("X", "Y"))


def device(drive, repeats, seed, *, wrong=lambda out, drive: out, noise=0.02, memory=0.0):
    rng = np.random.default_rng(seed)
    x = np.zeros((SEQUENCES, repeats, 2))
    rest = np.zeros_like(x)
    out = np.empty((SEQUENCES, repeats, STEPS, 2))
    for t in range(STEPS):
        x = 0.8 * x + 0.2 * drive[:, t, None, None]
        fresh = rng.standard_normal(x.shape)
        rest = memory * rest + np.sqrt(1 - memory**2) * fresh if t else fresh
        out[:, :, t] = x + noise * rest
    return wrong(out, drive)


@functools.cache
def scored(wrong=lambda out, drive: out, **changes):
    known = drives()
    real = device(known.drive, SCORING_REPEATS, 1)
    return score(device(known.drive, 200, 2, wrong=wrong, **changes), real, 0, drives=known)


def test_a_perfect_twin_is_at_the_floor_everywhere_and_nothing_is_named():
    scores = scored()
    found = verdict(scores.errors, scores.coverage, scores.where)
    assert found.at_floor
    assert found.sure
    assert found.words.startswith("At the floor")
    assert found.reasons == ()
    for rows in scores.where.values():
        for row in rows:
            assert 0.85 < row["mean"]["ratio"] < 1.2
            assert row["coverage"]["value"] == pytest.approx(0.891, abs=0.03)


def test_a_part_says_how_far_its_mean_is_off_as_a_share_of_the_signal_and_how_it_is_ranked():
    scores = scored(lambda out, drive: out + np.array([0.02, 0.04]))
    [signal] = {round(e, 3) for e in device(drives().drive, 200, 3).mean(axis=1).std(axis=(0, 1))}
    for row in scores.where["step"]:
        assert row["mean"]["excess"] == pytest.approx(0.03 / signal, rel=0.1)
    by_channel = [row["mean"]["excess"] for row in scores.where["channel"]]
    assert by_channel == pytest.approx([0.02 / signal, 0.04 / signal], rel=0.1)
    assert all(row["pit"][0] > 2 > 0.5 > row["pit"][-1] for row in scores.where["channel"])
    for row in scored().where["channel"]:
        np.testing.assert_allclose(row["pit"], 1, atol=0.1)


def test_every_step_is_in_one_part_of_each_axis():
    drive = np.array([[0.0, 0.1, 0.1, 0.95, 0.05, 0.2, 1.0, 1.0, 0.75, np.nan]])
    masks = {}
    for axis, label, _, mask, _ in parts_of(drive, ("a",), ("X",)):
        if axis in ("drive", "step", "change"):
            masks.setdefault(axis, {})[label] = np.flatnonzero(mask[0, :, 0]).tolist()
    assert {label: at for label, at in masks["drive"].items() if at} == {
        "0–0.1": [0, 4], "0.1–0.2": [1, 2], "0.2–0.3": [5], "0.7–0.8": [8], "0.9–1": [3, 6, 7],
    }  # fmt: skip
    assert masks["step"] == {"1–4": [0, 1, 2, 3], "5–8": [4, 5, 6, 7], "9–10": [8, 9]}
    assert masks["change"] == {  # up or down; of the first step none is known
        "held": [2, 7], "0–0.1": [1], "0.1–0.3": [5, 8], "0.3–1": [3, 4, 6],
    }  # fmt: skip


def test_a_bias_at_some_drives_of_one_channel_is_named_there():
    def wrong(out, drive):
        out[..., 1] += 0.04 * ((drive > 0.4) & (drive < 0.6))[:, None]
        return out

    scores = scored(wrong)
    found = verdict(scores.errors, scores.coverage, scores.where)
    assert found.at_floor is False
    mean = next(reason for reason in found.reasons if reason.startswith("mean"))
    assert "at drives 0.4–0.6" in mean
    assert "in channel Y" in mean
    assert "at steps" not in mean
    other = {row["label"]: row["mean"]["ratio"] for row in scores.where["drive"]}
    assert other["0.1–0.2"] < 1.2 < 2 < other["0.5–0.6"]


def test_a_channel_is_named_however_many_there_are():
    """A trace has 201 points; only the first 64 were looked at."""
    rng, channels = np.random.default_rng(0), 70
    known = Drives(rng.random((4, 12)), ("steps",) * 4, tuple(f"p{c}" for c in range(channels)))
    mean = rng.standard_normal((4, 1, 12, channels))
    real, samples = (mean + 0.1 * rng.standard_normal((4, n, 12, channels)) for n in (8, 200))
    samples[..., 68] += 0.5
    found = score(samples, real, 0, half=4, drives=known)
    assert [row["label"] for row in found.where["channel"]] == list(known.channels)
    [place] = worst_places(found.where, "mean")
    assert place.startswith("in channel p68 (")


def test_noise_that_comes_late_is_named_by_steps_although_the_whole_is_covered():
    def wrong(out, drive):
        mean = out[:, :, :8].mean(axis=1, keepdims=True)
        out[:, :, :8] = mean + 0.3 * (out[:, :, :8] - mean)
        return out

    scores = scored(wrong)
    reasons = " ".join(verdict(scores.errors, scores.coverage, scores.where).reasons)
    assert "too narrow" in reasons
    assert "at steps 1–8" in reasons


def test_where_coverage_is_off_most_it_is_not_less_off_than_everywhere():
    """A part of many sequences, surely but hardly off, was named as the worst."""
    rows = [
        {"bounds": (0.0, 0.1), "coverage": {"value": 0.866, "low": 0.864, "high": 0.868}},
        {"bounds": (0.1, 0.2), "coverage": {"value": 0.6, "low": 0.2, "high": 0.9}},
        {"bounds": (0.2, 0.3), "coverage": {"value": 0.9, "low": 0.88, "high": 0.92}},
    ]
    errors = {"mean": {"value": 1.0, "floor": 1.0, "ratio": 1.0}}
    found = verdict(errors, {"value": 0.849}, {"drive": rows})
    assert found.reasons[-1].endswith("too narrow (a perfect twin's 0.891)")
    rows[1]["coverage"]["high"] = 0.8
    found = verdict(errors, {"value": 0.849}, {"drive": rows})
    assert found.reasons[-1].endswith("most at drives 0.1–0.2 (0.600)")


def test_an_error_of_one_family_is_found_in_its_row():
    def wrong(out, drive):
        out[6:] += 0.02
        return out

    scores = scored(wrong)
    smooth, steps = (scores.families[name]["mean"]["ratio"] for name in ("smooth", "steps"))
    assert smooth > 1.5 * steps
    assert steps < 1.15
    assert "in family smooth" in " ".join(worst_places(scores.where, "mean"))


def test_every_figure_has_its_interval_about_it():
    scores = scored(lambda out, drive: out + 0.01)
    for row in scores.errors.values():
        assert row["low"] <= row["ratio"] <= row["high"]
        assert row["value_low"] <= row["value"] <= row["value_high"]
        assert row["excess_low"] <= row["excess"] <= row["excess_high"]
    assert scores.coverage["low"] < scores.coverage["value"] < scores.coverage["high"]


def test_the_interval_of_the_coverage_holds_a_perfect_twins_in_nine_of_ten():
    inside, trials = 0, 40
    for seed in range(trials):
        known = drives(seed)
        real = device(known.drive, 16, seed + 100)
        used = np.ones((SEQUENCES, STEPS, 2), dtype=bool)
        within, _ = _ranked(device(known.drive, 200, seed + 300), real, used)
        weights = bootstrap_weights(SEQUENCES, np.random.default_rng(seed))
        found = _coverage_interval(within, 16.0 * used, weights)
        inside += found["low"] <= 0.891 <= found["high"]
    assert 0.8 * trials <= inside < trials  # 36 expected


def test_spectra_tell_white_noise_from_noise_that_lasts():
    details = scored(memory=0.8).details
    assert details["spectrum_real"].mean() == pytest.approx(1, abs=0.1)
    assert details["spectrum_twin"][1] > 3
    assert details["spectrum_twin"][-1] < 0.3
    inside = (details["spectrum_real"] >= details["spectrum_low"]) & (
        details["spectrum_real"] <= details["spectrum_high"]
    )
    assert inside.mean() > 0.7


def test_a_spectrum_is_of_nearly_all_steps_and_shows_a_line_where_it_is():
    """One longer sequence beside ten: the ten were left out."""
    rng = np.random.default_rng(0)

    def with_line(sequences, steps, frequency):
        phase = rng.random((sequences, 16, 1)) + frequency * np.arange(steps)
        line = 2 * np.cos(2 * np.pi * phase) + rng.standard_normal(phase.shape)
        return np.pad(line, ((0, 0), (0, 0), (0, 100 - steps)), constant_values=np.nan)[..., None]

    for sequences, steps in ((10, 40), (1, 100)):
        real = np.concatenate([with_line(sequences, steps, 0.2), with_line(1, 140 - steps, 0.35)])
        frequency, power = spectrum(real, Ground.of(real)) or (np.zeros(1), np.zeros(1))
        highest = frequency[power.argmax()]
        assert highest == pytest.approx(0.2, abs=0.02), (sequences, steps)


def test_rank_plots_see_what_a_value_by_itself_does_not():
    perfect = scored().details
    lasting = scored(memory=0.8).details
    for line in perfect["rank_lines"].values():
        assert np.abs(line).max() < 1.5 * perfect["rank_band"]
    assert np.abs(lasting["rank_lines"]["roughness"]).max() > 3 * lasting["rank_band"]
    assert np.abs(lasting["pit"] - 1).max() < 0.2  # values one by one look right


def test_the_band_of_the_pit_holds_nine_of_ten_bars_of_a_perfect_twin_of_lasting_noise():
    """As if values were drawn one by one it would be half as wide, and hold six of ten."""
    held, alone = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((6, 216, 60, 2))
        for t in range(1, 60):
            noise[:, :, t] = 0.95 * noise[:, :, t - 1] + np.sqrt(1 - 0.95**2) * noise[:, :, t]
        twin, real = np.split(noise, [200], axis=1)
        pit, band = coverage(twin, real)[1], pit_band(twin, Ground.of(real), 16)
        held.append((band["pit_low"] <= pit) & (pit <= band["pit_high"]))
        alone.append(band["pit_high"] - band["pit_low"])
    assert np.mean(held) == pytest.approx(0.9, abs=0.06)
    assert np.mean(alone) > 1.5 * 2 * 1.64 * np.sqrt(19 / (6 * 16 * 60 * 2))


def test_a_bar_of_a_wrong_twins_pit_is_outside_its_band_and_the_band_is_kept():
    wide = scored(noise=0.06).details
    assert wide["pit"][9] > wide["pit_high"][9]
    assert wide["pit"][0] < wide["pit_low"][0]
    kept = summary(scored(), deterministic=False)["curves"]
    assert len(kept["pit_low"]) == len(kept["pit_high"]) == len(kept["pit"]) == 20


def test_short_sequences_have_no_spectrum_and_one_sequence_no_interval_of_parts():
    rng = np.random.default_rng(0)
    known = Drives(np.linspace(0, 1, 6)[None], ("fixed",), ("X",))
    scores = score(rng.random((1, 200, 6, 1)), rng.random((1, 16, 6, 1)), 0, drives=known)
    assert "spectrum_real" not in scores.details
    assert scores.where == {}  # too few values to tell parts apart
    known = Drives(np.linspace(0, 1, 60)[None], ("fixed",), ("X",))
    scores = score(rng.random((1, 200, 60, 1)), rng.random((1, 16, 60, 1)), 0, drives=known)
    assert scores.coverage["low"] < scores.coverage["value"] < scores.coverage["high"]
    assert all(row["mean"]["low"] is None for row in scores.where["step"])
    assert scores.families == {}
    assert "channel" not in scores.where


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"ratio": 1.1, "low": 1.0, "high": 1.2}, "reached"),
        ({"ratio": 1.1, "low": 1.0, "high": 1.4}, "reached, not surely"),
        ({"ratio": 1.4, "low": 1.2, "high": 1.6}, "missed, not surely"),
        ({"ratio": 1.4, "low": 1.3, "high": 1.6}, "missed"),
        ({"ratio": None, "low": None, "high": None}, "not scored"),
    ],
)
def test_a_ratio_is_weighed_with_its_interval(row, state):
    assert state_of(row) == state


def test_a_verdict_says_what_it_cannot_tell():
    reached = {"ratio": 1.1, "low": 1.0, "high": 1.2, "excess": 0.0}
    errors = dict.fromkeys(("mean", "spread", "autocovariance", "crps"), reached)
    good = {"value": 0.89, "expected": 0.891}
    assert verdict(errors, good).words.startswith("At the floor: no error above 1.10")
    wide = {**errors, "spread": {**reached, "high": 1.9}}
    assert "spread could be up to 1.90 times" in verdict(wide, good).words
    assert not verdict(wide, good).sure
    both = {**wide, "crps": {"ratio": 1.2, "low": 1.0, "high": 1.5, "excess": 0.0}}
    assert verdict(both, good).words.startswith("At the floor: no error above 1.20")
    assert "CRPS could be up to 1.90 times" in verdict(both, good).words
    untold = verdict({**errors, "autocovariance": {"value": None, "ratio": None}}, good)
    assert (untold.at_floor, untold.sure) == (True, False)
    assert "autocovariance can't be told" in untold.words
    aside = {"ratio": 2.05, "low": 1.2, "high": 3.0, "excess": 0.1}
    told = verdict({**errors, "cross_correlation": aside, "energy16": reached}, good)
    assert told.at_floor
    assert told.words.startswith(
        "At the floor: no error above 1.10 times what two halves of the repeats differ by, but "
        "cross-channel correlation (2.05 times), which decides nothing, "
    )  # "no error above 1.10" stood beside a table that had it
    memory = {"ratio": 1.9, "low": 1.5, "high": 2.4, "excess": 0.0}
    lasts = verdict({**errors, "autocovariance": memory}, good)
    assert (lasts.at_floor, lasts.sure) == (False, True)
    off = {**errors, "spread": {**reached, "ratio": 1.4, "high": 1.9}}
    assert "not beyond what few sequences can tell" in verdict(off, good).words
    narrow = verdict(errors, {"value": 0.7, "expected": 0.891})
    assert narrow.at_floor is False
    assert narrow.words == "Not yet at the floor: coverage is off."
    assert verdict({}, {}).at_floor is None
    assert verdict(errors, {"value": None}, deterministic=True).at_floor
    assert coverage_state({"value": 0.95}) == "too wide"
    assert AT_FLOOR == 1.25


def test_a_coverage_that_chance_explains_is_no_sure_fault():
    """Of a device that wanders from repeat to repeat a perfect twin was 'surely' off in 1 of 10."""
    reached = {"ratio": 1.1, "low": 1.0, "high": 1.2, "excess": 0.0}
    errors = dict.fromkeys(("mean", "spread", "autocovariance", "crps"), reached)
    found = verdict(errors, {"value": 0.861, "expected": 0.891, "low": 0.834, "high": 0.887})
    assert not found.sure
    assert found.words == (
        "Not yet at the floor: coverage is off, though not beyond what few sequences can tell."
    )
    assert "0.861 (0.834…0.887) of the real values, too narrow (a" in found.reasons[0]
    assert verdict(errors, {"value": 0.85, "expected": 0.891, "low": 0.83, "high": 0.869}).sure


def test_a_part_that_one_sequence_visits_alone_is_not_named_for_its_coverage():
    """It has no interval: of one or two sequences a perfect twin had one in half of the cases."""
    sure = {"bounds": (0.0, 0.1), "coverage": {"value": 0.8, "low": 0.76, "high": 0.84}}
    fine = {"bounds": (0.1, 0.2), "coverage": {"value": 0.9, "low": 0.88, "high": 0.92}}
    lone = {"bounds": (0.2, 0.3), "coverage": {"value": 0.81, "low": None, "high": None}}
    assert uncovered_places({"drive": [fine, lone]}, "too narrow", 1.0) == []
    assert uncovered_places({"drive": [sure, fine, lone]}, "too narrow", 1.0) == [
        "at drives 0–0.1 (0.800)"
    ]


def test_over_one_sequence_a_perfect_twin_is_seldom_surely_off():
    """Each repeat with an offset of its own: of 16 the coverage alone was off in 4 of 10 cases."""
    rng, off, sure = np.random.default_rng(4), 0, 0
    for _ in range(100):
        real, twin = (
            rng.standard_normal((n, 1, 1)) + rng.standard_normal((n, 40, 1)) for n in (16, 200)
        )
        within, counted = _within_by_repeat(twin, real, np.ones((40, 1), dtype=bool))
        value = float(within.sum() / counted.sum())
        told = _coverage_interval(within, counted, bootstrap_weights(16, rng))
        off += coverage_state({"value": value}) != "reached"
        sure += coverage_state({"value": value, **told}) in ("too narrow", "too wide")
    assert off > 30
    assert sure < 10


def test_what_a_twin_keeps_is_json_without_nan():
    scores = scored()
    json.dumps(_plain(scores.where), allow_nan=False)
    assert _plain({"a": np.array([1.0, np.nan])}) == {"a": [1.0, None]}


def test_of_a_twin_without_noise_nothing_is_said_about_noise():
    off = {"value": 5.0, "floor": 1.0, "ratio": 5.0, "excess": 4.9, "low": 4.0, "high": 6.0}
    errors = {"mean": off, "spread": off, "energy16": off, "cross_correlation": off}
    found = verdict(errors, {"value": 0.0, "expected": 0.891}, deterministic=True)
    assert [reason[:10] for reason in found.reasons] == ["mean 5.00 "]
    assert len(verdict(errors, {"value": 0.9, "expected": 0.891}).reasons) == 4


@pytest.mark.parametrize(("sequences", "least"), [(6, 0.95), (20, 0.975)])
def test_the_interval_of_a_part_holds_the_truth_about_as_often_as_it_says(sequences, least):
    """The percentiles alone held it in 89.5 % over 6 sequences and in 95.5 % over 20, not in 99."""
    rng, held = np.random.default_rng(3), 0
    mask = np.ones((sequences, 1, 1), dtype=bool)
    for _ in range(400):
        twin, floor = rng.gamma(2.0, size=(2, sequences, 1, 1))
        found = _ratio(twin, floor, mask, bootstrap_weights(sequences, rng), root=True)
        held += found["low"] <= 1 <= found["high"]
    assert held / 400 >= least
