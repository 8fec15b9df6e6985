"""What a report says of networks, in sentences; loads nothing that draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.advice import UNTRAINED as BASELINE
from app.deployment import DETERMINISTIC, NOISE_AWARE, UNTRAINED
from app.report.measured import scored
from app.scatter import WITHIN, within_scatter
from app.shown_score import ACCURACY, shown
from app.words import shown_name
from models.network import KNOWN_DATA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.report.measured import Measured
    from models.network import Network


def undeployed(networks: Sequence[Network]) -> list[str]:
    """What the twins foresee of networks that no device has run, beside the best plain software."""
    said = [
        shown(
            {"metric": one.task["metric"], "predicted": one.predicted, "baselines": one.baselines}
        )
        for one in networks
    ]
    values = sorted(float(one["predicted"]["value"]) for one in said)
    metric = metric_of(said[0])
    range_ = " to ".join(dict.fromkeys((scored(values[0]), scored(values[-1]))))
    words = f"Nothing was deployed: foreseen by the twin, {metric} {range_}"
    known = numbers(said[0]["baselines"])
    plain = {name: value for name, value in known.items() if not name.startswith(UNTRAINED)}
    if plain:
        best = (max if said[0]["metric"] == ACCURACY else min)(plain, key=plain.__getitem__)
        words += f"; plain software gets {scored(plain[best])} ({shown_name(best)})"
    alone = said if len(said) == 1 else []  # of several it would be of which one
    return [f"{words}.", *(w for one in alone for w in _no_gain(values[0], one))]


def headline(runs: Sequence[Measured]) -> list[str]:
    """What was gained and what was lost on the way, in sentences; `runs` best first."""
    by_label = {run.label: run for run in reversed(runs)}
    first = by_label.get(NOISE_AWARE, runs[0])
    metric, alike = metric_of(first.body), sum(run.label == first.label for run in runs)
    best = f"best of {alike} {first.label} networks deployed" if alike > 1 else (
        f"{first.label} network"
    )  # fmt: skip
    kept = "keeps its score" if first.keeps else "loses on the way"
    the = "On data that its training knew the" if of_known_data(first.body) else "The"
    beside = against_baselines(first)
    sentences = [
        f"{the} {best} {kept}: {metric} {scored(first.predicted)} foreseen by the twin, "
        f"{scored(first.measured, first.digits)} on the device{first.averaged} ({first.lost}"
        f"{first.beyond_words}){f'; it {beside}' if beside else ''}."
    ]
    plain, untrained = by_label.get(DETERMINISTIC), by_label.get(UNTRAINED)
    if plain is not None and plain is not first:
        gained = "noise-aware training gained"
        better = gained if first.label == NOISE_AWARE else f"the {first.label} network wins by"
        better = better if first.better_than(plain.measured) else "it still wins by"
        level = plain.measured == first.measured
        sentences.append(
            f"Trained on a deterministic twin, {scored(plain.predicted)} became "
            f"{scored(plain.measured)} ({plain.lost}): "
            + ("level" if level else f"{better} {_apart(first, plain)}")
            + " on the device."
        )
    if untrained is not None and untrained is not first:
        which = "worse" if untrained.better_than(first.measured) else "better"
        level = untrained.measured == first.measured
        made = "no better" if level else f"{which} by {_apart(first, untrained)}"
        sentences.append(
            f"The same nodes untrained reach {scored(untrained.measured)}: training made it {made}."
        )
    if untrained is None:
        sentences += _no_gain(first.predicted, first.body)  # both by the twin
    return sentences


def of_known_data(body: Mapping[str, Any]) -> bool:
    """Whether a deployment's task, or a network's, is a stretch that its training has seen."""
    return str(body.get("description", "")).startswith(KNOWN_DATA)


def against_baselines(run: Measured) -> str:
    """Which baselines a deployment beats and which it loses to, in words; where by chance alone.

    The same network untrained is left out: it is a network, and has a row of its own.
    """
    known = numbers(run.body["baselines"])
    known = {name: value for name, value in known.items() if not name.startswith(UNTRAINED)}
    level = [name for name, value in known.items() if value == run.measured]
    won = [name for name, value in known.items() if run.better_than(value)]
    lost = [name for name in known if name not in (*won, *level)]
    near = within_scatter(*_errors(run, known))
    sides = (
        ("beats", won), ("is level with", level), ("loses to", lost), (f"{WITHIN}:", near)
    )  # fmt: skip
    told = ((word, map(shown_name, names)) for word, names in sides if names)
    return "; ".join(f"{word} {' · '.join(names)}" for word, names in told)


def _errors(
    run: Measured, baselines: Mapping[str, float]
) -> tuple[float, dict[str, float], dict[str, float]]:
    """Its measured score, what was foreseen and the baselines; of accuracies the errors."""
    foreseen = numbers(run.body["predicted"])
    if not run.higher_wins:
        return run.measured, foreseen, dict(baselines)
    ends = {"value": "value", "low": "high", "high": "low"}
    errors = {ends[name]: 1 - score for name, score in foreseen.items() if name in ends}
    return 1 - run.measured, errors, {name: 1 - score for name, score in baselines.items()}


def _no_gain(score: float, said: Mapping[str, Any]) -> list[str]:
    """A sentence where the same nodes untrained are foreseen to do as well as a trained network."""
    value = numbers(said["baselines"]).get(BASELINE)
    if value is None or (value < score if said["metric"] == ACCURACY else value > score):
        return []
    return [f"The same nodes untrained are foreseen at {scored(value)}: training brought nothing."]


def _apart(one: Measured, other: Measured) -> str:
    """How far two scores are apart on the device, whichever is better."""
    low, high = sorted((one.measured, other.measured))
    return (
        f"{100 * (high - low):.1f} points" if one.higher_wins else f"a factor of {high / low:.1f}"
    )


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Those of the values that are positive numbers."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, (int, float)) and value > 0
    }


def metric_of(said: Mapping[str, Any]) -> str:
    """A metric as people read it."""
    return str(said.get("metric_words") or str(said["metric"]).upper())
