"""From trained layers of twins to the network value that a deployment computes with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.network import Layer, Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.network import TwinReference
    from models.twin import Twin
    from training.foresee import Foreseen, Readout
    from training.layers import NodeLayers
    from training.tasks import Task


def compile_network(
    layers: NodeLayers,
    readout: Readout,
    foreseen: Foreseen,
    task: Task,
    twin: Twin,
    references: Sequence[TwinReference],
) -> Network:
    """Network in the device's units, of layers in the twin's.

    `twin` gives channels, window, reset and settings (all twins of a network share them);
    `references` name the twin files. Baselines and `meta` are empty.
    """
    mean, scale = layers.mean.double().numpy().copy(), layers.scale.double().numpy().copy()
    for index, model in enumerate(layers.twins):
        block, count = layers.block(index), layers.nodes[index]
        offset, unit = (np.tile(x.double().numpy(), count) for x in (model.offset, model.scale))
        mean[block] = offset + unit * mean[block]
        scale[block] = unit * scale[block]
    values = zip(layers.weights, layers.biases, layers.ranges, strict=True)
    described: dict[str, Any] = {
        "name": task.name,
        "metric": task.metric,
        "options": task.options,
        "description": task.describe(),
    }
    return Network(
        layers=tuple(
            Layer(w.detach().double().numpy(), b.detach().double().numpy(), low, high)
            for w, b, (low, high) in values
        ),
        feature_mean=mean,
        feature_scale=scale,
        readout_weights=readout.weights.numpy(),
        readout_bias=readout.bias.numpy(),
        task=described,
        inputs=task.inputs[task.run],
        targets=task.targets[task.run],
        washout=task.washout,
        twins=tuple(references),
        channels=twin.channels,
        units=twin.units,
        window=twin.window,
        reset=twin.reset,
        settings=twin.settings,
        identities=twin.identities,
        predicted=foreseen.predicted,
        baselines={},
        forecast_mean=foreseen.forecast_mean,
        forecast_low=foreseen.forecast_low,
        forecast_high=foreseen.forecast_high,
        node_mean=foreseen.node_mean,
        node_std=foreseen.node_std,
    )


def with_record(network: Network, baselines: dict[str, float], meta: dict[str, Any]) -> Network:
    """The same network with its baselines and its history."""
    return replace(network, baselines=baselines, meta=meta)
