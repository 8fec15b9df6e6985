"""Every virtual model: its bench file is read, a run with it over TCP is true and ends safe."""

from __future__ import annotations

import numpy as np
import pytest
from served import served

from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.virtual.bench_text import bench_text
from instruments.virtual.devices import DRIVES
from instruments.virtual.models import MODELS, READOUTS, SUPPLIES, TESLAMETERS
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer

STEPS = 3


def run(rig, device: str) -> np.ndarray:
    """Steps through the window over TCP; `(STEPS, channels)`."""
    spec, drive = rig.spec(), DRIVES[device]
    values = []
    with Bench.connect(spec) as bench:
        bench.settings()
        bench.energise()
        bench.reset_device(spec.reset, spec.window)
        for field_T in np.linspace(drive.low_T, drive.high_T, STEPS):
            values.append(bench.step(float(field_T), spec.window).values)
            end_T = -field_T if drive.encoding == "loop" else field_T
            assert rig.rig.field_T() == pytest.approx(end_T, rel=3e-3)
        bench.verify()
        bench.check_settings()
    rig.rig.time.advance(10.0)
    assert rig.rig.field_T() == pytest.approx(0.0, abs=1e-6)
    return np.array(values)


@pytest.mark.parametrize("supply", SUPPLIES)
def test_a_leaky_integrator_is_run_by_each_supply(supply):
    with served((supply, "sr830")) as rig:
        values = run(rig, "leaky-integrator")
    assert np.all(np.diff(values[:, 0]) > 2e-6)  # it follows the rising drive
    assert np.all(np.abs(values) < 1.2e-4)


@pytest.mark.parametrize("readout", [one for one in READOUTS if one != "sr830"])
def test_a_leaky_integrator_is_seen_by_each_read_out(readout):
    with served(("kepco-bop", readout)) as rig:
        values = run(rig, "leaky-integrator")
    assert values.shape[1] == {"keithley-2182a": 1, "keithley-6221": 1, "keysight-pna": 60}.get(
        readout, 2
    )
    assert np.all(np.ptp(values, axis=0).max() > 2e-6)


@pytest.mark.parametrize("supply", ["kepco-bop", "lakeshore-643"])
def test_a_spin_vortex_ice_is_run_in_loops_and_seen_as_a_spectrum(supply):
    with served((supply, "keysight-pna"), device="spin-vortex-ice") as rig:
        values = run(rig, "spin-vortex-ice")
        shares = rig.rig._device._array.vortex_share
    assert values.shape == (STEPS, 60)
    assert np.all((values > 0.45) & (values < 0.55))
    assert shares > 0.02  # vortices came in on the way


def test_a_lock_in_sees_two_frequencies_of_a_spin_vortex_ice():
    with served(device="spin-vortex-ice") as rig:
        values = run(rig, "spin-vortex-ice")
    assert values.shape == (STEPS, 2)
    assert np.all((np.abs(values) > 1e-7) & (np.abs(values) < 1.0e-4))


@pytest.mark.parametrize("device", DRIVES)
@pytest.mark.parametrize("supply", SUPPLIES)
def test_the_bench_file_of_every_combination_is_read(device, supply):
    rig = VirtualRig(device, (supply, *(model for model in MODELS if model not in SUPPLIES)))
    text = bench_text(rig, {key: f"TCPIP0::10.0.0.{n}::5::SOCKET" for n, key in _numbered(rig)})
    spec = parse_bench(text, "bench of a rig")
    limits = spec.magnets["x"].limits
    assert limits.problem(limits.current_A(spec.reset.field_T)) is None
    assert len(spec.instruments) == len(MODELS) - len(SUPPLIES) + 1
    assert set(spec.readouts) == {
        *("lockin", "lockin2", "nanovoltmeter", "delta", "multimeter", "analyser"),
    }


def _numbered(rig):
    return list(enumerate(rig.instruments, 1))


@pytest.mark.parametrize("probe", TESLAMETERS)
def test_a_probe_is_in_the_first_supplies_coil(probe):
    rig = VirtualRig("leaky-integrator", ("kepco-bop", "kepco-bop", probe))
    for key, current_A in (("kepco-bop", 5), ("kepco-bop#2", 9)):
        rig.connect(key).receive(f"CURR {current_A};OUTP ON\n".encode())
    rig.time.advance(1.0)
    port = rig.connect(probe)
    port.receive(b"FETCH:DC? Z\n" if probe.endswith("f71") else b"RDGFIELD?\n")
    shown = float(port.transmit().decode())
    assert shown in (pytest.approx(2e-3, rel=2e-2), pytest.approx(20.0, rel=2e-2))  # T or G


def test_two_instruments_of_a_kind_have_names_and_ports_of_their_own():
    rig = VirtualRig("leaky-integrator", ("ami-430", "kepco-bop", "sr860", "sr830", "sr830"))
    server = RigServer(rig)
    try:
        spec = parse_bench(bench_text(rig, server.resources), "served")
    finally:
        server.close()
    assert {name: one.driver for name, one in spec.magnets.items()} == {
        "x": "ami-430", "y": "kepco-bop",
    }  # fmt: skip
    assert list(spec.readouts) == ["lockin", "lockin2", "lockin3"]
