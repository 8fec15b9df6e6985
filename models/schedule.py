"""The order in which the one device plays a network's nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.network import Network


@dataclass(frozen=True)
class Run:
    """One reset and one sequence: the device is node `node` of layer `layer`.

    `position` counts the runs of the whole schedule from 0, and is the node's index in every
    per-node array of the network.
    """

    layer: int
    node: int
    position: int


def runs(network: Network) -> list[Run]:
    """Every node's run: layer by layer (a layer's drives rest on the one before), node by node."""
    places = [
        (layer, node)
        for layer, weights in enumerate(network.layers)
        for node in range(weights.nodes)
    ]
    return [Run(layer, node, position) for position, (layer, node) in enumerate(places)]


def predicted_s(schedule: list[Run], run_s: float) -> float:
    """Device time of a schedule in s, from the device time `run_s` of one run with its reset."""
    return len(schedule) * run_s
