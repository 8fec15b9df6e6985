"""What a training takes over from a finished network beside it, where it would compute the same.

Context: a comparison trains several networks of one task, wiring and seed. Their baselines are the
same figures, the untrained reservoir among them is a network of the comparison itself, and two
networks that differ in how their read-out is fitted only have the same layers.
Decision: whoever plans a comparison names the networks that are there; a training takes from them
what rests on nothing that differs, by the same version of the program.
Consequence: every figure is to the last digit what it would be without.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from app.advice import UNTRAINED
from app.artefacts import plain
from app.store import code_version, load_network
from training.origin import take_over

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.operations.train_setup import Setup
    from app.train_twins import TwinSet
    from models.network import Network
    from training.train import Trainer

OF_LAYERS = "validation_of_layers"  # the score that chose them, whatever read-out is deployed


class Beside:
    """The networks beside a training that is about to begin.

    Parameters
    ----------
    paths
        Of the networks; InputError where one can't be read.
    setup
        The training's.
    """

    def __init__(self, paths: Sequence[Path], setup: Setup) -> None:
        self._setup = setup
        self._networks = [one for one in map(load_network, paths) if self._is_of_same(one)]

    def baselines(self) -> dict[str, float]:
        """Baselines of this training by name: all of them, those of software, or none."""
        setup, found = self._setup, dict[str, float]()
        for network in self._networks:
            # of a judge, whose spread baselines rest on, a network keeps no digest
            if network.meta.get("judge") or not same_twins(network, setup.stochastic):
                continue
            found |= {n: value for n, value in network.baselines.items() if n != UNTRAINED}
            ranges = [(layer.drive_low, layer.drive_high) for layer in network.layers]
            if network.meta.get("iterations") == 0 and ranges == setup.ranges:
                found[UNTRAINED] = network.predicted["value"]
        return found

    def trained(self) -> Network | None:
        """A network whose training is this one; None where there is none.

        Of one that was trained on both parts the layers are gone by which a read-out is chosen.
        """
        if self._setup.request.options.refit:
            return None
        for network in self._networks:
            same = network.meta.get("iterations") == self._setup.request.iterations
            if same and OF_LAYERS in network.meta and same_twins(network, self._setup.twins):
                return network
        return None

    def _is_of_same(self, network: Network) -> bool:
        """Whether a network is of the same task, layout, options and seed, and only trained."""
        request, task, meta = self._setup.request, self._setup.task, network.meta
        asked: dict[str, Any] = {"seed": request.seed, "layers": request.layers,
                                 "options": asdict(request.options)}  # fmt: skip
        return (
            request.options.origin is None
            and "hardware_runs" not in meta  # the device has changed it since
            and meta.get("code_version") == code_version()
            and all(meta.get(name) == plain(value) for name, value in asked.items())
            and network.task.get("description") == task.describe()
            and np.array_equal(network.inputs, task.inputs[task.run])
            and np.array_equal(network.targets, task.targets[task.run_answers])
        )


def take_layers(trainer: Trainer, network: Network) -> None:
    """Give a trainer that has not begun the layers of a network whose training it would repeat."""
    take_over(trainer.layers, network)
    trainer.iteration = int(network.meta["trained"])
    trainer.best_validation = float(network.meta[OF_LAYERS])


def same_twins(network: Network, twins: TwinSet) -> bool:
    """Whether a network was trained through these very twins."""
    return [one.sha256 for one in network.twins] == [one.sha256 for one in twins.references]
