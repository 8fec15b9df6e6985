"""What does not fit together in a network, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models import wiring
from models.recording import BEYOND_ANY_DEVICE
from models.score import METRICS, POOLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.network import Network


def wrong_shapes(network: Network) -> list[str]:
    """Arrays, layers and sizes that don't fit each other."""
    if not network.layers or network.inputs.ndim != 2 or network.targets.ndim != 2:
        return ["needs layers, inputs (T, n_in) and targets (answers, n_out)"]
    if problems := _devices(network):  # how many channels a layer has follows from them
        return problems
    problems = _wiring(network) + _answering(network)
    if problems:  # sizes follow from both
        return problems
    steps, every = network.steps, network.answer_every
    n_out = network.targets.shape[1]
    channels = max(len(device.channels) for device in network.devices)
    features = network.block(len(network.layers) - 1).stop
    unseen = (steps - network.washout) // every
    nodes = (network.nodes, steps, channels)
    expected = {
        "feature_mean": (features,), "feature_scale": (features,),
        "readout_weights": (network.columns, n_out), "readout_bias": (n_out,),
        "targets": (steps // every, n_out),
        "forecast_mean": (unseen, n_out), "forecast_low": (unseen, n_out),
        "forecast_high": (unseen, n_out), "node_mean": nodes, "node_std": nodes,
    }  # fmt: skip
    problems = [
        f"{name} has shape {getattr(network, name).shape}, expected {shape}"
        for name, shape in expected.items()
        if getattr(network, name).shape != shape
    ]
    problems += _layers(network)
    if not network.feature_scale.all():  # features are divided by it
        problems.append("feature_scale must not be zero")
    if unseen < 2 or network.washout < 0:
        problems.append(
            f"washout {network.washout} leaves {steps - network.washout} of {steps} steps to score"
        )
    if len(network.twins) < 1:
        problems.append(f"{len(network.twins)} twins for {len(network.layers)} layers")
    return problems


def _devices(network: Network) -> list[str]:
    count = len(network.devices)
    problems = [
        f"layer {index} is of device {layer.device} of {count}"
        for index, layer in enumerate(network.layers)
        if not 0 <= layer.device < count
    ]
    for number, device in enumerate(network.devices):
        if not network.layers_on(number):
            problems.append(f"device {number} plays no layer")
        if not device.channels or len(device.units) != len(device.channels):
            problems.append(f"{len(device.units)} units for {len(device.channels)} channels")
    return problems


def _wiring(network: Network) -> list[str]:
    count = len(network.layers)
    problems = [
        words for layer in range(count) for words in wiring.faults(layer, network.seen_by(layer))
    ]
    problems += [
        words.replace(f"layer {count + 1}", "the read-out", 1)
        for words in wiring.faults(count, network.seen_by(count))
    ]
    for index, layer in enumerate(network.layers):
        channels = len(network.device_of(index).channels)
        if len(set(layer.use)) < len(layer.use) or any(c >= channels for c in layer.use):
            problems.append(f"layer {index} uses channels {list(layer.use)} of {channels}")
        if layer.biases.ndim != 1 or not 0 <= layer.drive_low < layer.drive_high <= 1:
            shape, low, high = layer.biases.shape, layer.drive_low, layer.drive_high
            problems.append(f"layer {index}: biases {shape}, or drive {low}…{high}, don't fit")
    return problems


def _answering(network: Network) -> list[str]:
    steps, every = network.steps, network.answer_every
    if every < 1 or steps % every or network.washout % every:
        return [
            f"{steps} steps with {network.washout} of washout are no whole number of windows of "
            f"{every} steps"
        ]
    problems = []
    if network.pool not in POOLS or (network.pool == "step") != (every == 1):
        problems.append(f"pool {network.pool!r} doesn't fit windows of {every} steps")
    if network.task["metric"] not in METRICS:
        problems.append(f"metric {network.task['metric']!r} is none of {', '.join(METRICS)}")
    if network.classes and len(network.classes) != network.targets.shape[1]:
        problems.append(f"{len(network.classes)} classes for {network.targets.shape[1]} outputs")
    return problems


def _layers(network: Network) -> list[str]:
    problems = []
    for index, layer in enumerate(network.layers):
        seen = sum(network.width(source.layer) for source in network.seen_by(index))
        if layer.weights.shape != (layer.nodes, seen):
            shape = (layer.nodes, seen)
            problems.append(f"layer {index} weights {layer.weights.shape}, expected {shape}")
        first, last = layer.drive_low, layer.drive_high
        if network.supply.step > last - first:
            problems.append(
                f"layer {index}: a resolution of {network.supply.step:g} within drives "
                f"{first:g}…{last:g}"
            )
    return problems


def not_numbers(network: Network) -> list[str]:
    """Arrays that hold what is no finite number: edited by hand, or a training gone wrong."""
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    return [
        f"{name} holds {int(np.sum(~_is_usable(array)))} values that are not finite numbers"
        for name, array in arrays.items()
        if not _is_usable(array).all()
    ]


def _is_usable(array: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(array) < BEYOND_ANY_DEVICE)
