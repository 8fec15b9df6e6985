from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from models.errors import InputError
from training import metrics
from training.ensembles import Ground, complete_repeats
from training.floors import score
from training.metrics import (
    autocovariance_error,
    coverage,
    cross_correlation_error,
    crps,
    energy16,
    fair_crps,
    lag_sums,
    mean_error,
    ranks_below,
    residuals,
    spread_error,
)
from training.verdict_places import EXPECTED_COVERAGE

DATA = Path(os.environ.get("TWINRIG_DATA", Path(__file__).parents[3] / "shared" / "data"))
RNG = np.random.default_rng(0)


def process(rng, sequences, repeats, steps=60, channels=2, keep=0.6, spread=0.1):
    """A signal with AR(1) noise: correlation keep^k at lag k."""
    signal = np.sin(np.arange(steps) / 5 + np.arange(sequences)[:, None])[:, None, :, None]
    noise = rng.standard_normal((sequences, repeats, steps, channels))
    for t in range(1, steps):
        noise[:, :, t] = keep * noise[:, :, t - 1] + np.sqrt(1 - keep**2) * noise[:, :, t]
    return signal + spread * noise


def test_crps_is_the_closed_form_of_a_gaussian():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, 200_000, 1))
    y = np.array([[[-1.5], [0.0], [0.7], [2.0]]])
    exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    assert fair_crps(x, y)[0, 0] == pytest.approx(exact.mean(), abs=3e-3)


@pytest.mark.parametrize("members", [2, 3, 8])
def test_crps_does_not_depend_on_the_ensemble_size_in_expectation(members):
    rng = np.random.default_rng(members)
    x, y = rng.standard_normal((2, 40_000, members, 1))
    assert fair_crps(x, y).mean() == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


def test_crps_equals_the_sum_over_pairs():
    x, y = RNG.standard_normal((1, 5, 3)), RNG.standard_normal((1, 4, 3))
    cross = np.abs(x[:, :, None] - y[:, None]).mean(axis=(1, 2))
    pairs = np.abs(x[:, :, None] - x[:, None]).sum(axis=(1, 2)) / (2 * 5 * 4)
    np.testing.assert_allclose(fair_crps(x, y), cross - pairs)
    np.testing.assert_allclose(fair_crps(x[:, :1], y), np.abs(x[:, :1] - y).mean(axis=1))


def test_crps_is_in_units_of_each_channels_own_spread():
    """Channels in volt and in degrees: the larger numbers are not the score of both."""
    rng, unit = np.random.default_rng(11), np.array([1e-3, 50.0])
    real, twin = (unit * rng.standard_normal((40, 6, 50, 2)) for _ in range(2))
    perfect = 1 / np.sqrt(np.pi) / 0.9515  # of six repeats the mean spread is 0.9515 of the true
    assert crps(twin, real) == pytest.approx(perfect, rel=0.03)
    one = np.repeat(twin[:, :1], 6, axis=1)
    assert crps(one, real) == pytest.approx(2 * perfect, rel=0.03)


def test_the_energy_score_is_that_of_its_definition_on_whole_windows_of_sixteen():
    rng = np.random.default_rng(12)
    x, y = rng.standard_normal((2, 3, 4, 40, 2)) * [1.0, 5.0]
    spread = y.std(axis=1, ddof=1).mean(axis=(0, 1))
    scores = []
    for s in range(3):
        for start in (0, 16):
            a, b = (
                [one[start : start + 16] / spread for one in ensemble[s]] for ensemble in (x, y)
            )
            cross = np.mean([np.linalg.norm(p - q) for p in a for q in b])
            pairs = np.mean([np.linalg.norm(a[i] - a[j]) for i in range(4) for j in range(i)])
            scores.append((cross - 0.5 * pairs) / np.sqrt(16 * 2))
    assert energy16(x, y) == pytest.approx(np.mean(scores))


def test_mean_error_is_the_bias_over_the_signal():
    real = process(RNG, 20, 400, spread=0.02)
    signal = real.mean(axis=1).std(axis=(0, 1)).mean()
    assert mean_error(real + 0.1, real) == pytest.approx(0.1 / signal, rel=1e-3)
    assert mean_error(real, real) == 0


def test_spread_error_of_scaled_noise_and_of_none():
    real = process(RNG, 10, 50)
    mean = real.mean(axis=1, keepdims=True)
    assert spread_error(mean + 1.3 * (real - mean), real) == pytest.approx(0.3)
    assert spread_error(np.repeat(mean, 50, axis=1), real) == pytest.approx(1.0)


def test_a_rare_jump_that_half_of_the_repeats_lack_makes_no_spread_absurd():
    """A read-out in whole numbers: the spread of a half without a jump is rounding, or zero."""
    real = np.repeat(np.rint(10 * process(RNG, 6, 1, channels=1)), 16, axis=1)
    twin = np.repeat(real[:, :1], 200, axis=1)
    real[0, [3, 9], 30:] += 5.0
    twin[0, :9, 30:] += 5.0
    scores = score(twin, real, seed=0)
    assert 0.3 < scores.errors["spread"]["floor"] < scores.errors["spread"]["value"] < 1.0
    highest = [row["high"] for row in scores.errors.values() if row["high"] is not None]
    assert max(highest) < 100


def test_a_spread_that_is_too_wide_here_and_too_narrow_there_is_no_right_one():
    real = process(RNG, 10, 50)
    mean = real.mean(axis=1, keepdims=True)
    factor = np.where(np.arange(60) % 2, 1.3, 0.7)[:, None]
    assert spread_error(mean + factor * (real - mean), real) == pytest.approx(0.3, rel=0.02)


def test_lag_sums_are_those_of_pairs_of_steps_that_count():
    rng = np.random.default_rng(13)
    real = rng.standard_normal((2, 5, 9, 2))
    real[:, :, 3, 0] = 1.5  # no spread there
    real[1, :, 7:] = np.nan
    ground = Ground.of(real)
    found = lag_sums(ground.inside(real), ground)
    for s, c in np.ndindex(2, 2):
        steps = [t for t in range(9 - 2 * s) if c or t != 3]
        rest = real[s, :, :, c] - real[s, :, :, c].mean(axis=0)
        for k in range(9):
            pairs = [(t, t + k) for t in steps if t + k in steps]
            products = sum(float(rest[:, t] @ rest[:, u]) for t, u in pairs)
            assert found[s, 0, k, c] == pytest.approx(products, abs=1e-12)
            assert found[s, 1, k, c] == 5 * len(pairs)


def test_a_twins_noise_where_the_device_has_none_is_no_noise_that_correlates():
    """Steps without real spread are left out: a reset that always ends in one state."""
    rng = np.random.default_rng(14)
    real, twin, other = (process(rng, 6, 12) for _ in range(3))
    real[:, :, :20] = 0.5
    other[:, :, 20:] = twin[:, :, 20:]
    for measure in (autocovariance_error, cross_correlation_error):
        assert measure(twin, real) == pytest.approx(measure(other, real), rel=1e-9)


def test_autocovariance_error_of_white_for_coloured_noise():
    coloured = process(np.random.default_rng(2), 60, 30, keep=0.6)
    white = process(np.random.default_rng(3), 60, 30, keep=0.0, spread=0.3)
    expected = np.sqrt(np.mean(0.6 ** (2 * np.arange(1, 21))))
    assert autocovariance_error(white, coloured) == pytest.approx(expected, abs=0.02)
    assert autocovariance_error(2 * coloured, coloured) == pytest.approx(0, abs=1e-12)


def test_a_deterministic_twin_has_no_correlated_noise_at_all():
    coloured = process(np.random.default_rng(2), 60, 30, keep=0.6)
    still = np.repeat(coloured.mean(axis=1, keepdims=True), 8, axis=1)
    expected = np.sqrt(np.mean(0.6 ** (2 * np.arange(1, 21))))
    assert autocovariance_error(still, coloured) == pytest.approx(expected, abs=0.02)


def test_rounding_of_a_twin_without_noise_is_no_noise():
    """The mean of equal numbers differs from them in the last digit, alike in all channels."""
    rng = np.random.default_rng(4)
    real = rng.standard_normal((6, 14, 40, 2)) + 3.3
    still = np.repeat(rng.random((6, 1, 40, 2)) + 1e3, 7, axis=1)
    assert not residuals(still).any()
    silent = np.zeros_like(still)
    for error_of in (autocovariance_error, cross_correlation_error):
        assert error_of(still, real) == error_of(silent, real)


def test_cross_correlation_error_sees_independent_channels():
    rng = np.random.default_rng(4)
    common = rng.standard_normal((30, 20, 40, 1))
    real = common + rng.standard_normal((30, 20, 40, 2))  # correlation 0.5
    apart = np.sqrt(2) * rng.standard_normal((30, 20, 40, 2))
    assert cross_correlation_error(apart, real) == pytest.approx(0.5, abs=0.02)
    third = rng.standard_normal((30, 20, 40, 1))  # of three pairs one is off
    pairs = [np.concatenate([e, third], axis=3) for e in (apart, real)]
    assert cross_correlation_error(*pairs) == pytest.approx(0.5 / np.sqrt(3), abs=0.02)


def test_energy_score_prefers_the_true_correlation_where_crps_cannot_tell():
    rng = np.random.default_rng(5)
    real, same, white = (process(rng, 40, 30, keep=k) for k in (0.9, 0.9, 0.0))
    assert energy16(white, real) > 1.02 * energy16(same, real)
    assert crps(white, real) == pytest.approx(crps(same, real), rel=0.03)


def test_padding_counts_nowhere():
    rng = np.random.default_rng(6)
    real, twin = process(rng, 6, 12), process(rng, 6, 12)
    padded_real, padded_twin = (
        np.concatenate([e, np.full((6, 12, 30, 2), np.nan)], axis=2) for e in (real, twin)
    )
    for measure in (mean_error, spread_error, crps, energy16, cross_correlation_error):
        assert measure(padded_twin, padded_real) == pytest.approx(measure(twin, real))


def test_a_channel_without_spread_is_left_out():
    rng = np.random.default_rng(7)
    real, twin = process(rng, 6, 12), process(rng, 6, 12)
    dead = np.full((6, 12, 60, 1), 0.1)
    for measure in (spread_error, crps, energy16, autocovariance_error, mean_error):
        with_dead = measure(
            np.concatenate([twin, dead + 1e-3 * rng.standard_normal(dead.shape)], axis=3),
            np.concatenate([real, dead], axis=3),
        )
        assert with_dead == pytest.approx(measure(twin, real))


def test_nothing_to_score_is_not_a_number():
    still = np.zeros((2, 4, 5, 1))
    for measure in (mean_error, spread_error, crps, energy16, autocovariance_error):
        assert np.isnan(measure(still, still))


def test_coverage_of_a_perfect_twin_and_its_flat_pit():
    rng = np.random.default_rng(8)
    value, pit, left_out = coverage(process(rng, 40, 200), process(rng, 40, 16))
    assert value == pytest.approx(EXPECTED_COVERAGE, abs=0.004)
    np.testing.assert_allclose(pit, 1, atol=0.1)
    assert left_out == 0


def test_coverage_leaves_out_steps_where_repeats_do_not_differ():
    real = process(RNG, 3, 16)
    real[:, :, :7] = 0.5
    value, _, left_out = coverage(process(RNG, 3, 200), real)
    assert left_out == 3 * 7 * 2
    assert value == pytest.approx(EXPECTED_COVERAGE, abs=0.03)


def test_equal_values_count_as_half_below():
    x = np.array([[0.0], [1.0], [1.0], [2.0]])
    assert ranks_below(x, np.array([[1.0], [0.5], [3.0]])).ravel().tolist() == [2.0, 1.0, 4.0]


def test_a_few_sequences_of_many_repeats_take_no_others_place():
    """Beyond 16 repeats nothing is gained: not 4 sequences × 100, but all of them × 16."""
    real = process(RNG, 20, 100, steps=4, channels=1)
    real[4:, 16:] = np.nan
    whole, kept = complete_repeats(real)
    assert (whole.shape[:2], kept.tolist()) == ((20, 16), list(range(20)))


def test_what_is_needed_of_a_sequence_goes_before_more_sequences():
    rng = np.random.default_rng(3)
    real = process(rng, 9, 4, steps=4, channels=1)
    for sequence, repeats in enumerate([3, 2, 4, 4, 3, 3, 2, 4, 2]):
        real[sequence, repeats:] = np.nan
    assert complete_repeats(real)[0].shape[:2] == (6, 3)
    whole, kept = complete_repeats(real, least=4)
    assert (whole.shape[:2], kept.tolist()) == ((3, 4), [2, 3, 7])
    assert complete_repeats(real, least=5)[0].shape[:2] == (3, 4)  # as many as there are
    scores = score(process(rng, 9, 200, steps=4, channels=1), real)
    assert (scores.details["sequences"], scores.details["repeats"]) == (3, 4)


def test_a_repeat_with_a_hole_and_a_short_sequence_are_left_out():
    real = process(RNG, 5, 16)
    real[1, 3, 10, 0] = np.nan
    real[4, 2:] = np.nan
    whole, kept = complete_repeats(real)
    assert kept.tolist() == [0, 1, 2, 3]
    assert whole.shape[1] == 15
    assert np.isfinite(whole).all()


def test_a_channel_that_is_never_a_number_is_an_error():
    real = process(RNG, 5, 16)
    real[..., 1] = np.nan
    with pytest.raises(InputError, match="none of them is complete"):
        complete_repeats(real)


def test_ground_finds_steps_without_spread_despite_rounding():
    real = np.full((1, 16, 4, 1), 0.1) + np.array([0, 0.1, 0.2, 0.3])[:, None]
    assert not Ground.of(real).varied.any()


@pytest.mark.skipif(not (DATA / "asvi_repeats.npz").exists(), reason="measured repeats not here")
def test_a_perfect_memory_of_the_real_spin_vortex_ice_scores_what_the_study_found():
    real = np.load(DATA / "asvi_repeats.npz")["response"].transpose(0, 2, 1)[None].astype(float)
    measures = (mean_error, spread_error, autocovariance_error)
    scores = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        order = rng.permutation(117)
        a, b = real[:, order[:58]], real[:, order[58:116]]
        memory = a[:, rng.integers(0, 58, 58)]
        scores.append([[m(memory, b), m(a, b)] for m in measures])
    value, floor = np.mean(scores, axis=0).T
    # the study's 1.46 is the ratio of *squared* differences of autocovariance
    np.testing.assert_allclose((value / floor) ** [1, 1, 2], [1.21, 1.20, 1.46], atol=0.05)


def test_of_a_wide_spectrum_some_pairs_of_channels_tell_what_all_would(monkeypatch):
    """Noise that is smooth over neighbouring channels beside such that is not."""
    rng = np.random.default_rng(4)
    white = rng.normal(size=(2, 40, 30, 2, 160))
    smooth = np.stack([white[:, :, :, 0, k : k + 120] for k in range(0, 9)]).mean(axis=0)
    found, every = [], []
    for pairs, said in ((metrics.MOST_PAIRS, found), (10**6, every)):
        monkeypatch.setattr(metrics, "MOST_PAIRS", pairs)
        said += [
            cross_correlation_error(white[..., 1, :120], smooth),
            cross_correlation_error(smooth[:, :20], smooth[:, 20:]),
        ]
    assert found[0] > 4 * found[1]
    assert found == pytest.approx(every, rel=0.1)
    assert len(metrics._pairs(201)[0]) <= metrics.MOST_PAIRS
    assert len(metrics._pairs(60)[0]) == 60 * 59 // 2
