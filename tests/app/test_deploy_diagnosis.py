from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr
from network_samples import run, twin_of
from recorded import is_safe

from app.deployment import in_order, layers_of_run, misfit_of_runs, misfits_of, preflight
from app.deployment_store import finished_values, load_deployment
from app.diagnosis import Diagnosis, foreseen_responses, inside, place_of
from app.operations.deploy import deploy
from app.operations.events import NodeMeasured, Note, Progress, RunPlan
from app.operations.train import train
from app.store import load_network, read_recording, save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models import schedule
from models.errors import InputError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from models.network import Network


@pytest.fixture(scope="module")
def network(kept: Path) -> Network:
    return load_network(kept / "network")


def test_repeats_of_a_node_are_averaged_before_the_next_layer_and_counted(
    bench: Bench, kept: Path, network: Network, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, _ = run(deploy(kept / "network", bench, out, repeats=3))
    values, nodes = events[-1].values, read_recording(out / "nodes")
    plan = next(e for e in events if isinstance(e, RunPlan))
    assert (plan.sequences, plan.repeats) == (4, 3)
    assert plan.predicted_s == pytest.approx(12 * bench.predicted_s(80))
    assert (values["hardware_runs"], values["repeats"], values["nodes"]) == (12, 3, 4)
    interval = values["diagnosis"]["words"][0]
    assert ", the mean of 3 repeats of each node, lies" in interval
    assert "interval that the twin foresaw for single passes, " in interval
    assert nodes.response.shape[:2] == (4, 3)
    first, second = layers_of_run(network, [nodes])
    np.testing.assert_allclose(first, nodes.response[:2].mean(axis=1).transpose(1, 0, 2))
    np.testing.assert_allclose(nodes.drive[2:].T, network.drive(1, [first]))
    assert values["measured"] == pytest.approx(network.score(network.answer([first, second])))
    assert any("each 3 times, averaged" in e.text for e in events if isinstance(e, Note))
    # every node once before any node again: a drift is shared alike
    assert nodes.order[:2].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_an_averaged_deployment_goes_on_run_by_run_with_as_many_repeats(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = deploy(kept / "network", bench, out, repeats=2)
    while not (isinstance(event := next(events), Progress) and event.done == 3):
        pass
    events.close()
    assert is_safe(bench)
    with pytest.raises(RefusedError, match="begun with 2 repeats of each node, now 5"):
        next(deploy(None, bench, out, resume=True, repeats=5))
    resumed, _ = run(deploy(None, bench, out, resume=True))
    assert sum(isinstance(e, NodeMeasured) for e in resumed) == 5
    assert resumed[-1].values["hardware_runs"] == 8
    with pytest.raises(InputError, match="0 repeats"):
        next(deploy(kept / "network", bench, tmp_path / "other", repeats=0))
    with pytest.raises(InputError, match="a month of a rig"):  # ended as a fault of the program
        next(deploy(kept / "network", bench, tmp_path / "other", repeats=10**18 - 1))


def test_an_averaged_deployment_goes_on_only_where_all_its_repeats_may_be_played(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    """On a bench whose limit of I²t is new: one repeat of each node keeps to it, two do not."""
    out = tmp_path / "out"
    events = deploy(kept / "network", bench, out, repeats=2)
    while not isinstance(next(events), Progress):
        pass
    events.close()
    spec = read_bench("virtual")
    limits = replace(spec.magnets["x"].limits, max_duty_A2s=600.0, duty_window_s=1e4)
    tight = replace(spec, magnets={"x": replace(spec.magnets["x"], limits=limits)})
    with Bench.connect(tight) as limited:
        preflight(load_network(kept / "network"), kept / "network", limited)
        with pytest.raises(RefusedError, match="I²t over 10000 s"):
            run(deploy(None, limited, out, resume=True))
    assert read_recording(out / "nodes").complete.sum() == 1


def test_order_matters_only_where_a_magnet_has_a_limit_of_heat(
    bench: Bench, kept: Path, network: Network
) -> None:
    runs = [one for one in schedule.runs(network) if one.layer == 0]
    drives = np.stack([np.full(8, 0.1), np.full(8, 0.9)], axis=1)
    plain = in_order(runs, drives, bench, network.devices[0].window, 1)
    assert [one.node for one, _ in plain] == [0, 1]
    spec = read_bench("virtual")
    magnet = spec.magnets["x"]
    limits = replace(magnet.limits, max_duty_A2s=1e4, duty_window_s=60.0)
    with Bench.connect(replace(spec, magnets={"x": replace(magnet, limits=limits)})) as limited:
        warm_first = in_order(runs, drives, limited, network.devices[0].window, 2)
        assert [(one.node, k) for one, k in warm_first] == [(1, 0), (0, 0), (1, 1), (0, 1)]
    tight = replace(magnet.limits, max_duty_A2s=60.0, duty_window_s=60.0)
    with (
        Bench.connect(replace(spec, magnets={"x": replace(magnet, limits=tight)})) as limited,
        pytest.raises(RefusedError, match="I²t over 60 s"),
    ):
        preflight(network, kept / "network", limited)


def test_the_result_says_whether_it_is_inside_and_keeps_the_diagnosis(
    bench: Bench, kept: Path, network: Network, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, path = run(deploy(kept / "network", bench, out))
    values, notes = events[-1].values, [e.text for e in events if isinstance(e, Note)]
    told = values["diagnosis"]
    assert told["inside"] == inside(network.predicted, values["measured"])
    for words in told["words"]:
        assert words in notes
    assert load_deployment(path).body["diagnosis"] == told
    assert finished_values(out)["diagnosis"] == told
    with xr.open_dataset(out / "result.nc") as result:
        for name in ("misfit", "cost", "clipped", "clipped_foreseen"):
            assert result[name].shape == (4,)
            assert np.isfinite(result[name]).all()
        assert told["cost"] == pytest.approx(float(result["cost"].max()))


def test_the_node_that_went_wrong_is_the_one_that_costs_most(network: Network) -> None:
    responses = [one.copy() for one in foreseen_responses(network)]
    rng = np.random.default_rng(0)
    responses[1][:, 1] += 5e-6 * rng.standard_normal(responses[1][:, 1].shape)
    found = Diagnosis.of(network, responses, np.ones(4))
    assert int(np.argmax(found.cost)) == 3
    assert found.cost[3] > 0
    measured = network.score(network.answer(responses))
    assert "layer 2, node 2 costs most" in " ".join(found.words(network, measured))


def test_the_node_whose_answers_spoil_later_layers_is_named_before_them(network: Network) -> None:
    """Layer 2 does what it is driven to by node 2 of layer 1, and all the score is lost there."""
    responses = [one.copy() for one in foreseen_responses(network)]
    sign = np.where(np.arange(network.steps) % 2, 1.0, -1.0)[:, None]
    responses[0][:, 1] += 5.0 * sign * network.node_std[1]
    for node in (0, 1):
        responses[1][:, node] += 6.0 * sign * network.node_std[2 + node]
    each = [responses[k][None, :, node] for k in (0, 1) for node in (0, 1)]
    misfits = np.array([misfit_of_runs(network, k, one) for k, one in enumerate(each)])
    np.testing.assert_allclose(misfits, [0.0, 5.0, 6.0, 6.0], atol=1e-6)
    found = Diagnosis.of(network, responses, misfits)
    alone = [one for one in found.words(network, 5.0) if "stands alone" in one]
    assert alone == [
        "layer 1, node 2 stands alone with a misfit of 5.00, its layer's median is 2.50: layers "
        "behind it are driven by it, and may have lost by that alone"
    ]
    last = replace(found, misfits=np.array([1.0, 1.2, 1.0, 9.0])).words(network, 5.0)
    assert "layer 2, node 2 stands alone with a misfit of 9.00, its layer's median is 5.00" in last
    for alike in ([9.0, 9.0, 9.0, 9.0], [0.2, 1.1, 1.0, 1.0], [np.nan] * 4):
        words = replace(found, misfits=np.array(alike)).words(network, 5.0)
        assert not any("stands alone" in one for one in words)


def test_where_a_layers_twin_expects_no_spread_nothing_is_told_of_how_the_error_grows(
    network: Network,
) -> None:
    """Of a deterministic twin in layer 1 it "does not grow", whatever layer 2 did."""
    found = Diagnosis.of(network, foreseen_responses(network), np.array([np.nan] * 2 + [3.0] * 2))
    assert not any("layer to layer" in one for one in found.words(network, 5.0))
    three = SimpleNamespace(layers=[SimpleNamespace(nodes=2)] * 3)
    later = replace(found, misfits=np.array([np.nan] * 2 + [2.0] * 2 + [3.0] * 2))
    assert later._layers(three, 1) == [  # type: ignore[arg-type]
        "misfit from layer to layer — → 2.00 → 3.00 (1 is what the twin expects): the error grows "
        "by 50 % on the way"
    ]


def test_of_several_repeats_no_later_layer_is_expected_at_one(network: Network) -> None:
    found = Diagnosis.of(network, foreseen_responses(network), np.ones(4), 4)
    assert "(1 is what the twin expects of a run; less where means of 4 drive)" in " ".join(
        found.words(network, 5.0, 4)
    )
    assert "(1 is what the twin expects)" in " ".join(found.words(network, 5.0))


@pytest.mark.parametrize(("repeats", "share"), [(1, 0.1587), (4, 0.0228)])
def test_how_often_a_drive_is_held_at_an_end_is_foreseen_with_the_twins_noise(
    network: Network, repeats: int, share: float
) -> None:
    """A drive of mean 0.9 and spread 0.1 of the range: one normal deviate, of four runs two."""
    first, scale = network.block(0).start, network.feature_scale
    mean, spread = network.node_mean.copy(), network.node_std.copy()
    mean[0, :, 0], spread[0, :, 0] = network.feature_mean[first], 2.0 * scale[first]
    weights = np.zeros_like(network.layers[1].weights)
    weights[0, 0] = 4 * 0.1 / 2.0
    fed = replace(network.layers[1], weights=weights, biases=np.array([4 * 0.4, 0.0]))
    layers = (network.layers[0], fed)
    noisy = replace(network, layers=layers, node_mean=mean, node_std=spread)
    found = Diagnosis.of(noisy, foreseen_responses(noisy), np.ones(4), repeats)
    assert found.clipped[2] == 0.0  # the mean alone never is
    assert found.clipped_foreseen[2] == pytest.approx(share, rel=0.5)
    assert found.clipped_foreseen[3] == 0.0


def test_a_drive_that_is_held_at_its_end_more_than_foreseen_is_named(network: Network) -> None:
    responses = [one.copy() for one in foreseen_responses(network)]
    responses[0] += 1e-3  # far from what the twin ever answers: the next layer saturates
    found = Diagnosis.of(network, responses, np.array([1.0, 1.0, 9.0, 9.0]))
    assert found.clipped[2:].min() > 0.9
    words = " ".join(found.words(network, 5.0))
    assert "driven to an end of the fitted range more than foreseen" in words
    assert "record what the network sends (twinrig refine)" in words
    assert "1.00 → 9.00" in words
    assert "grows by 800 % on the way" in words
    slight = replace(found, misfits=np.array([3.29, 3.29, 3.80, 3.80]))
    assert "grows by 16 % on the way" in " ".join(slight.words(network, 5.0))
    even = replace(found, misfits=np.array([3.29, 3.29, 3.3, 3.3]))
    assert "does not grow on the way" in " ".join(even.words(network, 5.0))
    assert "outside the 90 % interval" in words


@pytest.mark.parametrize("repeats", [1, 4])
@pytest.mark.parametrize(("last", "told"), [(1.0, False), (1.1, False), (2.0, True)])
def test_a_device_that_leaves_its_twin_along_the_run_is_named(
    network: Network, repeats: int, last: float, told: bool
) -> None:
    """So many times the expected error in the last third of the run, once in the others."""
    sign = np.where(np.arange(network.steps) % 2, 1.0, -1.0)
    scale = np.ones(network.steps)
    scale[network.washout + 2 * (network.steps - network.washout) // 3 :] = last
    scale[: network.washout] = 9.0  # of what nothing is told
    error = network.node_std * (sign * scale)[:, None] / np.sqrt(repeats)
    left = replace(network, node_mean=network.node_mean + error)
    responses = foreseen_responses(left)
    found = Diagnosis.of(network, responses, np.ones(4), repeats)
    np.testing.assert_allclose(found.course, [1.0, 1.0, last], rtol=0.02)
    words = [one for one in found.words(network, 5.0) if "the last third" in one]
    assert len(words) == told
    for one in words:
        assert "1.00 → 2.00: the device leaves its twin on the way" in one
        assert f"{network.steps} steps: twinrig refine --piece-steps {network.steps}, fewer" in one


def test_a_device_that_is_another_from_the_first_steps_on_needs_no_longer_sequences(
    network: Network,
) -> None:
    grows = np.linspace(4.0, 9.0, network.steps)[:, None]
    left = replace(network, node_mean=network.node_mean + grows * network.node_std)
    words = Diagnosis.of(network, foreseen_responses(left), np.ones(4)).words(network, 5.0)
    assert any("another sample, setting or temperature" in one for one in words)
    assert not any("--piece-steps" in one for one in words)


def test_a_twin_without_noise_expects_no_course_of_the_run(network: Network) -> None:
    quiet = replace(network, node_std=np.zeros_like(network.node_std))
    assert Diagnosis.of(quiet, foreseen_responses(quiet), np.ones(4)).course.size == 0


def test_a_twin_without_noise_foresaw_no_interval(network: Network) -> None:
    """Both ends were its score, and each device lay outside those 90 %."""
    predicted = {"value": 0.1, "low": 0.1, "high": 0.1}
    quiet = replace(network, meta={**network.meta, "deterministic": True}, predicted=predicted)
    found = Diagnosis.of(quiet, foreseen_responses(quiet), np.ones(4))
    assert found.words(quiet, 0.12345)[0] == (
        "measured 0.123, foreseen 0.1: its twin has no noise, so that no interval was foreseen"
    )


def test_a_score_just_outside_the_interval_does_not_look_inside(network: Network) -> None:
    near = replace(network, predicted={"value": 0.041, "low": 0.034, "high": 0.047})
    found = Diagnosis.of(near, foreseen_responses(near), np.ones(4))
    assert found.words(near, 0.04703)[0] == (
        "measured 0.04703 lies outside the 90 % interval that the twin foresaw, 0.034 to 0.047"
    )
    assert "measured 0.0469 lies inside" in found.words(near, 0.0469)[0]


def test_misfit_of_several_repeats_is_that_of_single_runs(network: Network) -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((4, 6, 80, 2))
    response = network.node_mean[:, None] + network.node_std[:, None] * noise

    nodes = SimpleNamespace(response=response)
    np.testing.assert_allclose(misfits_of(network, [nodes]), 1.0, atol=0.15)  # type: ignore[arg-type]


def test_places_are_counted_from_one(network: Network) -> None:
    assert [place_of(network, k) for k in (0, 3)] == ["layer 1, node 1", "layer 2, node 2"]


def test_an_output_that_the_score_hides_is_told_by_itself(bench: Bench, tmp_path: Path) -> None:
    """Errors are pooled: of an output a ninth as large nothing was learned at an NMSE of 0.1."""
    draw = np.random.default_rng(0)
    inputs = draw.uniform(size=500)
    hidden = draw.normal(size=500) * inputs.std() / 9
    part = np.repeat([1, 2, 0, 3], [300, 100, 40, 60])
    np.savez(tmp_path / "two.npz", inputs=inputs, targets=np.c_[inputs**2, hidden], part=part)
    head = {name: f"two.npz:{name}" for name in ("inputs", "targets", "part")}
    (tmp_path / "two.json").write_text(json.dumps({"name": "two", "washout": 40, **head}))
    save_twin(tmp_path / "twin", twin_of(bench))
    asked = (f"file:{tmp_path / 'two.json'}", [tmp_path / "twin"], (2,), tmp_path / "network")
    trained, _ = run(train(*asked, iterations=0))
    deployed, _ = run(deploy(tmp_path / "network", bench, tmp_path / "out"))
    assert trained[-1].values["predicted"]["value"] < 0.2
    made = load_deployment(tmp_path / "out").arrays
    error = np.mean((made["prediction"] - made["target"]) ** 2, axis=0)
    each = []
    for events, begins in ((trained, "foreseen output by output"), (deployed, "output by output")):
        [words] = [e.text for e in events if isinstance(e, Note) and e.text.startswith(begins)]
        each.append([float(one) for one in words.split(": ")[1].split(" (")[0].split(", ")])
    assert each[0][0] < 0.2
    assert each[0][1] > 0.9
    assert each[1] == pytest.approx(error / made["target"].var(axis=0), rel=0.01)
