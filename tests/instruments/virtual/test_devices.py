"""The devices and the electronics around them: same seed, same signal; the noise is as said."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from instruments.virtual.coil import CoilParameters
from instruments.virtual.devices import (
    DEVICES,
    DRIVES,
    DuffingParameters,
    LeakyIntegratorParameters,
    make_device,
)
from instruments.virtual.electronics import DeviceSource, ElectronicsParameters
from instruments.virtual.instrument import DeviceTime
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_a_device_repeats_itself_with_its_seed_and_differs_with_another(name):
    drive = DRIVES[name]
    fields_T = np.random.default_rng(1).uniform(drive.low_T, drive.high_T, 40)
    runs = []
    for seed in (3, 3, 4):
        device = make_device(name, np.random.SeedSequence(seed))
        feel = getattr(device, "feel", lambda *_: None)
        runs.append([])
        for field_T in fields_T:
            feel(field_T, 0.05)
            feel(-field_T, 0.05)
            runs[-1].append(device.gate(-field_T))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert device.duration_s == pytest.approx(1 / 37)
    assert device.parameters


@pytest.mark.parametrize(
    ("name", "hint"), [("nanorings", "did you mean 'nanoring'"), ("toaster", "available: nanoring")]
)
def test_an_unknown_device_is_refused_with_a_hint(name, hint):
    with pytest.raises(InputError, match=hint):
        make_device(name, np.random.SeedSequence(0))


def test_the_leaky_integrator_forgets_at_its_two_rates_and_its_noise_is_coloured():
    parameters = LeakyIntegratorParameters()
    device = make_device("leaky-integrator", np.random.SeedSequence(0))
    signal = np.array([device.gate(parameters.high_T) for _ in range(20_000)])[200:]
    assert signal.mean(axis=0) == pytest.approx([1.0, 1.0], abs=0.01)
    assert signal.std(axis=0) == pytest.approx(parameters.noise, rel=0.1)
    centred = signal - signal.mean(axis=0)
    lag_1 = (centred[1:] * centred[:-1]).mean(axis=0) / centred.var(axis=0)
    assert lag_1 == pytest.approx([1 - leak for leak in parameters.leak], abs=0.03)


def test_the_oscillator_rings_at_its_frequency_and_rests_where_the_force_holds_it():
    device = make_device("duffing", np.random.SeedSequence(0))
    parameters = DuffingParameters()
    middle_T = (parameters.low_T + parameters.high_T) / 2
    signal = np.array([device.gate(middle_T)[0] for _ in range(20_000)])
    assert signal.mean() == pytest.approx(0.0, abs=0.01)
    # thermal: variance of x noise² / (2 damping), a little less for the hardening
    linear = parameters.noise**2 / (2 * parameters.damping)
    assert 0.85 * linear < 4 * signal.var() < 1.02 * linear
    lag_3 = (signal[3:] * signal[:-3]).mean() / signal.var()
    assert lag_3 < -0.3  # half a period later it is on the other side
    pushed = np.array([device.gate(parameters.high_T)[0] for _ in range(2000)])[100:]
    rest = 2 * pushed.mean()
    assert rest + rest**3 == pytest.approx(parameters.force, abs=0.1)


class Silent:
    """A device without a signal."""

    duration_s = 1 / 37
    parameters: Mapping[str, object] = MappingProxyType({})

    def gate(self, field_T: float) -> tuple[float, float]:
        return 0.0, 0.0


def silent_source(parameters: ElectronicsParameters, seed: int = 0) -> DeviceSource:
    noise, drift = np.random.SeedSequence(seed).spawn(2)
    return DeviceSource(Silent(), None, DeviceTime(), parameters, noise, drift)


def test_the_read_out_noise_is_white_gaussian_and_a_fraction_of_the_full_signal():
    parameters = ElectronicsParameters()
    source = silent_source(parameters)
    noise = np.array([source.noise() for _ in range(20_000)]) / parameters.full_signal_V
    assert noise.std(axis=0) == pytest.approx([parameters.noise_fraction] * 2, rel=0.03)
    assert np.corrcoef(noise.T)[0, 1] == pytest.approx(0.0, abs=0.03)
    assert np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1] == pytest.approx(0.0, abs=0.03)


def test_the_offset_drifts_slowly_and_stays_within_its_spread():
    parameters = ElectronicsParameters(drift_time_s=10.0)
    source = silent_source(parameters)
    drift = np.array([source.gate() for _ in range(100_000)]) / parameters.full_signal_V
    assert drift.std(axis=0) == pytest.approx([parameters.drift_fraction] * 2, rel=0.25)
    steps = np.diff(drift, axis=0).std(axis=0)
    expected = parameters.drift_fraction * np.sqrt(2 / 37 / parameters.drift_time_s)
    assert steps == pytest.approx([expected] * 2, rel=0.05)


def test_the_default_drift_takes_an_hour_and_is_a_third_of_the_noise():
    parameters = ElectronicsParameters()
    assert parameters.drift_time_s == 3600.0
    assert parameters.drift_fraction == pytest.approx(parameters.noise_fraction / 3)
    assert CoilParameters().tesla_per_ampere == 4.0e-4
