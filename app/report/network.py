"""The report's part on networks: what the twin foresaw, what the device did, what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.deployment import label_of
from app.device_words import devices_words, layers_words
from app.report import figures
from app.report.diagnosis import diagnosis
from app.report.measured import Measured, read_deployment, scored
from app.report.network_words import (
    against_baselines,
    headline,
    metric_of,
    numbers,
    of_known_data,
    undeployed,
)
from app.shown_score import ACCURACY, shown
from app.words import by_memory, counted, duration, shown_name
from models.network import ORIGIN_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.report.page import Page
    from models.network import Network

    Array = NDArray[np.float64]

__all__ = ["Measured", "against_baselines", "headline", "read_deployment", "section"]


def section(page: Page, networks: Sequence[Path], deployments: Sequence[Path]) -> list[str]:
    """Add networks and deployments; returns the sentences of the headline.

    Task by task where they are of several: scores of two tasks say nothing about each other.
    """
    from app.store import load_network

    loaded = [(path, load_network(path)) for path in networks]
    measured = [read_deployment(path) for path in deployments]
    names = {_key(one.task): str(one.task["name"]) for _, one in loaded}
    names |= {_key(run.body): str(run.body["task"]) for run in measured}
    sentences = []
    for number, (key, name) in enumerate(names.items()):
        own = [pair for pair in loaded if _key(pair[1].task) == key]
        runs = [run for run in measured if _key(run.body) == key]
        of_task = ("", "") if len(names) == 1 else (f": {name}", f"-{number + 1}")
        said = _of_one_task(page, own, runs, *of_task)
        sentences += said if len(names) == 1 else [f"{name}: {words}" for words in said]
    return sentences


def _key(body: Mapping[str, Any]) -> str:
    """What the task of a network or a deployment is known by."""
    return str(body.get("description") or body.get("name") or body["task"])


def _of_one_task(
    page: Page,
    networks: Sequence[tuple[Path, Network]],
    deployments: Sequence[Measured],
    of_task: str,
    suffix: str,
) -> list[str]:
    """Networks and deployments of one task; `suffix` keeps its figures' names apart."""
    if networks:
        _networks(page, networks, of_task)
    runs = sorted(deployments, key=lambda r: -r.measured if r.higher_wins else r.measured)
    if not runs:
        return undeployed([network for _, network in networks])
    page.heading(f"On the device{of_task}")
    _transfer(page, runs, suffix)
    if not networks:  # whose section tells them
        _alone(page, runs[0])
    for run in runs[:1]:
        _answers(page, run, suffix)
    for run in runs:
        if devices := run.body.get("devices"):
            each = (f"{layers_words(one['layers'])} on {one.get('bench')!r}" for one in devices)
            page.text(f"{page.named(run.path)} ran {'; '.join(each)}, one device at a time.")
        for words in run.body.get("despite_drift", []):
            page.text(f"{page.named(run.path)} was deployed all the same: {words}")
        for words in run.body.get(ORIGIN_UNKNOWN, []):
            page.text(by_memory(page.named(run.path), words))
    bars = [(r.label, r.layers, r.misfits) for r in runs if np.isfinite(r.misfits).any()]
    if bars:
        words = "Misfit of each node's response on the device; 1 is what the twin expects of it."
        page.figure(f"misfit{suffix}", figures.misfit_figure(bars), words)
    for run in runs[:1]:
        diagnosis(page, run)
    page.table(
        ["deployment", "nodes", "runs of the device", "time"],
        [
            [page.named(r.path), str(r.body["nodes"]), str(r.body["hardware_runs"]), _time(r)]
            for r in runs
        ],
    )
    return headline(runs)


def _answers(page: Page, run: Measured, suffix: str) -> None:
    """What the device's network answered: a series over its target, or which class for which."""
    title = f"{run.body['task']}: {run.label} network, {_metric(run)} {scored(run.measured)}"
    if run.higher_wins:
        truth, said = run.target.argmax(axis=1), run.prediction.argmax(axis=1)
        count = run.target.shape[1]
        names = run.body.get("classes") or [f"class {k}" for k in range(count)]
        rows = [
            [names[k], *(str(int(np.sum(said[truth == k] == j))) for j in range(count))]
            for k in range(count)
        ]
        page.text(f"{title}. Answers on the device, a row a true class.")
        page.table(["true class", *(f"says {name}" for name in names)], rows)
        return
    shape = [array if array is None or array.ndim == 1 else array[:, 0]
             for array in (run.target, run.prediction, run.low, run.high)]  # fmt: skip
    target, prediction, low, high = shape
    if target is None or prediction is None:
        raise AssertionError("a deployment without answers")
    figure = figures.forecast_figure(title, target, prediction, low, high)
    outputs = 1 if run.target.ndim == 1 else run.target.shape[1]
    which = "" if outputs == 1 else (
        f" Of {outputs} outputs, which the score is of together, this is the first."
    )  # fmt: skip
    page.figure(
        f"forecast-{page.named(run.path)}{suffix}",
        figure,
        f"Forecast on the device against the target.{which}",
    )


def _time(run: Measured) -> str:
    spent = duration(float(run.body["seconds"]))
    return f"{spent} since it was continued" if run.body.get("continued") else spent


def _metric(run: Measured) -> str:
    return metric_of(run.body)


def _networks(page: Page, networks: Sequence[tuple[Path, Network]], of_task: str) -> None:
    page.heading(f"Networks{of_task}")
    rows = []
    for path, network in networks:
        said = shown({"metric": network.task["metric"], "predicted": network.predicted})
        predicted = said["predicted"]
        layers = " → ".join(str(layer.nodes) for layer in network.layers)
        interval = f"{scored(predicted.get('low'))} … {scored(predicted.get('high'))}"
        if network.meta.get("deterministic"):
            interval = "none: its twin has no noise"
        foreseen = scored(predicted.get("value"))
        rows.append([page.named(path), label_of(network), layers, foreseen, interval])
    page.table(["network", "kind", "layers", "foreseen by the twin", "90 %"], rows)
    for path, network in networks:
        for words in devices_words(network.devices, [one.device for one in network.layers]):
            page.text(f"{page.named(path)}: {words}")
        for words in network.origin_unknown:
            page.text(by_memory(page.named(path), words))
    first = networks[0][1]
    page.text(_task_words(first), note=True)
    said = shown({"metric": first.task["metric"], "baselines": first.baselines})
    _baselines(page, said)


def _task_words(network: Network) -> str:
    options = ", ".join(f"{k} {v}" for k, v in network.task.get("options", {}).items())
    unseen, each = len(network.unseen_targets), network.answer_every
    what = "steps" if each == 1 else f"windows of {each} steps"
    described = network.task.get("description") or f"{network.task['name']}: {options}"
    known = "known" if of_known_data(network.task) else "unseen"
    return f"{described}. Scored on {unseen} {known} {what} after {network.unscored} of washout."


def _alone(page: Page, run: Measured) -> None:
    """What a deployment's score rests on, where its network is not on the page to say it."""
    described = str(run.body.get("description") or run.body["task"])
    known = "known" if of_known_data(run.body) else "unseen"
    scored_on = counted(len(run.target), f"{known} answer")
    page.text(f"{described}. Scored on {scored_on}.", note=True)
    _baselines(page, run.body)


def _baselines(page: Page, said: Mapping[str, Any]) -> None:
    known = {k: v for k, v in said["baselines"].items() if isinstance(v, (int, float))}
    if known:
        higher_wins, metric = said["metric"] == ACCURACY, metric_of(said)
        best_first = sorted(known.items(), key=lambda kv: kv[1], reverse=higher_wins)
        page.explained += [metric, "foreseen", *(name for name, _ in best_first)]
        rows = [[shown_name(name), scored(value)] for name, value in best_first]
        page.table(["to compare with, best first", metric], rows)


def _transfer(page: Page, runs: Sequence[Measured], suffix: str) -> None:
    labels = [r.label for r in runs]
    rows = [
        [
            (r.label if labels.count(r.label) == 1 else f"{r.label} ({page.named(r.path)})")
            + r.averaged,
            scored(r.predicted),
            scored(r.measured),
            r.lost,
            against_baselines(r),
        ]
        for r in runs
    ]
    metric = _metric(runs[0])
    beside = "device − twin" if runs[0].higher_wins else "device / twin"
    page.table(["network", f"twin {metric}", f"device {metric}", beside, ""], rows)
    shown = [(row[0], r.predicted, r.measured) for row, r in zip(rows, runs, strict=True)]
    figure = figures.transfer_figure(shown, numbers(runs[0].body["baselines"]), metric)
    page.figure(
        f"transfer{suffix}",
        figure,
        "What the twin foresaw and what the device did, with baselines.",
    )
