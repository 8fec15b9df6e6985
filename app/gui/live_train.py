"""What the Network page draws of a training: curve, baselines, weights, scores in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from app.gui.scores import NMSE, said
from app.gui.widgets.tables import ScoreRow
from app.gui.words import shown_name
from app.operations.events import Result
from app.operations.learning_events import BaselineScored, NetworkState, TrainProgress
from app.words import left_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.operations.events import Event

    FloatArray = NDArray[np.float64]


@dataclass
class LiveTraining:
    """The training so far; `predicted` is empty before the end, `state` None before the first."""

    iterations: list[int] = field(default_factory=list)
    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    baselines: dict[str, float] = field(default_factory=dict)
    state: NetworkState | None = None
    predicted: dict[str, float] = field(default_factory=dict)
    total: int = 0
    elapsed_s: float = 0.0
    metric: str = NMSE
    advice: str = ""

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a training are left alone."""
        if isinstance(event, TrainProgress):
            self.iterations.append(event.iteration)
            self.training.append(event.training)
            self.validation.append(np.nan if event.validation is None else event.validation)
            self.total, self.elapsed_s = event.total, event.elapsed_s
        elif isinstance(event, BaselineScored):
            self.baselines[event.name] = event.value
            self.metric = event.metric
        elif isinstance(event, NetworkState):
            self.state = event
        elif isinstance(event, Result):
            self.metric = str(event.values.get("metric") or self.metric)
            self.advice = str(event.values.get("advice") or "")
            self.predicted = dict(event.values.get("predicted") or {})
            self.baselines.update(event.values.get("baselines") or {})

    @property
    def left_s(self) -> float | None:
        """Time left at the pace so far."""
        done = self.iterations[-1] if self.iterations else 0
        return left_s(done, self.total, self.elapsed_s)

    @property
    def latest(self) -> float | None:
        """The last validated error, else the last on the training stream."""
        good = [v for v in self.validation if np.isfinite(v)]
        if good:
            return good[-1]
        return self.training[-1] if self.training else None


def score_rows(
    name: str,
    predicted: dict[str, float],
    baselines: dict[str, float],
    metric: str,
) -> list[ScoreRow]:
    """The network and its baselines, best first below it, each with an honest word."""
    rows = []
    value = predicted.get("value")
    if value is not None:
        low, high = predicted.get("low"), predicted.get("high")
        rows.append(ScoreRow(name, value, low, high, "foreseen", True, "twin", said(value, metric)))
    for other, error in sorted(baselines.items(), key=lambda item: item[1]):
        shown = said(error, metric)
        rows.append(ScoreRow(shown_name(other), error, word=against(predicted, error), shown=shown))
    return rows


def against(predicted: dict[str, float], baseline: float) -> str:
    """A word for a baseline: `beats it`, `tie` (inside its interval), `beaten`."""
    value = predicted.get("value")
    if value is None:
        return ""
    low, high = predicted.get("low", value), predicted.get("high", value)
    if low <= baseline <= high:
        return "tie"
    return "beats it" if baseline < low else "beaten"


def sentence(
    value: float, baselines: dict[str, float], subject: str,
    foreseen: dict[str, float] | None = None,
) -> str:  # fmt: skip
    """`The network beats A, is level with B, loses to C.`: nothing left out.

    Level: inside the interval of a score that is `foreseen`, as `against` has it.
    """
    level = {name for name, score in baselines.items() if against(foreseen or {}, score) == "tie"}
    tied = [shown_name(name) for name in baselines if name in level]
    others = {name: score for name, score in baselines.items() if name not in level}
    beaten = [shown_name(name) for name, score in others.items() if value < score]
    lost = [shown_name(name) for name, score in others.items() if value >= score]
    parts = []
    if beaten:
        parts.append(f"beats {listed(beaten)}")
    if tied:
        parts.append(f"is level with {listed(tied)}")
    if lost:
        parts.append(f"loses to {listed(lost)}")
    return f"{subject} {', '.join(parts)}." if parts else f"{subject} has no baseline beside it."


def listed(names: list[str]) -> str:
    """Names in a sentence: `A`, `A, B and C`; at least one."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
