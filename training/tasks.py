"""The tasks a network is trained for: inputs, targets, and which steps are for what."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

METRICS = ("nmse",)
FINE_STEPS = (
    10  # RK4 steps a time unit; ten times finer changes the series by less than 1e-6 early on
)
TRANSIENT = 1000  # time units from the constant history onto the attractor


@dataclass(frozen=True)
class Task:
    """A series to be answered step by step.

    Attributes
    ----------
    name
        The name that `make_task` and the command line know.
    inputs, targets
        float64 `(T, n_in)` and `(T, n_out)`.
    train, validation, test
        bool `(T,)`, disjoint; `test` is one unbroken stretch that nothing else may look at.
    washout
        Steps before the first test step that are run and not scored: the device starts each
        run from its reset.
    metric
        One of `METRICS`; lower is better for `nmse`.
    options
        What made the task (horizon, step, split), for reports.
    """

    name: str
    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    washout: int
    metric: str = "nmse"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        steps = self.inputs.shape[0]
        for name, array in (("inputs", self.inputs), ("targets", self.targets)):
            if array.ndim != 2 or array.shape[0] != steps:
                problems.append(f"{name} have shape {array.shape}, expected ({steps}, columns)")
            elif not np.isfinite(array).all():
                problems.append(f"{name} hold values that are not numbers")
        masks = {"train": self.train, "validation": self.validation, "test": self.test}
        for name, mask in masks.items():
            if mask.shape != (steps,) or not mask.any():
                problems.append(f"the {name} part must mark at least one of {steps} steps")
        if not problems:
            problems += self._overlaps(masks)
        if self.metric not in METRICS:
            problems.append(f"metric {self.metric!r} is none of {', '.join(METRICS)}")
        raise_problems(InputError, f"task {self.name!r}", problems)

    def _overlaps(self, masks: dict[str, NDArray[np.bool_]]) -> list[str]:
        shared = sum(mask.astype(int) for mask in masks.values())
        problems = []
        if np.max(shared) > 1:
            step = int(np.argmax(shared))
            names = [name for name, mask in masks.items() if mask[step]]
            problems.append(f"step {step} is in the {' and the '.join(names)} part: a leak")
        first, last = np.flatnonzero(self.test)[[0, -1]]
        if not self.test[first : last + 1].all():
            problems.append(f"the test part has gaps between steps {first} and {last}")
        if not 0 <= self.washout <= first:
            problems.append(
                f"washout {self.washout} must be within 0…{first} (the first test step)"
            )
        return problems

    @property
    def run(self) -> slice:
        """The steps that a deployment runs: washout, then the test part."""
        first, last = np.flatnonzero(self.test)[[0, -1]]
        return slice(int(first) - self.washout, int(last) + 1)

    def describe(self) -> str:
        """One line with everything a score rests on."""
        words = [f"{key} {value}" for key, value in self.options.items()]
        split = (
            f"{int(self.train.sum())} train + {int(self.validation.sum())} validation, "
            f"{int(self.test.sum())} test after {self.washout} washout"
        )
        return f"{self.name}: {', '.join([*words, split])}; {self.metric}"


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
    )


SHORT_NAMES = {"h": "horizon"}
TASKS: dict[str, Callable[..., Task]] = {"mackey-glass": mackey_glass}


def make_task(text: str, **options: Any) -> Task:
    """Task of a name with options, such as `mackey-glass` or `mackey-glass:h=5,test=500`.

    `options` are set over those in the text.

    Raises
    ------
    InputError
        An unknown task or option, or a value that the task refuses.
    """
    name, _, tail = text.partition(":")
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(TASKS)}"
        raise InputError(f"task {name!r} is unknown; {hint}")
    known = list(inspect.signature(TASKS[name]).parameters)
    given: dict[str, Any] = {}
    problems = []
    for part in filter(None, tail.split(",")):
        key, _, value = part.partition("=")
        if not value.strip().isdigit():
            problems.append(f"option {part!r} must read name=whole number")
        else:
            given[key.strip()] = int(value)
    given = {SHORT_NAMES.get(key, key): value for key, value in {**given, **options}.items()}
    problems += [
        f"option {key!r} is unknown; known: {', '.join(known)}" for key in given if key not in known
    ]
    raise_problems(InputError, f"task {name!r}", problems)
    return TASKS[name](**given)
