"""A training once more, on the training and validation parts together, for as long as was best.

How long to train is chosen on the validation part, and so is the read-out, which is then fitted to
both parts. Layers that have seen the training part alone lag behind it: of EMG that is one day's
session of two. The validation part can't judge what has learned from it: the iterations, and the
layers by which the read-out is chosen, are those of the first training.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from training.train import Trainer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from training.layers import NodeLayers


class Refit(Trainer):
    """Trains from the first weights again; `best…` are those of the training that it follows."""

    @property
    def part(self) -> NDArray[np.bool_]:
        """Training and validation part."""
        return self.task.train | self.task.validation

    def follow(self, first: Trainer) -> None:
        """Begin where a finished training began; its scales stay, it says for how long."""
        for name in ("mean", "scale"):
            getattr(self.layers, name).copy_(getattr(first.layers, name))
        self.begin(measured=True)
        self.best = [one.clone() for one in first.best]
        self.best_iteration, self.best_validation = first.best_iteration, first.best_validation

    def validate(self) -> float | None:
        """None: nothing is held out."""
        return None

    @torch.no_grad()
    def chosen_layers(self) -> NodeLayers:
        """Those of the first training."""
        layers = copy.deepcopy(self.layers)
        for parameter, best in zip([*layers.weights, *layers.biases], self.best, strict=True):
            parameter.copy_(best)
        return layers

    def keep_best(self) -> None:
        """What it ends with is what it is for."""

    @property
    def ended(self) -> bool:
        """Whether it has gone on for as long as was best."""
        return self.iteration >= self.best_iteration
