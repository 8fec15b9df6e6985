"""A network over two devices from the window: trained by layer, a bench of each, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples
import pytest
from network_samples import twin_of

from app.gui.deploy_asks import DeployAsk
from app.gui.own_steps import OwnSteps
from app.gui.pages.network_reads import layout_of
from app.gui.preflight import deployment_bytes
from app.gui.preflight_several import bench_checks, parts, player
from app.operations.events import NodeStarted, StepRead
from app.store import save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from pathlib import Path

RINGS, LEAKY = "virtual", "virtual-leaky-integrator"
SMALL = "train=300,validation=100,test=60,washout=20"
WAIT_MS, SOON_MS = 240_000, 20_000


@pytest.fixture
def window(make_window):
    made = make_window()
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
    network, here = two_devices(), replace(read_bench(RINGS), name="another")
    checks = bench_checks(network, here, [])
    assert next(c.name for c in checks if c.level == "fault") == "Benches"
    assert player(network, 1, [here]) == 0
    checks = bench_checks(network, here, [str(tmp_path / "none.toml")])
    assert any(c.level == "fault" and "none.toml" in c.name for c in checks)
    assert bench_checks(samples.network(), here, [LEAKY])[0].level == "fault"
    assert bench_checks(samples.network(), here, []) == []
    assert deployment_bytes(network, 3) == 8 * 3 * 4 * 2 * 12
    assert parts(" a.toml; ;b.toml") == ("a.toml", "b.toml")
    assert DeployAsk(tmp_path, further=("a",)).further == ("a",)


def test_steps_of_another_bench_are_not_shown_as_this_ones() -> None:
    network = two_devices()
    own = OwnSteps.of(network, replace(read_bench(RINGS), name="another"))
    step = StepRead(0, 0.002, 5.0, network.inputs[0])
    first, second = (NodeStarted(layer, 0, samples.network().inputs[:, 0]) for layer in (0, 1))
    assert own.kept([step]) == []
    assert own.kept([first, step, second, step]) == [first, second, step]
    assert own.kept([step, first]) == [step, first]
    assert own.kept([step]) == []
    assert OwnSteps.of(samples.network(), read_bench(RINGS)).kept([step]) == [step]


def test_layers_beside_each_other_are_read_as_the_command_line_does() -> None:
    assert layout_of("8+4, 16") == ((8, 4, 16), (1,))
    assert layout_of(" 16 , 16") == ((16, 16), ())
    assert layout_of("16 16") is None
    assert layout_of("4000, 4000") is None
    assert layout_of("") is None
