"""From trained layers to the read-out that is deployed, and the score the twin foresees for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.score import by_output, score
from training.course import RIDGE
from training.fitted import DEVICES, Readout, gathered
from training.layers import NodeLayers, unasked
from training.logistic import STRENGTHS
from training.passes import passes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from models.latent import TwinModel
    from training.carried import Passed
    from training.design import Design
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

__all__ = [
    "CHOOSING", "DEVICES", "DRAWS", "RIDGES", "Foreseen", "Readout", "best_readout",
    "device_spread", "devices_for", "fit_readout", "foresee", "ridges_for", "simulated_passes",
    "untrained_layers", "validation_scores",
]  # fmt: skip

DRAWS = 64  # simulated deployments behind a predicted score
CHOOSING = 16  # simulated deployments behind a choice by validation
GAINS = (0.5, 1.0, 2.0)  # of an untrained network's weights: it is judged at its best
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # tried where no noise regularises
INTERVAL = (5.0, 95.0)  # percentiles: the central 90 %


@dataclass(frozen=True)
class Foreseen:
    """What simulated deployments say, in units of target and device; shapes as in `Network`.

    `outputs` `(n_out,)`: median NMSE of each one; empty where another metric is the task's.
    """

    scores: FloatArray
    forecast_mean: FloatArray
    forecast_low: FloatArray
    forecast_high: FloatArray
    node_mean: FloatArray
    node_std: FloatArray
    outputs: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def predicted(self) -> dict[str, float]:
        """Median of single passes, and an interval that one more of them is in at 90 %."""
        low, high = central(self.scores)
        return {"value": float(np.median(self.scores)), "low": float(low), "high": float(high)}


def central(draws: FloatArray) -> FloatArray:
    """Ends `(2, …)` of an interval that a further draw is in at 90 %; draws `(n, …)`.

    Percentile p of n draws is their order statistic p (n + 1): a further draw of the same
    distribution is below it with probability p. By the usual p (n − 1) + 1 the interval of 64
    draws would hold 87.2 %.
    """
    ends: FloatArray = np.percentile(draws, INTERVAL, axis=0, method="weibull")
    return ends


def fit_readout(
    layers: NodeLayers,
    task: Task,
    ridges: Sequence[float],
    generator: torch.Generator,
    *,
    whole: bool,
    strengths: Sequence[float] = (),
    devices: Sequence[float] = (1.0,),
) -> list[Readout]:
    """Read-outs by each ridge from noisy passes, from the reset and after the washout.

    `whole`: of the training and validation part, else of the training part alone. `strengths`:
    then by logistic regression, of fewer passes. `devices`: each of these with every penalty of
    the device's columns so many times as large.
    """
    fitted = gathered(layers, task, generator, whole=whole, few=bool(strengths))
    found = [fitted.by_ridge(ridge, device) for device in devices for ridge in ridges]
    for device in devices if strengths else ():
        found += fitted.by_logistic(strengths, device)
    return found


def ridges_for(layers: NodeLayers, task: Task) -> tuple[float, ...]:
    """Ridges to choose from: noise regularises a series; few windows of many columns need more."""
    return (RIDGE,) if layers.noisy and not task.classes else RIDGES


def devices_for(task: Task) -> tuple[float, ...]:
    """Penalties of the device's columns to choose from, as multiples of the inputs'."""
    return DEVICES if task.classes else (1.0,)


def simulated_passes(
    layers: NodeLayers, task: Task, steps: slice, draws: int, generator: torch.Generator
) -> Iterator[Passed]:
    """Chunk by chunk, independent deployments of `steps` from the reset: each has its own noise."""
    inputs = torch.as_tensor(task.inputs[steps], dtype=torch.float32)
    return layers.walk(inputs, passes_of(layers, draws), generator)


def validation_scores(
    layers: NodeLayers, readouts: Sequence[Readout], task: Task, generator: torch.Generator
) -> list[float]:
    """Score of single noisy passes over the validation part; all read-outs see the same.

    Their median; of error rates, which come in few steps, the mean.
    """
    return _scores(readouts, task, *validation_columns(layers, task, generator))


def validation_columns(
    layers: NodeLayers, task: Task, generator: torch.Generator
) -> tuple[Tensor, FloatArray]:
    """Columns `(answers, passes, ·)` of the validation part, and its targets."""
    marked, here = np.flatnonzero(task.answers(task.validation)), task.validation_run
    passed = simulated_passes(layers, task, here, CHOOSING, generator)
    columns = torch.cat([chunk.columns for chunk in passed])
    return columns[marked - here.start // task.window], task.targets[marked]


def _scores(
    readouts: Sequence[Readout], task: Task, columns: Tensor, target: FloatArray
) -> list[float]:
    middle, found = np.mean if task.classes else np.median, []
    for readout in readouts:
        each = readout.answers(columns).permute(1, 0, 2).numpy()
        found.append(float(middle([score(task.metric, one, target) for one in each])))
    return found


def best_readout(
    layers: NodeLayers,
    task: Task,
    ridges: Sequence[float],
    generator: torch.Generator,
    *,
    judge: NodeLayers | None = None,
    final: NodeLayers | None = None,
) -> Readout:
    """Read-out fitted through `layers`, at the ridge that scores best on the validation part.

    Of classes, the device's columns get a penalty of their own, and logistic regression is tried.
    `judge`, the same network of other twins, scores it; a deterministic network's read-out must
    be judged under the noise it will meet, or the comparison is a straw man. `final`: the layers
    that it is for, where they have learned from the validation part (`training.refit`).
    """
    final = final or layers
    if len(ridges) == 1:
        return fit_readout(final, task, ridges, generator, whole=True)[0]
    fitted = gathered(layers, task, generator, whole=False, few=bool(task.classes))
    seen = validation_columns(judge or layers, task, generator)
    devices = devices_for(task)
    tried = [fitted.by_ridge(ridge, device) for device in devices for ridge in ridges]
    if task.classes:
        tried += [one for device in devices for one in fitted.by_logistic(STRENGTHS, device)]
    scores = _scores(tried, task, *seen)
    best = tried[int(np.argmin(scores))]
    fitted = gathered(final, task, generator, whole=True, few=best.logistic)
    found = (
        fitted.by_logistic([best.ridge], best.device)[0]
        if best.logistic
        else fitted.by_ridge(best.ridge, best.device)
    )
    return replace(found, validation=min(scores))


def untrained_layers(
    members: Sequence[Sequence[TwinModel]],
    ranges: Sequence[tuple[float, float]],
    design: Design,
    task: Task,
    seed: int,
    between: Callable[[], None] = unasked,
) -> tuple[NodeLayers, float]:
    """Network of initial weights at the gain that scores best on validation, and that gain.

    `between`: that of the layers.
    """
    best: tuple[float, NodeLayers, float] | None = None
    stretch = torch.as_tensor(task.inputs[task.train], dtype=torch.float32)
    for gain in GAINS:
        generator = torch.Generator().manual_seed(seed)
        layers = NodeLayers(members, ranges, design, task.inputs.shape[1], generator, gain)
        layers.between = between
        layers.standardise(stretch, passes_of(layers, 4), generator)
        ridges, devices = ridges_for(layers, task), devices_for(task)
        tried = fit_readout(layers, task, ridges, generator, whole=False, devices=devices)
        found = min(validation_scores(layers, tried, task, generator))
        if best is None or found < best[0]:
            best = (found, layers, gain)
    if best is None:
        raise AssertionError("no gain was tried")
    return best[1], best[2]


def foresee(layers: NodeLayers, readout: Readout, task: Task, seed: int) -> Foreseen:
    """Simulate deployments exactly as they will run: washout and unseen part, from the reset.

    Through an ensemble each member makes as many of them: the interval holds the twins' bias too.
    """
    generator = torch.Generator().manual_seed(seed)
    answers: list[Tensor] = []
    moments: list[list[tuple[Tensor, Tensor]]] = []
    for passed in simulated_passes(layers, task, task.run, DRAWS, generator):
        answers.append(readout.answers(passed.columns))
        many = [response.double() for response in passed.responses]
        moments.append([(r.mean(1), r.std(1, correction=0)) for r in many])
    each = torch.cat(answers)[task.washout // task.window :].permute(1, 0, 2).numpy()
    target = task.targets[task.answers(task.test)]
    alone = [by_output(one, target) for one in each] if task.metric == "nmse" else []
    low, high = central(each)
    means, stds = [], []
    for layer, (offset, scale) in enumerate(layers.units):
        mean = torch.cat([chunk[layer][0] for chunk in moments])
        std = torch.cat([chunk[layer][1] for chunk in moments])
        means.append((offset + scale * mean).permute(1, 0, 2).numpy())
        stds.append((scale * std).permute(1, 0, 2).numpy())
    return Foreseen(
        scores=np.asarray([score(task.metric, one, target) for one in each]),
        forecast_mean=each.mean(axis=0),
        forecast_low=low,
        forecast_high=high,
        node_mean=_stacked(means),
        node_std=_stacked(stds),
        outputs=np.median(alone, axis=0) if alone else np.zeros(0),
    )


def _stacked(layers: Sequence[FloatArray]) -> FloatArray:
    """Arrays `(nodes, T, C)` of layers one after another, zero where another has more channels."""
    most = max(layer.shape[2] for layer in layers)
    rest = [(0, 0), (0, 0)]
    wide = [np.pad(layer, [*rest, (0, most - layer.shape[2])]) for layer in layers]
    return np.concatenate(wide)


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
