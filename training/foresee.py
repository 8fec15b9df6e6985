"""From trained layers to the read-out that is deployed, and the score the twin foresees for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.score import nmse
from training.layers import NodeLayers
from training.readout import RIDGE, RunningRidge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from models.latent import TwinModel
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

PASSES = 16  # noisy passes of the training part under the final read-out
DRAWS = 64  # simulated deployments behind a predicted score
GAINS = (0.5, 1.0, 2.0)  # of an untrained network's weights: it is judged at its best
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # tried where no noise regularises
INTERVAL = (5.0, 95.0)  # percentiles: the central 90 %


@dataclass(frozen=True)
class Readout:
    """Weights `(F, O)` and bias `(O,)` on standardised features, and the ridge that gave them."""

    weights: Tensor
    bias: Tensor
    ridge: float


@dataclass(frozen=True)
class Foreseen:
    """What simulated deployments say, in units of target and device; shapes as in `Network`."""

    scores: FloatArray
    forecast_mean: FloatArray
    forecast_low: FloatArray
    forecast_high: FloatArray
    node_mean: FloatArray
    node_std: FloatArray

    @property
    def predicted(self) -> dict[str, float]:
        """Median of single passes and the central 90 % of them."""
        low, high = np.percentile(self.scores, INTERVAL)
        return {"value": float(np.median(self.scores)), "low": float(low), "high": float(high)}


def passes_of(layers: NodeLayers, passes: int) -> int:
    """How many passes are worth running: one where all are alike."""
    return passes if layers.noisy else 1


def fit_readout(
    layers: NodeLayers,
    task: Task,
    ridges: Sequence[float],
    generator: torch.Generator,
    *,
    whole: bool,
) -> list[Readout]:
    """Read-outs by each ridge from noisy passes, from the reset and after the washout.

    `whole`: of the training and validation part, else of the training part alone.
    """
    marked = np.flatnonzero(task.train | task.validation if whole else task.train)
    end = int(marked[-1]) + 1
    inputs = torch.as_tensor(task.inputs[:end], dtype=torch.float32)
    passes = passes_of(layers, PASSES)
    rows = ((layers.run(inputs, passes, generator) - layers.mean) / layers.scale)[marked]
    used = marked >= task.washout
    targets = torch.as_tensor(task.targets[marked[used]]).unsqueeze(1).expand(-1, passes, -1)
    running = RunningRidge(layers.features, task.targets.shape[1], decay=1.0)
    running.update(rows[torch.as_tensor(used)].flatten(0, 1), targets.flatten(0, 1))
    return [Readout(*running.solve(ridge), ridge) for ridge in ridges]


def score_passes(
    layers: NodeLayers, readout: Readout, task: Task, steps: slice, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Features `(T, passes, F)` of a run of `steps` and predictions `(T, passes, O)`.

    The passes are independent deployments from the reset: every node has its own noise.
    """
    inputs = torch.as_tensor(task.inputs[steps], dtype=torch.float32)
    features = layers.run(inputs, passes_of(layers, DRAWS), generator)
    standard = (features - layers.mean) / layers.scale
    return features, standard.double() @ readout.weights + readout.bias


def validation_score(
    layers: NodeLayers, readout: Readout, task: Task, generator: torch.Generator
) -> float:
    """Median score of single noisy passes over the validation part."""
    marked = np.flatnonzero(task.validation)
    steps = slice(max(0, int(marked[0]) - task.washout), int(marked[-1]) + 1)
    _, prediction = score_passes(layers, readout, task, steps, generator)
    kept = marked - steps.start
    target = task.targets[marked]
    each = [nmse(one, target) for one in prediction[kept].permute(1, 0, 2).numpy()]
    return float(np.median(each))


def best_readout(
    layers: NodeLayers,
    task: Task,
    ridges: Sequence[float],
    generator: torch.Generator,
    *,
    judge: NodeLayers | None = None,
) -> Readout:
    """Read-out fitted through `layers`, at the ridge that scores best on the validation part.

    `judge`, the same network of other twins, scores it; a deterministic network's read-out must
    be judged under the noise it will meet, or the comparison is a straw man.
    """
    if len(ridges) == 1:
        return fit_readout(layers, task, ridges, generator, whole=True)[0]
    tried = fit_readout(layers, task, ridges, generator, whole=False)
    scores = [validation_score(judge or layers, readout, task, generator) for readout in tried]
    best = ridges[int(np.argmin(scores))]
    return fit_readout(layers, task, [best], generator, whole=True)[0]


def untrained_layers(
    twins: Sequence[TwinModel],
    ranges: Sequence[tuple[float, float]],
    nodes: Sequence[int],
    task: Task,
    seed: int,
) -> tuple[NodeLayers, float]:
    """Network of initial weights at the gain that scores best on validation, and that gain."""
    best: tuple[float, NodeLayers, float] | None = None
    stretch = torch.as_tensor(task.inputs[task.train], dtype=torch.float32)
    for gain in GAINS:
        generator = torch.Generator().manual_seed(seed)
        layers = NodeLayers(twins, ranges, nodes, task.inputs.shape[1], generator, gain)
        layers.standardise(stretch, passes_of(layers, 4), generator)
        readout = fit_readout(layers, task, [RIDGE], generator, whole=False)[0]
        score = validation_score(layers, readout, task, generator)
        if best is None or score < best[0]:
            best = (score, layers, gain)
    if best is None:
        raise AssertionError("no gain was tried")
    return best[1], best[2]


def foresee(layers: NodeLayers, readout: Readout, task: Task, seed: int) -> Foreseen:
    """Simulate deployments exactly as they will run: washout and unseen part, from the reset."""
    generator = torch.Generator().manual_seed(seed)
    features, prediction = score_passes(layers, readout, task, task.run, generator)
    unseen = prediction[task.washout :].permute(1, 0, 2).numpy()
    target = task.targets[task.test]
    low, high = np.percentile(unseen, INTERVAL, axis=0)
    means, stds = [], []
    for layer, twin in enumerate(layers.twins):
        part = features[:, :, layers.block(layer)].double()
        shape = (len(part), layers.nodes[layer], layers.channels)
        mean, std = part.mean(1).reshape(shape), part.std(1, correction=0).reshape(shape)
        means.append((twin.offset + twin.scale * mean).permute(1, 0, 2).numpy())
        stds.append((twin.scale * std).permute(1, 0, 2).numpy())
    return Foreseen(
        scores=np.asarray([nmse(one, target) for one in unseen]),
        forecast_mean=unseen.mean(axis=0),
        forecast_low=low,
        forecast_high=high,
        node_mean=np.concatenate(means),
        node_std=np.concatenate(stds),
    )


def device_spread(twin: TwinModel, seed: int = 0) -> float:
    """Spread over signal of a twin: mean standard deviation over repeats ÷ that of the mean.

    Under 20 mixed drives of 100 steps and 16 repeats, averaged over channels; 0: deterministic.
    """
    from models.sequence import make_sequences

    drives = np.stack([s.drive for s in make_sequences("mixed", 20, 100, seed)])
    response = twin.simulate(drives, 16, seed)
    signal = response.mean(axis=1).std(axis=(0, 1))
    spread = response.std(axis=1, ddof=1).mean(axis=(0, 1))
    return float(np.mean(spread / np.maximum(signal, 1e-12)))
