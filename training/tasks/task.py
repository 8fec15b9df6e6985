"""What a task is: inputs, answers, and which steps are for what; leaks are refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from models.score import METRICS
from training.tasks.faults import class_faults, leaks, mask_faults, shape_faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPEATED = "inputs of the test part may be those of training: a memory of these would score as well"


@dataclass(frozen=True)
class Task:
    """A series walked step by step and answered once every `window` steps.

    Windows stand one after another and the device is not reset between them.

    Attributes
    ----------
    name
        The name that `make_task` and the command line know.
    inputs
        float64 `(T, n_in)`, scaled by the training part alone; T is a multiple of `window`.
    targets
        float64 `(T / window, n_out)`, one row an answer; one-hot where there are `labels`.
    train, validation, test
        bool `(T,)`, disjoint, constant within a window; `test` is one unbroken stretch that
        nothing else may look at. It stands behind the others: what is learned from runs through
        a device that remembers what it was driven with before.
    washout
        Steps before the first test step that are run and not scored: the device starts each
        run from its reset.
    metric
        One of `models.score.METRICS`; lower is better.
    options
        What made the task (horizon, step, split), for reports.
    window
        Steps an answer; 1: an answer at every step.
    pool
        What a read-out sees of a window's features: "step" (window 1), "last", "mean", "late" (the
        mean of its second half, when the device has forgotten the window before) or "all".
    labels
        Class of each answer, int64 `(T / window,)`, an index into `classes`; None: no classes.
    classes
        Names of the classes.
    reach
        Steps that the targets look ahead of their own: parts must stand further apart.
    quantity
        What the inputs are, in the plural: "pixels", "log amplitudes".
    about
        Where the data come from, for `describe`.
    shift
        Standard deviation by which each window's inputs are moved, each column as a whole and anew
        every time, while layers are trained: what may differ between the days of a recording. Only
        of windows; 0: nothing does.
    repeats
        The test part may hold inputs that training has seen, as a wave without noise does by its
        nature. What learned them by heart would score as well: `describe` says so.
    scaling
        Offset and unit of the inputs, each a number or `(n_in,)`: `offset + unit · inputs` are as
        they were measured, and the same in every task of the same data. By them it is seen whether
        a network of another task was trained on this one's test part.
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
    window: int = 1
    pool: str = "step"
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    reach: int = 0
    quantity: str = "values"
    about: str = ""
    shift: float = 0.0
    repeats: bool = False
    scaling: tuple[float | NDArray[np.float64], float | NDArray[np.float64]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        problems = shape_faults(self)
        if not problems:
            problems += mask_faults(self) + class_faults(self)
        if not problems:
            problems += leaks(self)
        if self.metric not in METRICS:
            problems.append(f"metric {self.metric!r} is none of {', '.join(METRICS)}")
        raise_problems(InputError, f"task {self.name!r}", problems)

    @property
    def measured(self) -> NDArray[np.float64]:
        """Inputs `(T, n_in)` as they were measured, before the task scaled them."""
        offset, unit = self.scaling
        return np.asarray(offset + unit * self.inputs)

    @property
    def train_end(self) -> int:
        """The step behind the last training step."""
        return int(np.flatnonzero(self.train)[-1]) + 1

    @property
    def run(self) -> slice:
        """The steps that a deployment runs: washout, then the test part."""
        first, last = np.flatnonzero(self.test)[[0, -1]]
        return slice(int(first) - self.washout, int(last) + 1)

    @property
    def validation_run(self) -> slice:
        """The steps by which choices are made: washout, then the validation part."""
        first, last = np.flatnonzero(self.validation)[[0, -1]]
        return slice(max(0, int(first) - self.washout), int(last) + 1)

    @property
    def run_answers(self) -> slice:
        """The answers of `run`."""
        return slice(self.run.start // self.window, self.run.stop // self.window)

    def answers(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which answers a mask over steps marks, bool `(T / window,)`."""
        return mask[:: self.window]

    def begins(self, steps: int, masked: int = 0) -> NDArray[np.int64]:
        """First steps of all stretches of `steps` that fitting may see, int64 `(stretches,)`.

        Each holds a training step behind its first `masked` ones; they begin with a window and end
        by the end of the training part.

        Raises
        ------
        InputError
            There is none.
        """
        end = self.train_end
        first = np.arange(0, end - steps + 1, self.window)
        learned = np.append(0, np.cumsum(self.train))
        found: NDArray[np.int64] = first[
            learned[first + steps] > learned[first + min(masked, steps)]
        ]
        if not found.size:
            raise InputError(
                f"task {self.name!r}: its training part ends with step {end}, and no stretch of "
                f"{steps} steps before holds training steps behind its first {masked}"
            )
        return found

    @property
    def answer_weights(self) -> NDArray[np.float64]:
        """What an answer counts when a read-out is fitted, float64 `(T / window,)`.

        Where the error is balanced every class of the training part counts alike, else every
        answer does.
        """
        if self.labels is None or self.metric != "balanced-error":
            return np.ones(len(self.targets))
        counts = self.targets[self.answers(self.train)].sum(axis=0)
        return np.asarray((counts.sum() / (len(counts) * counts))[self.labels])

    def describe(self) -> str:
        """One line with everything a score rests on."""
        words = [f"{key} {value}" for key, value in self.options.items()]
        train, validation, test = (
            int(self.answers(mask).sum()) for mask in (self.train, self.validation, self.test)
        )
        washout = self.washout // self.window
        split = f"{train} train + {validation} validation, {test} test after {washout} washout"
        if self.window > 1:
            split += f" windows of {self.window} steps, pooled by {self.pool!r}"
        if self.classes:
            split += f"; {len(self.classes)} classes"
        about = f"; {self.about}" if self.about else ""
        if self.repeats:
            about += f"; {REPEATED}"
        return f"{self.name}: {', '.join([*words, split])}; {self.metric}{about}"
