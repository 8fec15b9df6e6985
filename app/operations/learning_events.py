"""The frozen events of fits, trainings and comparisons: what is learned, and how it scores."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from app.operations.events import Event

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FitProgress(Event):
    """The state of a fit: losses of the objective on the training and validation part.

    `loss_unit`: what one of an energy score is, where it had to be assumed; empty: the noise.
    """

    iteration: int
    total: int
    loss: float
    validation: float | None
    elapsed_s: float
    loss_unit: str = ""


@dataclass(frozen=True)
class FitSamples(Event):
    """Twin samples over real repeats of one held-out sequence: `(R, T, C)` each, drive `(T,)`."""

    iteration: int
    sequence: int
    drive: FloatArray
    real: FloatArray
    twin: FloatArray


@dataclass(frozen=True)
class CandidateScored(Event):
    """A structure was fitted for a while and scored on the validation part (lower is better).

    Latent states, hidden units, units of the read-out's head; its `rung` of `rungs`; `score` None:
    its fit failed, `problem` says why. `best`: of all so far.
    """

    latent: int
    hidden: int
    head: int
    rung: int
    rungs: int
    score: float | None
    seconds: float
    best: bool
    problem: str = ""


@dataclass(frozen=True)
class TwinScored(Event):
    """Errors beside floors as in the CLI's result (`errors`), and what the pages draw.

    `details` holds arrays: `real` and `twin` `(R, T, C)` of one held-out sequence and its `drive`,
    `pit`, `pit_low`, `pit_high` (heights of bins), `autocorrelation_real|twin|low|high` `(lags,)`;
    where there are several sequences those of `app.operations.scored.held_out_beside`.
    """

    errors: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TwinCompared(Event):
    """One twin of a comparison was scored: its objective or name, its seed, errors and coverage.

    Errors are empty where its fit failed; `problem` says why.
    """

    name: str
    seed: int
    errors: dict[str, Any]
    coverage: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class CurvePoint(Event):
    """One point of a learning curve was fitted: `worst` is its largest error over its floor.

    `measurements` = sequences × repeats; `worst` None: it could not be scored, `problem` says why.
    """

    sequences: int
    repeats: int
    seed: int
    measurements: int
    errors: dict[str, Any]
    worst: float | None
    problem: str = ""

    @classmethod
    def of(cls, kept: dict[str, Any]) -> CurvePoint:
        """A point as a curve's file keeps it, with more beside."""
        return cls(**{one.name: kept[one.name] for one in fields(cls)})


@dataclass(frozen=True)
class TrainProgress(Event):
    """The state of a training: NMSE on the training stream, score by `metric` on validation."""

    iteration: int
    total: int
    training: float
    validation: float | None
    elapsed_s: float
    seed: int = 0
    metric: str = "nmse"


@dataclass(frozen=True)
class BaselineScored(Event):
    """One baseline's score on the unseen part, by `metric`."""

    name: str
    value: float
    metric: str = "nmse"


@dataclass(frozen=True)
class NetworkState(Event):
    """Weights to draw: `weights[l]` is `(nodes of layer l, inputs)`; drive histogram per layer."""

    weights: tuple[FloatArray, ...]
    readout: FloatArray
    drive_histogram: FloatArray


@dataclass(frozen=True)
class Forecast(Event):
    """Prediction over target on the unseen part, `(T,)` each; `low`, `high`: the twin's 90 %."""

    target: FloatArray
    measured: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None


@dataclass(frozen=True)
class TrialStarted(Event):
    """A trial of a pool begins, the first time or once more, `where`: host and process."""

    name: str
    attempt: int
    where: str


@dataclass(frozen=True)
class TrialProgress(Event):
    """How far a running trial is: `done` of `total` iterations or nodes, its score so far.

    `stage`: what its operation has just begun, in words; then nothing is done of it yet.
    """

    name: str
    done: float
    total: float
    score: float | None = None
    stage: str = ""


@dataclass(frozen=True)
class TrialEnded(Event):
    """A trial has ended: `done`, `failed`, `lost` (its worker died) or `skipped`, and why.

    `values`: those of its operation's result. `ended` of `total` trials have ended by now.
    """

    name: str
    status: str
    values: dict[str, Any]
    reason: str
    ended: int
    total: int
