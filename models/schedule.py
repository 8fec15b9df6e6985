"""The order in which its devices play a network's nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.network import Network


@dataclass(frozen=True)
class Run:
    """One reset and one sequence: a device is node `node` of layer `layer`.

    `position` counts the runs of the whole schedule from 0, and is the node's index in every
    per-node array of the network; `row` counts those of its device alone.
    """

    layer: int
    node: int
    position: int
    device: int = 0
    row: int = 0


def runs(network: Network) -> list[Run]:
    """Every node's run: layer by layer (a layer's drives rest on the one before), node by node."""
    found: list[Run] = []
    rows: Counter[int] = Counter()
    for layer, weights in enumerate(network.layers):
        for node in range(weights.nodes):
            found.append(Run(layer, node, len(found), weights.device, rows[weights.device]))
            rows[weights.device] += 1
    return found


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


def refuse_longer(runs_s: Sequence[float], hours: float) -> None:
    """Refuse a schedule that would take longer than a limit.

    Parameters
    ----------
    runs_s
        Device time of each run with its reset, in order.
    hours
        The limit.

    Raises
    ------
    RefusedError
        With how many runs would fit.
    """
    ends_h = np.cumsum(runs_s) / 3600
    if not len(ends_h) or ends_h[-1] <= hours:
        return
    lengths = sorted({f"{run_s:.4g}" for run_s in runs_s}, key=float)
    raise RefusedError(
        f"schedule: {len(ends_h)} runs of {' or '.join(lengths)} s each take {ends_h[-1]:.3g} h on "
        f"the device, the limit is {hours:g} h: {int((ends_h <= hours).sum())} of them would fit"
    )
