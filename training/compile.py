"""From trained layers of twins to the network value that a deployment computes with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.network import Layer, Network
from models.network_parts import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.network import Device, TwinReference
    from training.foresee import Foreseen, Readout
    from training.layers import NodeLayers
    from training.tasks import Task


def compile_network(
    layers: NodeLayers,
    readout: Readout,
    foreseen: Foreseen,
    task: Task,
    devices: Sequence[Device],
    references: Sequence[TwinReference],
) -> Network:
    """Network in its devices' units, of layers in their twins'.

    `devices` are those of the layers, one each; `references` name the twin files. Baselines and
    `meta` are empty.
    """
    different, which = distinct(devices)
    mean, scale = layers.mean.double().numpy().copy(), layers.scale.double().numpy().copy()
    design = layers.design
    for index, units in enumerate(layers.units):
        block, use = layers.block(index), list(design.use[index])
        offset, unit = (np.tile(x.double().numpy()[use], design.nodes[index]) for x in units)
        mean[block] = offset + unit * mean[block]
        scale[block] = unit * scale[block]
    described: dict[str, Any] = {
        "name": task.name,
        "metric": task.metric,
        "options": task.options,
        "description": task.describe(),
    }
    return Network(
        layers=tuple(_layer(layers, index, device) for index, device in enumerate(which)),
        feature_mean=mean,
        feature_scale=scale,
        readout_weights=readout.weights.numpy(),
        readout_bias=readout.bias.numpy(),
        task=described,
        inputs=task.inputs[task.run],
        targets=task.targets[task.run_answers],
        washout=task.washout,
        twins=tuple(references),
        devices=different,
        predicted=foreseen.predicted,
        baselines={},
        forecast_mean=foreseen.forecast_mean,
        forecast_low=foreseen.forecast_low,
        forecast_high=foreseen.forecast_high,
        node_mean=foreseen.node_mean,
        node_std=foreseen.node_std,
        answer_every=task.window,
        pool=task.pool,
        readout=design.readout,
        classes=task.classes,
        supply=design.supply,
    )


def _layer(layers: NodeLayers, index: int, device: int) -> Layer:
    return Layer(
        layers.weight(index).detach().double().numpy(),
        layers.biases[index].detach().double().numpy(),
        *layers.ranges[index],
        sources=layers.design.sources[index],
        use=layers.design.use[index],
        device=device,
    )


def with_record(network: Network, baselines: dict[str, float], meta: dict[str, Any]) -> Network:
    """The same network with its baselines and its history."""
    return replace(network, baselines=baselines, meta=meta)
