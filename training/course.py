"""How a training runs: its settings, its learning rate, and the stages of a cascade."""

from __future__ import annotations

import math
from dataclasses import dataclass

RIDGE = 1e-6  # of a read-out, times the mean diagonal of its covariance
LAYERWISE_SHARE = 0.5  # of a cascade's iterations; the others train all layers together


@dataclass(frozen=True)
class TrainSettings:
    """What a training rests on; the defaults are the recipe that was measured to transfer.

    Attributes
    ----------
    iterations
        Gradient steps; one is `streams` chunks of about 64 steps of the series. 800 take 1–2
        minutes of one core with 3 × 40 nodes.
    streams
        Positions of the series that are walked side by side.
    masked
        Steps after a jump whose error doesn't count: the device forgets its reset in about that.
    rate, betas, clip
        The optimiser's (`training.soap`), and the largest norm of a gradient.
    warm_up
        Iterations over which the rate rises; it then falls as a cosine to `last_rate` of `rate`.
    readout_every
        Iterations between two solutions of the read-out.
    penalty
        Weight of the mean squared excess of the drives beside the NMSE.
    ridge
        Of the read-out, a share of the mean diagonal.
    validate_every, validation_passes
        Iterations between two scores on the validation part, and noisy passes of each.
    cascade
        Layer by layer with its own read-out first, then all together, in `iterations` altogether.
    patience
        End at the first validation after so many iterations without a better score; 0: never.
    weight_decay
        Decoupled decay of the weights (Loshchilov & Hutter, ICLR 2019), not of the biases.
    """

    iterations: int = 800
    streams: int = 16
    masked: int = 40
    rate: float = 2e-2
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 0.5
    warm_up: int = 50
    last_rate: float = 0.02
    readout_every: int = 10
    penalty: float = 0.1
    ridge: float = RIDGE
    validate_every: int = 25
    validation_passes: int = 4
    seed: int = 0
    cascade: bool = False
    patience: int = 0
    weight_decay: float = 0.0

    def rate_at(self, iteration: int, stage: Stage | None = None) -> float:
        """Learning rate of an iteration, of its stage."""
        begin, end = (stage.begin, stage.end) if stage else (0, self.iterations)
        into, length = iteration - begin, max(end - begin, 1)
        warm = min(1.0, (into + 1) / self.warm_up)
        turn = 0.5 * (1 + math.cos(math.pi * into / length))
        return self.rate * warm * (self.last_rate + (1 - self.last_rate) * turn)

    def stages(self, layers: int) -> list[Stage]:
        """The stages of a training of so many layers, one after another."""
        if not self.cascade or layers == 1:
            return [Stage(0, self.iterations, layers, tuple(range(layers)))]
        each = int(LAYERWISE_SHARE * self.iterations / layers)
        found = [Stage(k * each, (k + 1) * each, k + 1, (k,)) for k in range(layers) if each]
        return [*found, Stage(layers * each, self.iterations, layers, tuple(range(layers)))]


@dataclass(frozen=True)
class Stage:
    """Iterations `begin` … `end` − 1: the first `depth` layers run, those of `trained` learn."""

    begin: int
    end: int
    depth: int
    trained: tuple[int, ...]
