"""A network over two devices from the window: trained by layer, a bench of each, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples
import pytest
from network_samples import twin_of

from app.device_benches import matched, plays
from app.gui.deploy_asks import DeployAsk
from app.gui.pages.network_reads import layout_of
from app.gui.preflight import _here, deployment_bytes
from app.gui.preflight_several import bench_checks, parts
from app.operations.record_begin import differences
from app.operations.record_room import recording_bytes
from app.store import save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import RefusedError
from models.network import Device

if TYPE_CHECKING:
    from pathlib import Path

RINGS, LEAKY = "virtual", "virtual-leaky-integrator"
SMALL = "train=300,validation=100,test=60,washout=20"
WAIT_MS, SOON_MS = 240_000, 20_000


@pytest.fixture
def window(make_window):
    made = make_window(page="network")
    with Bench.connect(read_bench(LEAKY)) as leaky:
        save_twin(made.session.library.folder / "twin-leaky", twin_of(leaky, seed=1))
    save_twin(made.session.library.folder / "twin-rings", twin_of(made.session.bench))
    return made


def trained(window, qtbot) -> Path:
    window.open_page("network")
    page, folder = window.pages["network"], window.session.library.folder
    qtbot.waitUntil(lambda: page.rows.twin.choose(folder / "twin-rings"), timeout=WAIT_MS)
    page.set_form_values({"options": SMALL, "iterations": 0, "layers": "2+1, 2"})
    page.show_cost()
    page.rows.layer_twins.choose(1, folder / "twin-leaky")
    assert page.rows.layer_twins.text() == "1 of 3 another"
    names = [one.name for one in (page.ask().twin, *page.ask().next_layers)]
    assert names == ["twin-rings", "twin-leaky", "twin-rings"]
    qtbot.waitUntil(lambda: page.tasks.wrong() == "" and page.form.primary.isEnabled(),
                    timeout=WAIT_MS)  # fmt: skip
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.network is not None, "\n".join(window.log)
    return page.network.parent


@pytest.mark.timeout(300)
def test_it_is_trained_by_layer_and_deployed_on_a_bench_of_each(window, qtbot) -> None:
    window.open_page("deploy", trained(window, qtbot))
    page, taken = window.pages["deploy"], []
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.rows.further == (LEAKY,)  # known by where its twin was recorded
    lines = {check.name: check.value for check in page.checks}
    assert lines["Layers 1 and 3"] == "virtual nanoring array, this window's"
    assert lines["Layer 2"] == "virtual leaky integrator, compared once connected"
    page.rows.benches.setText("")
    page.show_cost()
    qtbot.waitUntil(lambda: "a bench of each" in page.form.primary.cost, timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    page.rows.benches.setText(LEAKY)
    page.set_form_values({"repeats": 9, "hours": 0.01})
    page.show_cost()
    qtbot.waitUntil(lambda: "at most 0.01 h" in page.form.primary.cost, timeout=SOON_MS)
    page.set_form_values({"repeats": 1})
    page.show_cost()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    show = window.top.show_step
    window.top.show_step = lambda *step: taken.append(len(step[2])) or show(*step)
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.deployed is not None, "\n".join(window.log)
    assert set(page.live.misfit) == {(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)}
    widths = {layer: page.live.responses[layer, 0][2].shape[1] for layer in range(3)}
    assert widths == {0: 2, 1: len(page.network.device_of(1).channels), 2: 2}
    assert set(taken) <= {2}
    assert not any(s.output_on for s in window.session.bench.state().values())
    page.plots.grid.chosen.emit(1, 0)
    assert page.plots.node.title.text().startswith("Node 2.01, response")


def two_devices():
    network = samples.network()
    device, (first, second) = network.devices[0], network.layers
    other = replace(device, bench="another")
    layers = (first, replace(second, device=1))
    return replace(network, devices=(device, other), layers=layers)


def test_a_bench_of_each_device_is_asked_for(tmp_path: Path) -> None:
    network = two_devices()
    checks = bench_checks(network, "another", 1, [])
    assert [c.name for c in checks if c.level == "fault"] == ["Benches", "Layer 1"]
    checks = bench_checks(network, "another", 1, [str(tmp_path / "none.toml")])
    assert any(c.level == "fault" and "none.toml" in c.name for c in checks)
    checks = bench_checks(network, "virtual leaky integrator", 1, [LEAKY])
    assert "two are called" in next(c.value for c in checks if c.level == "fault")
    assert bench_checks(samples.network(), "another", 0, [LEAKY])[0].level == "fault"
    assert bench_checks(samples.network(), "another", 0, []) == []
    each = recording_bytes([12] * 2, 3, 2, 0)  # two nodes of each device, two channels
    assert deployment_bytes(network, 3) == 2 * each
    assert parts(" a.toml; ;b.toml") == ("a.toml", "b.toml")
    assert DeployAsk(tmp_path, further=("a",)).further == ("a",)


def test_layers_beside_each_other_are_read_as_the_command_line_does() -> None:
    assert layout_of("8+4, 16") == ((8, 4, 16), (1,))
    assert layout_of(" 16 , 16") == ((16, 16), ())
    assert layout_of("16 16") is None
    assert layout_of("4000, 4000") is None
    assert layout_of("") is None


def test_the_window_s_bench_is_found_as_the_operation_finds_it(tmp_path: Path) -> None:
    spec = replace(read_bench(RINGS), name="called anew")
    apart = replace(read_bench(LEAKY), window=replace(spec.window, low_T=0.0023))
    with Bench.connect(spec) as rings, Bench.connect(apart) as leaky:
        devices = tuple(Device.of(twin_of(one)) for one in (leaky, rings))
        network = replace(two_devices(), devices=(devices[0], replace(devices[1], bench="then")))
        assert plays(network, rings) == (1, "")
        assert matched(network, tmp_path, (rings, leaky)) == (leaky, rings)
        changed = {name: {**said, "range_V": 7.0} for name, said in devices[1].settings.items()}
        named = replace(devices[1], bench=spec.name, settings=changed)
        other = replace(network, devices=(devices[0], named))
        number, words = plays(other, rings)
        assert number is None  # its name alone does not make it the one
        assert "range_V was 7.0" in words
        with pytest.raises(RefusedError, match=r"range_V was 7\.0"):
            matched(other, tmp_path, (rings, leaky))


def test_a_setting_that_is_measured_may_differ_as_little_as_a_deployment_lets_it() -> None:
    with Bench.connect(read_bench(RINGS)) as bench:
        device = Device.of(twin_of(bench))
        levels = {}
        for off in (1e-9, 1.0):
            moved = {
                name: {key: _moved(value, off) for key, value in said.items()}
                for name, said in device.settings.items()
            }
            then = replace(device, settings=moved)
            (line,) = (c for c in _here(then, bench, several=False) if c.name == "Settings")
            levels[off] = line.level, bool(differences(then, bench, then.window, then.reset))
    assert levels == {1e-9: ("ok", False), 1.0: ("fault", True)}


def _moved(value: object, off: float) -> object:
    return value * (1 + off) if isinstance(value, float) else value
