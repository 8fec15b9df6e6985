"""Sweeps and comparison tables of networks over two devices, by the form's rows and by pressing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_network_page import pressed

from app.gui.deploy_asks import besides
from app.gui.table_asks import TableAsk
from app.operations.compare_networks import read_table
from app.store import load_network

LEAKY = "virtual-leaky-integrator"
WAIT_MS, SOON_MS = 240_000, 20_000


@pytest.fixture
def page(two_devices_page):
    return two_devices_page


def chosen(page, kind: str, *, measured: bool = False) -> Path:
    """The page asked for one of its kinds; returns the library's folder."""
    page.set_form_values({"kind": kind})
    page.rows.measure.choose(measured)
    page.show_cost()
    return page.session.library.folder


def test_a_table_takes_the_twins_by_layer_and_asks_for_a_bench_of_each(page) -> None:
    folder = chosen(page, "table")
    assert page.rows.layer_twins.isVisible()
    assert not page.rows.benches.isVisible()  # foreseen only
    page.rows.measure.choose(True)
    page.show_cost()
    assert page.rows.benches.isVisible()
    assert page.rows.benches.text() == LEAKY  # known by where its twin was recorded
    plan = page.ask().plan()
    assert [Path(twin).name for twin in plan.twin] == ["twin-rings", "twin-leaky", "twin-rings"]
    assert plan.options["parallel"] == (1,)
    assert (plan.bench, plan.in_pool) == (("virtual", LEAKY), True)
    page.rows.benches.setText("")
    page.show_cost()
    assert page.form.primary.cost == "2 devices, 1 named: a bench of each"
    assert not page.form.primary.isEnabled()
    page.rows.benches.setText("nowhere.toml")
    page.show_cost()
    assert "nowhere.toml" in page.form.primary.cost
    page.rows.layer_twins.choose(1, None)
    page.show_cost()
    assert not page.rows.benches.isVisible()
    assert page.ask().plan().bench == ("virtual",)
    page.rows.ensemble.choose([folder / "plain-rings"])
    page.show_cost()
    assert page.ask().plan().options["ensemble"] == (str(folder / "plain-rings"),)
    page.rows.layer_twins.choose(1, folder / "twin-leaky")
    page.show_cost()
    assert not page.rows.ensemble.isVisible()  # layers with twins of their own have none
    assert "ensemble" not in page.ask().plan().options


def test_twins_without_noise_are_each_given_to_the_twin_of_their_device(page) -> None:
    folder = chosen(page, "table")
    page.rows.deterministic.choose([folder / "plain-leaky", folder / "plain-rings"])
    page.show_cost()
    names = [Path(twin).name for twin in page.ask().plan().deterministic]
    assert names == ["plain-rings", "plain-leaky", "plain-rings"]
    page.rows.deterministic.choose([folder / "plain-rings"])
    page.show_cost()
    assert "none of them is of the device of twin-leaky" in page.form.primary.cost
    page.rows.deterministic.choose([])
    page.show_cost()
    assert page.ask().problem() == ""
    assert page.ask().plan().deterministic == ()


def test_a_sweep_takes_them_with_every_layout_and_each_usual_twin(page) -> None:
    folder = chosen(page, "sweep")
    page.set_form_values({"layers": "2+1, 2; 3, 1, 3"})
    page.rows.ensemble.choose([folder / "plain-rings"])
    page.show_cost()
    settings = page.ask().grid().settings
    assert {(one.layers, one.parallel) for one in settings} == {((2, 1, 2), (1,)), ((3, 1, 3), ())}
    twins = {tuple(Path(twin).name for twin in one.twins) for one in settings}
    assert twins == {
        ("twin-rings", "twin-leaky", "twin-rings"), ("plain-rings", "twin-leaky", "plain-rings"),
    }  # fmt: skip
    assert page.form.primary.text() == "Train 4 networks"
    page.set_form_values({"layers": "2+1, 2; 3, 3"})
    page.show_cost()
    assert "one, or one a layer" in page.form.primary.cost


@pytest.mark.timeout(600)
def test_a_sweep_of_two_devices_is_trained(page, qtbot) -> None:
    chosen(page, "sweep")
    page.set_form_values({"layers": "2+1, 2; 1, 1, 1"})
    pressed(page, qtbot)
    assert {row.name for row in page.several["sweep"].table.rows} == {"2+1·2 nodes", "1·1·1 nodes"}
    for trial in page.run.trials.trials:
        network = load_network(page.run.folder / "trials" / trial)
        assert [one.bench for one in network.devices] == [
            "virtual nanoring array", "virtual leaky integrator",
        ]  # fmt: skip


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("on_a_rig", [False, True])
def test_a_table_is_measured_on_a_bench_of_each(page, qtbot, monkeypatch, on_a_rig) -> None:
    folder = chosen(page, "table", measured=True)
    page.rows.kinds.choose(["noise-aware"])
    page.rows.deterministic.choose([folder / "plain-leaky", folder / "plain-rings"])
    if on_a_rig:  # the window's own bench, and the other one connected for it
        monkeypatch.setattr(TableAsk, "_in_pool", lambda _: False)
    page.show_cost()
    assert page.ask().hardware is on_a_rig
    pressed(page, qtbot)
    assert len(read_table(page.run.folder).rows[0].measured) == 1, "\n".join(page.shell.log)
    assert page.several["table"].table.rows[0].cells[1] != "—"
    assert page.session.others == []
    assert not any(s.output_on for s in page.session.bench.state().values())
    made = page.run.folder / "trials" / "noise-aware-seed0-deployed" / "deployment.json"
    assert json.loads(made.read_text())["hardware_runs"] == 5


def test_what_was_begun_on_several_benches_goes_on_with_those_that_are_not_the_windows() -> None:
    assert besides((LEAKY, "virtual"), "virtual nanoring array") == (LEAKY,)
    assert besides(("virtual",), "called anew") == ()
