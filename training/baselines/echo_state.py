"""Echo-state networks of the device's size, with its noise or none: a reservoir in software."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.score import pooled
from training.baselines.algebra import product, spectral_radius
from training.baselines.linear import BY_VALIDATION, filled, lagged, ridge_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]

# every knob in equal ratios over more than its usual range; which of the 64 networks is taken,
# the validation part says, for each noise level anew: no score of a test part has a say
LEAKS, RADII, INPUT_SCALES = (0.1, 0.2, 0.4, 0.8), (0.7, 1.0, 1.4, 2.0), (0.25, 0.7, 2.0, 5.6)


@dataclass(frozen=True)
class EchoState:
    """A leaky tanh echo-state network (Jaeger, GMD report 148, 2001), one value of its knobs."""

    nodes: int
    leak: float
    radius: float
    input_scale: float
    seed: int = 0

    def states(self, inputs: FloatArray, noise: float | FloatArray = 0.0) -> FloatArray:
        """States `(T, …, nodes)` under inputs `(T, …, n_in)`, from zero.

        `noise` is the standard deviation added to every state at every step, and carried on by
        the recurrence as a device's own noise is: a number, or `(nodes,)`.
        """
        rng = np.random.default_rng(self.seed)
        recurrent = rng.standard_normal((self.nodes, self.nodes))
        recurrent *= self.radius / spectral_radius(recurrent)
        into = self.input_scale * rng.uniform(-1, 1, (self.nodes, inputs.shape[-1]))
        bias = rng.uniform(-0.5, 0.5, self.nodes)
        pushes = inputs @ into.T + bias
        back = np.ascontiguousarray(recurrent.T)
        draws = noise * rng.standard_normal(pushes.shape) if np.any(noise) else None
        state, out = np.zeros(pushes.shape[1:]), np.empty(pushes.shape)
        for step, push in enumerate(pushes):
            fresh = np.tanh(push + product(state, back))
            state = (1 - self.leak) * state + self.leak * fresh
            if draws is not None:
                state += draws[step]
            out[step] = state
        return out

    def features(
        self, task: Task, noises: Sequence[float], delays: Sequence[int] = (0,)
    ) -> Iterator[FloatArray]:
        """Columns `(answers, F)` for a task, one array a noise level: states, then inputs, pooled.

        Windows are run each from the zero state, as software can; `noises` are shares of each
        state's standard deviation in the noise-free run. States and inputs are seen as they were
        `delays` steps ago.
        """
        for states in (
            self._series(task, noises) if task.window == 1 else self._windows(task, noises)
        ):
            seen = [lagged(part, delays) for part in (states, task.inputs)]
            yield pooled(np.concatenate(seen, axis=1), task.window, task.pool)

    def _series(self, task: Task, noises: Sequence[float]) -> Iterator[FloatArray]:
        """States `(T, nodes)` of each level; the noisy ones walk the series side by side."""
        quiet = self.states(task.inputs)
        spread = quiet[task.washout :].std(axis=0)
        levels = np.asarray([noise for noise in noises if noise > 0])
        beside = np.repeat(task.inputs[:, None], len(levels), axis=1)
        noisy = iter(self.states(beside, levels[:, None] * spread).swapaxes(0, 1))
        for noise in noises:
            yield next(noisy) if noise > 0 else quiet

    def _windows(self, task: Task, noises: Sequence[float]) -> Iterator[FloatArray]:
        """States `(T, nodes)` of each level, all windows side by side."""
        shaped = task.inputs.reshape(-1, task.window, task.inputs.shape[1]).swapaxes(0, 1)
        quiet = self.states(shaped)
        spread = quiet.reshape(-1, self.nodes).std(axis=0)
        for noise in noises:
            states = self.states(shaped, noise * spread) if noise > 0 else quiet
            yield states.swapaxes(0, 1).reshape(-1, self.nodes)


def added_each_step(spread: float, leak: float) -> float:
    """Noise that a step adds to a node of this leak, for the node by itself to differ by `spread`.

    What is added decays by 1 − leak a step: its variance is that of an autoregression of order
    one, the added one over 1 − (1 − leak)². A device's spread is measured so, under a drive that is
    the same each time; what nodes hand on to each other comes on top in either network.
    """
    return spread * math.sqrt(1 - (1 - leak) ** 2)


def grid() -> list[tuple[float, float, float]]:
    """Leak, radius and input scale of each network that is tried."""
    return list(itertools.product(LEAKS, RADII, INPUT_SCALES))


def echo_state_trials(
    task: Task,
    nodes: int,
    noises: Sequence[float],
    seed: int = 0,
    delays: Sequence[int] = (0,),
    spread: float | None = None,
) -> Iterator[tuple[float, ...]]:
    """Test scores of echo-state networks of `nodes` nodes, one a noise level, so far.

    Once after each network of the grid, whose many take minutes where they are large;
    the last are those of the best of all.

    `noises` are added at every step; of `spread`, the last where it is given, so much is added that
    each node by itself differs by it (`added_each_step`). The read-out sees states and inputs at
    the `delays` of the network that they stand beside.

    Leak, radius, input scale and ridge are the best of a grid on the validation part, for each
    level by itself; the read-out sees the input too, pooled as the task says, and is then fitted
    to the training and validation parts together. The test part is scored, never chosen on.
    """
    warm = filled(task, [*delays, task.washout if task.window == 1 else 0])
    best = [(float("inf"), float("nan"))] * (len(noises) + (spread is not None))
    for leak, radius, scale in grid():
        network = EchoState(nodes, leak, radius, scale, seed)
        levels = [*noises, *([] if spread is None else [added_each_step(spread, leak)])]
        for level, columns in enumerate(network.features(task, levels, delays)):
            found = ridge_scores(task, columns, warm)
            best[level] = min(best[level], found, key=BY_VALIDATION)
        yield tuple(test for _, test in best)
