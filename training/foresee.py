"""From trained layers to the read-out that is deployed, and the score the twin foresees for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.score import score
from training.layers import NodeLayers
from training.logistic import STRENGTHS, fit_logistic
from training.passes import passes_of
from training.readout import RIDGE, RunningRidge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from models.latent import TwinModel
    from training.carried import Passed
    from training.design import Design
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

PASSES = 16  # noisy passes of the training part under the final read-out
DRAWS = 64  # simulated deployments behind a predicted score
LOGISTIC_PASSES = 4  # those under a logistic regression, which takes all of them at once
CHOOSING = 16  # simulated deployments behind a choice by validation
GAINS = (0.5, 1.0, 2.0)  # of an untrained network's weights: it is judged at its best
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # tried where no noise regularises
INTERVAL = (5.0, 95.0)  # percentiles: the central 90 %


@dataclass(frozen=True)
class Readout:
    """Weights `(columns, O)` and bias `(O,)` on what the read-out sees, and their ridge.

    `logistic`: fitted by logistic regression, whose penalty is then `ridge`; answers are logits.
    """

    weights: Tensor
    bias: Tensor
    ridge: float
    logistic: bool = False

    def answers(self, columns: Tensor) -> Tensor:
        """Answers `(…, O)` in double precision."""
        return columns.double() @ self.weights + self.bias


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


def fit_readout(
    layers: NodeLayers,
    task: Task,
    ridges: Sequence[float],
    generator: torch.Generator,
    *,
    whole: bool,
    strengths: Sequence[float] = (),
) -> list[Readout]:
    """Read-outs by each ridge from noisy passes, from the reset and after the washout.

    `whole`: of the training and validation part, else of the training part alone. `strengths`:
    then by logistic regression, of fewer passes.
    """
    used = task.answers(task.train | task.validation if whole else task.train).copy()
    end = int(np.flatnonzero(used)[-1]) + 1
    used[: task.washout // task.window] = False
    inputs = torch.as_tensor(task.inputs[: end * task.window], dtype=torch.float32)
    passes, at = passes_of(layers, PASSES), 0
    columns = layers.design.columns(layers.inputs, layers.depth)
    running = RunningRidge(columns, task.targets.shape[1], decay=1.0)
    counting = torch.as_tensor(task.answer_weights)
    few: list[Tensor] = []
    for passed in layers.walk(inputs, passes, generator):
        here = slice(at, at + len(passed.columns))
        marked = torch.as_tensor(used[here])
        rows = passed.columns[marked]
        targets = torch.as_tensor(task.targets[here][used[here]])
        many = targets.unsqueeze(1).expand(-1, passes, -1)
        each = counting[here][marked].repeat_interleave(passes)
        running.update(rows.flatten(0, 1), many.flatten(0, 1), each)
        if strengths:
            few.append(rows[:, :LOGISTIC_PASSES])
        at = here.stop
    found = [Readout(*running.solve(ridge), ridge) for ridge in ridges]
    if strengths:
        found += _by_logistic(task, torch.cat(few), task.targets[:end][used[:end]], strengths)
    return found


def _by_logistic(
    task: Task, rows: Tensor, targets: FloatArray, strengths: Sequence[float]
) -> list[Readout]:
    """Read-outs of rows `(answers, passes, columns)`; classes count as in the task's error."""
    flat = rows.flatten(0, 1).double().numpy()
    many = np.repeat(targets, rows.shape[1], axis=0)
    alike = task.metric == "balanced-error"
    out = []
    for strength in strengths:
        weights, bias = fit_logistic(flat, many, strength, alike=alike)
        out.append(Readout(torch.as_tensor(weights), torch.as_tensor(bias), strength, True))
    return out


def ridges_for(layers: NodeLayers, task: Task) -> tuple[float, ...]:
    """Ridges to choose from: noise regularises a series; few windows of many columns need more."""
    return (RIDGE,) if layers.noisy and not task.classes else RIDGES


def simulated_passes(
    layers: NodeLayers, task: Task, steps: slice, draws: int, generator: torch.Generator
) -> Iterator[Passed]:
    """Chunk by chunk, independent deployments of `steps` from the reset: each has its own noise."""
    inputs = torch.as_tensor(task.inputs[steps], dtype=torch.float32)
    return layers.walk(inputs, passes_of(layers, draws), generator)


def validation_scores(
    layers: NodeLayers, readouts: Sequence[Readout], task: Task, generator: torch.Generator
) -> list[float]:
    """Median score of single noisy passes over the validation part; all read-outs see the same."""
    marked = np.flatnonzero(task.answers(task.validation))
    warm = max(0, int(marked[0]) - task.washout // task.window)
    steps = slice(warm * task.window, (int(marked[-1]) + 1) * task.window)
    chunks: list[list[Tensor]] = [[] for _ in readouts]
    for passed in simulated_passes(layers, task, steps, CHOOSING, generator):
        for answers, readout in zip(chunks, readouts, strict=True):
            answers.append(readout.answers(passed.columns))
    target, medians = task.targets[marked], []
    for answers in chunks:
        each = torch.cat(answers)[marked - warm].permute(1, 0, 2).numpy()
        medians.append(float(np.median([score(task.metric, one, target) for one in each])))
    return medians


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
    strengths = STRENGTHS if task.classes else ()
    tried = fit_readout(layers, task, ridges, generator, whole=False, strengths=strengths)
    scores = validation_scores(judge or layers, tried, task, generator)
    best = tried[int(np.argmin(scores))]
    chosen = ([], [best.ridge]) if best.logistic else ([best.ridge], [])
    return fit_readout(
        layers, task, chosen[0], generator, whole=True, strengths=chosen[1]
    )[0]  # fmt: skip


def untrained_layers(
    members: Sequence[Sequence[TwinModel]],
    ranges: Sequence[tuple[float, float]],
    design: Design,
    task: Task,
    seed: int,
) -> tuple[NodeLayers, float]:
    """Network of initial weights at the gain that scores best on validation, and that gain."""
    best: tuple[float, NodeLayers, float] | None = None
    stretch = torch.as_tensor(task.inputs[task.train], dtype=torch.float32)
    for gain in GAINS:
        generator = torch.Generator().manual_seed(seed)
        layers = NodeLayers(members, ranges, design, task.inputs.shape[1], generator, gain)
        layers.standardise(stretch, passes_of(layers, 4), generator)
        tried = fit_readout(layers, task, ridges_for(layers, task), generator, whole=False)
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
    low, high = np.percentile(each, INTERVAL, axis=0)
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
