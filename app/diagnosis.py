"""Where a deployment's score was lost: node by node, drive by drive, layer by layer. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.shown_score import shown
from app.words import MISSING, digits_apart, place_in
from models.json_form import COUNT, FLAG, NUMBER, TEXT, Rows, Table
from models.score import by_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.network import Network

    FloatArray = NDArray[np.float64]

AT_END = 1e-9  # of the drive's span: held at an end of the fitted range
MUCH_CLIPPED = 0.05  # judgement: above it and twice what was foreseen it is worth a sentence
NOISY_RUNS = 8  # drawn from the twin's mean and spread: how often they are held at an end
GROWS = 0.05  # judgement: from this share on the misfit of the last layer is more than the first's
PARTS = 3  # of a run
LEAVES = 1.2
"""From here on the last third's misfit, and what it is over the first's, are worth a sentence.

Deployments of 2026-11-30: four of nanoring networks had 0.97 to 1.05 times the first third's; of a
spin-vortex ice whose twins had been fitted on 40 or 100 steps ten had 1.17 to 1.6, on 200 two had
1.08 and 1.1, on few sequences of 300 two had 1.14 and 1.38.
"""
ALONE = 1.5
"""Judgement: a node with so many times the misfit of its layer's median, and of what is expected,
stands alone. Of 18 simulated nodes that all are as foreseen the worst had 1.1 times."""
ANOTHER = 3.0  # the first third's, of another device: beyond all of those deployments
FORM = Table(
    {"inside": FLAG, "costs_most": COUNT, "cost": NUMBER, "clipped_most": COUNT,
     "clipped": NUMBER, "clipped_foreseen": NUMBER, "words": Rows(TEXT)},
)  # fmt: skip
"""What `deployment.json` keeps of it; a node is its place in the schedule, counted from 0."""


@dataclass(frozen=True)
class Diagnosis:
    """What each node did to the score.

    Attributes
    ----------
    cost
        `(nodes,)`: by how much the score would be better (an error smaller) with the twin's mean in
        the place of what the node answered to the read-out. The drives of later layers stay.
    clipped, clipped_foreseen
        `(nodes,)`: share of steps whose drive is held at an end of the fitted range, because it
        would leave it; as measured, and as the twin foresaw it, noise included.
    misfits
        `(nodes,)`, as `app.deployment.misfit_of`.
    outputs
        `(n_out,)`: NMSE of each output; empty where another metric is the task's.
    course
        `(3,)`: the median node's misfit in each third of the run behind the washout; empty where
        the twin expects no spread.
    """

    cost: FloatArray
    clipped: FloatArray
    clipped_foreseen: FloatArray
    misfits: FloatArray
    outputs: FloatArray = field(default_factory=lambda: np.zeros(0))
    course: FloatArray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(
        cls,
        network: Network,
        responses: Sequence[FloatArray],
        misfits: FloatArray,
        repeats: int = 1,
    ) -> Diagnosis:
        """Of a network and its layers' responses `(T, nodes, C)` as they were measured.

        `repeats`: runs of each node that they are the mean of.
        """
        return cls(
            _costs(network, list(responses), foreseen_responses(network)),
            clipped(network, responses),
            clipped_foreseen(network, repeats),
            misfits,
            by_output(network.answer(responses), network.unseen_targets)
            if network.task["metric"] == "nmse"
            else np.zeros(0),
            _course(network, responses, repeats),
        )

    def summary(self, network: Network, measured: float, repeats: int = 1) -> dict[str, Any]:
        """What `deployment.json` keeps: the worst nodes, and all of it in words."""
        costs, most = int(np.argmax(self.cost)), int(np.argmax(self.clipped))
        return {
            "inside": inside(network.predicted, measured),
            "costs_most": costs,
            "cost": float(self.cost[costs]),
            "clipped_most": most,
            "clipped": float(self.clipped[most]),
            "clipped_foreseen": float(self.clipped_foreseen[most]),
            "words": self.words(network, measured, repeats),
        }

    def words(self, network: Network, measured: float, repeats: int = 1) -> list[str]:
        """A sentence each: the interval, the layers, the node that costs most, the drives."""
        return [
            _interval(network, measured, repeats),
            *outputs_words(self.outputs),
            *self._layers(network, repeats),
            *self._alone(network),
            *self._leaves(network),
            self._costs(network, measured),
            self._drives(network),
        ]

    def _layers(self, network: Network, repeats: int) -> list[str]:
        medians = layer_medians(network, self.misfits)
        known = [value for value in medians if np.isfinite(value)]
        if len(known) < 2:
            return []
        more = known[-1] / known[0] - 1 if known[0] > 0 else np.nan
        path = " → ".join(f"{value:.2f}" if np.isfinite(value) else MISSING for value in medians)
        expects = "1 is what the twin expects"
        if repeats > 1:  # later layers are driven by means, and a single run differs by less
            expects += f" of a run; less where means of {repeats} drive"
        return [
            f"misfit from layer to layer {path} ({expects}): the error "
            f"{f'grows by {100 * more:.0f} %' if more > GROWS else 'does not grow'} on the way"
        ]

    def _alone(self, network: Network) -> list[str]:
        """The node that is not as its twin foresaw where the others of its layer are.

        Of the first layer that has one: what it answers drives all nodes behind it.
        """
        first = 0
        for layer, median in zip(network.layers, layer_medians(network, self.misfits), strict=True):
            own = self.misfits[first : first + layer.nodes]
            if own.max() > ALONE * max(median, 1.0):  # never of NaN
                place = place_of(network, first + int(own.argmax()))
                behind = ": layers behind it are driven by it, and may have lost by that alone"
                return [
                    f"{place} stands alone with a misfit of {own.max():.2f}, its layer's median is "
                    f"{median:.2f}{behind * (layer is not network.layers[-1])}"
                ]
            first += layer.nodes
        return []

    def _leaves(self, network: Network) -> list[str]:
        """Whether the device leaves its twin along the run: what builds up it has not learned.

        Where it is another one from the first steps on, longer sequences are no help.
        """
        if self.course.size and self.course[0] > ANOTHER:
            return [
                f"misfit {self.course[0]:.2f} in the first third of the run already: another "
                "sample, setting or temperature than its twin was fitted on, or a twin far from "
                "its floor; a short recording tells (twinrig compare, evaluate)"
            ]
        if not self.course.size or not self.course[-1] > LEAVES * max(self.course[0], 1.0):
            return []
        begin, end = self.course[[0, -1]]
        return [
            f"misfit from the first to the last third of the run {begin:.2f} → {end:.2f}: the "
            "device leaves its twin on the way; fit it on sequences as long as a run, "
            f"{network.steps} steps: twinrig refine --piece-steps {network.steps}, fewer --pieces"
        ]

    def _costs(self, network: Network, measured: float) -> str:
        node = int(np.argmax(self.cost))
        if self.cost[node] <= 0:
            return "no single node costs anything: the twin's mean in its place is no better"
        metric = network.task["metric"]
        told = shown({"metric": metric, "measured": measured - float(self.cost[node])})
        return (
            f"{place_of(network, node)} costs most: with the twin's mean in its place, where the "
            f"read-out sees it, the score would be {told['measured']:.3g}"
        )

    def _drives(self, network: Network) -> str:
        node = int(np.argmax(self.clipped - self.clipped_foreseen))
        share, foreseen = float(self.clipped[node]), float(self.clipped_foreseen[node])
        told = f"{100 * share:.0f} % of its steps, {100 * foreseen:.0f} % foreseen"
        if share > MUCH_CLIPPED and share > 2 * foreseen:
            return (
                f"{place_of(network, node)} is driven to an end of the fitted range more than "
                f"foreseen ({told}): record what the network sends (twinrig refine)"
            )
        return "no drive is held at an end of the fitted range much more than foreseen"


def outputs_words(outputs: FloatArray, of: str = "") -> list[str]:
    """NMSE of each output, where there are several: the score hides one that varies little."""
    if len(outputs) < 2:
        return []
    each = ", ".join("no variance" if np.isnan(one) else f"{one:.3g}" for one in outputs)
    return [
        f"{of}output by output, each over its own variance: {each} (the score is all errors over "
        "all variances)"
    ]


def foreseen_responses(network: Network) -> list[FloatArray]:
    """Responses `(T, nodes, C)` of each layer: the twin's mean."""
    return [network.foreseen(k)[0].transpose(1, 0, 2) for k in range(len(network.layers))]


def clipped(network: Network, responses: Sequence[FloatArray]) -> FloatArray:
    """Share of steps `(nodes,)` whose drive is held at an end of the fitted range."""
    shares = []
    for index, layer in enumerate(network.layers):
        drive = network.drive(index, responses[:index])[network.washout :]
        near = AT_END * (layer.drive_high - layer.drive_low)
        at_end = (drive <= layer.drive_low + near) | (drive >= layer.drive_high - near)
        shares.append(at_end.mean(axis=0))
    return np.concatenate(shares)


def clipped_foreseen(network: Network, repeats: int = 1) -> FloatArray:
    """The same under the twin's mean and noise: the mean alone seldom reaches an end."""
    rng, mean = np.random.default_rng(0), foreseen_responses(network)
    noise = [network.foreseen(k)[1].transpose(1, 0, 2) for k in range(len(mean))]
    shares = []
    for _ in range(NOISY_RUNS):
        drawn = [
            one + spread * rng.standard_normal(one.shape) / np.sqrt(repeats)
            for one, spread in zip(mean, noise, strict=True)
        ]
        shares.append(clipped(network, drawn))
    return np.asarray(np.mean(shares, axis=0))


def _costs(network: Network, measured: list[FloatArray], mean: list[FloatArray]) -> FloatArray:
    score, costs = network.score(network.answer(measured)), []
    for index, layer in enumerate(network.layers):
        for node in range(layer.nodes):
            replaced = measured[index].copy()
            replaced[:, node] = mean[index][:, node]
            other = [*measured[:index], replaced, *measured[index + 1 :]]
            costs.append(score - network.score(network.answer(other)))
    return np.array(costs)


def _course(network: Network, responses: Sequence[FloatArray], repeats: int) -> FloatArray:
    """The median node's misfit in each part of the run; empty where no spread is expected."""
    parts = np.array_split(np.arange(network.washout, network.steps), PARTS)
    found = []
    for index, response in enumerate(responses):
        mean, spread = network.foreseen(index)
        error, expected = response.transpose(1, 0, 2) - mean, spread / np.sqrt(repeats)
        found.append([misfit(error[:, part], expected[:, part]) for part in parts])
    course: FloatArray = np.median(np.concatenate(found, axis=1), axis=1)
    return course if np.isfinite(course).all() else np.zeros(0)


def misfit(error: FloatArray, spread: FloatArray) -> FloatArray:
    """RMS of errors `(…, T, C)` over that of what is expected of them, `(…)`.

    Channels are weighed alike, each by its own expected RMS. NaN where one expects no spread.
    """
    expected = (spread**2).mean(axis=-2)
    ratio = (error**2).mean(axis=-2) / np.where(expected > 0, expected, np.nan)
    return np.asarray(np.sqrt(ratio.mean(axis=-1)))


def layer_medians(network: Network, misfits: FloatArray) -> list[float]:
    """Median misfit of each layer; NaN where the twin expects no spread."""
    ends = np.cumsum([layer.nodes for layer in network.layers])[:-1]
    return [float(np.median(part)) for part in np.split(misfits, ends)]


def place_of(network: Network, node: int) -> str:
    """`layer 2, node 5`, counted from 1, of a place in the schedule."""
    return place_in([layer.nodes for layer in network.layers], node)


def inside(predicted: dict[str, float], measured: float) -> bool:
    """Whether a score lies inside the interval that was foreseen."""
    low, high = predicted.get("low", -np.inf), predicted.get("high", np.inf)
    return bool(low <= measured <= high)


def _interval(network: Network, measured: float, repeats: int) -> str:
    """Where the score lies; what the mean of several repeats scores, no interval foresaw."""
    told = shown({"metric": network.task["metric"], "measured": measured,
                  "predicted": network.predicted})  # fmt: skip
    low, high = (told["predicted"].get(name) for name in ("low", "high"))
    if low is None or high is None:
        return "the twin foresaw no interval"
    if network.meta.get("deterministic"):  # both ends are its score: no 90 % of anything
        return (
            f"measured {told['measured']:.3g}, foreseen {told['predicted']['value']:.3g}: its twin "
            "has no noise, so that no interval was foreseen"
        )
    digits = digits_apart(told["measured"], (low, high), 3, lambda one, most: f"{one:.{most}g}")
    measured_words, *ends = (f"{one:.{digits}g}" for one in (told["measured"], low, high))
    where = "inside" if inside(network.predicted, measured) else "outside"
    better = ", on the good side" if measured < network.predicted["low"] else ""
    averaged = f", the mean of {repeats} repeats of each node," if repeats > 1 else ""
    passes = " for single passes" if repeats > 1 else ""
    of = " of these known data" if "stretch_of" in network.meta else ""  # not of the test part
    return (
        f"measured {measured_words}{averaged} lies {where} the 90 % interval that the twin "
        f"foresaw{of}{passes}, {' to '.join(ends)}{better}"
    )
