"""Backpropagation through time through freshly drawn twin noise.

Streams walk the training part in chunks; the latent states are carried from chunk to chunk and
detached. The read-out is refitted every few iterations by ridge from a running covariance of the
noisy features, and only the layers' weights are trained, through the features.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.errors import InputError, TwinrigError
from models.score import score
from training.course import Stage, TrainSettings
from training.fitted import judging
from training.passes import passes_of
from training.readout import DECAY, RunningRidge
from training.soap import Soap
from training.streams import Streams
from training.train_state import HISTOGRAM_BINS, TrainState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from training.carried import Passed
    from training.layers import NodeLayers
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

__all__ = ["HISTOGRAM_BINS", "TrainSettings", "TrainState", "Trainer", "train_layers"]


class Trainer:
    """Trains `layers` on `task`, one `step` an iteration; `trainer_state` saves and restores it."""

    def __init__(self, task: Task, layers: NodeLayers, settings: TrainSettings) -> None:
        self.layers, self.settings, self.task = layers, settings, task
        self.inputs = torch.as_tensor(task.inputs, dtype=torch.float32)
        self.targets = torch.as_tensor(task.targets, dtype=torch.float32)
        part = self.part
        self.learned = torch.as_tensor(task.answers(part).copy())
        self.counting = torch.as_tensor(task.answer_weights, dtype=torch.float32)
        self.end = int(np.flatnonzero(part)[-1]) + 1
        if self.end < layers.design.chunk:
            raise InputError(
                f"task {task.name!r}: {self.end} steps up to the end of its training part, a chunk "
                f"of the training has {layers.design.chunk}"
            )
        trained = task.targets[task.answers(part)]
        self.variance = float(np.var(trained, axis=0).mean())
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.parameters = [*layers.weights, *layers.biases]
        self.stages = settings.stages(layers.depth)
        self.iteration, self.elapsed_s = 0, 0.0
        self.training = float("inf")
        self.best = [p.detach().clone() for p in self.parameters]
        self.enter(self.stages[0])

    @property
    def part(self) -> NDArray[np.bool_]:
        """The steps that it learns from, bool `(T,)`."""
        return self.task.train

    def enter(self, stage: Stage) -> None:
        """Make ready what a stage needs, its read-out aside."""
        settings, layers, design = self.settings, self.layers, self.layers.design
        self.stage = stage
        self.best_validation = float("inf")
        self.best_iteration = self.iteration
        chosen = [layers.weights[k] for k in stage.trained]
        shifts = [layers.biases[k] for k in stage.trained]
        for parameter in self.parameters:
            parameter.requires_grad_(any(parameter is one for one in (*chosen, *shifts)))
        self.optimiser = Soap(
            list(zip(chosen, shifts, strict=True)),
            settings.rate,
            settings.betas,
            decay=settings.weight_decay,
        )
        columns = design.columns(layers.inputs, stage.depth)
        self.running = RunningRidge(columns, self.targets.shape[1], DECAY)
        self.streams = Streams(
            self.end, settings.streams, settings.masked, design.chunk, design.window
        )
        self.carried = layers.start(settings.streams, self.generator, stage.depth)

    def begin(self, *, measured: bool = False) -> None:
        """Measure the features' scales and a first read-out; not needed when resuming.

        `measured`: the scales are known, those of a network that is trained further.
        """
        if not measured:
            learned = torch.as_tensor(self.part[: self.end].copy())
            stretch = self.inputs[: self.end]
            self.layers.standardise(stretch, self._passes, self.generator, learned)
        self.enter(self.stage)
        self.first_readout()
        if self.task.classes or measured:
            self.validate()  # where nothing that is learned carries over, the weights stay these

    def first_readout(self) -> None:
        """A read-out of the stage from whole runs of the training part."""
        layers, settings, window = self.layers, self.settings, self.layers.design.window
        whole = self.end // window * window
        rows = layers.run(self.inputs[:whole], self._passes, self.generator, self.stage.depth)
        used = self.learned[: len(rows)].clone()
        used[: math.ceil(settings.masked / window)] = False
        targets = self.targets[: len(rows)][used]
        many = targets.unsqueeze(1).expand(-1, rows.shape[1], -1)
        each = self.counting[: len(rows)][used].repeat_interleave(rows.shape[1])
        self.running.update(rows[used].flatten(0, 1), many.flatten(0, 1), each)
        # as if the running sums had always been there: their weight in the steady state
        answers = settings.streams * layers.design.chunk / window
        self.running.scale_to(answers / (1 - DECAY))
        self._solve()

    @property
    def _passes(self) -> int:
        return passes_of(self.layers, self.settings.validation_passes)

    def _solve(self) -> None:
        weights, bias = self.running.solve(self.settings.ridge)
        self.readout, self.bias = weights.float(), bias.float()

    def predict(self, columns: Tensor) -> Tensor:
        """Answers `(…, O)` of columns `(…, columns)` by the present read-out."""
        return columns @ self.readout + self.bias

    def step(self) -> Passed:
        """One iteration: a chunk of every stream forwards and back, then one step of the optimiser.

        Raises
        ------
        TwinrigError
            The error is no finite number any more.
        """
        settings, answers = self.settings, self.streams.answers()
        counted = self.streams.counted() & self.learned[answers]
        inputs = self._shifted(self.inputs[self.streams.steps()])
        passed = self.layers.forward(inputs, self.carried, self.generator)
        self.iteration += 1
        if counted.any():
            self._learn(passed, counted, answers[counted])
        if self.iteration % settings.readout_every == 0:
            self._solve()
        self._walk(passed)
        return passed

    def _shifted(self, inputs: Tensor) -> Tensor:
        """Inputs `(T, B, n_in)`, those of each window moved as a whole (`Task.shift`)."""
        if not self.task.shift:
            return inputs
        steps, batch, columns = inputs.shape
        moved = torch.randn(steps // self.task.window, batch, columns, generator=self.generator)
        return inputs + self.task.shift * moved.repeat_interleave(self.task.window, dim=0)

    def _learn(self, passed: Passed, counted: Tensor, answers: Tensor) -> None:
        settings, columns = self.settings, passed.columns[counted]
        targets, counting = self.targets[answers], self.counting[answers]
        wrong = ((self.predict(columns) - targets) ** 2).mean(dim=-1)
        error = (counting * wrong).mean() / self.variance
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate_at(self.iteration - 1, self.stage)
        self.optimiser.zero_grad()
        torch.autograd.backward(error + settings.penalty * passed.excess)
        known = [p for p in self.parameters if p.requires_grad]
        steepness = torch.nn.utils.clip_grad_norm_(known, settings.clip)
        self._note_error(float(error.detach()), float(steepness))
        self.optimiser.step()
        self.running.update(columns.detach(), targets, counting)

    def _note_error(self, fresh: float, steepness: float) -> None:
        if not math.isfinite(fresh + steepness):
            raise TwinrigError(
                f"train: the error is {fresh}, its gradient {steepness:.2g}, at iteration "
                f"{self.iteration}: lower the learning "
                f"rate ({self.settings.rate:g}), or look at the twin's range of drives"
            )
        first = math.isinf(self.training)
        self.training = fresh if first else 0.95 * self.training + 0.05 * fresh

    def _walk(self, passed: Passed) -> None:
        """Carry the states to the next chunk; a stream that jumped starts from a fresh reset."""
        self.carried, jumped = passed.carried, self.streams.walk(self.generator)
        if jumped.any():
            fresh = self.layers.start(len(jumped), self.generator, self.stage.depth)
            self.carried = self.carried.where(jumped, fresh)

    @torch.no_grad()
    def validate(self) -> float | None:
        """Score of single noisy passes over the validation part, from the reset; keeps the best.

        None: no part is held out.
        """
        task, here = self.task, self.task.validation_run
        marked = np.flatnonzero(task.answers(task.validation))
        # always the same draws: iterations are compared on one ground
        draws = torch.Generator().manual_seed(self.settings.seed + 1)
        columns = self.layers.run(self.inputs[here], self._passes, draws, self.stage.depth)
        judged, target = columns[marked - here.start // task.window], task.targets[marked]
        readouts, found = [(self.readout, self.bias)], float("inf")
        if task.classes:
            readouts = judging(self.running, self.layers, self.stage.depth, self.settings.ridge)
        for weights, bias in readouts:
            answers = (judged @ weights + bias).double().numpy().transpose(1, 0, 2)
            each = [score(task.metric, one, target) for one in answers]
            found = min(found, float(np.mean(each)))
        # of equal error rates the later, longer trained one
        if found <= self.best_validation:
            self.best_validation, self.best_iteration = found, self.iteration
            self.best = [p.detach().clone() for p in self.parameters]
        return found

    def chosen_layers(self) -> NodeLayers:
        """The layers by which a read-out is chosen: the validation part is new to them."""
        return self.layers

    def keep_best(self) -> None:
        """Put the weights of the best validation score back."""
        with torch.no_grad():
            for parameter, best in zip(self.parameters, self.best, strict=True):
                parameter.copy_(best)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do: the last iteration, or no better score for too long.

        Patience ends where a score has just been taken: between two nothing new is known.
        """
        settings, without = self.settings, self.iteration - self.best_iteration
        known = self.iteration % settings.validate_every == 0
        waited = self.stage is self.stages[-1] and known and 0 < settings.patience <= without
        return self.iteration >= settings.iterations or waited

    def next_stage(self) -> None:
        """Go on to the next stage from the best of this one."""
        self.keep_best()
        self.enter(self.stages[self.stages.index(self.stage) + 1])
        self.first_readout()

    def state(self, drives: list[Tensor], validation: float | None) -> TrainState:
        """What a page draws, from the drives of the last chunk."""
        shares = [
            np.histogram(drive.detach().numpy(), HISTOGRAM_BINS, (0.0, 1.0))[0] / drive.numel()
            for drive in drives
        ]
        return TrainState(
            self.iteration,
            self.training,
            validation,
            tuple(self.layers.weight(k).detach().double().numpy() for k in range(len(drives))),
            self.readout[:, 0].double().numpy(),
            np.asarray(shares),
        )


def train_layers(trainer: Trainer, every_s: float = 0.5) -> Iterator[TrainState]:
    """Train to the last iteration; a state about every `every_s` seconds, then the best is kept.

    Raises
    ------
    TwinrigError
        The error is no finite number any more.
    """
    last, validation, settings = -every_s, None, trainer.settings
    while not trainer.ended:
        started = time.monotonic()
        passed = trainer.step()
        final = trainer.iteration >= trainer.stage.end
        if trainer.iteration % settings.validate_every == 0 or final:
            validation = trainer.validate()
        if final and trainer.iteration < settings.iterations:
            trainer.next_stage()
        trainer.elapsed_s += time.monotonic() - started
        if trainer.ended or trainer.elapsed_s - last >= every_s:
            yield trainer.state(passed.drives, validation)
            last, validation = trainer.elapsed_s, None
    trainer.keep_best()
