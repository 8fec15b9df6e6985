"""Echo-state networks, alone or many side by side: a reservoir in software, with noise or none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.score import pooled
from training.baselines.algebra import product, spectral_radius
from training.baselines.linear import lagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]

AT_A_TIME = 8_000_000  # states of networks and passes side by side: 64 MB


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
        beside = inputs.reshape(len(inputs), -1, inputs.shape[-1])
        each = np.broadcast_to(np.asarray(noise, dtype=np.float64), (1, 1, self.nodes))
        states = side_by_side([self], beside, each, _noise_of(self))
        return states.reshape(*inputs.shape[:-1], self.nodes)

    def features(
        self, task: Task, noises: Sequence[float], delays: Sequence[int] = (0,)
    ) -> Iterator[FloatArray]:
        """Columns `(answers, F)` for a task, one pass a noise level, as `features_of` says."""
        return features_of([self], task, [noises], delays)


def side_by_side(
    networks: Sequence[EchoState], inputs: FloatArray, noise: FloatArray, draws: np.random.Generator
) -> FloatArray:
    """States `(T, networks, passes, B, nodes)` under inputs `(T, B, n_in)`, from zero.

    The networks are of one size and seed and differ in their knobs alone: they are walked step by
    step together, and met by the same draws. `noise` `(networks, passes, nodes)` is the standard
    deviation added to every state at every step.
    """
    first = networks[0]
    rng = np.random.default_rng(first.seed)
    recurrent = rng.standard_normal((first.nodes, first.nodes))
    back = np.ascontiguousarray(recurrent.T) / spectral_radius(recurrent)
    into = rng.uniform(-1, 1, (first.nodes, inputs.shape[-1]))
    bias = rng.uniform(-0.5, 0.5, first.nodes)
    knobs = np.asarray([(one.leak, one.radius, one.input_scale) for one in networks])
    leak, radius, scale = knobs.T[:, :, None, None, None]
    added = noise[:, :, None] if np.any(noise) else None
    shape = (len(networks), noise.shape[1], inputs.shape[1], first.nodes)
    state, out = np.zeros(shape), np.empty((len(inputs), *shape))
    pushes = scale * (inputs @ into.T)[:, None, None] + bias
    for step, push in enumerate(pushes):
        fresh = product(state.reshape(-1, first.nodes), back).reshape(shape)
        fresh *= radius
        fresh += push
        np.tanh(fresh, out=fresh)
        fresh *= leak
        state = np.multiply(1 - leak, state, out=out[step])
        state += fresh
        if added is not None:
            state += added * draws.standard_normal(shape[1:])
    return out


def features_of(
    networks: Sequence[EchoState],
    task: Task,
    noises: Sequence[Sequence[float]],
    delays: Sequence[int] = (0,),
    steps: int | None = None,
) -> Iterator[FloatArray]:
    """Columns `(answers, F)` for a task: of each network all passes, states and inputs, pooled.

    Windows are run each from the zero state, as software can. States and inputs are seen as they
    were `delays` steps ago.

    Parameters
    ----------
    networks
        Of one size and seed; they meet the same draws.
    noises
        A row a network, one number a pass: the noise as a share of each state's standard deviation
        over the training part in the noise-free run.
    delays
        Steps ago.
    steps
        That are run, whole windows; None: all of the task.
    """
    inputs, here, nodes = _shaped(task, steps), _training(task, steps), networks[0].nodes
    share = np.asarray(noises, dtype=np.float64)
    most = max(1, AT_A_TIME // (len(task.inputs) * nodes))
    many = max(1, most // (share.shape[1] + 1))
    for at in range(0, len(networks), many):
        some, levels = networks[at : at + many], share[at : at + many]
        draws = _noise_of(some[0])
        quiet = side_by_side(some, inputs, np.zeros((len(some), 1, nodes)), draws)
        spread = quiet[:, :, 0].swapaxes(1, 2)[here].std(axis=0)
        for begin in range(0, share.shape[1], most):
            noise = levels[:, begin : begin + most, None] * spread[:, None]
            states = side_by_side(some, inputs, noise, draws) if noise.any() else quiet
            for network, one in np.ndindex(noise.shape[:2]):
                yield _columns(task, states[:, network, one if noise.any() else 0], delays)


def added_each_step(spread: float, leak: float) -> float:
    """Noise that a step adds to a node of this leak, for the node by itself to differ by `spread`.

    What is added decays by 1 − leak a step: its variance is that of an autoregression of order
    one, the added one over 1 − (1 − leak)². A device's spread is measured so, under a drive that is
    the same each time; what nodes hand on to each other comes on top in either network.
    """
    return spread * math.sqrt(1 - (1 - leak) ** 2)


def of_states(task: Task, nodes: int, delays: Sequence[int]) -> NDArray[np.bool_]:
    """Which of the columns of `features_of` are states, bool `(F,)`; the others are inputs."""
    of_step = np.repeat([True, False], [nodes * len(delays), task.inputs.shape[1] * len(delays)])
    return np.tile(of_step, task.window if task.pool == "all" else 1)


def _noise_of(network: EchoState) -> np.random.Generator:
    """Draws of a network's noise, whatever else its seed gives."""
    return np.random.default_rng((network.seed, 1))


def _shaped(task: Task, steps: int | None) -> FloatArray:
    """Inputs `(steps, B, n_in)` of the runs that begin from the zero state: one series, windows."""
    inputs = task.inputs[:steps]
    if task.window == 1:
        return inputs[:, None]
    return inputs.reshape(-1, task.window, inputs.shape[1]).swapaxes(0, 1)


def _training(task: Task, steps: int | None) -> NDArray[np.bool_]:
    """Which of these are the training part's, behind a series' washout, bool `(steps, B)`."""
    train = task.train[:steps]
    if task.window == 1:
        return (train & (np.arange(len(train)) >= task.washout))[:, None]
    return train.reshape(-1, task.window).T


def _columns(task: Task, states: FloatArray, delays: Sequence[int]) -> FloatArray:
    """What a read-out sees of the states `(steps, B, nodes)` of a pass, `(answers, F)`."""
    series = states.swapaxes(0, 1).reshape(-1, states.shape[-1])
    seen = [lagged(part, delays) for part in (series, task.inputs[: len(series)])]
    return pooled(np.concatenate(seen, axis=1), task.window, task.pool)
