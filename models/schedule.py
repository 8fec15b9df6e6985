"""The order in which the one device plays a network's nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def alternating(runs: Sequence[Run], heat: Sequence[float]) -> list[Run]:
    """Runs of one layer in an order that spreads their heat: warmest, coolest and so on.

    Parameters
    ----------
    runs
        In any order: nodes of a layer rest on the layer before, not on each other.
    heat
        Of each run, in any unit: the mean square of its field.
    """
    by_heat = [runs[int(k)] for k in np.argsort(-np.asarray(heat), kind="stable")]
    order = []
    while by_heat:
        order.append(by_heat.pop(0))
        if by_heat:
            order.append(by_heat.pop())
    return order


def predicted_s(schedule: list[Run], run_s: float) -> float:
    """Device time of a schedule in s, from the device time `run_s` of one run with its reset."""
    return len(schedule) * run_s


def refuse_longer(nodes: int, run_s: float, hours: float) -> None:
    """Refuse a network whose deployment would take longer than a limit.

    Parameters
    ----------
    nodes
        Runs of the schedule, one a node.
    run_s
        Device time of one run with its reset.
    hours
        The limit.

    Raises
    ------
    RefusedError
        With how many nodes would fit.
    """
    needed_h = nodes * run_s / 3600
    if needed_h > hours:
        raise RefusedError(
            f"schedule: {nodes} nodes of {run_s:.3g} s each take {needed_h:.3g} h on the device, "
            f"the limit is {hours:g} h: {int(3600 * hours / run_s)} nodes would fit"
        )
