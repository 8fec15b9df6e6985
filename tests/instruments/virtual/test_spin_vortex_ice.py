"""The spin-vortex ice: its memory, its lines, and its noise beside that of real repeats."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.virtual import electronics
from instruments.virtual.devices import make_device
from instruments.virtual.electronics import ElectronicsParameters, ResonantSource
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.spectrum_noise import SpectrumNoise, SpectrumNoiseParameters
from instruments.virtual.spin_vortex_ice import SpinVortexIce, SpinVortexIceParameters
from models.errors import InputError

DATA = Path(os.environ.get("TWINRIG_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
CHANNELS_HZ = np.linspace(4.0e9, 10.0e9, 60)
HOLD_S = 0.1
REPEATS = 12
ALLOWED = {"noise over signal": 0.01, "kurtosis": 0.3, "drift over noise": 0.08}
needs_data = pytest.mark.skipif(
    not (DATA / "asvi_repeats.npz").is_file(), reason="TWINRIG_DATA isn't here"
)


def _reset(array: SpinVortexIce) -> None:
    for field_T in (40e-3, -40e-3):
        array.expose(field_T, HOLD_S)


def _loops(array: SpinVortexIce, fields_T: np.ndarray) -> np.ndarray:
    """Spectra `(T, 60)` after each bipolar loop."""
    spectra = []
    for field_T in fields_T:
        array.expose(field_T, HOLD_S)
        array.expose(-field_T, HOLD_S)
        spectra.append(array.spectrum(CHANNELS_HZ, -field_T))
    return np.array(spectra)


def test_vortices_climb_over_several_loops_and_a_high_field_erases_them() -> None:
    array = SpinVortexIce(SpinVortexIceParameters(), 0)
    _reset(array)
    assert array.vortex_share < 0.01
    shares = []
    for _ in range(8):
        _loops(array, np.array([22e-3]))
        shares.append(array.vortex_share)
    assert shares[0] > 0.1
    assert shares[-1] > shares[0] + 0.05
    assert np.all(np.diff(shares) > 0)
    _loops(array, np.full(3, 28e-3))
    assert array.vortex_share < 0.1


def test_weak_fields_change_nothing() -> None:
    array = SpinVortexIce(SpinVortexIceParameters(), 0)
    _reset(array)
    before = array.narrow.copy(), array.wide.copy()
    _loops(array, np.full(5, 12e-3))
    assert np.array_equal(array.narrow, before[0])
    assert np.array_equal(array.wide, before[1])


def test_the_past_fades_within_some_twenty_loops() -> None:
    rng = np.random.default_rng(3)
    tail_T = rng.uniform(18e-3, 23.5e-3, 20)
    spectra = []
    for past in (18.5e-3, 23.3e-3):
        array = SpinVortexIce(SpinVortexIceParameters(), 1)
        _reset(array)
        spectra.append(_loops(array, np.r_[np.full(10, past), tail_T])[10:])
    apart = np.sqrt(np.mean((spectra[0] - spectra[1]) ** 2, axis=1))
    signal = spectra[0].std(axis=0).mean()
    assert apart[0] > 0.1 * signal
    assert apart[-1] < 0.4 * apart[0]


def test_the_same_seed_gives_the_same_history() -> None:
    fields_T = np.random.default_rng(0).uniform(18e-3, 23.5e-3, 10)
    arrays = [SpinVortexIce(SpinVortexIceParameters(), seed) for seed in (5, 5, 6)]
    for array in arrays:
        _reset(array)
    first, again, other = (_loops(array, fields_T) for array in arrays)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_lines_follow_the_field_by_kittel() -> None:
    parameters = SpinVortexIceParameters(row_T=0.0, column_T=0.0)
    array = SpinVortexIce(parameters, 0)
    _reset(array)  # all moments along −: a field of −20 mT is along them
    axis_Hz = np.linspace(4e9, 12e9, 4001)
    first_T, second_T = parameters.wide_B_T
    expected_Hz = 29.0e9 * np.sqrt((20e-3 + first_T) * (20e-3 + second_T))
    spectrum = array.spectrum(axis_Hz, -20e-3)
    near = np.abs(axis_Hz - expected_Hz) < 0.35e9
    steep_Hz = axis_Hz[near][np.argmin(np.abs(spectrum[near]))]  # zero between the two lobes
    assert abs(steep_Hz - expected_Hz) < 0.08e9


def test_impossible_parameters_are_all_named() -> None:
    with pytest.raises(InputError, match=r"rows = 0(.|\n)*spread = 0.5"):
        SpinVortexIceParameters(rows=0, spread=0.5)


def _statistics(repeats: np.ndarray) -> dict[str, float]:
    """Noise statistics of `(R, T, C)`: each a number that has to agree."""
    mean = repeats.mean(axis=0)
    residual = repeats - mean
    power = np.mean(residual**2)
    channels = np.corrcoef(residual.reshape(-1, residual.shape[2]).T)
    signal = np.sqrt(mean.var(axis=0).mean())
    return {
        "noise over signal": float(np.sqrt(power) / signal),
        "kurtosis": float(np.mean((residual / residual.std(axis=(0, 1))) ** 4)),
        "lag 1": float(np.mean(residual[:, :-1] * residual[:, 1:]) / power),
        "lag 5": float(np.mean(residual[:, :-5] * residual[:, 5:]) / power),
        **{f"channels {k} apart": float(np.mean(np.diag(channels, k))) for k in (1, 2, 4, 8, 12)},
        "drift over noise": float(residual.mean(axis=1).std() / np.sqrt(power)),
    }


def _real_statistics() -> dict[str, float]:
    with np.load(DATA / "asvi_repeats.npz", allow_pickle=False) as data:
        return _statistics(data["response"].astype(float).transpose(0, 2, 1))


def _virtual_repeats(count: int) -> np.ndarray:
    fields_T = np.random.default_rng(0).uniform(18e-3, 23.5e-3, 19)
    time = DeviceTime()
    noise = SpectrumNoise(SpectrumNoiseParameters(), time, np.random.SeedSequence(1))
    repeats = []
    for seed in range(count):
        array = SpinVortexIce(SpinVortexIceParameters(), seed)
        _reset(array)
        spectra = _loops(array, fields_T)
        for spectrum in spectra:
            time.advance(1.0)
            spectrum += noise.draw(CHANNELS_HZ)
        repeats.append(spectra)
    return np.array(repeats)


def _recorded_repeats(count: int, steps: int = 19) -> np.ndarray:
    """Repeats as the bench and the analyser's driver give them, in units of the signal."""
    spec = read_bench("virtual-spin-vortex-ice")
    fields_T = np.random.default_rng(0).uniform(spec.window.low_T, spec.window.high_T, steps)
    repeats = []
    with Bench.connect(spec) as bench:
        bench.energise()
        for _ in range(count):
            bench.reset_device(spec.reset, spec.window)
            repeats.append([bench.step(float(f), spec.window).values for f in fields_T])
            bench.verify()
    return (np.array(repeats) / ResonantSource.loss - 1.0) / ResonantSource.depth


def test_repeats_through_the_analysers_driver_have_the_noise_of_the_spectrum() -> None:
    repeats = _recorded_repeats(REPEATS)
    assert repeats.shape == (REPEATS, 19, 60)
    residual = repeats - repeats.mean(axis=0)
    assert residual.std() * np.sqrt(REPEATS / (REPEATS - 1)) == pytest.approx(1.4e-2, rel=0.1)
    found = _statistics(repeats)
    expected = {"lag 1": 0.04, "channels 1 apart": 0.96, "channels 4 apart": 0.6,
                "channels 8 apart": 0.0}  # fmt: skip
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.08), name
    assert found["kurtosis"] == pytest.approx(3.0, abs=0.3)


@needs_data
@pytest.mark.full
def test_repeats_through_the_analysers_driver_have_the_statistics_of_real_ones() -> None:
    real, virtual = _real_statistics(), _statistics(_recorded_repeats(117))
    for name, value in real.items():
        print(f"{name}: real {value:.3f}, through the driver {virtual[name]:.3f}")  # noqa: T201
        assert abs(virtual[name] - value) < ALLOWED.get(name, 0.08), name


@needs_data
def test_repeats_have_the_statistics_of_real_ones() -> None:
    real, virtual = _real_statistics(), _statistics(_virtual_repeats(60))
    for name, value in real.items():
        assert abs(virtual[name] - value) < ALLOWED.get(name, 0.08), (name, value, virtual[name])


def _source() -> ResonantSource:
    seeds = np.random.SeedSequence(3).spawn(3)
    device = make_device("spin-vortex-ice", seeds[0])
    return ResonantSource(
        device, None, DeviceTime(), ElectronicsParameters(), seeds[1], seeds[2]
    )  # fmt: skip


def test_an_axis_of_many_points_needs_memory_in_proportion(monkeypatch) -> None:
    monkeypatch.setattr(electronics, "MOST_POINTS", 201)
    sizes = []
    for points in (202, 2002, 20002):
        source = _source()
        tracemalloc.start()
        trace = source.sweep(np.linspace(4.0e9, 10.0e9, points))
        sizes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert trace.shape == (points,)
    assert sizes[2] - sizes[1] < 200 * 18000  # bytes a point; 20002² numbers are 3 GB
    assert sizes[1] - sizes[0] < 200 * 1800


def test_the_points_of_a_fine_axis_lie_between_those_that_are_computed() -> None:
    few, many = _source(), _source()
    axis_Hz = np.linspace(4.0e9, 10.0e9, electronics.MOST_POINTS)
    fine_Hz = np.linspace(4.0e9, 10.0e9, 4 * (axis_Hz.size - 1) + 1)
    computed, between = few.sweep(axis_Hz), many.sweep(fine_Hz)
    assert between[::4] == pytest.approx(computed, rel=1e-12)
    assert between[2::4] == pytest.approx((computed[1:] + computed[:-1]) / 2, rel=1e-12)
    exact = _source()._resonant.spectrum(fine_Hz[2:-1:400], 0.0)
    near = _source()._resonant.spectrum(axis_Hz, 0.0)
    off = np.interp(fine_Hz[2:-1:400], axis_Hz, near) - exact
    assert np.abs(off).max() < 1e-3 * np.abs(near).max()
