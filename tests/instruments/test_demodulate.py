"""Components of known signals: offsets, missing readings, channels of their own."""

from __future__ import annotations

import numpy as np
import pytest

from instruments.demodulate import component_names, demodulate
from models.errors import InputError

PHASE = 2 * np.pi * np.arange(16) / 16
KNOWN = np.array([[[1.5, -0.25], [0.5, 2.0]], [[0.0, 1.0], [-3.0, 0.0]]])  # channel, harmonic, part


def signal(phase, offset=(7.0, -2.0)):
    columns = []
    for mean, components in zip(offset, KNOWN, strict=True):
        wave = np.full(phase.shape, mean)
        for k, (x, y) in enumerate(components, start=1):
            wave += x * np.cos(k * phase) + y * np.sin(k * phase)
        columns.append(wave)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("points", [5, 8, 16, 17])
@pytest.mark.parametrize("rotations", [1, 3])
def test_known_components_are_found_whatever_the_offset(points, rotations):
    phase = 2 * np.pi * np.arange(points * rotations) / points
    for offset in ((0.0, 0.0), (1e3, -1e3)):
        assert demodulate(phase, signal(phase, offset)) == pytest.approx(KNOWN, abs=1e-10)


def test_missing_readings_cost_nothing_where_enough_are_left():
    values = signal(PHASE)
    values[[0, 5, 6], 0] = np.nan
    values[11, 1] = np.nan
    assert demodulate(PHASE, values) == pytest.approx(KNOWN, abs=1e-10)


def test_a_fourier_sum_over_the_readings_that_are_left_would_be_wrong():
    values = signal(PHASE)[1:, 0]
    summed = 2 / len(values) * np.sum(values * np.cos(PHASE[1:]))
    assert abs(summed - KNOWN[0, 0, 0]) > 0.1


def test_too_few_readings_are_no_number_and_touch_no_other_channel():
    values = signal(PHASE)
    values[4:, 0] = np.nan
    found = demodulate(PHASE, values)
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx(KNOWN[1], abs=1e-10)


def test_readings_at_too_few_angles_do_not_tell_the_components_apart():
    phase = np.tile([0.0, np.pi / 2, np.pi, 3 * np.pi / 2], 4)
    assert np.isnan(demodulate(phase, signal(phase))).all()


def test_other_harmonics_are_left_out_on_whole_rotations():
    values = signal(PHASE) + 5 * np.cos(3 * PHASE + 0.3)[:, None] + np.sin(5 * PHASE)[:, None]
    assert demodulate(PHASE, values) == pytest.approx(KNOWN, abs=1e-10)


def test_white_noise_averages_down_as_the_square_root_of_the_readings():
    rng = np.random.default_rng(0)
    phase = np.tile(PHASE, 4)
    noisy = rng.standard_normal((64, 500))
    assert demodulate(phase, noisy).std() == pytest.approx(np.sqrt(2 / 64), rel=0.05)


def test_one_harmonic_alone():
    assert demodulate(PHASE, signal(PHASE), (2,)) == pytest.approx(KNOWN[:, 1:], abs=1e-10)


def test_names_follow_the_axes():
    assert component_names(["V"]) == ["V.1f.x", "V.1f.y", "V.2f.x", "V.2f.y"]
    assert len(component_names(["X", "Y"])) == KNOWN.size


@pytest.mark.parametrize(
    ("phase", "values", "harmonics"),
    [(PHASE[1:], signal(PHASE), (1,)), (PHASE, signal(PHASE)[:, 0], (1,)),
     (PHASE, signal(PHASE), ()), (np.append(PHASE[1:], np.nan), signal(PHASE), (1,))],
)  # fmt: skip
def test_what_does_not_fit_is_refused(phase, values, harmonics):
    with pytest.raises(InputError, match="demodulate"):
        demodulate(phase, values, harmonics)
