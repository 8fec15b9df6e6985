"""The read-out that is deployed, fitted to noisy passes: by ridge or by logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.wiring import INPUTS
from training.logistic import fit_logistic
from training.passes import passes_of
from training.readout import RunningRidge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from training.layers import NodeLayers
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

PASSES = 16  # noisy passes of the training part under the final read-out
LOGISTIC_PASSES = 4  # at least those under a logistic regression, which takes all of them at once
# many noisy columns fit a session or a handwriting by heart: how strict, the validation part says
DEVICES = (1.0, 10.0, 100.0, 1000.0)
JUDGING_RIDGE = 1e-1


@dataclass(frozen=True)
class Readout:
    """Weights `(columns, O)` and bias `(O,)` on what the read-out sees, and their ridge.

    `logistic`: fitted by logistic regression, whose penalty is then `ridge`; answers are logits.
    `device`: by how much the penalty of the device's columns is larger than that of the inputs'.
    `validation`: the score on the validation part by which all this was chosen; None: it was not.
    """

    weights: Tensor
    bias: Tensor
    ridge: float
    logistic: bool = False
    device: float = 1.0
    validation: float | None = None

    def answers(self, columns: Tensor) -> Tensor:
        """Answers `(…, O)` in double precision."""
        return columns.double() @ self.weights + self.bias


@dataclass(frozen=True)
class Fitted:
    """What read-outs of a part are fitted to: sums over all noisy passes, rows of a few."""

    running: RunningRidge
    few: Tensor
    targets: FloatArray
    factors: Tensor
    alike: bool

    def by_ridge(self, ridge: float, device: float) -> Readout:
        """The read-out of a ridge, the device's columns `device` times as strict."""
        found = self.running.solve(ridge, device**self.factors)
        return Readout(*found, ridge, device=device)

    def by_logistic(self, strengths: Sequence[float], device: float) -> list[Readout]:
        """Those of logistic regression; the strictest is first, each begins where one ended."""
        flat = self.few.flatten(0, 1).double().numpy()
        many = np.repeat(self.targets, self.few.shape[1], axis=0)
        factors, found = (device**self.factors).numpy(), dict[float, Readout]()
        start: tuple[FloatArray, FloatArray] | None = None
        for strength in sorted(strengths, reverse=True):
            start = fit_logistic(
                flat, many, strength, alike=self.alike, factors=factors, start=start
            )
            weights, bias = (torch.as_tensor(part) for part in start)
            found[strength] = Readout(weights, bias, strength, True, device)
        return [found[strength] for strength in strengths]


def gathered(
    layers: NodeLayers, task: Task, generator: torch.Generator, *, whole: bool, few: bool
) -> Fitted:
    """Noisy passes of a part from the reset, after the washout; `few`: rows are kept, too."""
    used = task.answers(task.train | task.validation if whole else task.train).copy()
    end = int(np.flatnonzero(used)[-1]) + 1
    used[: task.washout // task.window] = False
    inputs = torch.as_tensor(task.inputs[: end * task.window], dtype=torch.float32)
    passes, at = passes_of(layers, PASSES), 0
    some = passes_of(layers, LOGISTIC_PASSES)  # every member of an ensemble as often
    columns = layers.design.columns(layers.inputs, layers.depth)
    running = RunningRidge(columns, task.targets.shape[1], decay=1.0)
    counting = torch.as_tensor(task.answer_weights)
    kept: list[Tensor] = []
    for passed in layers.walk(inputs, passes, generator):
        here = slice(at, at + len(passed.columns))
        marked = torch.as_tensor(used[here])
        rows = passed.columns[marked]
        targets = torch.as_tensor(task.targets[here][used[here]])
        many = targets.unsqueeze(1).expand(-1, passes, -1)
        each = counting[here][marked].repeat_interleave(passes)
        running.update(rows.flatten(0, 1), many.flatten(0, 1), each)
        if few:
            kept.append(rows[:, :some])
        at = here.stop
    rows = torch.cat(kept) if few else torch.empty(0)
    alike = task.metric == "balanced-error"
    return Fitted(running, rows, task.targets[:end][used[:end]], of_device(layers), alike)


def of_device(layers: NodeLayers, depth: int | None = None) -> Tensor:
    """Which columns of the read-out are the device's: ones, and zeros for inputs, `(columns,)`.

    `depth`: of the first layers alone (all).
    """
    design, depth = layers.design, layers.depth if depth is None else depth
    parts = [
        torch.full((design.width(source.layer, layers.inputs),), float(source.layer != INPUTS))
        for source in design.readout
        if source.layer < depth
    ]
    return torch.cat(parts).double().repeat(design.window if design.pool == "all" else 1)


def judging(
    running: RunningRidge, layers: NodeLayers, depth: int, ridge: float
) -> list[tuple[Tensor, Tensor]]:
    """Read-outs of classes by which layers are judged while they are trained: weights and bias.

    A snapshot is as good as the read-out that can be chosen for it in the end, not as the one that
    its gradient came through.
    """
    device = of_device(layers, depth)
    pairs = [(one, factor) for one in sorted({ridge, JUDGING_RIDGE}) for factor in DEVICES]
    found = [running.solve(one, factor**device) for one, factor in pairs]
    return [(weights.float(), bias.float()) for weights, bias in found]
