"""How long a fit or a training will take, told by the last one of its sort in the library; no Qt.

Where there was none of its sort, nothing is said: how fast a processor is nobody knows before.
"""

from __future__ import annotations

import math
from contextlib import suppress
from heapq import heapreplace
from typing import TYPE_CHECKING, Any

from app.gui.network_asks import TrainAsk
from app.gui.twin_asks import CURVE_FITS, FitAsk
from app.operations.side_by_side import cores
from models.errors import InputError
from training.fit_settings import FEW_SEQUENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from app.gui.sweep_asks import SweepAsk
    from app.gui.twin_asks import CurveAsk
    from app.gui.twin_looked import Looked
    from app.library.folders import Artefact

    Head = dict[str, Any]

APART = ("mean", "published")  # objectives whose iterations cost less, or far more, than others'
LEAST_SHARE = 0.1  # of a training: one that is shorter was mostly its start and its baselines


def fit_s(ask: FitAsk, looked: Sequence[Looked], twins: Mapping[Path, Artefact]) -> float | None:
    """Time of a fit of these recordings without its start and its score, in s; None: not known.

    Told by the newest twin of as many channels, of batches as large and of an objective that costs
    as much; by iterations and steps.
    """
    if ask.searched or not looked:
        return None
    steps, few = max(one.steps for one in looked), _few(one.sequences for one in looked)
    objective = ask.objective
    begun = None if ask.origin is None else twins.get(ask.origin)
    if begun is not None:
        objective = objective or str(begun.head["meta"].get("objective", ""))
    sizes = {"latent": ask.latent, "hidden": ask.hidden}

    def each_s(head: Head) -> float | None:
        meta = head["meta"]
        parents = meta["parents"]
        alike = (
            len(head["channels"]) == len(looked[0].channels)
            and _sort(meta["objective"]) == _sort(objective)
            and _few(parent["sequences"] for parent in parents) == few
            and all(size in (0, head[name]) for name, size in sizes.items())
        )
        if not alike:
            return None
        longest = max(parent["steps"] for parent in parents)
        return float(meta["seconds"] / meta["iterations"] * steps / longest)

    pace_s = _newest(each_s, twins.values())
    if pace_s is None:
        return None
    return min(ask.iterations * pace_s, 60.0 * ask.minutes or math.inf)


def curve_s(
    ask: CurveAsk, looked: Sequence[Looked], twins: Mapping[Path, Artefact]
) -> float | None:
    """Time of a learning curve at most, in s; None: not known."""
    each_s = fit_s(FitAsk(iterations=ask.iterations), looked, twins)
    return None if each_s is None else CURVE_FITS * ask.seeds * each_s


def train_s(ask: TrainAsk | SweepAsk, networks: Mapping[Path, Artefact]) -> float | None:
    """Time of a training, of all its seeds or of a sweep's networks, in s; None: not known.

    Told by the newest network for the same task that was trained at least a tenth as long; by
    iterations and nodes.
    """
    if ask.pool.scheduler:
        return None  # who works there, and how fast, it knows
    asked = _trainings(ask, networks)
    told_s = {one: _trained_s(*one, networks) for one in set(asked)}  # a sweep's are much alike
    known_s = [one_s for one in asked if (one_s := told_s[one]) is not None]
    if not known_s or len(known_s) < len(asked):
        return None
    busy_s = [0.0] * min(len(known_s) * ask.seeds, ask.pool.count or cores())
    for one_s in known_s:  # each seed of each to whoever is free first
        for _ in range(ask.seeds):
            heapreplace(busy_s, busy_s[0] + one_s)
    return max(busy_s)


def _trainings(
    ask: TrainAsk | SweepAsk, networks: Mapping[Path, Artefact]
) -> list[tuple[str, int]]:
    """Task, and iterations times nodes, of each network but for its seed."""
    with suppress(InputError, KeyError, TypeError):  # which the button tells; a head as it comes
        if not isinstance(ask, TrainAsk):
            settings = ask.grid().settings
            return [(one.task, one.options["iterations"] * sum(one.layers)) for one in settings]
        begun = None if ask.origin is None else networks.get(ask.origin)
        if begun is None:
            return [(ask.task, ask.iterations * sum(ask.layers))]
        meta = begun.head["meta"]
        return [(str(meta["task"]), ask.iterations * sum(meta["layers"]))]
    return []


def _trained_s(task: str, work: int, networks: Mapping[Path, Artefact]) -> float | None:
    """Time of one training of so many iterations times nodes."""

    def each_s(head: Head) -> float | None:
        meta = head["meta"]
        done = meta["trained"] * sum(meta["layers"])
        same = str(meta["task"]).partition(":")[0] == task.partition(":")[0]
        return float(meta["seconds"] / done) if same and done >= LEAST_SHARE * work > 0 else None

    pace_s = _newest(each_s, networks.values())
    return None if pace_s is None else work * pace_s


def _newest(of_head: Callable[[Head], float | None], found: Iterable[Artefact]) -> float | None:
    """What the newest artefact tells that tells anything."""
    told = []
    for one in found:
        with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):  # a head as it comes
            if (value := of_head(one.head)) is not None and value > 0:
                told.append((str(one.head["meta"]["created"]), value))
    return max(told)[1] if told else None


def _few(sequences: Iterable[int]) -> bool:
    return sum(sequences) < FEW_SEQUENCES


def _sort(objective: str) -> str:
    return objective if objective in APART else ""
