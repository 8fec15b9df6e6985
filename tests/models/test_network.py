from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from models.network import Layer, Network, TwinReference
from models.score import nmse
from models.sequence import DriveWindow, Reset
from models.wiring import Source


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
        channels=("X", "Y"),
        units=("V", "V"),
        window=DriveWindow("amplitude", 0.0022, 0.0034),
        reset=Reset(0.004),
        settings={"lockin": {"time_constant_s": 0.01}},
        identities={"lockin": "SR830"},
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


def test_a_network_of_the_schema_before_is_read_as_what_it_was() -> None:
    network = small()
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    body = network.to_json()
    for name in ("answer_every", "pool", "readout", "classes", "supply"):
        del body[name]
    body["layers"] = [
        {name: row[name] for name in ("nodes", "drive_low", "drive_high")} for row in body["layers"]
    ]
    back = Network.from_json(body, arrays, schema=2)
    assert back.to_json() == network.to_json()
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


@pytest.mark.parametrize("missing", ["task", "predicted", "window", "layers", "twins"])
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
