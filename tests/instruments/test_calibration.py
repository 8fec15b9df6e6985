"""Ampere to tesla from two branches: slope, offset, width, and what is no calibration."""

from __future__ import annotations

import numpy as np
import pytest

from instruments.calibration import fit_calibration
from models.errors import InputError

CURRENT_A = np.linspace(-9.0, 9.0, 21)


def branches(slope, offset_T, width_T, noise_T=0.0, seed=0):
    rng = np.random.default_rng(seed)
    line = offset_T + slope * CURRENT_A
    noise = rng.standard_normal((2, CURRENT_A.size)) * noise_T
    return line + width_T / 2 + noise[0], line - width_T / 2 + noise[1]


def test_slope_offset_and_width_of_a_hysteretic_magnet_are_found_exactly():
    found = fit_calibration(CURRENT_A, *branches(-4e-4, 5e-5, 2e-5))
    assert found.tesla_per_ampere == pytest.approx(-4e-4, rel=1e-12)
    assert found.offset_T == pytest.approx(5e-5, rel=1e-9)
    assert found.hysteresis_T == pytest.approx(2e-5, rel=1e-9)
    assert found.remanence_T == pytest.approx(1e-5, rel=1e-9)
    assert found.residual_T == pytest.approx(1e-5, rel=1e-9)
    assert found.tesla_per_ampere_error < 1e-15


def test_the_order_of_the_points_does_not_matter():
    falling, rising = branches(4e-4, 1e-5, 3e-6, 1e-7)
    shuffled = np.random.default_rng(1).permutation(CURRENT_A.size)
    one = fit_calibration(CURRENT_A, falling, rising)
    other = fit_calibration(CURRENT_A[shuffled], falling[shuffled], rising[shuffled])
    assert one == other


def test_the_errors_are_those_of_the_scatter():
    found = [fit_calibration(CURRENT_A, *branches(4e-4, 0, 0, 1e-6, seed)) for seed in range(400)]
    scatter = np.std([each.tesla_per_ampere for each in found])
    told = np.median([each.tesla_per_ampere_error for each in found])
    assert scatter < told < 1.5 * scatter  # the branches' difference is on top of the scatter
    offsets = np.std([each.offset_T for each in found])
    assert np.median([each.offset_T_error for each in found]) == pytest.approx(offsets, rel=0.15)


def test_a_saturating_yoke_bends():
    bent = 4e-4 * 9 * np.tanh(CURRENT_A / 9)
    found = fit_calibration(CURRENT_A, bent, bent)
    assert found.bend_T > 0.02 * 4e-4 * 9
    assert found.hysteresis_T == 0


def test_noise_alone_is_no_magnet():
    seen = [
        fit_calibration(CURRENT_A, *branches(0, 5e-5, 0, 1e-6, seed)).sees_the_magnet
        for seed in range(200)
    ]
    assert sum(seen) <= 2
    assert fit_calibration(CURRENT_A, *branches(1e-6, 0, 0, 1e-7)).sees_the_magnet


@pytest.mark.parametrize(
    ("other", "error", "differs"),
    [(4e-4, 0.0, False), (4.07e-4, 0.0, False), (3.9e-4, 0.0, True), (-4e-4, 0.0, True),
     (3.9e-4, 1e-5, False)],
)  # fmt: skip
def test_another_slope_is_another_calibration(other, error, differs):
    assert fit_calibration(CURRENT_A, *branches(4e-4, 0, 0)).differs(other, error) is differs


@pytest.mark.parametrize("count", [0, 4])
def test_too_few_points_are_refused(count):
    with pytest.raises(InputError, match="expected two of the same 5"):
        fit_calibration(CURRENT_A[:count], CURRENT_A[:count], CURRENT_A[:count])


def test_what_is_no_number_or_one_current_is_refused():
    falling, rising = branches(4e-4, 0, 0)
    falling[3] = np.nan
    with pytest.raises(InputError, match="no number"):
        fit_calibration(CURRENT_A, falling, rising)
    with pytest.raises(InputError, match="one current"):
        fit_calibration(np.ones(9), np.ones(9), np.ones(9))
