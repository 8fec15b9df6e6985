"""The nanoring array: beside what is published, beside a fine model, its signal and its state."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from nanoring_fine import FineArrays
from scipy.integrate import quad

from instruments.virtual.nanoring import NanoringArray, NanoringParameters
from instruments.virtual.nanoring_tables import FULL, NEVER, _levels, _tabulate
from models.errors import InputError

OE = 1e-4  # tesla
TEN = NanoringParameters(rows=10, columns=10)


@cache
def after_20_rotations(amplitude_Oe: float, seeds: int = 24):
    """Wall population and net magnetisation of `seeds` arrays: (seeds,) each."""
    found = []
    for seed in range(seeds):
        array = NanoringArray(TEN, seed)
        for _ in range(20):
            array.rotate(amplitude_Oe * OE)
        found.append((array.wall_population, array.net_magnetisation))
    return np.array(found).T


@pytest.fixture(scope="module")
def published():
    return {H: after_20_rotations(H) for H in (18, 22, 24, 26, 28, 30, 36)}


class TestPublishedTrends:
    def test_18_Oe_is_pinned_without_spread(self, published):
        population, magnetisation = published[18]
        assert np.all(population == 1.0)
        assert np.all(magnetisation == 1.0)

    def test_36_Oe_turns_coherently_without_spread(self, published):
        population, magnetisation = published[36]
        assert np.all(population == 1.0)
        assert magnetisation == pytest.approx(1.0, abs=0.02)

    def test_population_falls_from_22_to_28_Oe_and_rises_at_30(self, published):
        mean = {H: population.mean() for H, (population, _) in published.items()}
        assert mean[18] > mean[22] > mean[24] > mean[26] > mean[28]
        assert mean[30] > mean[28] + 0.3

    def test_30_Oe_is_the_most_stochastic(self, published):
        spread = {H: population.std() for H, (population, _) in published.items()}
        assert max(spread, key=spread.get) == 30
        assert spread[30] == pytest.approx(0.33, abs=0.15)

    def test_magnetisation_vanishes_between_the_pinned_and_the_coherent_state(self, published):
        assert published[26][1].mean() == pytest.approx(0.02, abs=0.04)

    @pytest.mark.parametrize(("amplitude_Oe", "population"), [(24, 0.42), (26, 0.32), (28, 0.20)])
    def test_population_is_near_the_published_one(self, published, amplitude_Oe, population):
        assert published[amplitude_Oe][0].mean() == pytest.approx(population, abs=0.12)


class TestAgainstTheFineModel:
    @pytest.mark.parametrize("amplitude_Oe", [20, 22, 24, 26, 28, 34])
    def test_population_and_magnetisation_agree(self, amplitude_Oe):
        fine = FineArrays(24, 10, 10, seed=1)
        for _ in range(20):
            fine.rotate(amplitude_Oe)
        population, magnetisation = after_20_rotations(amplitude_Oe)
        assert population.mean() == pytest.approx(fine.wall_population.mean(), abs=0.08)
        assert magnetisation.mean() == pytest.approx(fine.net_magnetisation.mean(), abs=0.05)

    def test_population_follows_the_same_path_under_a_varied_drive(self):
        drive_Oe = np.random.default_rng(3).uniform(22, 34, 25)
        fine = FineArrays(12, 12, 9, seed=2)
        arrays = [NanoringArray(NanoringParameters(rows=12, columns=9), s) for s in range(12)]
        paths = []
        for amplitude_Oe in drive_Oe:
            fine.rotate(amplitude_Oe)
            for array in arrays:
                array.rotate(amplitude_Oe * OE)
            coarse = np.mean([array.wall_population for array in arrays])
            paths.append((fine.wall_population.mean(), coarse))
        reference, path = np.array(paths).T
        assert np.abs(path - reference).mean() < 0.08
        assert np.corrcoef(reference, path)[0, 1] > 0.9


def test_tabulated_leaving_probability_is_the_integrated_thermal_rate():
    p = NanoringParameters()
    ratio, kT = 0.55, 1.380649e-23 * p.temperature_K
    levels = _levels()
    row = round((ratio - 0.3) / 0.001)
    for beside, factor in ((0, 1.0), (1, p.shared_factor)):
        per_rad = 1 / (2 * np.pi * p.field_frequency_Hz * p.attempt_time_s)

        def hazard(lag, factor=factor, per_rad=per_rad):
            reduced = max(0.0, 1 - (ratio + 0.0005) * np.sin(lag) / factor)
            return per_rad * np.exp(-factor * p.E0_J / kT * reduced**1.5)

        total, _ = quad(hazard, 2 * np.pi * 28 / 256, 2 * np.pi * 92 / 256)
        stays = np.mean(_tabulate(p)[FULL, beside, row][levels] == NEVER)
        assert stays == pytest.approx(np.exp(-total), rel=0.1, abs=3e-5)


class TestSignal:
    def test_coherent_array_gives_full_scale(self):
        array = NanoringArray(NanoringParameters(), 0)
        signal = [array.rotate(36 * OE) for _ in range(5)]
        assert np.hypot(*signal[-1]) == pytest.approx(1.0, abs=0.05)

    def test_pinned_array_only_yields(self):
        parameters = NanoringParameters()
        in_phase, quadrature = NanoringArray(parameters, 0).rotate(18 * OE)
        expected = np.pi / 4 * (parameters.elastic_rad * 18 / 55) ** 2
        assert in_phase == pytest.approx(expected)
        assert quadrature == 0.0

    def test_stiff_pinned_array_is_silent(self):
        array = NanoringArray(replace(NanoringParameters(), elastic_rad=0.0), 0)
        assert np.all(array.rotate(18 * OE) == 0.0)

    def test_repeats_spread_by_some_percent_of_the_signal(self):
        drive_T = np.random.default_rng(5).uniform(22, 34, 100) * OE
        array = NanoringArray(NanoringParameters(), 0)
        repeats = []
        for _ in range(12):
            array.rotate(40 * OE)
            repeats.append([array.rotate(amplitude_T) for amplitude_T in drive_T])
        response = np.array(repeats)
        spread = response.std(axis=0).mean(axis=0) / response.mean(axis=0).std(axis=0)
        assert np.all((spread > 0.03) & (spread < 0.15))

    def test_the_past_is_heard_for_some_rotations_and_then_forgotten(self):
        common_T = np.random.default_rng(6).uniform(22, 34, 60) * OE
        gap = np.zeros(60)
        for seed in range(12):
            high, low = (NanoringArray(NanoringParameters(), seed) for _ in range(2))
            for _ in range(10):
                high.rotate(34 * OE)
                low.rotate(27 * OE)
            gap += [np.hypot(*(high.rotate(a) - low.rotate(a))) for a in common_T]
        assert gap[:3].mean() > 3 * gap[-20:].mean()


class TestState:
    def test_a_saturating_rotation_erases_any_history(self):
        array = NanoringArray(NanoringParameters(), 4)
        for _ in range(10):
            array.rotate(27 * OE)
        assert array.wall_population < 0.6
        array.rotate(40 * OE)
        assert array.wall_population == 1.0
        assert array.net_magnetisation == pytest.approx(1.0)

    def test_no_field_changes_nothing(self):
        array = NanoringArray(NanoringParameters(), 4)
        array.rotate(27 * OE)
        before = array.wall_population, array.net_magnetisation
        assert np.all(array.rotate(0.0) == 0.0)
        assert (array.wall_population, array.net_magnetisation) == before

    def test_seed_fixes_the_signal_and_reading_the_state_does_not_disturb_it(self):
        drive_T = np.random.default_rng(7).uniform(22, 34, 30) * OE
        one, same, other = (NanoringArray(NanoringParameters(), s) for s in (8, 8, 9))
        signals = []
        for amplitude_T in drive_T:
            _ = one.wall_population, one.net_magnetisation
            signals.append([array.rotate(amplitude_T) for array in (one, same, other)])
        first, second, third = np.swapaxes(signals, 0, 1)
        np.testing.assert_array_equal(first, second)
        assert np.abs(first - third).max() > 0.01

    @pytest.mark.parametrize("amplitude_T", [-1e-3, np.nan, np.inf])
    def test_impossible_amplitude_is_refused(self, amplitude_T):
        with pytest.raises(InputError, match="must be finite"):
            NanoringArray(NanoringParameters(), 0).rotate(amplitude_T)


class TestParameters:
    def test_all_faults_are_named_at_once(self):
        with pytest.raises(InputError, match=r"rows = 0(.|\n)*temperature_K = -1"):
            NanoringParameters(rows=0, temperature_K=-1)

    def test_fingerprint_follows_every_value(self):
        plain = NanoringParameters()
        assert plain.fingerprint() == NanoringParameters().fingerprint()
        assert plain.fingerprint() != replace(plain, H0_spread_Oe=1.01).fingerprint()


def test_a_rotation_takes_well_under_a_millisecond():
    array = NanoringArray(NanoringParameters(), 0)
    drive_T = np.random.default_rng(0).uniform(22, 34, 200) * OE
    best_s = np.inf
    for _ in range(5):
        started = time.process_time()
        for amplitude_T in drive_T:
            array.rotate(amplitude_T)
        best_s = min(best_s, (time.process_time() - started) / drive_T.size)
    assert best_s < 0.8e-3
