"""Time series to be foretold or followed step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems
from training.tasks.task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINE_STEPS = (
    10  # RK4 steps a time unit; ten times finer changes the series by less than 1e-6 early on
)
TRANSIENT = 1000  # time units from the constant history onto the attractor


def mackey_glass_series(
    steps: int,
    *,
    beta: float = 0.2,
    gamma: float = 0.1,
    n: float = 10.0,
    tau: int = 17,
    start: float = 1.2,
) -> NDArray[np.float64]:
    """Mackey-Glass series sampled at dt = 1 time unit, float64 `(steps,)`.

    dx/dt = β x(t−τ) / (1 + x(t−τ)^n) − γ x(t) (Mackey & Glass, Science 197, 287, 1977), by
    fourth-order Runge–Kutta with ten steps a time unit; the delayed half-step values are cubic
    interpolations. The first 1000 time units from the constant history `start` are dropped.
    """
    delay, total = tau * FINE_STEPS, (TRANSIENT + steps) * FINE_STEPS
    dt = 1.0 / FINE_STEPS
    x = [start] * (delay + 2 + total)
    for i in range(delay + 1, delay + 1 + total):
        j = i - delay
        pushes = []
        for late in (x[j], (9 * (x[j] + x[j + 1]) - x[j - 1] - x[j + 2]) / 16, x[j + 1]):
            pushes.append(beta * late / (1 + late**n))
        now = x[i]
        k1 = pushes[0] - gamma * now
        k2 = pushes[1] - gamma * (now + dt / 2 * k1)
        k3 = pushes[1] - gamma * (now + dt / 2 * k2)
        k4 = pushes[2] - gamma * (now + dt * k3)
        x[i + 1] = now + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.asarray(x[delay + 1 + TRANSIENT * FINE_STEPS :: FINE_STEPS][:steps])


def mackey_glass(
    *,
    horizon: int = 5,
    train: int = 3000,
    validation: int = 500,
    test: int = 1000,
    washout: int = 100,
    tau: int = 17,
) -> Task:
    """Foretell the Mackey-Glass series `horizon` steps ahead from its value at each step.

    The series is scaled to 0…1 by the minimum and maximum of its training part. `train` steps,
    the last `validation` of them kept for choices; then `washout` steps and `test` unseen ones.

    Raises
    ------
    InputError
        A horizon or part below one step, or a validation part that leaves no training.
    """
    problems = [
        f"{name} = {value} steps must be at least {low}"
        for name, value, low in (
            ("horizon", horizon, 1), ("validation", validation, 1), ("test", test, 2),
            ("washout", washout, 0), ("tau", tau, 2), ("train", train, validation + 100),
        )
        if value < low
    ]  # fmt: skip
    raise_problems(InputError, "task 'mackey-glass'", problems)
    steps = train + washout + test
    series = mackey_glass_series(steps + horizon, tau=tau)
    low, high = series[:train].min(), series[:train].max()
    series = (series - low) / (high - low)
    index = np.arange(steps)
    return Task(
        name="mackey-glass",
        inputs=series[:steps, None],
        targets=series[horizon:, None],
        # targets reach `horizon` steps ahead: those of the training part stop before validation
        train=index < train - validation - horizon,
        validation=(index >= train - validation) & (index < train),
        test=index >= train + washout,
        washout=washout,
        options={"h": horizon, "dt": 1, "tau": tau},
        reach=horizon,
    )
