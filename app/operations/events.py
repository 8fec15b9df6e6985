"""The frozen events that operations yield: of any run, and of what is measured.

Those of fits, trainings and comparisons are in `app.operations.learning_events`; every front end
draws or prints these and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Event:
    """What happened; `event` in JSON is the class's name in lower case."""


@dataclass(frozen=True)
class Stage(Event):
    """A part of an operation begins: `name` in words, its position among `total` parts."""

    name: str
    index: int = 1
    total: int = 1


@dataclass(frozen=True)
class Progress(Event):
    """`done` of `total` `unit`s of the operation `job`; times in s."""

    job: str
    done: float
    total: float
    unit: str
    elapsed_s: float
    remaining_s: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Note(Event):
    """Words for the log; `level` is `info`, `warning` or `error`."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class RunPlan(Event):
    """What a recording or deployment is about to do, before anything is energised.

    `named`: the channels as people read them; empty: as they are called.
    """

    sequences: int
    repeats: int
    steps: int
    channels: tuple[str, ...]
    units: tuple[str, ...]
    predicted_s: float
    path: str
    run_id: str
    named: tuple[str, ...] = ()

    @property
    def channel_words(self) -> tuple[str, ...]:
        """The channels as people read them."""
        return self.named or self.channels


@dataclass(frozen=True)
class RepeatStarted(Event):
    """A repeat begins: drive `(T,)` in 0…1, field `(T,)` in T, `position` in the run."""

    sequence: int
    repeat: int
    position: int
    drive: FloatArray
    field_T: FloatArray


@dataclass(frozen=True)
class StepRead(Event):
    """One step was set and read: set field, supply current, and the channels `(C,)`.

    `bench`: name of the one that did; others may take turns with it.
    """

    step: int
    field_T: float
    current_A: float
    values: FloatArray
    bench: str = ""


@dataclass(frozen=True)
class PointMeasured(Event):
    """One point of a calibration of `magnet`: its branch, current set and measured, field."""

    magnet: str
    branch: int
    step: int
    set_A: float
    measured_A: float
    field_T: float


@dataclass(frozen=True)
class RepeatRecorded(Event):
    """A repeat is complete and on disk: response `(T, C)`."""

    sequence: int
    repeat: int
    position: int
    response: FloatArray
    start_s: float


@dataclass(frozen=True)
class ReferenceStarted(Event):
    """The reference before the repeat at `position` begins: drive `(K,)`, field `(K,)` in T."""

    position: int
    drive: FloatArray
    field_T: FloatArray


@dataclass(frozen=True)
class ReferenceRecorded(Event):
    """A reference is on disk: its level `(C,)`, its mean over the steps.

    `drift`: the largest one of all channels, and whose it is, in standard deviations of one
    reference; NaN while too few are there.
    """

    position: int
    level: FloatArray
    drift: float
    channel: str


@dataclass(frozen=True)
class Paused(Event):
    """The run waits, as the user asked, at zero current; told about once a second."""

    seconds: float


@dataclass(frozen=True)
class Held(Event):
    """The run waits at zero current for what is `out` of its band, one sentence each.

    Empty `out`: all is back, and has to stay so for a moment. `seconds` are device time; after
    `at_most_s` of them the run ends. Told each second.
    """

    out: tuple[str, ...]
    seconds: float
    at_most_s: float


@dataclass(frozen=True)
class StepHeld(Event):
    """A step waits at its set-point, before it is read, because its field is `out` of tolerance.

    Empty `out`: it is there, and the step goes on. `seconds` are device time; after `at_most_s` of
    them the run ends. Told each second.
    """

    step: int
    out: str
    seconds: float
    at_most_s: float


@dataclass(frozen=True)
class Resumed(Event):
    """The run goes on after so many seconds of waiting."""

    seconds: float


@dataclass(frozen=True)
class NodeStarted(Event):
    """A node's run begins: drive `(T,)`, the twin's mean and spread `(T, C)` under it."""

    layer: int
    node: int
    drive: FloatArray
    predicted_mean: FloatArray | None = None
    predicted_spread: FloatArray | None = None


@dataclass(frozen=True)
class NodeMeasured(Event):
    """A node is complete and on disk: measured `(T, C)`; misfit = RMSE over the expected one."""

    layer: int
    node: int
    measured: FloatArray
    misfit: float


@dataclass(frozen=True)
class ScoreSoFar(Event):
    """The score of a deployment by `nodes` measured, as `app.running_score.RunningScore`."""

    nodes: int
    value: float
    low: float
    high: float
    prediction: FloatArray
    metric: str = "nmse"


@dataclass(frozen=True)
class Result(Event):
    """The last event: the keys that the CLI contract names."""

    values: dict[str, Any]
