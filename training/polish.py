"""Physics-aware training: forwards on the device, backwards through its twin.

Wright et al., Nature 601, 549 (2022), doi:10.1038/s41586-021-04223-6. A layer's response is
r = twin(d) + (measured − twin(d)), the bracket without a gradient: its value is the device's, its
gradient the twin's, of an ensemble the mean of all members'. The read-out is ridge regression from
running sums of *measured* features.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.errors import TwinrigError
from models.score import score
from training.course import TrainSettings
from training.passes import passes_of
from training.polish_settings import TRAINING, VALIDATION
from training.readout import RunningRidge, pooled

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from training.foresee import Readout
    from training.layers import NodeLayers
    from training.polish_settings import PolishSettings
    from training.tasks import Task

    FloatArray = NDArray[np.float64]
    Pass = Generator[FloatArray, FloatArray, float]

TWIN_PASSES = 4  # noisy passes of the twin under the first read-out


@dataclass
class Polished:
    """Where a polishing stands: validation scores `(pass, score)` and the best of them."""

    done: int = 0
    validation: list[tuple[int, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)


class Polisher:
    """Weights of `layers` under training on the device; `arrays` and `restore` go on from one.

    Parameters
    ----------
    layers, readout
        The network as it is: trained, or untrained for physics-aware training from scratch.
    task
        What it is for; its test part is not looked at.
    """

    def __init__(
        self, layers: NodeLayers, readout: Readout, task: Task, settings: PolishSettings
    ) -> None:
        self.layers, self.task, self.settings = layers, task, settings
        self.inputs = torch.as_tensor(task.inputs, dtype=torch.float32)
        self.targets = torch.as_tensor(task.targets, dtype=torch.float32)
        self.learned = torch.as_tensor(task.answers(task.train).copy())
        self.counting = torch.as_tensor(task.answer_weights, dtype=torch.float32)
        self.end = task.train_end
        trained = task.targets[task.answers(task.train)]
        self.variance = float(np.var(trained, axis=0).mean())
        self.weights, self.bias = readout.weights.float(), readout.bias.float()
        self.parameters = [*layers.weights, *layers.biases]
        self.optimiser = torch.optim.Adam(self.parameters, settings.rate, (0.9, 0.98))
        columns = layers.design.columns(layers.inputs, layers.depth)
        self.running = RunningRidge(columns, self.targets.shape[1], settings.decay)
        self.state = Polished()

    def begin(self) -> None:
        """Running sums as the twin has them, worth as many rows as the device's will be."""
        layers, window = self.layers, self.layers.design.window
        generator = torch.Generator().manual_seed(self.settings.seed)
        whole = self.end // window * window
        passes = passes_of(layers, TWIN_PASSES)
        rows = layers.run(self.inputs[:whole], passes, generator)
        used = self.learned[: len(rows)].clone()
        used[: -(-self.settings.masked // window)] = False
        many = self.targets[: len(rows)][used].unsqueeze(1).expand(-1, passes, -1)
        each = self.counting[: len(rows)][used].repeat_interleave(passes)
        self.running.update(rows[used].flatten(0, 1), many.flatten(0, 1), each)
        self.running.scale_to(self.settings.steps / window / (1 - self.settings.decay))

    def stretch(self, index: int) -> slice:
        """Steps of a pass: the validation part after its washout, or a piece of the training part.

        From the reset on, and whole windows.
        """
        task, window = self.task, self.task.window
        if self.settings.kind(index) == VALIDATION:
            return task.validation_run
        masked = -(-self.settings.masked // window) * window
        length = -(-(self.settings.masked + self.settings.steps) // window) * window
        length = min(length, self.end // window * window)
        draw = np.random.default_rng([self.settings.seed, index])
        begin = int(draw.choice(task.begins(length, masked)))
        return slice(begin, begin + length)

    def run(self, index: int) -> Pass:
        """One pass: yields drives `(T, nodes)` layer by layer, takes responses `(T, nodes, C)`.

        Returns its score: by the task's metric, of a training pass the squared error over the
        targets' variance.

        Raises
        ------
        TwinrigError
            The error is no finite number any more.
        """
        here = self.stretch(index)
        generator = torch.Generator().manual_seed(1009 * self.settings.seed + index)
        training = self.settings.kind(index) == TRAINING
        if training and index == 1 and self.task.classes:
            self._solve()  # its own answers may be logits; the error is that of one-hot targets
        with torch.set_grad_enabled(training):
            columns, excess = yield from self._forward(self.inputs[here], generator)
            found = (
                self._learn(columns, excess, here, index)
                if training
                else self._judge(columns, here, index)
            )
        self.state.done = index + 1
        return found

    def _forward(
        self, inputs: Tensor, generator: torch.Generator
    ) -> Generator[FloatArray, FloatArray, tuple[Tensor, Tensor]]:
        """What the read-out sees `(answers, columns)` of the device, and the drives' excess.

        A column a member of the ensemble: their values are the device's, their gradients the mean.
        """
        layers, design, members = self.layers, self.layers.design, len(self.layers.members)
        carried = layers.start(members, generator)
        parts = [inputs.unsqueeze(1).expand(-1, members, -1)]
        excess = inputs.new_zeros(())
        for layer in range(layers.depth):
            seen = layers.seen(design.sources[layer], parts, carried.past)
            drive, outside, _ = layers.activation(layer, seen, carried.drives[layer])
            measured = yield np.clip(drive[:, 0].detach().double().numpy(), 0.0, 1.0)
            offset, scale = (x.double() for x in layers.units[layer])
            real = ((torch.as_tensor(measured) - offset) / scale).float().unsqueeze(1)
            twin, _ = layers.respond(layer, drive, carried.states[layer], generator)
            parts.append(layers.used(layer, twin + (real - twin).detach()))
            excess = excess + outside / layers.depth
        columns = layers.seen(design.readout, parts, carried.past)
        return pooled(columns, design.window, design.pool).mean(dim=1), excess

    def _learn(self, columns: Tensor, excess: Tensor, here: slice, index: int) -> float:
        """One step of Adam, and the read-out from what was measured."""
        settings, window = self.settings, self.task.window
        answers = slice(here.start // window, here.stop // window)
        counted = self.learned[answers].clone()
        counted[: -(-settings.masked // window)] = False
        rows, targets = columns[counted], self.targets[answers][counted]
        counting = self.counting[answers][counted]
        wrong = ((rows @ self.weights + self.bias - targets) ** 2).mean(dim=-1)
        error = (counting * wrong).mean() / self.variance
        if not bool(torch.isfinite(error)):
            raise TwinrigError(
                f"polish: the error is {float(error)} in pass {index}: lower the learning rate "
                f"({settings.rate:g})"
            )
        course = TrainSettings(iterations=settings.passes, rate=settings.rate, warm_up=3)
        for group in self.optimiser.param_groups:
            group["lr"] = course.rate_at(index)
        self.optimiser.zero_grad()
        torch.autograd.backward(error + settings.penalty * excess)
        torch.nn.utils.clip_grad_norm_(self.parameters, settings.clip)
        self.optimiser.step()
        self.running.update(rows.detach(), targets, counting)
        self._solve()
        return float(error.detach())

    def _solve(self) -> None:
        weights, bias = self.running.solve(self.settings.ridge)
        # contiguous: a layout that a checkpoint keeps, so that a resumed one rounds alike
        self.weights, self.bias = weights.float().contiguous(), bias.float()

    def _judge(self, columns: Tensor, here: slice, index: int) -> float:
        """Score of the validation part on the device; the best weights are kept."""
        task, first = self.task, here.start // self.task.window
        marked = np.flatnonzero(task.answers(task.validation))
        answers = (columns @ self.weights + self.bias)[marked - first]
        found = score(task.metric, answers.double().numpy(), task.targets[marked])
        better = all(found < earlier for _, earlier in self.state.validation)
        self.state.validation.append((index, found))
        if better:
            self.state.best = {k: v.clone() for k, v in self._now().items()}
        return found

    def _now(self) -> dict[str, Tensor]:
        named = {f"parameter{k}": p.detach() for k, p in enumerate(self.parameters)}
        return {**named, "weights": self.weights, "bias": self.bias}

    def keep_best(self) -> None:
        """Put the weights and read-out of the best validation score back."""
        self._put(self.state.best)

    def _put(self, known: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for k, parameter in enumerate(self.parameters):
                parameter.copy_(known[f"parameter{k}"])
        self.weights, self.bias = known["weights"].clone(), known["bias"].clone()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that goes on in the next pass."""
        parts = {**self._now(), "moments": self.running.moments}
        parts |= {f"best.{name}": value for name, value in self.state.best.items()}
        for k, parameter in enumerate(self.parameters):
            for name, value in self.optimiser.state.get(parameter, {}).items():
                parts[f"adam{k}.{name}"] = torch.as_tensor(value)
        return {name: value.detach().numpy().copy() for name, value in parts.items()}

    def numbers(self) -> dict[str, Any]:
        """Passes done and validation scores."""
        return {"done": self.state.done, "validation": self.state.validation}

    def restore(self, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
        """Go on where `arrays` and `numbers` were taken."""
        known = {name: torch.as_tensor(value.copy()) for name, value in arrays.items()}
        self._put(known)
        self.running.moments = known["moments"]
        for k, parameter in enumerate(self.parameters):
            head = f"adam{k}."
            found = {n.removeprefix(head): v for n, v in known.items() if n.startswith(head)}
            if found:
                self.optimiser.state[parameter] = found
        best = {n.removeprefix("best."): v for n, v in known.items() if n.startswith("best.")}
        validation = [(int(index), float(value)) for index, value in numbers["validation"]]
        self.state = Polished(int(numbers["done"]), validation, best)
