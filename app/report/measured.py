"""A deployment as the report reads it: its result, and what was lost on the way in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.shown_score import ACCURACY, shown
from app.words import digits_apart, signed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

KEEPS = 1.3  # loss on the way to the device up to which a network is said to keep its score
DIGITS = 4  # of a score, as the command line prints it: an NMSE may be far below 0.0001
KEEPS_POINTS = 0.01  # of accuracy: one point


@dataclass(frozen=True)
class Measured:
    """A deployment's result as the report needs it.

    Attributes
    ----------
    path, label
        Its folder, and which kind of network ran.
    body
        `deployment.json`: task, metric, measured, predicted, baselines, nodes, hardware_runs, …; of
        a classification as accuracies (`app.shown_score`).
    prediction, target
        `(T,)` or `(T, n_out)` over the unseen part; `low`, `high`: the twin's 90 %, or None.
    misfits
        `(nodes,)` in schedule order; empty where not kept.
    layers
        Nodes of each layer.
    cost, clipped, clipped_foreseen
        `(nodes,)`, as in `app.diagnosis.Diagnosis`; empty where not kept.
    """

    path: Path
    label: str
    body: dict[str, Any]
    prediction: Array
    target: Array
    low: Array | None = None
    high: Array | None = None
    misfits: Array = field(default_factory=lambda: np.empty(0))
    layers: tuple[int, ...] = ()
    cost: Array = field(default_factory=lambda: np.empty(0))
    clipped: Array = field(default_factory=lambda: np.empty(0))
    clipped_foreseen: Array = field(default_factory=lambda: np.empty(0))

    @property
    def predicted(self) -> float:
        """The score that the twin foresaw."""
        return float(self.body["predicted"]["value"])

    @property
    def measured(self) -> float:
        """The score on the device."""
        return float(self.body["measured"])

    @property
    def higher_wins(self) -> bool:
        """Whether the score is an accuracy, and no error."""
        return bool(self.body["metric"] == ACCURACY)

    @property
    def ratio(self) -> float:
        """Score on the device over the score foreseen: what was lost on the way."""
        return self.measured / self.predicted

    @property
    def lost(self) -> str:
        """What was lost on the way in words: a factor, of an accuracy points."""
        if self.higher_wins:
            return f"{signed(100 * (self.measured - self.predicted))} points"
        return f"× {self.ratio:.2f}"

    @property
    def averaged(self) -> str:
        """How many runs of each node were averaged, in words; nothing for single runs."""
        repeats = int(self.body.get("repeats", 1))
        return f", {repeats} repeats averaged" if repeats > 1 else ""

    @property
    def beyond(self) -> bool:
        """Whether it is worse than the whole interval that the twin foresaw for single passes."""
        low, high = (self.body["predicted"].get(end) for end in ("low", "high"))
        if low is None or high is None or low == high:  # of a twin without noise
            return False
        return bool(self.measured < low if self.higher_wins else self.measured > high)

    @property
    def digits(self) -> int:
        """So many that the measured score is seen on its side of each end of the interval."""
        ends = (self.body["predicted"].get(end) for end in ("low", "high"))
        known = [end for end in ends if end is not None]
        return digits_apart(self.measured, known, DIGITS, scored)

    @property
    def beyond_words(self) -> str:
        """What is said behind the score of one that is `beyond`; empty for others."""
        if not self.beyond:
            return ""
        low, high = (scored(self.body["predicted"][end], self.digits) for end in ("low", "high"))
        return f", worse than the 90 % interval foreseen, {low} to {high}"

    @property
    def keeps(self) -> bool:
        """Whether the network keeps its score on the way to the device, as it was foreseen."""
        if self.beyond:
            return False
        if self.higher_wins:
            return self.measured >= self.predicted - KEEPS_POINTS
        return self.ratio <= KEEPS

    def better_than(self, other: float) -> bool:
        """Whether it scores better than that on the device."""
        return self.measured > other if self.higher_wins else self.measured < other


def scored(value: float | None, digits: int = DIGITS) -> str:
    """A score with so many leading digits."""
    return "—" if value is None else f"{value:.{digits}g}"


def read_deployment(path: Path) -> Measured:
    """The result of a deployment.

    Raises
    ------
    InputError
        It is not finished, or damaged.
    """
    from app.deployment_store import load_deployment

    made = load_deployment(path)
    arrays = made.arrays
    return Measured(
        path,
        made.body["label"],
        shown(made.body),
        arrays["prediction"],
        arrays["target"],
        arrays["forecast_low"],
        arrays["forecast_high"],
        arrays["misfit"],
        tuple(made.body["layers"]),
        *(arrays.get(name, np.empty(0)) for name in ("cost", "clipped", "clipped_foreseen")),
    )
