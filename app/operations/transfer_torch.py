"""What recalibration and refinement compute with torch: operations of their own, for a child."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from app.artefacts import code_version, new_id, now_iso
from app.deployment import twin_file
from app.operations.events import Note
from app.store import load_network, save_network
from app.train_twins import TwinSet
from models.errors import InputError
from models.network import KNOWN_DATA
from training.foresee import Readout
from training.layers import unasked
from training.origin import same_data
from training.stretch import Stretch, layers_of, on_task, readout_of
from training.tasks import make_task

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.clock import Stop
    from models.network import Network
    from training.tasks import Task

    FloatArray = NDArray[Any]

FORESEEN_SEED = 2  # as `app.operations.train` does: the same draws, the same figure


def stretch(
    network: Path, out: Path, steps: int, stop: Stop | None = None
) -> Generator[Event, None, Path]:
    """Keep in `out` the network over the last `steps` of what training may see; returns its path.

    Raises
    ------
    InputError
        Its task has not so many, or the network or a twin can't be read.
    StoppedError
        By `stop`, heard while the twin foresees its score.
    """
    torch.set_num_threads(1)
    loaded, task, twins = read(network)
    part = Stretch.last(task, steps)
    yield Note(
        f"{int(part.answers(part.test).sum())} answers of the training and validation part, "
        f"steps {part.run.start} to {part.run.stop - 1} with {part.washout} of washout before; "
        "the test part is not touched"
    )
    layers = layers_of(loaded, task, twins.models)
    layers.between = unasked if stop is None else stop.check
    made = on_task(loaded, layers, readout_of(loaded), part, _seed(loaded))
    meta = {**loaded.meta, "id": new_id("net", out), "stretch_of": loaded.meta.get("id", "")}
    described = f"{KNOWN_DATA}: {loaded.task.get('description', task.name)}"
    told = {**loaded.task, "description": described}
    # baselines are of the unseen part
    kept = replace(made, twins=twins.references, meta=meta, task=told, baselines={})
    return save_network(out, kept)


def foreseen(
    network: Path,
    out: Path,
    weights: FloatArray,
    bias: FloatArray,
    meta: dict[str, Any],
    stop: Stop | None = None,
) -> Generator[Event, None, dict[str, Any]]:
    """Keep in `out` the network with another read-out; returns `path` and `predicted`.

    Raises
    ------
    StoppedError
        By `stop`, heard while the twin foresees its score.
    """
    torch.set_num_threads(1)
    loaded, task, twins = read(network)
    readout = Readout(torch.as_tensor(weights.copy()), torch.as_tensor(bias.copy()), 0.0)
    layers = layers_of(loaded, task, twins.models)
    layers.between = unasked if stop is None else stop.check
    yield Note("the score to expect on the unseen part, foreseen by the twin")
    made = on_task(loaded, layers, readout, task, _seed(loaded))
    said = {**loaded.meta, **meta, **fresh_meta(out)}
    path = save_network(out, replace(made, twins=twins.references, meta=said))
    return {"path": str(path), "predicted": made.predicted, "baselines": made.baselines}


def read(network: Path) -> tuple[Network, Task, TwinSet]:
    """A network, the task that it was trained for, and its twins."""
    loaded = load_network(network)
    task = make_task(str(loaded.meta["task"]))
    if not same_data(loaded, task):
        raise InputError(
            f"{network}: its task {loaded.meta['task']} gives other data by now than it was "
            "trained for, so that what is unseen may be known: put the data back, or train anew"
        )
    files = [str(twin_file(twin, network) or twin.path) for twin in loaded.twins]
    members = max(1, len(files) // max(len(loaded.meta.get("twins", files)), 1))
    return loaded, task, TwinSet.read(files, len(loaded.layers), members)


def fresh_meta(out: Path) -> dict[str, Any]:
    """What a new network in `out` says of itself."""
    return {"id": new_id("net", out), "created": now_iso(), "code_version": code_version()}


def _seed(network: Network) -> int:
    return int(network.meta.get("seed", 0)) + FORESEEN_SEED
