"""What plain software gets on a task: the figures a device must be read beside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from models.score import nmse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]

LAGS = (1, 4, 18)
NOISE_LEVELS = (0.0, 0.01, 0.05)
# an echo-state network is tried at all of these and judged at its best by validation: no straw man
LEAKS, RADII, INPUT_SCALES = (0.15, 0.3, 0.6), (0.7, 1.0, 1.4), (0.3, 1.0, 3.0)
ESN_RIDGES = (1e-10, 1e-8, 1e-6, 1e-4)


def solve_ridge(X: FloatArray, y: FloatArray, ridge: float) -> FloatArray:
    """Weights `(F, n_out)` of X w ≈ y; `ridge` is a share of the mean diagonal of XᵀX."""
    gram = X.T @ X
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, X.T @ y))


def persistence(task: Task) -> float:
    """Score of answering with the present input; NaN where inputs and outputs differ in number."""
    if task.inputs.shape[1] != task.targets.shape[1]:
        return float("nan")
    return nmse(task.inputs[task.test], task.targets[task.test])


def autoregression(task: Task, lags: int) -> float:
    """Score of a linear model of the inputs at this and the `lags` − 1 steps before it."""
    steps = task.inputs.shape[0]
    shifted = [np.roll(task.inputs, lag, axis=0) for lag in range(lags)]
    X = np.concatenate([*shifted, np.ones((steps, 1))], axis=1)
    fitted = (task.train | task.validation) & (np.arange(steps) >= lags - 1)
    weights = np.linalg.lstsq(X[fitted], task.targets[fitted])[0]
    return nmse(X[task.test] @ weights, task.targets[task.test])


@dataclass(frozen=True)
class EchoState:
    """A leaky tanh echo-state network (Jaeger, GMD report 148, 2001), one value of its knobs."""

    nodes: int
    leak: float
    radius: float
    input_scale: float
    seed: int = 0

    def states(self, inputs: FloatArray, noise: float | FloatArray = 0.0) -> FloatArray:
        """States `(T, nodes)` under inputs `(T, n_in)`.

        `noise` is the standard deviation added to every state at every step, and carried on by
        the recurrence as a device's own noise is: a number, or `(nodes,)`.
        """
        rng = np.random.default_rng(self.seed)
        recurrent = rng.standard_normal((self.nodes, self.nodes))
        recurrent *= self.radius / np.abs(np.linalg.eigvals(recurrent)).max()
        into = self.input_scale * rng.uniform(-1, 1, (self.nodes, inputs.shape[1]))
        bias = rng.uniform(-0.5, 0.5, self.nodes)
        pushes = inputs @ into.T + bias
        draws = noise * rng.standard_normal((len(inputs), self.nodes))
        state, out = np.zeros(self.nodes), np.empty((len(inputs), self.nodes))
        for step, push in enumerate(pushes):
            fresh = np.tanh(push + recurrent @ state)
            state = (1 - self.leak) * state + self.leak * fresh + draws[step]
            out[step] = state
        return out


def echo_state_score(task: Task, nodes: int, noise: float, seed: int = 0) -> float:
    """Score of an echo-state network of `nodes` nodes with state noise.

    `noise` is a share of each state's standard deviation in the noise-free run. Leak, radius,
    input scale and ridge are the best of a small grid on the validation part; the read-out sees
    the input too, and is then fitted to the training and validation parts together.
    """
    best: tuple[float, FloatArray, float] | None = None
    warm = np.arange(len(task.inputs)) >= task.washout
    for leak, radius, scale in product(LEAKS, RADII, INPUT_SCALES):
        network = EchoState(nodes, leak, radius, scale, seed)
        states = network.states(task.inputs)
        if noise > 0:
            states = network.states(task.inputs, noise * states[warm].std(axis=0))
        X = np.concatenate([states, task.inputs, np.ones((len(states), 1))], axis=1)
        for ridge in ESN_RIDGES:
            weights = solve_ridge(X[task.train & warm], task.targets[task.train & warm], ridge)
            score = nmse(X[task.validation] @ weights, task.targets[task.validation])
            if best is None or score < best[0]:
                best = (score, X, ridge)
    if best is None:
        raise AssertionError("the grid of echo-state networks is empty")
    _, X, ridge = best
    fitted = (task.train | task.validation) & warm
    weights = solve_ridge(X[fitted], task.targets[fitted], ridge)
    return nmse(X[task.test] @ weights, task.targets[task.test])


def software_baselines(
    task: Task, nodes: int, spread: float | None, seed: int = 0
) -> Iterator[tuple[str, float]]:
    """Name and score of each baseline without a device, as they are ready.

    Parameters
    ----------
    task
        The task, scored on its test part.
    nodes
        Size of the echo-state networks: that of the network they stand beside.
    spread
        The device's spread as a share of its signal: an echo-state network gets that state noise
        too. None: unknown, left out.
    seed
        Of the echo-state networks.
    """
    if task.inputs.shape[1] == task.targets.shape[1]:
        yield "persistence", persistence(task)
    for lags in LAGS:
        yield f"ar-{lags}", autoregression(task, lags)
    levels = [*NOISE_LEVELS, *([spread] if spread else [])]
    for noise in levels:
        name = f"esn-{nodes}" + (f" with {100 * noise:.2g} % state noise" if noise else "")
        name += ", as the device" if noise and noise == spread else ""
        yield name, echo_state_score(task, nodes, noise, seed)
