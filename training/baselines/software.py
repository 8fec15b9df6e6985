"""All baselines of a task, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.score import pooled
from training.baselines.echo_state import Tried, echo_state_trials
from training.baselines.linear import (
    autoregression,
    logistic,
    majority,
    persistence,
    without_device,
)
from training.baselines.ridge import ridge_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.tasks import Task

LAGS = (1, 4, 18)
NOISE_LEVELS = (0.0, 0.01, 0.05)
AS_THE_DEVICE = ", as the device"
WITHOUT_DEVICE = "read-out without the device"


def software_baselines(
    task: Task,
    nodes: int,
    spread: float | None,
    seed: int = 0,
    *,
    delays: Sequence[int] = (0,),
) -> Iterator[tuple[str, float] | Tried]:
    """Name and score of each baseline without a device, as they are ready; `Tried` in between.

    Everything that is chosen is chosen on the validation part. What the series is too short for is
    left out. An echo-state network's score is the mean over `echo_state.NETWORKS` of them.

    Parameters
    ----------
    task
        The task, scored on its test part.
    nodes
        Size of the echo-state networks: that of the network they stand beside.
    spread
        The device's spread as a share of its signal: each node of an echo-state network gets that
        spread, too (`echo_state.added_each_step`). None: unknown, left out.
    seed
        Of the echo-state networks.
    delays
        Steps ago at which the network's read-out sees the inputs: so does an echo-state network's,
        its states too.
    """
    simple = _of_classes(task, delays) if task.labels is not None else _of_series(task, delays)
    yield from ((name, value) for name, value in simple if np.isfinite(value))
    # a classification gets the two levels that the comparison needs
    levels = list(NOISE_LEVELS) if task.labels is None else [0.0]
    names = [_noise(level) if level else "" for level in levels]
    if spread:
        names.append(_noise(spread) + AS_THE_DEVICE)
    values: tuple[float, ...] = ()
    asked = (task, nodes, levels, seed, delays, spread or None)
    for one in echo_state_trials(*asked):
        if isinstance(one, Tried):
            yield one
        else:
            values = one
    scored = zip((f"esn-{nodes}{name}" for name in names), values, strict=True)
    yield from ((name, value) for name, value in scored if np.isfinite(value))


def as_the_device(nodes: int, spread: float) -> str:
    """Name of the echo-state networks that have the device's spread."""
    return f"esn-{nodes}{_noise(spread)}{AS_THE_DEVICE}"


def _noise(share: float) -> str:
    return f" with {percent(share)} % state noise"


def percent(share: float) -> str:
    """A share in percent with two digits and no exponent: `9.2`, `120`."""
    return f"{float(f'{100 * share:.2g}'):g}"


def _of_series(task: Task, delays: Sequence[int]) -> Iterator[tuple[str, float]]:
    if task.window > 1:
        columns = pooled(task.inputs, task.window, "all")
        yield (
            f"ridge regression on all {columns.shape[1]} {task.quantity}",
            ridge_scores(task, columns)[1],
        )
        yield WITHOUT_DEVICE, without_device(task, delays)
        return
    yield "persistence", persistence(task)
    yield from ((f"ar-{n}", autoregression(task, n)) for n in LAGS)
    if tuple(delays) != (0,):  # else it is ar-1
        yield WITHOUT_DEVICE, without_device(task, delays)


def _of_classes(task: Task, delays: Sequence[int]) -> Iterator[tuple[str, float]]:
    yield "majority class", majority(task)
    columns = task.inputs.shape[1]
    if task.window > 1:
        means = f"logistic regression on {columns} mean {task.quantity}"
        yield means, logistic(task, "mean")
        every = f"logistic regression on all {task.window * columns} {task.quantity}"
        yield every, logistic(task, "all")
    else:
        for n in LAGS:
            yield f"logistic regression on {n} step{'s' * (n > 1)}", autoregression(task, n)
    yield WITHOUT_DEVICE, without_device(task, delays)
