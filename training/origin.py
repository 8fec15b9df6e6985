"""Going on from a network: its layout, weights and scales become those of a new training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from models.errors import InputError, raise_problems
from training.design import Design

if TYPE_CHECKING:
    from models.network import Network
    from training.layers import NodeLayers
    from training.tasks import Task


VALIDATION_KNOWN = "validation_known"
"""Where `meta` keeps that a network before this one has learned from the validation part."""
BY_MEMORY = (
    "{0} was trained on the validation part, too (refit): it scores there by memory, which nothing "
    "that is tried from here on may reach, so that it may stay as it is; go on from a network that "
    "was trained without"
)


def design_of(network: Network, task: Task) -> Design:
    """The layout of a network, for a task of as many inputs and outputs.

    Raises
    ------
    InputError
        The task has others, or other windows.
    """
    count = len(network.layers)
    pairs = (
        ("inputs", network.inputs.shape[1], task.inputs.shape[1]),
        ("outputs", network.targets.shape[1], task.targets.shape[1]),
        ("steps an answer", network.answer_every, task.window),
        ("pool", network.pool, task.pool),
    )
    problems = [f"{name} {had} of the network, {has} of the task" for name, had, has in pairs
                if had != has]  # fmt: skip
    raise_problems(InputError, "train: to go on from a network its task must fit", problems)
    zeros = [float(np.mean(layer.weights == 0)) for layer in network.layers]
    return Design(
        tuple(layer.nodes for layer in network.layers),
        tuple(network.seen_by(k) for k in range(count)),
        network.seen_by(count),
        tuple(network.used(k) for k in range(count)),
        min(max(zeros), 0.999),
        network.supply,
        network.answer_every,
        network.pool,
    )


def same_data(network: Network, task: Task) -> bool:
    """Whether a task made again has the unseen part that the network was made for."""
    pairs = (
        (network.inputs, task.inputs[task.run]),
        (network.targets, task.targets[task.run_answers]),
    )
    return all(
        had.shape == has.shape and np.allclose(had, has, rtol=1e-6, atol=1e-9) for had, has in pairs
    )


def knows_validation(network: Network) -> bool:
    """Whether layers have learned from the validation part: refitted, or gone on from such."""
    meta = network.meta
    refitted = meta.get("options", {}).get("refit") and meta.get("trained", 0) > 0
    return bool(refitted or meta.get(VALIDATION_KNOWN))


def take_over(layers: NodeLayers, network: Network) -> None:
    """Give layers of `design_of` the weights and scales of the network; what is zero stays zero."""
    with torch.no_grad():
        for k, layer in enumerate(network.layers):
            layers.weights[k].copy_(torch.as_tensor(layer.weights))
            layers.biases[k].copy_(torch.as_tensor(layer.biases))
            if layers.design.sparsity:
                mask = layers.get_buffer(f"mask{k}")
                mask.copy_(torch.as_tensor(layer.weights != 0))
        mean, scale = torch.as_tensor(network.feature_mean), torch.as_tensor(network.feature_scale)
        layers.mean.copy_(mean)
        layers.scale.copy_(scale)
        for k, (offset, unit) in enumerate(layers.units):
            block, use = layers.block(k), list(layers.design.use[k])
            count = layers.design.nodes[k]
            shift, size = offset.double()[use].repeat(count), unit.double()[use].repeat(count)
            layers.mean[block] = ((mean[block] - shift) / size).float()
            layers.scale[block] = (scale[block] / size).float()
