from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models import schedule
from models.errors import InputError
from models.network import Device, Layer, Network, TwinReference
from models.score import nmse
from models.sequence import DriveWindow, Reset
from models.wiring import Source

NANORING = Device(
    ("X", "Y"), ("V", "V"), DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004),
    {"lockin": {"time_constant_s": 0.01}}, {"lockin": "SR830"}, "rig 1",
)  # fmt: skip
ICE = Device(
    ("1 GHz", "2 GHz", "3 GHz"), ("dB",) * 3, DriveWindow("loop", 0.018, 0.0235), Reset(0.032),
    {"analyser": {"points": 3}}, {"analyser": "PNA"}, "rig 2",
)  # fmt: skip


def small(layers: tuple[int, ...] = (3, 2), steps: int = 20, washout: int = 5) -> Network:
    rng = np.random.default_rng(0)
    before, built = 1, []
    for nodes in layers:
        built.append(Layer(rng.standard_normal((nodes, before)), rng.standard_normal(nodes)))
        before = 2 * nodes
    features, unseen = 1 + 2 * sum(layers), steps - washout
    return Network(
        layers=tuple(built),
        feature_mean=rng.standard_normal(features),
        feature_scale=rng.uniform(0.5, 2.0, features),
        readout_weights=rng.standard_normal((features, 1)),
        readout_bias=rng.standard_normal(1),
        task={"name": "mackey-glass", "metric": "nmse", "options": {"h": 5}},
        inputs=rng.random((steps, 1)),
        targets=rng.random((steps, 1)),
        washout=washout,
        twins=(TwinReference("twin-1", "twin/twin.json", "0" * 64),),
        devices=(NANORING,),
        predicted={"value": 0.01, "low": 0.008, "high": 0.012},
        baselines={"ar-1": 0.4},
        forecast_mean=rng.random((unseen, 1)),
        forecast_low=rng.random((unseen, 1)),
        forecast_high=rng.random((unseen, 1)),
        node_mean=rng.random((sum(layers), steps, 2)),
        node_std=rng.random((sum(layers), steps, 2)),
        meta={"seed": 0},
    )


def test_the_drive_of_the_first_layer_is_the_clamped_activation_of_standardised_inputs() -> None:
    network = small()
    layer = network.layers[0]
    u = (network.inputs[:, 0] - network.feature_mean[0]) / network.feature_scale[0]
    drive = network.drive(0, [])
    for node in range(3):
        free = (u * layer.weights[node, 0] + layer.biases[node]) / 4 + 0.5
        np.testing.assert_allclose(drive[:, node], np.minimum(np.maximum(free, 0), 1))


def test_later_layers_see_the_responses_of_the_layer_before_alone() -> None:
    network = small()
    responses = np.random.default_rng(1).random((20, 3, 2))
    block = network.block(0)
    assert (block.start, block.stop) == (1, 7)
    flat = (responses.reshape(20, 6) - network.feature_mean[1:7]) / network.feature_scale[1:7]
    free = (flat @ network.layers[1].weights.T + network.layers[1].biases) / 4 + 0.5
    np.testing.assert_allclose(network.drive(1, [responses]), np.clip(free, 0, 1))


def test_drives_stay_inside_the_range_that_the_twin_was_fitted_on() -> None:
    network = small()
    steep = replace(network.layers[0], weights=100 * network.layers[0].weights)
    narrow = replace(network, layers=(replace(steep, drive_low=0.2, drive_high=0.7),
                                      network.layers[1]))  # fmt: skip
    drive = narrow.drive(0, [])
    assert drive.min() == pytest.approx(0.2)
    assert drive.max() == pytest.approx(0.7)


def test_the_read_out_is_linear_in_standardised_features_of_inputs_and_all_layers() -> None:
    network = small()
    rng = np.random.default_rng(2)
    responses = [rng.random((20, 3, 2)), rng.random((20, 2, 2))]
    features = network.features(network.inputs, responses)
    assert features.shape == (20, 11)
    np.testing.assert_array_equal(features[:, 0], network.inputs[:, 0])
    np.testing.assert_array_equal(features[:, network.block(1)][:, 1], responses[1][:, 0, 1])
    expected = network.readout_bias + sum(
        (features[:, [i]] - network.feature_mean[i])
        / network.feature_scale[i]
        * network.readout_weights[i]
        for i in range(11)
    )
    np.testing.assert_allclose(network.read_out(features), expected)


def test_a_network_survives_its_json_and_arrays() -> None:
    network = small()
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    back = Network.from_json(network.to_json(), arrays)
    assert back.to_json() == network.to_json()
    for name, array in {**back.weight_arrays(), **back.forecast_arrays()}.items():
        np.testing.assert_array_equal(array, arrays[name])


def of_one_device(body: dict[str, Any]) -> dict[str, Any]:
    """A body as schema 3 had it: one device, its values beside the others."""
    device = dict(body.pop("devices")[0])
    del device["bench"]
    rows = [{k: v for k, v in row.items() if k != "device"} for row in body.pop("layers")]
    return {**body, **device, "layers": rows}


def nameless(network: Network) -> Network:
    return replace(network, devices=(replace(network.devices[0], bench=""),))


def test_a_network_of_schema_3_is_read_as_one_of_a_single_device() -> None:
    network = small()
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    body = of_one_device(network.to_json())
    assert Network.from_json(body, arrays, schema=3).to_json() == nameless(network).to_json()
    with pytest.raises(InputError, match="devices is missing"):
        Network.from_json(body, arrays)


def of_two_devices() -> Network:
    """A layer of nanorings beside one of spin-vortex ice, and nanorings that see both."""
    rng = np.random.default_rng(4)
    layers = (
        Layer(rng.standard_normal((2, 1)), np.zeros(2), 0.1, 0.9),
        Layer(rng.standard_normal((1, 1)), np.zeros(1), 0.2, 0.8, (Source(-1),), (0, 2), 1),
        Layer(rng.standard_normal((2, 6)), np.zeros(2), 0.1, 0.9, (Source(0), Source(1))),
    )
    features = 1 + 4 + 2 + 4
    return replace(
        small(), layers=layers, devices=(NANORING, ICE),
        feature_mean=rng.standard_normal(features), feature_scale=np.ones(features),
        readout_weights=rng.standard_normal((features, 1)),
        node_mean=rng.random((5, 20, 3)), node_std=rng.random((5, 20, 3)),
    )  # fmt: skip


def test_layers_of_several_devices_have_each_its_channels_and_survive_their_file() -> None:
    network, rng = of_two_devices(), np.random.default_rng(5)
    assert [network.block(k) for k in range(3)] == [slice(1, 5), slice(5, 7), slice(7, 11)]
    assert [network.layers_on(k) for k in range(2)] == [[0, 2], [1]]
    assert [network.foreseen(k)[0].shape for k in range(3)] == [(2, 20, 2), (1, 20, 3), (2, 20, 2)]
    np.testing.assert_array_equal(network.foreseen(1)[1], network.node_std[2:3])
    first, beside = rng.random((20, 2, 2)), rng.random((20, 1, 3))
    seen = np.concatenate([first.reshape(20, 4), beside[:, 0, [0, 2]]], axis=1)
    free = (seen - network.feature_mean[1:7]) @ network.layers[2].weights.T / 4 + 0.5
    expected = 0.1 + 0.8 * np.clip(free, 0, 1)
    np.testing.assert_allclose(network.drive(2, [first, beside]), expected)
    runs = schedule.runs(network)
    assert [(run.device, run.row) for run in runs] == [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3)]
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    back = Network.from_json(network.to_json(), arrays)
    assert back.to_json() == network.to_json()
    assert back.devices == network.devices


def test_devices_that_do_not_fit_their_layers_are_refused() -> None:
    network = of_two_devices()
    with pytest.raises(InputError, match="layer 1 is of device 1 of 1"):
        replace(network, devices=(NANORING,))
    with pytest.raises(InputError, match="device 2 plays no layer"):
        replace(network, devices=(NANORING, ICE, ICE))
    with pytest.raises(InputError, match="2 units for 3 channels"):
        replace(network, devices=(NANORING, replace(ICE, units=("dB", "dB"))))
    other = replace(network.layers[1], use=(0, 3))
    with pytest.raises(InputError, match=r"layer 1 uses channels \[0, 3\] of 3"):
        replace(network, layers=(network.layers[0], other, network.layers[2]))


def test_a_network_of_the_schema_before_is_read_as_what_it_was() -> None:
    network = small()
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    body = of_one_device(network.to_json())
    for name in ("answer_every", "pool", "readout", "classes", "supply"):
        del body[name]
    body["layers"] = [
        {name: row[name] for name in ("nodes", "drive_low", "drive_high")} for row in body["layers"]
    ]
    back = Network.from_json(body, arrays, schema=2)
    assert back.to_json() == nameless(network).to_json()
    np.testing.assert_array_equal(back.drive(0, []), network.drive(0, []))
    with pytest.raises(InputError, match="readout is missing"):
        Network.from_json(body, arrays)
    with pytest.raises(InputError, match="pool is no known key"):
        Network.from_json({**body, "pool": "step"}, arrays, schema=2)


def test_answers_are_of_windows_and_scored_by_the_tasks_metric() -> None:
    plain, rng = small(), np.random.default_rng(3)
    labels = np.eye(2)[[0, 1, 1, 0, 1]]
    network = replace(
        plain, answer_every=4, pool="all", washout=4, targets=labels, classes=("off", "on"),
        readout_weights=rng.standard_normal((44, 2)), readout_bias=rng.standard_normal(2),
        forecast_mean=labels[1:], forecast_low=labels[1:], forecast_high=labels[1:],
        task={"name": "on", "metric": "error-rate"},
    )  # fmt: skip
    responses = [rng.random((20, 3, 2)), rng.random((20, 2, 2))]
    features = network.features(network.inputs, responses)
    standard = (features - network.feature_mean) / network.feature_scale
    expected = standard.reshape(5, 44) @ network.readout_weights + network.readout_bias
    np.testing.assert_allclose(network.answer(responses), expected[1:])
    assert network.score(1.0 * labels[1:]) == 0
    assert network.score(1.0 - labels[1:]) == 1
    with pytest.raises(InputError, match="no whole number of windows of 4 steps"):
        replace(network, washout=5)
    with pytest.raises(InputError, match="3 classes for 2 outputs"):
        replace(network, classes=("a", "b", "c"))


def test_a_layer_that_would_have_to_hear_itself_is_refused() -> None:
    network = small()
    loop = replace(network.layers[0], sources=(Source(0, 1),))
    with pytest.raises(InputError, match="layer 1 can't see itself"):
        replace(network, layers=(loop, network.layers[1]))


@pytest.mark.parametrize("missing", ["task", "predicted", "devices", "layers", "twins"])
def test_a_description_without_a_key_is_refused_by_name(missing: str) -> None:
    network = small()
    body = {key: value for key, value in network.to_json().items() if key != missing}
    with pytest.raises(InputError, match=missing):
        Network.from_json(body, {**network.weight_arrays(), **network.forecast_arrays()})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"readout_bias": np.zeros(2)}, "readout_bias has shape"),
        ({"washout": 19}, "washout 19 leaves 1 of 20"),
        ({"node_mean": np.zeros((4, 20, 2))}, "node_mean has shape"),
        ({"layers": ()}, "needs layers"),
        ({"twins": ()}, "0 twins for 2 layers"),
        ({"feature_scale": np.zeros(11)}, "feature_scale must not be zero"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(small(), **change)


def test_weights_edited_to_nan_are_refused_with_their_name_and_number() -> None:
    network = small()
    weights = network.layers[1].weights.copy()
    weights[0, :2] = np.nan
    broken = replace(network.layers[1], weights=weights)
    with pytest.raises(InputError, match=r"layer1\.weights holds 2 values"):
        replace(network, layers=(network.layers[0], broken))


def test_nmse_is_one_for_the_mean_and_zero_for_the_target() -> None:
    target = np.random.default_rng(0).random((50, 1))
    assert nmse(target, target) == 0
    assert nmse(np.full_like(target, target.mean()), target) == pytest.approx(1)
    assert nmse(target + 0.1, target) == pytest.approx(0.01 / target.var())
