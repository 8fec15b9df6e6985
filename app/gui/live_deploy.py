"""What the Deploy page draws of a deployment: schedule, running node, forecast, verdict; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.deployment import misfit_of_runs
from app.gui.live_train import against, listed, sentence
from app.gui.scores import NMSE, interval, more_digits, said
from app.gui.widgets.columns import ColumnRow
from app.gui.words import shown_name
from app.operations.events import (
    NodeMeasured,
    NodeStarted,
    Progress,
    RepeatStarted,
    Result,
    RunPlan,
    ScoreSoFar,
    StepRead,
)
from app.operations.learning_events import Forecast
from app.scatter import WITHIN, within_scatter
from app.words import by_memory, duration
from models.network import ORIGIN_UNKNOWN
from models.schedule import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from app.operations.events import Event
    from models.network import Network

    FloatArray = NDArray[np.float64]

Z90 = 1.645
"""Half width of a central 90 % interval, in standard deviations of a normal distribution."""


@dataclass
class LiveDeployment:
    """The deployment so far.

    Attributes
    ----------
    node
        `(layer, node)` that is running or was last.
    mean, std
        What the twin predicts for it `(T, C)`; None where it says nothing.
    measured
        `(T, C)` of the running node so far, NaN where it has not been.
    misfit
        Misfit over the expected one, by node.
    told
        Forecast `(T, n_out)` of the unseen part; nodes not measured yet are the twin's mean.
    complete
        Whether it is the operation's own, all nodes measured.
    scores
        (nodes measured, score, low, high) after each node.
    ran, runs
        Runs that are over and runs in all: those of a node are its repeats.
    """

    plan: RunPlan | None = None
    node: tuple[int, int] | None = None
    mean: FloatArray | None = None
    std: FloatArray | None = None
    measured: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    step: int = -1
    misfit: dict[tuple[int, int], float] = field(default_factory=dict)
    responses: dict[tuple[int, int], tuple[Any, Any, FloatArray]] = field(default_factory=dict)
    told: FloatArray | None = None
    complete: bool = False
    scores: list[tuple[int, float, float, float]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    ran: int = 0
    runs: int = 0

    def take(self, event: Event, network: Network) -> None:
        """Take one event of a deployment of `network`; other events are left alone."""
        if isinstance(event, StepRead):
            self.step = event.step
            if 0 <= event.step < len(self.measured):
                self.measured[event.step] = event.values
        elif isinstance(event, NodeStarted):
            self.node, self.step = (event.layer, event.node), -1
            self.mean, self.std = event.predicted_mean, event.predicted_spread
            channels = len(network.device_of(event.layer).channels)
            self.measured = np.full((event.drive.size, channels), np.nan)
        elif isinstance(event, NodeMeasured):
            key = (event.layer, event.node)
            self.misfit[key] = event.misfit
            self.responses[key] = (self.mean, self.std, event.measured)
            self.node, self.measured = key, event.measured
            self.step = len(event.measured) - 1
        elif isinstance(event, ScoreSoFar):
            self.told = event.prediction
            self.scores.append((event.nodes, event.value, event.low, event.high))
        elif isinstance(event, Forecast):
            self.told = event.measured[:, None]
            self.complete = True
        elif isinstance(event, RepeatStarted):
            self.step = -1
        elif isinstance(event, Result):
            self.result = dict(event.values)
        elif isinstance(event, RunPlan):
            self.plan, self.runs = event, event.sequences * event.repeats
        elif isinstance(event, Progress):
            self.ran, self.runs = int(event.done), int(event.total)

    def had(self, network: Network, measured: Mapping[tuple[int, int], FloatArray]) -> None:
        """It goes on: responses `(R, T, C)` by device and row of what was measured before."""
        for run in runs(network):
            found = measured.get((run.device, run.row))
            if found is not None:
                mean, std = (x[run.position, :, : found.shape[2]]
                             for x in (network.node_mean, network.node_std))  # fmt: skip
                key = (run.layer, run.node)
                self.misfit[key] = misfit_of_runs(network, run.position, found)
                self.responses[key] = (mean, std, found.mean(axis=0))

    @property
    def done(self) -> int:
        """Nodes measured."""
        return len(self.misfit)

    def at(self, nodes: int) -> str:
        """Where it is: `node 3 of 12`, of nodes with repeats `run 7 of 36`."""
        done, total, unit = self._counted(nodes)
        return f"{unit} {min(done + 1, total)} of {total}"

    def share(self, nodes: int) -> float:
        """Share of it that is over, 0…1."""
        done, total, _ = self._counted(nodes)
        return done / max(1, total)

    def ended(self, status: str, nodes: int) -> tuple[str, str]:
        """Heading and words of one that ended before all was measured."""
        kept = "they are kept, choose it under Go on with; " if self.done else ""
        word = "Stopped" if status == "stopped" else "Failed"
        done, total, unit = self._counted(nodes)
        return f"{word}: {done} of {total} {unit}s measured", f"{kept}no verdict without all"

    def done_words(self, nodes: int) -> str:
        """What a whole one has cost."""
        runs, spent = self.result.get("hardware_runs", "—"), duration(self.result.get("seconds"))
        continued = " since it was continued" * bool(self.result.get("continued"))
        return f"{nodes} nodes · {runs} runs · {spent}{continued}"

    def _counted(self, nodes: int) -> tuple[int, int, str]:
        """What is over, of how much, and what that is."""
        if self.runs > nodes:
            return self.ran, self.runs, "run"
        return self.done, nodes, "node"


def inside_share(
    measured: FloatArray, mean: FloatArray | None, std: FloatArray | None
) -> float | None:
    """Share of measured steps inside the foreseen 90 % band; None before there is one."""
    if mean is None or std is None:
        return None
    good = np.isfinite(measured)
    if not good.any():
        return None
    return float((np.abs(measured - mean)[good] <= Z90 * std[good]).mean())


@dataclass(frozen=True)
class Verdict:
    """What the foot of the page says: a heading, sentences, and the measured score, if any."""

    heading: str
    text: str
    score: str = ""


def criterion(predicted: dict[str, float], nodes: int, metric: str = NMSE) -> Verdict:
    """The pass criterion, as it stands there before the result."""
    limit = said(predicted.get("high"), metric)
    most, end = ("at most", "upper") if metric == NMSE else ("at least", "lower")
    return Verdict(
        f"Verdict after all {nodes} nodes",
        f"Transferred if the device scores {most} {limit}, the {end} end of the 90 % interval that "
        f"the twin foresees, {interval(predicted, metric)}.",
    )


def verdict(result: dict[str, Any]) -> Verdict:
    """Whether the network transferred, every baseline that it loses to, and what can't be told."""
    found = _transferred(result)
    unsure = [by_memory("It", str(words)) for words in result.get(ORIGIN_UNKNOWN) or ()]
    return replace(found, text="\n".join([found.text, *unsure]))


def _transferred(result: dict[str, Any]) -> Verdict:
    measured: float = result["measured"]
    predicted: dict[str, float] = dict(result.get("predicted") or {})
    low, high = predicted.get("low"), predicted.get("high")
    beside = _beside(measured, predicted, dict(result.get("baselines") or {}))
    metric = str(result.get("metric") or NMSE)
    if low is None or high is None:
        return Verdict("Measured; the twin foresaw no interval", beside, said(measured, metric))
    more = more_digits(measured, predicted, metric)
    foreseen, shown = interval(predicted, metric, more), said(measured, metric, more)
    if (repeats := int(result.get("repeats") or 1)) > 1:
        beside = f"Each node is the mean of {repeats} runs, foreseen is a single one. {beside}"
    if measured > high:
        times = measured / max(predicted.get("value", high), 1e-300)
        outside = f"Outside the foreseen {foreseen}: {times:.1f} times the foreseen error."
        return Verdict("Not transferred", f"{outside} {beside}", shown)
    how = ", better than foreseen" if measured < low else " as foreseen"
    return Verdict(f"Transferred{how}", f"Foreseen: {foreseen}. {beside}", shown)


def _beside(measured: float, predicted: dict[str, float], baselines: dict[str, float]) -> str:
    """Every baseline by the score that was measured, and those that another run could overtake."""
    said = sentence(measured, baselines, "On the device it")
    near = within_scatter(measured, predicted, baselines)
    return f"{said} {WITHIN.capitalize()}: {listed([*map(shown_name, near)])}." if near else said


def diagnosis(result: dict[str, Any]) -> list[str]:
    """Where the score was lost: layers, the node that costs most, the drives; in sentences."""
    return [str(words) for words in (result.get("diagnosis") or {}).get("words", ())][1:]


def transfer_rows(
    name: str, predicted: dict[str, float], baselines: dict[str, float],
    measured: float | None, metric: str,
) -> list[ColumnRow]:  # fmt: skip
    """The transfer table: the network foreseen and measured, then every baseline, none left out.

    Before it is measured baselines stand beside what is foreseen, as on the Network page.
    """
    value = predicted.get("value")
    ratio = f"× {measured / value:.2f}" if measured is not None and value else ""
    shown = said(measured, metric) if measured is not None else "—"
    rows = [ColumnRow(name, (said(value, metric), shown, ratio), "", "ok", True)]
    for other, error in sorted(baselines.items(), key=lambda item: item[1]):
        word = against(predicted if measured is None else {"value": measured}, error)
        rows.append(ColumnRow(shown_name(other), (said(error, metric), "", word)))
    return rows
