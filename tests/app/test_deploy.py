from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from drift_samples import body_of
from network_samples import run, saved_network

from app.deployment import misfit_of, preflight
from app.deployment_store import finished_values, load_deployment
from app.drift_store import save_drift
from app.gui.live_deploy import verdict
from app.operations.deploy import deploy
from app.operations.events import (
    NodeMeasured,
    NodeStarted,
    Note,
    Progress,
    Result,
    RunPlan,
    StepRead,
)
from app.operations.learning_events import Forecast
from app.operations.report import report
from app.store import load_network, read_recording, save_network
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from models.errors import InputError, RefusedError
from models.network import ORIGIN_UNKNOWN
from models.sequence import DriveWindow, Reset


def is_safe(bench: Bench) -> bool:
    return all(
        not state.output_on and abs(state.current_A) < 0.01 for state in bench.state().values()
    )


def test_every_node_is_measured_in_turn_and_the_result_is_what_the_numbers_say(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    network = load_network(kept / "network")
    events, path = run(deploy(kept / "network", bench, tmp_path / "out"))
    assert path == tmp_path / "out" / "deployment.json"
    plan = next(e for e in events if isinstance(e, RunPlan))
    assert (plan.sequences, plan.repeats, plan.steps) == (4, 1, 80)
    assert plan.predicted_s == pytest.approx(4 * bench.predicted_s(80))
    started = [(e.layer, e.node) for e in events if isinstance(e, NodeStarted)]
    assert started == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert sum(isinstance(e, StepRead) for e in events) == 4 * 80
    assert [e.done for e in events if isinstance(e, Progress)] == [1, 2, 3, 4]

    nodes = read_recording(tmp_path / "out" / "nodes")
    assert nodes.status == "done"
    first = nodes.response[:2, 0].transpose(1, 0, 2)
    second = nodes.response[2:, 0].transpose(1, 0, 2)
    np.testing.assert_allclose(nodes.drive[:2].T, network.drive(0, []))
    np.testing.assert_allclose(nodes.drive[2:].T, network.drive(1, [first]))
    prediction = network.read_out(network.features(network.inputs, [first, second]))[20:]
    values = events[-1].values
    assert values["measured"] == pytest.approx(network.score(prediction))
    assert values["predicted"] == network.predicted
    assert values["baselines"] == network.baselines
    assert (values["nodes"], values["hardware_runs"], values["label"]) == (4, 4, "untrained")
    forecast = next(e for e in events if isinstance(e, Forecast))
    np.testing.assert_allclose(forecast.measured, prediction[:, 0])
    with xr.open_dataset(tmp_path / "out" / "result.nc") as result:
        assert result["prediction"].dims == ("step",)
        assert result["prediction"].attrs["units"] == "1"
        np.testing.assert_allclose(result["prediction"], prediction[:, 0])
        np.testing.assert_allclose(result["target"], network.targets[20:, 0])
    assert json.loads(path.read_text())["measured"] == pytest.approx(values["measured"])
    assert is_safe(bench)


def test_a_stopped_deployment_leaves_the_rig_safe_and_goes_on_node_by_node(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = deploy(kept / "network", bench, out)
    for event in events:
        if isinstance(event, NodeMeasured) and (event.layer, event.node) == (1, 0):
            break
    next(events)
    events.close()
    assert is_safe(bench)
    stopped = read_recording(out / "nodes")
    assert stopped.status == "stopped"
    assert stopped.complete[:, 0].tolist() == [True, True, True, False]
    assert not (out / "deployment.json").exists()

    resumed, _ = run(deploy(None, bench, out, resume=True))
    assert [(e.layer, e.node) for e in resumed if isinstance(e, NodeMeasured)] == [(1, 1)]
    nodes = read_recording(out / "nodes")
    assert nodes.status == "done"
    np.testing.assert_array_equal(nodes.response[:3], stopped.response[:3])
    np.testing.assert_array_equal(nodes.drive[:3], stopped.drive[:3])
    assert nodes.start_s[3, 0] > nodes.start_s[2, 0]
    assert "continued" in nodes.meta["remarks"][-1]
    assert load_deployment(out).body["continued"] == 1  # its seconds are of the last session
    list(report(out))
    assert "since it was continued" in (out / "report" / "report.html").read_text()
    again, _ = run(deploy(kept / "network", bench, out, resume=True, repeats=1))
    assert len(again) == 1
    saved_network(bench, tmp_path / "other", layers=(1, 3))
    with pytest.raises(RefusedError, match=r"is finished: 2 problems\n.*another network"):
        next(deploy(tmp_path / "other" / "network", bench, out, resume=True, repeats=2))
    assert again[0].values["measured"] == resumed[-1].values["measured"]


def test_a_deployment_goes_on_where_its_library_was_moved(bench: Bench, tmp_path: Path) -> None:
    old, new = tmp_path / "library", tmp_path / "library of 2026"
    saved_network(bench, old)
    events = deploy(old / "network", bench, old / "out")
    while not isinstance(next(events), NodeMeasured):
        pass
    events.close()
    old.rename(new)
    resumed, _ = run(deploy(None, bench, new / "out", resume=True))
    assert sum(isinstance(e, NodeMeasured) for e in resumed) == 3


def test_a_finished_deployment_of_what_a_network_held_before_is_no_result_of_it(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    """Trained anew into the same folder: the score of the old one must not be told for it."""
    shutil.copytree(kept, tmp_path / "run")
    network, out = tmp_path / "run" / "network", tmp_path / "out"
    run(deploy(network, bench, out))
    shutil.rmtree(network)
    saved_network(bench, tmp_path / "other", layers=(1, 3))
    shutil.copytree(tmp_path / "other" / "network", network)
    with pytest.raises(RefusedError, match="begun with another network"):
        next(deploy(network, bench, out, resume=True))


def test_a_network_of_another_deployment_is_refused(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    events = deploy(kept / "network", bench, tmp_path / "out")
    while not isinstance(next(events), NodeMeasured):
        pass
    events.close()
    saved_network(bench, tmp_path / "other", layers=(1, 3))
    with pytest.raises(RefusedError, match="begun with another network"):
        next(deploy(tmp_path / "other" / "network", bench, tmp_path / "out", resume=True))


def test_a_missing_or_changed_twin_is_named_before_anything_moves(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    shutil.copytree(kept, tmp_path / "run")
    network = load_network(tmp_path / "run" / "network")
    elsewhere = tmp_path / "run" / "network" / "network.json"
    assert str(kept) in network.twins[0].path

    moved = kept / "twin.moved"
    (kept / "twin").rename(moved)
    try:
        # the folder beside the network is as good as the one at the written path
        events = deploy(elsewhere, bench, tmp_path / "found")
        assert isinstance(next(events), RunPlan)
        events.close()
        (tmp_path / "run" / "twin" / "twin.json").write_text("{}")
        with pytest.raises(InputError, match=r"has changed: .*twin\.json has another SHA-256"):
            next(deploy(elsewhere, bench, tmp_path / "out"))
        shutil.rmtree(tmp_path / "run" / "twin")
        with pytest.raises(InputError, match=r"twin-0 is missing: .*twin\.json"):
            next(deploy(elsewhere, bench, tmp_path / "out"))
    finally:
        moved.rename(kept / "twin")
    assert not (tmp_path / "out").exists()
    assert is_safe(bench)


def test_what_nobody_knows_of_a_network_goes_with_its_score(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    network, words = load_network(kept / "network"), "what it went on from is gone"
    shutil.copytree(kept / "twin", tmp_path / "twin")
    kept_on = {**network.meta, ORIGIN_UNKNOWN: [words]}
    save_network(tmp_path / "network", replace(network, meta=kept_on))
    events, path = run(deploy(tmp_path / "network", bench, tmp_path / "out"))
    assert f"the network may score by memory: {words}" in [
        e.text for e in events if isinstance(e, Note)
    ]
    assert load_deployment(path).body[ORIGIN_UNKNOWN] == [words]
    said = verdict(finished_values(tmp_path / "out")).text
    assert said.endswith(f"\nIt may score by memory: {words}")
    page = Path(list(report(tmp_path / "out"))[-1].values["report"]).read_text("utf-8")
    assert f"may score by memory: {words}" in page
    _, path = run(deploy(kept / "network", bench, tmp_path / "known"))
    assert ORIGIN_UNKNOWN not in load_deployment(path).body


def test_a_twin_that_no_longer_matches_is_refused_unless_told_otherwise_and_then_said(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    network = load_network(kept / "network")
    save_drift(kept / "twin", body_of(kept / "twin", changed=True))
    try:
        with pytest.raises(RefusedError, match="--despite-drift") as refused:
            run(deploy(kept / "network", bench, tmp_path / "out"))
        assert "no longer matches" in str(refused.value)
        assert not (tmp_path / "out").exists()
        events, path = run(deploy(kept / "network", bench, tmp_path / "out", despite_drift=True))
        assert any("deployed all the same" in e.text for e in events if isinstance(e, Note))
        body = load_deployment(path).body
        assert "The device has changed." in body["despite_drift"][0]
        assert finished_values(tmp_path / "out")["despite_drift"] == body["despite_drift"]
        save_drift(kept / "twin", body_of(kept / "twin", changed=False))
        assert preflight(network, kept / "network", bench) == []
    finally:
        for file in (kept / "twin").glob("drift-*.json"):
            file.unlink()


def test_a_bench_that_differs_from_the_twins_is_refused_with_every_difference(
    kept: Path, tmp_path: Path
) -> None:
    spec = read_bench("virtual")
    other = replace(spec, window=DriveWindow("amplitude", 0.0023, 0.0034), reset=Reset(0.0041))
    with Bench.connect(other) as bench:
        with pytest.raises(RefusedError) as refused:
            next(deploy(kept / "network", bench, tmp_path / "out"))
        assert is_safe(bench)
    for part in ("window low_T was 0.0022, now 0.0023", "reset field_T was 0.004, now 0.0041"):
        assert part in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_bench_of_another_name_is_warned_of_and_kept(kept: Path, tmp_path: Path) -> None:
    """Of two samples of one kind on one rig nothing else is different."""
    spec = replace(read_bench("virtual"), name="the other sample's rig")
    with Bench.connect(spec) as other:
        events, _ = run(deploy(kept / "network", other, tmp_path / "out"))
    warned = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    (words,) = [text for text in warned if "the bench is called" in text]
    assert "recorded on 'virtual nanoring array': if another sample is in it" in words
    assert words in read_recording(tmp_path / "out" / "nodes").meta["remarks"]
    with Bench.connect(read_bench("virtual")) as same:
        events, _ = run(deploy(kept / "network", same, tmp_path / "again"))
    assert not [e for e in events if isinstance(e, Note) and "is called" in e.text]


def test_a_field_beyond_the_limit_is_refused_before_anything_is_created(
    kept: Path, tmp_path: Path
) -> None:
    spec = read_bench("virtual")
    magnet = spec.magnets["x"]
    weak = replace(magnet, limits=replace(magnet.limits, max_current_A=7.0))
    with (
        Bench.connect(replace(spec, magnets={"x": weak})) as bench,
        pytest.raises(RefusedError, match="7 A"),
    ):
        next(deploy(kept / "network", bench, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_open_interlock_is_refused_before_anything_is_created(
    kept: Path, tmp_path: Path
) -> None:
    door = '\n[interlock.door]\ninstrument = "lockin"\ninput = "aux1"\nbelow_V = 2.0\n'
    spec = parse_bench(read_bench("virtual").text + door, "b")
    with Bench.connect(spec) as bench, pytest.raises(RefusedError, match="interlock door"):
        next(deploy(kept / "network", bench, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_output_that_holds_something_is_left_alone(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        next(deploy(kept / "network", bench, tmp_path))
    with pytest.raises(InputError, match="no deployment was begun"):
        next(deploy(None, bench, tmp_path, resume=True))


def test_misfit_is_one_for_the_spread_that_the_twin_expects(kept: Path) -> None:
    network = load_network(kept / "network")
    rng = np.random.default_rng(0)
    like = network.node_mean[3] + network.node_std[3] * rng.standard_normal((80, 2))
    assert misfit_of(network, 3, like) == pytest.approx(1, abs=0.25)
    off = network.node_mean[3] + 3 * network.node_std[3]
    assert misfit_of(network, 3, off) == pytest.approx(3)
    silent = replace(network, node_std=np.zeros_like(network.node_std))
    assert np.isnan(misfit_of(silent, 3, off))


def test_the_last_event_is_the_result(bench: Bench, kept: Path, tmp_path: Path) -> None:
    events, _ = run(deploy(kept / "network", bench, tmp_path / "out"))
    assert isinstance(events[-1], Result)
    keys = {"path", "task", "metric", "measured", "predicted", "baselines", "nodes",
            "hardware_runs", "seconds"}  # fmt: skip
    assert keys <= set(events[-1].values)


def test_a_magnet_calibrated_anew_is_refused_unless_told_otherwise_and_then_said(
    kept: Path, tmp_path: Path
) -> None:
    text = read_bench("virtual").text
    assert "tesla_per_ampere = 4.0e-4" in text
    then, now = (
        parse_bench(text.replace("tesla_per_ampere = 4.0e-4", f"tesla_per_ampere = {value}"), "b")
        for value in ("4.0e-4", "4.2e-4")
    )
    said = "tesla_per_ampere was 0.0004, now 0.00042: the same field is 0.9524 times the current"
    network, out = kept / "network", tmp_path / "out"
    with Bench.connect(now) as bench:
        with pytest.raises(RefusedError, match=said):
            next(deploy(network, bench, out))
        with pytest.raises(RefusedError, match=said):
            preflight(load_network(network), network, bench)
        assert not out.exists()
        events = deploy(network, bench, out, despite_drift=True)
        while not isinstance(event := next(events), NodeMeasured):
            assert not isinstance(event, Note) or "drift" not in event.text
        events.close()
    with Bench.connect(then) as bench, pytest.raises(RefusedError, match="can't be continued"):
        next(deploy(None, bench, out, resume=True))
    with Bench.connect(now) as bench:
        _, path = run(deploy(None, bench, out, resume=True, despite_drift=True))
    assert said in load_deployment(path).body["despite_drift"][0]
