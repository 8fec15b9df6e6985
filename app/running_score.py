"""The score of a deployment under way, and how far another stretch of data could move it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.shown_score import shown
from models import schedule
from models.score import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.network import Network
    from models.recording import Recording

    FloatArray = NDArray[np.float64]

DRAWS, ENDS = 200, (5.0, 95.0)
SHORTEST = 8  # answers of a block: the errors of neighbours are alike


@dataclass(frozen=True)
class RunningScore:
    """Score by the nodes measured so far.

    Attributes
    ----------
    nodes
        How many are measured; the others are the twin's mean, without noise: the score of a few
        nodes is a little too good, and comes to the device's own as the last one is measured.
    value, low, high
        Lower is better; 90 % of what stretches as long as the unseen part would score, as
        `score_interval` says.
    prediction
        `(answers, n_out)` of the unseen part.
    """

    nodes: int
    value: float
    low: float
    high: float
    prediction: FloatArray

    def words(self, metric: str) -> str:
        """`score so far 0.025, other stretches 0.021 to 0.029`; of a classification its accuracy.

        Other stretches: the foreseen interval is of other noise on the unseen part itself.
        """
        told = {"value": self.value, "low": self.low, "high": self.high}
        seen = shown({"metric": metric, "predicted": told})["predicted"]
        others = f"other stretches {seen['low']:.3g} to {seen['high']:.3g}"
        return f"score so far {seen['value']:.3g}, {others}"


def running_score(network: Network, nodes: Sequence[Recording]) -> RunningScore:
    """Score of what a deployment has measured.

    Parameters
    ----------
    network
        That is deployed.
    nodes
        What its devices play, a recording each, with the repeats measured so far; those to come
        NaN.
    """
    responses: list[list[FloatArray]] = [[] for _ in network.layers]
    measured = 0
    for run in schedule.runs(network):
        recording = nodes[run.device]
        done = recording.order[run.row] >= 0
        measured += bool(done.any())
        responses[run.layer].append(
            recording.response[run.row, done].mean(axis=0)
            if done.any() else network.node_mean[run.position, :, : recording.response.shape[3]]
        )  # fmt: skip
    prediction = network.answer([np.stack(layer, axis=1) for layer in responses])
    low, high = score_interval(network.task["metric"], prediction, network.unseen_targets)
    return RunningScore(measured, network.score(prediction), low, high, prediction)


def score_interval(
    metric: str, prediction: FloatArray, target: FloatArray, seed: int = 0
) -> tuple[float, float]:
    """Where another stretch, as long as this one, scores at 90 %.

    Answers are drawn anew in blocks (circular block bootstrap), the square root of their number
    long, since the errors of a series are correlated; and from what was drawn once more. This
    stretch is itself one of many: drawn once, the interval is where the mean of all lies, and of
    further stretches only three in four score within (measured: 0.64 to 0.76, drawn twice 0.78 to
    0.90).

    Parameters
    ----------
    metric
        One of `models.score.METRICS`.
    prediction, target
        `(answers, n_out)`.
    """
    answers = len(target)
    block = min(answers, max(SHORTEST, round(np.sqrt(answers))))
    starts = np.random.default_rng(seed).integers(answers, size=(2, DRAWS, -(-answers // block)))
    drawn = (starts[..., None] + np.arange(block)) % answers
    one, further = drawn.reshape(2, DRAWS, -1)[..., :answers]
    rows = np.take_along_axis(one, further, axis=1)
    scores = np.array([score(metric, prediction[row], target[row]) for row in rows])
    good = scores[np.isfinite(scores)]
    if not good.size:
        return float("nan"), float("nan")
    low, high = np.percentile(good, ENDS)
    return float(low), float(high)
