"""The figures of one artefact in words, and a small plot of it."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from app.checked_json import plain
from app.shown_score import shown
from app.train_request import TrainOptions
from app.words import MISSING, shown_name
from models.wiring import layers_text
from training.verdict import telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from app.library.folders import Artefact

    FloatArray = NDArray[np.float64]

SCORED = ("measured", "predicted", "baselines")
OWN_ROWS = ("wiring", "taps", "readout_taps", "cascade", "parallel", "origin", "ensemble")
"""Options of a training that are no words of the form's More options: twins are ticked there."""
FORESEEN = "Foreseen on the device"
TASKS = {"mackey-glass": "Mackey-Glass", "narma": "NARMA"}


@dataclass(frozen=True)
class Thumb:
    """A small plot: `traces` (grey), `mean`, or `bars` with a line at 1, or a score on its scale.

    Values are in the artefact's own units; only their shape is drawn.
    """

    traces: tuple[FloatArray, ...] = ()
    mean: FloatArray | None = None
    bars: tuple[float, ...] = ()
    interval: tuple[float, float] | None = None
    value: float | None = None
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is said of an artefact: a title, rows of name and value, a plot, how to run it again.

    `form`: values of the form of the page that made it. `parents`: what a recording was made from,
    whose head is not read before its figures are.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    thumb: Thumb | None = None
    form: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    status: str = ""
    parents: Any = None


def facts_of(artefact: Artefact) -> Facts:
    """Read an artefact's figures.

    Raises
    ------
    InputError
        It is damaged.
    KeyError, TypeError, ValueError, OSError
        Its head lacks what every artefact of its kind has, or the disk fails.
    """
    from app.library.begun import facts as begun
    from app.library.recording import recording
    from app.library.several import curve, sweep, table, twins_compared

    reader = {
        "rec": recording, "cal": _calibration, "twin": _twin, "net": _network, "sweep": sweep,
        "tab": table, "cmp": twins_compared, "curve": curve, "begun": begun,
    }  # fmt: skip
    return reader.get(artefact.kind, _deployment)(artefact)


def _number(value: Any, digits: int = 3) -> str:
    good = isinstance(value, (int, float)) and math.isfinite(value)
    return f"{value:.{digits}g}" if good else MISSING


def _interval(table: Any) -> str:
    if not isinstance(table, dict):
        return MISSING
    value, low, high = (_number(table.get(name)) for name in ("value", "low", "high"))
    none = table.get("low") == table.get("high")  # of a twin without noise both are the value
    return value if none or MISSING in (low, high) else f"{value} ({low} to {high})"


def common_rows(head: dict[str, Any], meta: dict[str, Any]) -> list[tuple[str, str]]:
    """Field window of each device, seed, date and version: what most artefacts say."""
    devices = head.get("devices")  # a network's
    rows = []
    for one in [head, *(devices if isinstance(devices, list) else [])]:
        window = one.get("window")
        if isinstance(window, dict) and "low_T" in window:
            low, high = 1e3 * float(window["low_T"]), 1e3 * float(window["high_T"])
            rows.append(("Field window", f"{low:g} to {high:g} mT"))
    rows.append(("Seed", str(meta.get("seed", MISSING))))
    rows.append(("Created", str(meta.get("created", MISSING)).replace("+00:00", " UTC")))
    rows.append(("Written by", str(meta.get("code_version", MISSING))))
    return rows


def _calibration(artefact: Artefact) -> Facts:
    head = artefact.head
    found = head.get("calibration")
    if not isinstance(found, dict):
        return Facts("calibration, not complete", (("Status", "begun, not complete"),))
    rows = [(name.replace("_", " "), _number(value, 4)) for name, value in found.items()]
    title = f"{head.get('magnet', '')} with {head.get('teslameter', '')}"
    return Facts(title, (("Bench", str(head.get("bench", MISSING))), *rows))


def _twin(artefact: Artefact) -> Facts:
    head = artefact.head
    meta = head["meta"]
    errors, coverage = telling(
        head["errors"], head.get("coverage") or {}, deterministic=bool(head.get("deterministic"))
    )
    rows = [
        ("Objective", str(meta.get("objective", MISSING))),
        ("Latent state", str(head.get("latent", MISSING))),
        ("Hidden units", str(head.get("hidden", MISSING))),
        *([("Members", str(head["members"]))] if "members" in head else []),
        ("Iterations", str(meta.get("iterations", MISSING))),
    ]
    bars = []
    for name, words in (
        ("mean", "Mean"), ("spread", "Spread"), ("autocovariance", "Autocovariance"),
        ("crps", "CRPS"),
    ):  # fmt: skip
        table = errors.get(name)
        if isinstance(table, dict):
            value, floor = _number(table.get("value")), _number(table.get("floor"))
            rows.append((words, f"{value}, floor {floor}"))
            ratio = table.get("ratio")
            if isinstance(ratio, (int, float)) and math.isfinite(ratio):
                bars.append(float(ratio))
    if coverage:
        said = f"{_number(coverage.get('value'))}, expected {_number(coverage.get('expected'))}"
        rows.append(("90 % coverage", said))
    form = {key: head[key] for key in ("latent", "hidden") if isinstance(head.get(key), int)}
    form["members"] = head.get("members", 1)
    form |= {k: meta[k] for k in ("objective", "iterations", "seed") if k in meta}
    noise = "deterministic" if head.get("deterministic") else f"{meta.get('objective', '')}"
    title = f"{noise}, {head.get('latent', MISSING)} latent, {head.get('hidden', MISSING)} hidden"
    return Facts(
        title, (*rows, *common_rows(head, meta)), Thumb(bars=tuple(bars)) if bars else None, form
    )


def _layers(head: dict[str, Any]) -> str:
    """Nodes of each layer, `8+4·16`: the second beside the first."""
    layers = head.get("layers", [])
    nodes: list[Any] = [one.get("nodes") if isinstance(one, dict) else one for one in layers]
    return layers_text(nodes, _options(head).get("parallel", ())).replace(",", "·")


def _options(head: dict[str, Any]) -> dict[str, Any]:
    """What the training of a network was asked for beyond its task; empty where nobody knows."""
    meta = head.get("meta")
    options = meta.get("options") if isinstance(meta, dict) else None
    return options if isinstance(options, dict) else {}


def layout_form(options: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the Network page's form that ask a training for these options again."""
    usual = plain(asdict(TrainOptions()))
    each = usual | {one: value for tied, value in options.items() for one in tied.split("+")}
    taps, readout = each["taps"], each["readout_taps"]
    more = [(name, value) for name, value in each.items()
            if name not in OWN_ROWS and value != usual.get(name)]  # fmt: skip
    more += [("readout_taps", readout)] if readout != taps else []  # the form's are of both
    return {
        "wiring": str(each["wiring"]), "taps": ",".join(map(str, taps)),
        "cascade": bool(each["cascade"]), "more": option_words(more),
    }  # fmt: skip


def option_words(options: Iterable[tuple[str, Any]]) -> str:
    """Options as More options takes them, `patience=5 'use=["X"]'`."""
    texts = ((n, v if isinstance(v, str) else json.dumps(v)) for n, v in options)
    return shlex.join(f"{name}={text}" for name, text in texts)


def _task(head: dict[str, Any]) -> str:
    task = head.get("task")
    name = task.get("name") if isinstance(task, dict) else task
    return TASKS.get(str(name), str(name or MISSING))


def _shown(head: dict[str, Any]) -> dict[str, Any]:
    """The scores of a network or a deployment as everybody shows them, and what they are."""
    task = head.get("task")
    metric = head.get("metric", task.get("metric") if isinstance(task, dict) else None)
    known = {name: head[name] for name in SCORED if name in head}
    return {"metric_words": "NMSE", **shown({**known, "metric": metric})}


def _scores(head: dict[str, Any]) -> list[tuple[str, str]]:
    baselines = head.get("baselines")
    named = baselines.items() if isinstance(baselines, dict) else ()
    return [(shown_name(name), _number(value)) for name, value in named]


def _thumb_of_scores(head: dict[str, Any], value: Any) -> Thumb | None:
    predicted = head.get("predicted")
    baselines = head.get("baselines")
    every = baselines.values() if isinstance(baselines, dict) else ()
    ticks = tuple(float(v) for v in every if isinstance(v, (int, float)) and v > 0)
    if not isinstance(predicted, dict):
        return None
    ends = [predicted.get(name) for name in ("low", "high")]
    good = [float(v) for v in ends if isinstance(v, (int, float)) and v > 0]
    interval = (good[0], good[1]) if len(good) == 2 else None
    shown = value if isinstance(value, (int, float)) and value > 0 else None
    return Thumb(interval=interval, value=shown, ticks=ticks)


def _network(artefact: Artefact) -> Facts:
    head = artefact.head
    meta, scores = head["meta"], _shown(head)
    rows = [
        ("Task", str(head["task"].get("description", _task(head)))),
        ("Layers", _layers(head)),
        ("Score", scores["metric_words"]),
        (FORESEEN, _interval(scores.get("predicted"))),
        ("Noise in training", "off" if meta.get("deterministic") else "sampled"),
        ("Iterations", str(meta.get("iterations", MISSING))),
        *_scores(scores),
        *common_rows(head, meta),
    ]
    form = {"layers": _layers(head).replace("·", ", "), **layout_form(_options(head))}
    form |= {k: meta[k] for k in ("iterations", "seed") if isinstance(meta.get(k), int)}
    asked = meta.get("task")
    if isinstance(asked, str):
        form["task"], _, form["options"] = asked.partition(":")
    predicted = head.get("predicted")
    value = predicted.get("value") if isinstance(predicted, dict) else None
    return Facts(f"{_task(head)} {_layers(head)}", tuple(rows), _thumb_of_scores(head, value), form)


def _deployment(artefact: Artefact) -> Facts:
    head = artefact.head
    scores = _shown(head)
    measured, metric = _number(scores["measured"]), scores["metric_words"]
    rows = [
        ("Task", str(head.get("description", _task(head)))),
        ("Layers", _layers(head)),
        ("Score", metric),
        ("Measured", measured),
        ("Foreseen", _interval(scores.get("predicted"))),
        ("Runs on the device", str(head.get("hardware_runs", MISSING))),
        *_scores(scores),
        ("Created", str(head.get("created", MISSING)).replace("+00:00", " UTC")),
        ("Written by", str(head.get("code_version", MISSING))),
    ]
    title = f"{_task(head)} {_layers(head)} measured {metric} {measured}"
    form = {"repeats": head.get("repeats", 1), "hours": 0.0}  # it took as long as it took
    return Facts(title, tuple(rows), _thumb_of_scores(head, head["measured"]), form)
