"""Stretches of a task's training and validation part, run on the device as a deployment is."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.errors import InputError, raise_problems
from training.compile import compile_network
from training.foresee import Readout, foresee
from training.layers import NodeLayers
from training.origin import design_of, take_over
from training.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.latent import TwinModel
    from models.network import Network
    from training.design import Design
    from training.foresee import Foreseen

LEAST_SHARE = 0.25  # judgement: of digits, shuffled, 75 answers are refused in a twentieth of draws


class Stretch(Task):
    """A part of a task that training may see, in the place of its test part.

    `test` marks the stretch, `train` and `validation` are the task's own: they overlap, and that is
    no leak, since nothing is judged on a stretch that isn't told as known data.
    """

    def __post_init__(self) -> None:
        """Nothing: the task that it is a part of was checked."""

    @classmethod
    def last(cls, task: Task, steps: int) -> Stretch:
        """The last `steps` (whole windows) of what training may see, without a gap.

        Steps of no part may hold answers that nobody is to learn from.

        Raises
        ------
        InputError
            There are not so many with their washout, or hardly any of a class among them: a
            read-out that is corrected without it unlearns it.
        """
        count = max(1, steps // task.window) * task.window
        seen = _without_gap(task)
        unknown = np.append(0, np.cumsum(~seen))
        begins = np.arange(task.washout, len(seen) - count + 1, task.window)
        whole = begins[unknown[begins + count] == unknown[begins]]
        if not whole.size:
            where = np.flatnonzero(task.train | task.validation)
            cut = "" if seen[where[0] : where[-1]].all() else " without a gap"
            raise InputError(
                f"task {task.name!r}: a stretch of {count} steps{cut} after {task.washout} of "
                f"washout doesn't fit into the {len(where)} steps that training may see: ask for "
                "fewer --steps"
            )
        marked = np.zeros_like(task.test)
        marked[whole[-1] : whole[-1] + count] = True
        values: dict[str, Any] = {f.name: getattr(task, f.name) for f in fields(Task)}
        part = cls(**{**values, "test": marked})
        raise_problems(InputError, f"task {task.name!r}", part.lacking())
        return part

    def lacking(self) -> list[str]:
        """Classes of which the stretch has none or hardly an answer, in a sentence.

        Hardly: less than `LEAST_SHARE` of what their share of the known answers would be.
        """
        if (labels := self.labels) is None:
            return []
        known = np.flatnonzero(self.answers(self.train | self.validation))
        first, last = np.flatnonzero(self.answers(self.test))[[0, -1]].tolist()
        end = last + 1
        share = np.bincount(labels[known], minlength=len(self.classes)) / len(known)

        def scarce(begin: int) -> list[str]:
            here = np.bincount(labels[begin:end], minlength=len(share))
            few = here < LEAST_SHARE * share * (end - begin)
            return [name for name, lacks in zip(self.classes, few, strict=True) if lacks]

        if not (missing := scarce(first)):
            return []
        begin = next((k for k in range(first, -1, -1) if not scarce(k)), 0)
        return [
            f"the last {int(self.test.sum())} steps that are known hold no answer, or hardly any, "
            f"of {', '.join(missing)}, which a read-out that is corrected by them would unlearn; "
            f"ask for --steps {(end - begin) * self.window}"
        ]


def _without_gap(task: Task) -> NDArray[np.bool_]:
    """Steps of the training and validation part, and those between the two for the targets' sake.

    Where targets look ahead, so many steps between the parts are in neither.
    """
    seen = task.train | task.validation
    for last, following in pairwise(np.flatnonzero(seen).tolist()):
        between = task.train[last] != task.train[following]
        if between and following - last - 1 <= task.reach:
            seen[last:following] = True
    return seen


def layers_of(network: Network, task: Task, members: Sequence[Sequence[TwinModel]]) -> NodeLayers:
    """A network of a file as torch sees it, of the twins that it was trained through."""
    design: Design = design_of(network, task)
    ranges = [(layer.drive_low, layer.drive_high) for layer in network.layers]
    draw = torch.Generator().manual_seed(0)
    layers = NodeLayers(members, ranges, design, task.inputs.shape[1], draw)
    take_over(layers, network)
    return layers


def readout_of(network: Network) -> Readout:
    """The read-out of a network of a file; its ridge is the one that the file tells."""
    weights = torch.as_tensor(network.readout_weights.copy())
    bias = torch.as_tensor(network.readout_bias.copy())
    return Readout(weights, bias, float(network.meta.get("ridge", 0.0)))


def on_task(
    network: Network,
    layers: NodeLayers,
    readout: Readout,
    task: Task,
    seed: int,
) -> Network:
    """The network with other weights, read-out or stretch, and what its twins foresee of them.

    Baselines and `meta` are those of `network`, which are of its own unseen part.
    """
    foreseen: Foreseen = foresee(layers, readout, task, seed)
    devices = [network.device_of(layer) for layer in range(layers.depth)]
    made = compile_network(layers, readout, foreseen, task, devices, network.twins)
    return replace(
        made, task=network.task, baselines=dict(network.baselines), meta=dict(network.meta)
    )
