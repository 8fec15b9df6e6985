"""Backpropagation through time through freshly drawn twin noise.

Streams walk the training part in chunks; the latent states are carried from chunk to chunk and
detached. The read-out is refitted every few iterations by ridge from a running covariance of the
noisy features, and only the layers' weights are trained, through the features.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.errors import InputError, TwinrigError
from training.layers import CHUNK_STEPS
from training.readout import DECAY, RIDGE, RunningRidge
from training.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from training.layers import NodeLayers, Passed
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

HISTOGRAM_BINS = 20


@dataclass(frozen=True)
class TrainSettings:
    """What a training rests on; the defaults are the recipe that was measured to transfer.

    Attributes
    ----------
    iterations
        Gradient steps; one is `streams` × 64 steps of the series. 1500 take 2–3 minutes of one
        core with 3 × 40 nodes. Twice as many lowered the twin's score further than the device's.
    streams
        Positions of the series that are walked side by side.
    masked
        Steps after a jump whose error doesn't count: the device forgets its reset in about that.
    rate, betas, clip
        Adam's, and the largest norm of a gradient.
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
    """

    iterations: int = 1500
    streams: int = 16
    masked: int = 40
    rate: float = 1e-2
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

    def rate_at(self, iteration: int) -> float:
        """Learning rate of an iteration."""
        warm = min(1.0, (iteration + 1) / self.warm_up)
        turn = 0.5 * (1 + math.cos(math.pi * iteration / max(self.iterations, 1)))
        return self.rate * warm * (self.last_rate + (1 - self.last_rate) * turn)


@dataclass(frozen=True)
class TrainState:
    """The state after an iteration: scores, and what a page draws.

    `validation` is None where it was not scored since the last state. `weights` are the layers',
    `readout` the read-out's `(F,)`, `histogram` `(layers, bins)` the shares of drives in 0…1.
    """

    iteration: int
    training: float
    validation: float | None
    weights: tuple[FloatArray, ...] = ()
    readout: FloatArray = field(default_factory=lambda: np.empty(0))
    histogram: FloatArray = field(default_factory=lambda: np.empty((0, HISTOGRAM_BINS)))


class Trainer:
    """Trains `layers` on `task`, one `step` an iteration; everything it rests on can be saved."""

    def __init__(self, task: Task, layers: NodeLayers, settings: TrainSettings) -> None:
        self.layers, self.settings = layers, settings
        self.inputs = torch.as_tensor(task.inputs, dtype=torch.float32)
        self.targets = torch.as_tensor(task.targets, dtype=torch.float32)
        self.end = int(np.flatnonzero(task.train)[-1]) + 1
        self.variance = float(np.var(task.targets[task.train], axis=0).mean())
        marked = np.flatnonzero(task.validation)
        self.washout, self.scored = task.washout, slice(int(marked[0]), int(marked[-1]) + 1)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.parameters = [*layers.weights, *layers.biases]
        self.optimiser = torch.optim.Adam(self.parameters, settings.rate, settings.betas)
        self.running = RunningRidge(layers.features, self.targets.shape[1], DECAY)
        self.iteration, self.elapsed_s = 0, 0.0
        self.training = self.best_validation = float("inf")
        self.best = [p.detach().clone() for p in self.parameters]
        self.streams = Streams(self.end, settings.streams, settings.masked)
        self.states = layers.start(settings.streams, self.generator)

    def begin(self) -> None:
        """Measure the features' scales and a first read-out; not needed when resuming."""
        layers, settings = self.layers, self.settings
        stretch = self.inputs[: self.end]
        layers.standardise(stretch, settings.validation_passes, self.generator)
        features = layers.run(stretch, settings.validation_passes, self.generator)
        self._collect(features[settings.masked :], self.targets[settings.masked : self.end])
        # as if the running sums had always been there: their weight in the steady state
        self.running.scale_to(settings.streams * CHUNK_STEPS / (1 - DECAY))
        self._solve()

    def _collect(self, features: Tensor, targets: Tensor) -> None:
        """Add features `(T, B, F)` and targets `(T, O)` to the running sums."""
        rows = self._standard(features).flatten(0, 1)
        many = targets.unsqueeze(1).expand(-1, features.shape[1], -1).flatten(0, 1)
        self.running.update(rows, many)

    def _solve(self) -> None:
        weights, bias = self.running.solve(self.settings.ridge)
        self.readout, self.bias = weights.float(), bias.float()

    def predict(self, features: Tensor) -> Tensor:
        """Prediction `(…, O)` of raw features `(…, F)` by the present read-out."""
        return self._standard(features) @ self.readout + self.bias

    def _standard(self, features: Tensor) -> Tensor:
        return (features - self.layers.mean) / self.layers.scale

    def step(self) -> Passed:
        """One iteration: a chunk of every stream forwards and back, then one step of Adam.

        Raises
        ------
        TwinrigError
            The error is no finite number any more.
        """
        settings, steps, counted = self.settings, self.streams.steps(), self.streams.counted()
        passed = self.layers.forward(self.inputs[steps], self.states, self.generator)
        features, targets = passed.features[counted], self.targets[steps][counted]
        error = ((self.predict(features) - targets) ** 2).mean() / self.variance
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate_at(self.iteration)
        self.optimiser.zero_grad()
        torch.autograd.backward(error + settings.penalty * passed.excess)
        torch.nn.utils.clip_grad_norm_(self.parameters, settings.clip)
        self.optimiser.step()
        self.running.update(self._standard(features.detach()), targets)
        self.iteration += 1
        if self.iteration % settings.readout_every == 0:
            self._solve()
        self._walk(passed.states)
        self._note_error(float(error.detach()))
        return passed

    def _note_error(self, fresh: float) -> None:
        if not math.isfinite(fresh):
            raise TwinrigError(
                f"train: the error is {fresh} at iteration {self.iteration}: lower the learning "
                f"rate ({self.settings.rate:g}), or look at the twin's range of drives"
            )
        first = math.isinf(self.training)
        self.training = fresh if first else 0.95 * self.training + 0.05 * fresh

    def _walk(self, states: list[Tensor]) -> None:
        """Carry the states to the next chunk; a stream that jumped starts from a fresh reset."""
        self.states, jumped = states, self.streams.walk(self.generator)
        if not jumped.any():
            return
        for layer, fresh in enumerate(self.layers.start(len(jumped), self.generator)):
            mask = jumped.repeat_interleave(self.layers.nodes[layer]).unsqueeze(1)
            self.states[layer] = torch.where(mask, fresh, self.states[layer])

    @torch.no_grad()
    def validate(self) -> float:
        """Score of single noisy passes over the validation part, from the reset; keeps the best."""
        warm = max(0, self.scored.start - self.washout)
        # always the same draws: iterations are compared on one ground
        draws = torch.Generator().manual_seed(self.settings.seed + 1)
        passes = self.settings.validation_passes if self.layers.noisy else 1
        features = self.layers.run(self.inputs[warm : self.scored.stop], passes, draws)
        prediction = self.predict(features[self.scored.start - warm :])
        target = self.targets[self.scored]
        error = ((prediction - target.unsqueeze(1)) ** 2).mean()
        score = float(error / ((target - target.mean(0)) ** 2).mean())
        if score < self.best_validation:
            self.best_validation = score
            self.best = [p.detach().clone() for p in self.parameters]
        return score

    def keep_best(self) -> None:
        """Put the weights of the best validation score back."""
        with torch.no_grad():
            for parameter, best in zip(self.parameters, self.best, strict=True):
                parameter.copy_(best)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that a resumed training needs beside `numbers`, the task and the twins."""
        out: dict[str, Tensor] = {f"layers.{k}": v for k, v in self.layers.state_dict().items()}
        for index, parameter in enumerate(self.parameters):
            out[f"best.{index}"] = self.best[index]
            for key, value in self.optimiser.state.get(parameter, {}).items():
                out[f"adam.{index}.{key}"] = value
        out |= {f"state.{index}": state for index, state in enumerate(self.states)}
        out |= {"moments": self.running.moments, "readout": self.readout, "bias": self.bias}
        out |= {"generator": self.generator.get_state()}
        streams = {"position": self.streams.position, "since_jump": self.streams.since_jump}
        return {name: tensor.detach().numpy() for name, tensor in out.items()} | streams

    def numbers(self) -> dict[str, Any]:
        """Where the training stands."""
        names = ("iteration", "elapsed_s", "training", "best_validation")
        return {name: getattr(self, name) for name in names}

    def restore(self, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
        """Go on from what `arrays` and `numbers` gave.

        Raises
        ------
        InputError
            They belong to another network, or lack something.
        """
        try:
            found = {name: torch.as_tensor(array.copy()) for name, array in arrays.items()}
            state = {name: found[f"layers.{name}"] for name in self.layers.state_dict()}
            self.layers.load_state_dict(state)
            for index, parameter in enumerate(self.parameters):
                self.best[index] = found[f"best.{index}"]
                names = ("step", "exp_avg", "exp_avg_sq")
                moments = {n: found[f"adam.{index}.{n}"] for n in names}
                self.optimiser.state[parameter] = moments
            self.states = [found[f"state.{index}"] for index in range(len(self.states))]
            self.running.moments = found["moments"]
            self.readout, self.bias = found["readout"], found["bias"]
            self.generator.set_state(found["generator"])
            self.streams.position = arrays["position"].copy()
            self.streams.since_jump = arrays["since_jump"].copy()
            self.iteration = int(numbers["iteration"])
            for name in ("elapsed_s", "training", "best_validation"):
                setattr(self, name, float(numbers[name]))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(
                f"checkpoint: belongs to another training or is damaged ({error}); train anew"
            ) from error

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
            tuple(w.detach().double().numpy() for w in self.layers.weights),
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
    while trainer.iteration < settings.iterations:
        started = time.monotonic()
        passed = trainer.step()
        final = trainer.iteration == settings.iterations
        if trainer.iteration % settings.validate_every == 0 or final:
            validation = trainer.validate()
        trainer.elapsed_s += time.monotonic() - started
        if final or trainer.elapsed_s - last >= every_s:
            yield trainer.state(passed.drives, validation)
            last, validation = trainer.elapsed_s, None
    trainer.keep_best()
