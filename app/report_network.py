"""The report's part on networks: what the twin foresaw, what the device did, what was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app import report_figures
from app.report_twin import fixed
from app.words import duration
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.report_page import Page
    from models.network import Network

    Array = NDArray[np.float64]

NOISE_AWARE, DETERMINISTIC, UNTRAINED = "noise-aware", "deterministic twin", "untrained"
KEEPS = 1.3  # loss on the way to the device up to which a network is said to keep its score


@dataclass(frozen=True)
class Measured:
    """A deployment's result as the report needs it.

    Attributes
    ----------
    path, label
        Its folder, and which kind of network ran.
    body
        `deployment.json`: task, metric, measured, predicted, baselines, nodes, hardware_runs, …
    prediction, target
        `(T,)` over the unseen part; `low`, `high`: the twin's 90 %, or None.
    misfits
        `(nodes,)` in schedule order; empty where not kept.
    layers
        Nodes of each layer.
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

    @property
    def predicted(self) -> float:
        """The score that the twin foresaw."""
        return float(self.body["predicted"]["value"])

    @property
    def measured(self) -> float:
        """The score on the device."""
        return float(self.body["measured"])

    @property
    def ratio(self) -> float:
        """Score on the device over the score foreseen: what was lost on the way."""
        return self.measured / self.predicted


def section(page: Page, networks: Sequence[Path], deployments: Sequence[Path]) -> list[str]:
    """Add networks and deployments; returns the sentences of the headline."""
    if networks:
        _networks(page, networks)
    runs = sorted((read_deployment(path) for path in deployments), key=lambda run: run.measured)
    if not runs:
        return []
    page.heading("On the device")
    _transfer(page, runs)
    for run in runs[:1]:
        title = f"{run.body['task']}: {run.label} network, {_metric(run)} {run.measured:.4f}"
        figure = report_figures.forecast_figure(
            title, run.target, run.prediction, run.low, run.high
        )
        page.figure(
            f"forecast-{run.path.name}", figure, "Forecast on the device against the target."
        )
    for run in runs:
        for words in run.body.get("despite_drift", []):
            page.text(f"{run.path.name} was deployed despite drift: {words}")
    bars = [(r.label, r.layers, r.misfits) for r in runs if np.isfinite(r.misfits).any()]
    if bars:
        words = "Misfit of each node's response on the device; 1 is what the twin expects of it."
        page.figure("misfit", report_figures.misfit_figure(bars), words)
    page.table(
        ["deployment", "nodes", "runs of the device", "time"],
        [[r.path.name, str(r.body["nodes"]), str(r.body["hardware_runs"]), _time(r)] for r in runs],
    )
    return headline(runs)


def _time(run: Measured) -> str:
    return duration(float(run.body["seconds"]))


def _metric(run: Measured) -> str:
    return str(run.body["metric"]).upper()


def _networks(page: Page, paths: Sequence[Path]) -> None:
    from app.store import load_network

    page.heading("Networks")
    rows = []
    for path in paths:
        network = load_network(path)
        predicted = network.predicted
        layers = " → ".join(str(layer.nodes) for layer in network.layers)
        interval = f"{fixed(predicted.get('low'), 4)} … {fixed(predicted.get('high'), 4)}"
        foreseen = fixed(predicted.get("value"), 4)
        rows.append([path.name, label_of(network, path), layers, foreseen, interval])
    page.table(["network", "kind", "layers", "foreseen by the twin", "90 %"], rows)
    first = load_network(paths[0])
    page.text(_task_words(first), note=True)
    _baselines(page, first.baselines)


def _task_words(network: Network) -> str:
    options = ", ".join(f"{k} {v}" for k, v in network.task.get("options", {}).items())
    unseen, each = len(network.unseen_targets), network.answer_every
    what = "steps" if each == 1 else f"windows of {each} steps"
    described = network.task.get("description") or f"{network.task['name']}: {options}"
    return f"{described}. Scored on {unseen} unseen {what} after {network.unscored} of washout."


def _baselines(page: Page, baselines: Mapping[str, float]) -> None:
    known = {name: value for name, value in baselines.items() if isinstance(value, (int, float))}
    if known:
        rows = [
            [name, f"{value:.4f}"] for name, value in sorted(known.items(), key=lambda kv: kv[1])
        ]
        page.table(["what plain software gets, best first", "score"], rows)


def _transfer(page: Page, runs: Sequence[Measured]) -> None:
    rows = [
        [
            r.label,
            f"{r.predicted:.4f}",
            f"{r.measured:.4f}",
            f"× {r.ratio:.2f}",
            against_baselines(r),
        ]
        for r in runs
    ]
    metric = _metric(runs[0])
    page.table(["network", f"twin {metric}", f"device {metric}", "lost on the way", ""], rows)
    shown = [(r.label, r.predicted, r.measured) for r in runs]
    figure = report_figures.transfer_figure(shown, _numbers(runs[0].body["baselines"]), metric)
    page.figure(
        "transfer", figure, "What the twin foresaw and what the device did, with baselines."
    )


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, (int, float)) and value > 0
    }


def against_baselines(run: Measured) -> str:
    """Which baselines a deployment beats and which it loses to, in words.

    The same network untrained is left out: it is a network, and has a row of its own.
    """
    known = _numbers(run.body["baselines"])
    known = {name: value for name, value in known.items() if not name.startswith(UNTRAINED)}
    higher_wins = run.body["metric"] == "accuracy"
    lost = [n for n, v in known.items() if (v > run.measured) == higher_wins and v != run.measured]
    won = [name for name in known if name not in lost]
    words = []
    if won:
        words.append(f"beats {' · '.join(won)}")
    if lost:
        words.append(f"loses to {' · '.join(lost)}")
    return "; ".join(words)


def headline(runs: Sequence[Measured]) -> list[str]:
    """What was gained and what was lost on the way, in sentences; `runs` best first."""
    by_label = {run.label: run for run in reversed(runs)}
    first = by_label.get(NOISE_AWARE, runs[0])
    metric = _metric(first)
    kept = "keeps its score" if first.ratio <= KEEPS else "loses on the way"
    sentences = [
        f"The {first.label} network {kept}: {metric} {first.predicted:.4f} foreseen by the twin, "
        f"{first.measured:.4f} on the device (× {first.ratio:.2f}); it {against_baselines(first)}."
    ]
    plain, untrained = by_label.get(DETERMINISTIC), by_label.get(UNTRAINED)
    if plain is not None and plain is not first:
        better = (
            "noise-aware training gained" if plain.measured > first.measured else "it still wins by"
        )
        factor = max(plain.measured, first.measured) / min(plain.measured, first.measured)
        sentences.append(
            f"Trained on a deterministic twin, {plain.predicted:.4f} became {plain.measured:.4f} "
            f"(× {plain.ratio:.2f}): {better} a factor of {factor:.1f} on the device."
        )
    if untrained is not None and untrained is not first:
        gain = untrained.measured / first.measured
        words = (
            f"better by a factor of {gain:.1f}"
            if gain > 1
            else f"worse by a factor of {1 / gain:.1f}"
        )
        sentences.append(
            f"The same nodes untrained reach {untrained.measured:.4f}: training made it {words}."
        )
    return sentences


def label_of(network: Network, path: Path) -> str:
    """Which kind of network: noise-aware, trained on a deterministic twin, or untrained."""
    from app.store import load_twin

    if network.meta.get("iterations") == 0:
        return UNTRAINED
    known = network.meta.get("deterministic")
    if known is None:
        try:
            known = load_twin(Path(network.twins[0].path)).deterministic
        except InputError:
            known = (
                False  # the twin is elsewhere: a network is noise-aware unless it says otherwise
            )
    return DETERMINISTIC if known else NOISE_AWARE


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
        made.body,
        arrays["prediction"].ravel(),
        arrays["target"].ravel(),
        arrays["forecast_low"],
        arrays["forecast_high"],
        arrays["misfit"],
        tuple(made.body["layers"]),
    )
