"""Events and results in words, for terminals and logs."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any

from app.cli.instrument_words import instrument_lines
from app.device_words import layers_words
from app.operations.events import (
    Event,
    Held,
    NodeMeasured,
    Note,
    Paused,
    Progress,
    Resumed,
    RunPlan,
    Stage,
    StepHeld,
)
from app.operations.learning_events import (
    BaselineScored,
    CandidateScored,
    FitProgress,
    TrainProgress,
    TrialEnded,
    TrialProgress,
    TrialStarted,
)
from app.operations.monitor import BenchRead
from app.shown_score import shown
from app.words import counted, duration, fixed, left_s, place_in
from models.command import command_line

MOST_NAMED = 6  # channels of a plan; a spectrum has sixty
PLACES = {"misfit": ("worst_node",), "diagnosis": ("costs_most", "clipped_most")}
"""Of a deployment's result: nodes by their places in the schedule, counted from 0."""


def words_of(event: Event) -> str | None:
    """One line for an event; None for those that only a plot can show."""
    match event:
        case Stage(name, index, total):
            return f"[{index}/{total}] {name}" if total > 1 else name
        case Note(text, level):
            return text if level == "info" else f"{level}: {text}"
        case Paused(seconds):
            return f"paused at zero current{f' for {duration(seconds)}' if seconds else ''}"
        case Held(out, seconds, at_most_s):
            why = "; ".join(out) or "all is back in its band"
            return f"held at zero current for {seconds:.0f} s of at most {at_most_s:.0f} s: {why}"
        case StepHeld(step, out, seconds, at_most_s) if out:
            return f"step {step} held for {seconds:.0f} s of at most {at_most_s:.0f} s: {out}"
        case Resumed(seconds):
            return f"going on after {duration(seconds)}"
        case RunPlan(sequences, repeats, steps, _, _, predicted_s, path, _):
            return (
                f"{counted(sequences, 'sequence')} × {counted(repeats, 'repeat')} × "
                f"{counted(steps, 'step')} of {_names(event.channel_words)}: "
                f"{duration(predicted_s)} of device time → {path}"
            )
        case Progress(job, done, total, unit, _, remaining_s, note):
            left = "" if remaining_s is None else f", {duration(remaining_s)} left"
            return f"{job}: {done:g} of {total:g} {unit}{left}{f' ({note})' if note else ''}"
        case FitProgress(iteration, total, loss, validation, elapsed_s):
            held_out = "" if validation is None else f", held out {validation:.4g}"
            left = f", {duration(left_s(iteration, total, elapsed_s))} left"
            return f"fit: iteration {iteration} of {total}, loss {loss:.4g}{held_out}{left}"
        case CandidateScored():
            return _candidate(event)
        case TrainProgress(iteration, total, training, validation, elapsed_s):
            rest = "" if validation is None else f", validation {validation:.4g}"
            rest += f", {duration(left_s(iteration, total, elapsed_s))} left"
            return f"train: iteration {iteration} of {total}, training {training:.4g}{rest}"
        case TrialStarted(name, attempt, where):
            return f"{name} begins on {where}{f' (attempt {attempt})' if attempt > 1 else ''}"
        case TrialProgress(name, _, _, _, stage) if stage:
            return f"{name}: {stage}"
        case TrialProgress(name, done, total, score):
            so_far = "" if score is None else f", validation error {score:.4g}"
            return f"{name}: {done:g} of {total:g}{so_far}"
        case TrialEnded(name, status, values, reason, ended, total):
            why = f" ({reason})" if reason else _scores(values)
            return f"[{ended}/{total}] {name}: {status}{why}"
        case BaselineScored(name, value, metric):
            return f"baseline {name}: {f'{metric} ' if metric != 'nmse' else ''}{value:.4g}"
        case NodeMeasured(layer, node, _, misfit):
            beside = f": {misfit:.2f} × the expected misfit" if isfinite(misfit) else " measured"
            return f"layer {layer + 1}, node {node + 1}{beside}"
        case BenchRead():
            return _reading(event)
        case _:
            return None


def _candidate(one: CandidateScored) -> str:
    """A structure that was tried, as a row of a table that grows line by line."""
    head = f"head of {one.head}" if one.head else "linear read-out"
    score = f"failed: {one.problem}" if one.score is None else f"energy score {one.score:.4f}"
    best = ", the best so far" if one.best else ""
    return (
        f"rung {one.rung} of {one.rungs}: {one.latent:>3} latent states, {one.hidden:>4} hidden "
        f"units, {head}: {score} after {duration(one.seconds)}{best}"
    )


def _scores(values: dict[str, Any]) -> str:
    """The scores in a trial's result, a classification's as accuracies."""
    told = shown(values)
    of = f"{told['metric_words']} " if "metric_words" in told else ""
    known = {n: told[n] for n in ("validation", "measured") if told.get(n) is not None}
    if isinstance(told.get("predicted"), dict):
        known["foreseen"] = told["predicted"]["value"]
    return "".join(f", {name} {of}{value:.4g}" for name, value in known.items())


def _reading(one: BenchRead) -> str:
    """What the rig shows, what else is energised, and what forbids current."""
    rows = zip(one.channels, one.values, one.units, strict=True)
    read = "  ".join(
        f"{name} —" if isnan(value) else f"{name} {value:+.5e} {unit}" for name, value, unit in rows
    )
    probed = isfinite(one.measured_field_T)
    probe = f", measured {1e3 * one.measured_field_T:+.4f}" if probed else ""
    field = f"{1e3 * one.field_T:+.4f} mT (set {1e3 * one.setpoint_T:+.4f}{probe})"
    output = f"output {'on' if one.output_on else 'off'}"
    others = f" (also energised: {'; '.join(one.others)})" if one.others else ""
    forbids = f"  no current allowed: {'; '.join(one.forbids)}" if one.forbids else ""
    return (
        f"{one.time_s:8.1f} s  field {field}  current {one.current_A:+.4f} A, {output}{others}"
        f"  {read}{forbids}"
    )


def _names(channels: tuple[str, ...]) -> str:
    """The channels by name; of a spectrum how many, and its ends."""
    if len(channels) <= MOST_NAMED:
        return ", ".join(channels)
    return f"{len(channels)} channels ({channels[0]} … {channels[-1]})"


def result_lines(values: dict[str, Any]) -> list[str]:
    """The result for people: errors and instruments as tables, the rest as `name  value`."""
    lines: list[str] = []
    for key, value in _with_places(values).items():
        name = _said(key)
        if name in ("errors", "coverage") and not value:
            continue  # of a twin that is not scored
        if name == "errors" and isinstance(value, dict):
            lines += error_lines(value)
        elif name == "instruments" and isinstance(value, dict):
            lines += instrument_lines(value)
        elif name == "map":  # to be pasted behind --map
            lines.append(f"{name:<14} {command_line(value.split())}")
        elif name == "devices" and _is_long(value):
            lines += [
                name,
                *(f"  {layers_words(one['layers'])}: runs in {one['nodes']}" for one in value),
            ]
        elif isinstance(value, dict):
            lines += _indented(name, value)
        elif _is_long(value):
            lines += [name, *(f"  {_text(item)}" for item in value)]
        else:
            lines.append(f"{name:<14} {_text(value)}")
    return lines


def _with_places(values: dict[str, Any]) -> dict[str, Any]:
    """The same, nodes as `layer 2, node 5` where programs read places counted from 0."""
    made, layers = dict(values), values.get("layers", ())
    for key, names in PLACES.items():
        if isinstance(told := values.get(key), dict):
            places = {name: place_in(layers, told[name]) for name in names if name in told}
            made[key] = {**told, **places}
    return made


def _indented(name: str, value: dict[str, Any], depth: int = 0) -> list[str]:
    pad = "  " * depth
    if not any(isinstance(item, dict) or _is_long(item) for item in value.values()):
        return [f"{pad}{name:<{14 - len(pad)}} {_text(value)}"]
    lines = [f"{pad}{name}"]
    for own, item in value.items():
        key = _said(own)
        if isinstance(item, dict):
            lines += _indented(str(key), item, depth + 1)
        elif _is_long(item):
            lines += [f"{pad}  {key}", *(f"{pad}    {_text(each)}" for each in item)]
        else:
            lines.append(f"{pad}  {key:<{12 - len(pad)}} {_text(item)}")
    return lines


def _said(key: str) -> str:
    """A result's name as people read it: one word for what the twin foresees."""
    return f"foreseen{key.removeprefix('predicted')}" if key.startswith("predicted") else key


def _is_long(value: Any) -> bool:
    """Whether it is a list whose items need a line each: sentences, rows of a table."""
    if not isinstance(value, (list, tuple)):
        return False
    return any(isinstance(item, dict) or (isinstance(item, str) and " " in item) for item in value)


def error_lines(errors: dict[str, Any]) -> list[str]:
    """The errors of a twin, each beside its half-split floor."""
    lines = [f"{'error':<16}{'value':>9}{'floor':>9}{'ratio':>8}{'excess':>9}   90 % of the ratio"]
    for name, row in errors.items():
        if not isinstance(row, dict) or "floor" not in row:
            continue
        low, high = row.get("low"), row.get("high")
        interval = "" if low is None or high is None else f"{low:.2f} … {high:.2f}"
        lines.append(
            f"{name:<17}{fixed(row.get('value'), 4):>8}{fixed(row.get('floor'), 4):>9}"
            f"{fixed(row.get('ratio'), 2):>8}{fixed(row.get('excess'), 4):>9}   {interval}"
        )
    coverage = errors.get("coverage")
    if isinstance(coverage, dict):
        lines.append(
            f"{'coverage':<16}{fixed(coverage.get('value'), 4):>9}   expected "
            f"{fixed(coverage.get('expected'), 3)} of a perfect twin"
        )
    return lines


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{_said(key)} {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if not value:
            return "—"
        if len(value) > MOST_NAMED * 2:
            return f"{_text(value[0])} … {_text(value[-1])} ({len(value)})"
        return ", ".join(_text(item) for item in value)
    return "—" if value is None else str(value)
