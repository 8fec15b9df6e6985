"""What a network must beat: plain software, and the untrained network of the same twins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from app.advice import UNTRAINED
from app.operations.events import Note, Progress
from app.operations.learning_events import BaselineScored
from app.operations.train_reuse import same_twins
from app.store import code_version
from training.baselines import AS_THE_DEVICE, Tried, as_the_device, software_baselines
from training.foresee import best_readout, device_spread, foresee, ridges_for
from training.origin import same_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.operations.events import Event
    from app.operations.train_reuse import Beside
    from app.operations.train_setup import Setup
    from models.network import Network
    from training.tasks import Task


def baselines(setup: Setup, beside: Beside, found: dict[str, float]) -> Iterator[Event]:
    """Fill `found`, a score by name; what a network before or beside has is not made again.

    What is in it, of a checkpoint, stays.
    """
    task, request, origin = setup.task, setup.request, setup.origin
    nodes = sum(setup.design.nodes)
    kept = {} if found or origin is None else _of_origin(origin, setup)
    if kept and origin is not None and origin.meta.get("code_version") == code_version():
        spread, named = _spread(setup), [n for n in kept if n.endswith(AS_THE_DEVICE)]
        if spread is None or named == [as_the_device(nodes, spread)]:
            found.update(kept)
            yield Note("the baselines are those of the network that this one goes on from")
    if not found and (known := beside.baselines()):
        yield Note("baselines are those of a network beside this one: nothing differs")
        for name, value in known.items():
            if name != UNTRAINED or request.iterations > 0:
                found[name] = value
                yield BaselineScored(name, value, task.metric)
    if not found:
        spread, delays = _spread(setup), setup.design.readout_delays
        yield from of_software(task, nodes, spread, request.seed, found, delays=delays)
    if UNTRAINED in kept:  # another version's software may score otherwise, its network does not
        found.setdefault(UNTRAINED, kept[UNTRAINED])
    if UNTRAINED not in found and request.iterations > 0:
        layers, _ = setup.untrained()
        readout = best_readout(layers, task, ridges_for(layers, task), setup.draw())
        foreseen = foresee(layers, readout, task, request.seed + 2)
        found[UNTRAINED] = foreseen.predicted["value"]
        yield BaselineScored(UNTRAINED, found[UNTRAINED], task.metric)


def _spread(setup: Setup) -> float | None:
    """The device's spread as a share of its signal, by its twins; None: they have no noise."""
    models = dict.fromkeys(model for row in setup.stochastic.models for model in row)
    return round(float(np.mean([device_spread(model) for model in models])), 3) or None


def _of_origin(origin: Network, setup: Setup) -> dict[str, float]:
    """Baselines of a network to go on from that hold here, too: of the same task and data.

    Of other twins not that of the untrained network, which is what those foresaw.
    """
    same = origin.task.get("description") == setup.task.describe()
    if not same or not same_data(origin, setup.task):
        return {}
    through = same_twins(origin, setup.stochastic)
    return {n: value for n, value in origin.baselines.items() if through or n != UNTRAINED}


def of_software(
    task: Task,
    nodes: int,
    spread: float | None,
    seed: int,
    found: dict[str, float],
    *,
    delays: Sequence[int] = (0,),
) -> Iterator[Event]:
    """Fill `found`, a score by name, with `software_baselines`; says how far it is."""
    began = time.monotonic()
    for one in software_baselines(task, nodes, spread, seed, delays=delays):
        if isinstance(one, Tried):
            elapsed_s = time.monotonic() - began
            left_s = elapsed_s * (one.total - one.done) / one.done
            yield Progress("baselines", one.done, one.total, "passes of echo-state networks",
                           elapsed_s, left_s)  # fmt: skip
        else:
            name, found[name] = one
            yield BaselineScored(name, found[name], task.metric)
            began = time.monotonic()  # a try of the echo-state networks takes another time
