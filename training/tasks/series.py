"""Time series to be foretold or followed step by step."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems
from training.tasks.lengths import Lengths
from training.tasks.task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINE_STEPS = (
    10  # RK4 steps a time unit; ten times finer changes the series by less than 1e-6 early on
)
TRANSIENT = 1000  # time units from the constant history onto the attractor
NARMA_TRANSIENT, NARMA_TRIES, NARMA_LOST = 200, 50, 10.0


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
    lengths = Lengths(train, validation, test, washout)
    lengths.check("mackey-glass", {"horizon": (horizon, 1), "tau": (tau, 2)}, horizon)
    series = mackey_glass_series(lengths.steps + horizon, tau=tau)
    lengths.refuse_constant(
        "mackey-glass", series, f"tau = {tau} is too short a delay, 17 is usual"
    )
    options = {"h": horizon, "dt": 1, "tau": tau}
    return lengths.forecast("mackey-glass", series, horizon, options, "")


def narma_10(
    *,
    seed: int = 0,
    train: int = 3000,
    validation: int = 500,
    test: int = 1000,
    washout: int = 100,
) -> Task:
    """Follow the tenth-order nonlinear moving average of a random input.

    The input is uniform in 0…0.5; the target is the output after it, scaled to 0…1 by its
    training part. A seed whose series diverges is passed over, the options say which was taken.

    Raises
    ------
    InputError
        A part below its least length.
    """
    lengths = Lengths(train, validation, test, washout)
    lengths.check("narma-10")
    drive, answer, taken = narma_10_series(lengths.steps, seed)
    low, high = answer[:train].min(), answer[:train].max()
    skipped = f" ({taken - seed} diverged before it)" if taken != seed else ""
    masks = lengths.parts()
    return Task(
        name="narma-10",
        inputs=drive[:, None],
        targets=((answer - low) / (high - low))[:, None],
        train=masks[0],
        validation=masks[1],
        test=masks[2],
        washout=washout,
        options={"seed": taken},
        about=f"y(t+1) of u(t) uniform in 0…0.5{skipped}",
    )


def narma_10_series(
    steps: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:  # fmt: skip
    """Input u(t), output y(t+1), both `(steps,)`, and the first seed, from `seed`, that is bounded.

    y(t+1) = 0.3 y(t) + 0.05 y(t) Σ_{i=0…9} y(t−i) + 1.5 u(t−9) u(t) + 0.1 (Atiya & Parlos, IEEE
    Trans. Neural Networks 11, 697, 2000); the first 200 steps from zero are dropped. The
    system has no bound of its own: from a y far above 1 there is no way back.
    """
    total = NARMA_TRANSIENT + steps
    for taken in range(seed, seed + NARMA_TRIES):
        drive = np.random.default_rng(taken).uniform(0.0, 0.5, total)
        y = [0.0] * (total + 1)
        for t in range(9, total):
            y[t + 1] = (
                0.3 * y[t] + 0.05 * y[t] * sum(y[t - 9 : t + 1]) + 1.5 * drive[t - 9] * drive[t]
                + 0.1
            )  # fmt: skip
            if y[t + 1] > NARMA_LOST:
                break
        else:
            kept = slice(NARMA_TRANSIENT, total)
            return drive[kept], np.asarray(y[1:])[kept], taken
    raise InputError(
        f"task 'narma-10': none of the seeds {seed}…{seed + NARMA_TRIES - 1} stays bounded over "
        f"{steps} steps: ask for fewer"
    )


def santa_fe(
    *,
    file: str = "",
    horizon: int = 1,
    train: int = 3000,
    validation: int = 500,
    test: int = 1000,
    washout: int = 100,
) -> Task:
    """Foretell the intensity of a chaotic far-infrared laser (Santa Fe competition, data set A).

    The measured series has no licence, so it doesn't come along: `file` is the user's own, one
    number a line, or a `.npy` array. U. Hübner et al., Phys. Rev. A 40, 6354 (1989); A. Weigend
    and N. Gershenfeld, Time Series Prediction (1994).

    Raises
    ------
    InputError
        No file, or one that can't be read, is too short or holds no finite numbers.
    """
    if not file:
        raise InputError(
            "task 'santa-fe': santa-fe:file=PATH is missing. The laser series has no licence and "
            "doesn't come along; the Python package reservoirpy holds it (10093 samples, "
            "reservoirpy/datasets/santafe_laser.npy), as a text file one number a line will do"
        )
    lengths = Lengths(train, validation, test, washout)
    lengths.check("santa-fe", {"horizon": (horizon, 1)}, horizon)
    series = _numbers(Path(file))
    needed = lengths.steps + horizon
    problems = []
    if len(series) < needed:
        problems.append(
            f"{file} holds {len(series)} numbers, {needed} are needed: lower train or test"
        )
    elif not np.isfinite(series).all():
        problems.append(f"{file} holds values that are not finite numbers")
    raise_problems(InputError, "task 'santa-fe'", problems)
    lengths.refuse_constant("santa-fe", series, f"look at {file}")
    options = {"h": horizon, "file": file}
    return lengths.forecast("santa-fe", series[:needed], horizon, options, "measured laser")


def _numbers(path: Path) -> NDArray[np.float64]:
    try:
        if path.suffix == ".npy":
            found = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
        else:
            found = np.loadtxt(path, dtype=np.float64, ndmin=1)
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # of a .npy's head
        raise InputError(f"task 'santa-fe': {path} can't be read: {error}") from error
    if found.size != max(found.shape, default=0):
        raise InputError(
            f"task 'santa-fe': {path} holds a table of shape {found.shape}: one series is needed, "
            "one number a line"
        )
    return found.ravel()
