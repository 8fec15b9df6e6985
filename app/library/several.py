"""Figures of what holds several: sweeps, tables of networks, twins compared, learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.library.begun import how
from app.library.facts import Facts, Thumb, layout_form, option_words
from app.library.unfinished import goes_on_now
from app.shown_score import shown
from app.words import MISSING
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.library.folders import Artefact

RUNNING = "running"
PLACES = ("1st", "2nd", "3rd", "4th", "5th", "6th")  # by validation


def sweep(artefact: Artefact) -> Facts:
    """Settings, the best by validation, how many are trained."""
    head, rows = artefact.head, artefact.head["rows"]
    done, failed = (sum(len(row[name]) for row in rows) for name in ("seeds", "failed"))
    total = len(rows) * int(head["grid"]["seeds"])
    known = [row for row in rows if row["validation"] is not None]
    said = [
        ("Tasks", ", ".join(head["grid"]["tasks"])),
        ("Trained", f"{done} of {total}" + (f", {failed} failed" if failed else "")),
    ]
    several = len(head["grid"]["tasks"]) > 1
    said += [(place, f"{row['validation']:.3g}, {_setting(row, several=several)}")
             for place, row in zip(PLACES, known, strict=False)]  # fmt: skip
    best = f", best error {known[0]['validation']:.3g}" if known else ""
    values = [float(row["validation"]) for row in known if row["validation"] > 0]
    thumb = Thumb(value=values[0], ticks=tuple(values[1:])) if values else None
    status = _status("" if done == total else f"{done} of {total} trained", artefact)
    title = f"{_several(len(rows), 'setting')} × {_several(head['grid']['seeds'], 'seed')}{best}"
    said += _goes_on(status, "sweep", artefact)
    return Facts(title, (*said, *_when(head)), thumb, _sweep_form(head["grid"]), status=status)


def _sweep_form(grid: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the Network page's form that ask for it again; tied options are its taps."""
    options = dict(grid["options"])
    iterations, taps = options.pop("iterations", []), options.pop("taps+readout_taps", [[0]])
    wirings = options.pop("wiring", ["forward"])
    more = [(name, value) for name, values in options.items() for value in values]
    first, *others = map(str, grid["tasks"])
    name, _, own = first.partition(":")
    own = own or name * bool(others)  # empty alternatives are none
    beside = grid.get("parallel") or [()] * len(grid["layers"])
    layouts = zip(grid["layers"], beside, strict=True)
    form = {
        "kind": "sweep", "task": name, "options": "; ".join([own, *others]),
        "layers": "; ".join(layers_text(*one).replace(",", ", ") for one in layouts),
        "wiring": "; ".join(wirings), "taps": "; ".join(_word(one) for one in taps),
        "more": option_words(more), "seeds": grid["seeds"], "seed": grid["seed"],
    }  # fmt: skip
    return form | ({"iterations": iterations[0]} if len(iterations) == 1 else {})


def _word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _setting(row: Mapping[str, Any], *, several: bool) -> str:
    """Layers and options of a setting, of a sweep over `several` tasks its task, too."""
    layers = f"{layers_text(row['layers'], row.get('parallel', ())).replace(',', '·')} nodes"
    options = (f"{name.partition('+')[0]} {value}" for name, value in row["options"].items()
               if name != "iterations")  # fmt: skip
    tasks = [str(row["task"])] if several and "task" in row else []
    return ", ".join([*tasks, layers, *options])


def table(artefact: Artefact) -> Facts:
    """What a table of networks says, row by row."""
    head = artefact.head
    metric = head.get("metric")
    score = str(shown({"metric": metric}).get("metric_words", "NMSE"))
    rows = [("Score", score), *((str(row["label"]), _row(row, metric)) for row in head["rows"])]
    values = [row["predicted"]["mean"] for row in head["rows"] if row["predicted"]]
    good = [float(value) for value in values if value > 0]
    thumb = Thumb(value=good[0], ticks=tuple(good[1:])) if good else None
    status = _status("" if head.get("status") == "done" else "not complete", artefact)
    rows += _goes_on(status, "compare-networks", artefact)
    plan = head["plan"]
    name, _, options = str(plan["task"]).partition(":")
    form = {
        "kind": "table", "task": name, "options": options,
        "layers": layers_text(
            plan["layers"], plan["options"].get("parallel", ())
        ).replace(",", ", "),
        **{key: plan[key] for key in ("seeds", "seed", "folds", "iterations")},
        **layout_form(plan["options"]),
        "kinds": list(plan["kinds"]), "measure": bool(plan["bench"]),
    }  # fmt: skip
    return Facts(f"networks compared, {plan['task']}", (*rows, *_when(head)), thumb, form,
                 status=status)  # fmt: skip


def _row(row: Mapping[str, Any], metric: Any) -> str:
    foreseen, measured = row["predicted"], row["measured"]
    said = _mean(foreseen, metric) if foreseen else "nothing yet"
    return f"{said}, on the device {_mean(measured, metric)}" if measured else said


def _mean(told: Mapping[str, Any], metric: Any) -> str:
    """A mean over seeds as it is shown; of a classification the accuracy."""
    return f"{shown({'metric': metric, 'measured': told['mean']})['measured']:.3g}"


def twins_compared(artefact: Artefact) -> Facts:
    """Worst error over its floor of each objective, medians over seeds."""
    head = artefact.head
    rows = [(name, _ratios(values)) for name, values in head["summary"].items()]
    best = [v["crps"]["ratio"] for v in head["summary"].values() if v["crps"]["ratio"] is not None]
    title = f"{_several(len(head['summary']), 'objective')}, {head['minutes']:g} minutes each"
    plan = head.get("plan", {})  # an older version kept none, and was written at its end
    asked = list(plan["objectives"] if plan else head["summary"])
    total = len(asked) * int(plan["seeds"]) if plan else len(head["twins"])
    form = {
        "kind": "objectives", "objectives": asked, "compared_seed": head["seed"],
        "compared_seeds": max(1, total // max(1, len(asked))),
        "compared_minutes": float(head["minutes"]),
    }  # fmt: skip
    status = _status(_of_all(head["twins"], total, "fitted"), artefact)
    rows += _goes_on(status, "compare-twins", artefact)
    thumb = Thumb(bars=tuple(map(float, best))) if best else None
    return Facts(title, (*rows, *_when(head)), thumb, form, status=status)


def _goes_on(status: str, verb: str, artefact: Artefact) -> list[tuple[str, str]]:
    """The command that brings one to its end that is not there yet."""
    ended = status and status != RUNNING
    return [("Goes on by", how(verb, artefact.path))] if ended else []


def _status(lacks: str, artefact: Artefact) -> str:
    """What lacks of it, empty where nothing does; or that a living process works on it."""
    return RUNNING if lacks and goes_on_now(artefact.path) else lacks


def _of_all(done: Sequence[Any], total: int, what: str) -> str:
    """How many there are; empty where all are."""
    return "" if len(done) == total else f"{len(done)} of {total} {what}"


def _ratios(values: Mapping[str, Any]) -> str:
    named = ("mean", "spread", "autocovariance", "crps")
    found = [values[name]["ratio"] for name in named]
    return " · ".join(MISSING if one is None else f"{one:.2f}" for one in found) + " × floor"


def curve(artefact: Artefact) -> Facts:
    """What each number of repeats needs to reach the target."""
    head = artefact.head
    target = head["grid"]["target"]
    rows = [
        (f"{repeats} repeats", "not reached" if need is None else f"{need:.0f} measured repeats")
        for repeats, need in head["needed"].items()
    ]
    title = f"learning curve, {_several(len(head['points']), 'point')}, target {target:g} × floor"
    grid = head["grid"]
    form = {
        "kind": "curve", "curve_iterations": grid["iterations"], "curve_seeds": int(grid["seeds"]),
        "target": target,
    }  # fmt: skip
    total = len(grid["sequences"]) * len(grid["repeats"]) * int(grid["seeds"])
    status = _status(_of_all(head["points"], total, "points"), artefact)
    rows += _goes_on(status, "learning-curve", artefact)
    return Facts(title, (*rows, *_when(head)), None, form, status=status)


def _when(head: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Created", str(head.get("created", MISSING)).replace("+00:00", " UTC")),
        ("Written by", str(head.get("code_version", MISSING))),
    ]
