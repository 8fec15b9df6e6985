"""What a refinement computes with torch: the drives that a network sends, a twin that knows them.

Operations of their own, so that they run in a child process beside the rig.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.operations.events import Note
from app.operations.fit import fit
from app.operations.fit_input import FitInput
from app.operations.transfer_torch import FORESEEN_SEED, read
from app.store import load_twin
from app.train_twins import TwinSet
from models.errors import InputError, raise_problems
from training.foresee import foresee
from training.passes import passes_of
from training.stretch import layers_of, readout_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from app.operations.events import Event
    from training.layers import NodeLayers
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

PASSES = 4  # noisy passes that the drives are taken from


def sent(
    network: Path, count: int, steps: int, seed: int
) -> Generator[Event, None, list[FloatArray]]:
    """`count` pieces `(steps,)` of the drives that nodes send over the training part, with noise.

    Node after node, so that all are there; where in the series is drawn.

    Raises
    ------
    InputError
        The training part is shorter than a piece.
    """
    torch.set_num_threads(1)
    loaded, task, twins = read(network)
    end = int(np.flatnonzero(task.train)[-1]) + 1
    if end < steps:
        raise InputError(
            f"task {task.name!r}: its training part has {end} steps, a piece of {steps} doesn't fit"
        )
    drives = _drives(layers_of(loaded, task, twins.models), task, end, seed)
    draw = np.random.default_rng([seed, 29])
    order = draw.permutation(drives.shape[2])
    pieces = []
    for k in range(count):
        begin, one = int(draw.integers(0, end - steps + 1)), int(draw.integers(0, drives.shape[1]))
        piece = drives[begin : begin + steps, one, order[k % len(order)]]
        pieces.append(np.clip(piece, 0.0, 1.0))
    yield Note(f"{count} pieces of {steps} steps of what {drives.shape[2]} nodes send")
    return pieces


def _drives(layers: NodeLayers, task: Task, end: int, seed: int) -> FloatArray:
    """Drives `(end, passes, nodes)` of all layers over the training part, from the reset."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.as_tensor(task.inputs[:end], dtype=torch.float32)
    chunks = [
        torch.cat(passed.drives, dim=-1)
        for passed in layers.walk(inputs, passes_of(layers, PASSES), generator)
    ]
    return torch.cat(chunks).double().numpy()


def twin_known(network: Path) -> Generator[Event, None, dict[str, Any]]:
    """The one twin of a network, the recordings that it was fitted on, steps of their sequences.

    Raises
    ------
    InputError
        Several twins, or recordings that are gone: nothing to fit further on.
    """
    torch.set_num_threads(1)
    _, _, twins = read(network)
    yield Note(f"its twin: {twins.references[0].id}")
    several = {reference.sha256 for reference in twins.references}
    problems = [] if len(several) == 1 else [f"has {len(several)} twins: refine refits one"]
    twin = twins.twins[0][0]
    parents = twin.meta.get("parents", [])
    problems += [] if parents else ["its twin names no recording that it was fitted on"]
    problems += [
        f"the recording {p.get('path')} of its twin is gone: put it back"
        for p in parents
        if not Path(str(p.get("path"))).is_file()
    ]
    raise_problems(InputError, str(network), problems)
    paths = [Path(p["path"]).parent for p in parents]
    source = FitInput.read(paths, seed=0, deterministic=twin.deterministic)
    steps = int(np.median(source.recording.lengths))
    return {"twin": twins.references[0].path, "recordings": [str(p) for p in paths],
            "steps": steps}  # fmt: skip


def refit(
    recordings: Sequence[Path],
    new: Path,
    out: Path,
    origin: Path,
    iterations: int,
    rate: float,
    seed: int,
    resume: bool = False,
) -> Generator[Event, None, Path]:
    """Fit a twin further on old recordings and a new one, half of each batch of the new one."""
    if resume:
        return (yield from fit([], out, resume=True))
    paths = [*map(Path, recordings), Path(new)]
    source = FitInput.read(paths, seed=seed, deterministic=load_twin(origin).deterministic)
    before = sum(int(parent["sequences"]) for parent in source.parents[:-1])
    fresh = int((source.parts.training >= before).sum())
    old = len(source.parts.training) - fresh
    yield Note(f"{fresh} new sequences are half of each batch, {old} old ones the other half")
    return (
        yield from fit(
            paths, out, origin=origin, iterations=iterations, learning_rate=rate, seed=seed,
            fresh=fresh,
        )
    )  # fmt: skip


def foreseen_by(network: Path, twin: Path) -> Generator[Event, None, dict[str, float]]:
    """What another twin of the same device foresees of a network: `value`, `low`, `high`."""
    torch.set_num_threads(1)
    loaded, task, _ = read(network)
    other = TwinSet.read([str(twin)], len(loaded.layers))
    yield Note("the network as it is, as the refitted twin sees it")
    layers = layers_of(loaded, task, other.models)
    seed = int(loaded.meta.get("seed", 0)) + FORESEEN_SEED
    return foresee(layers, readout_of(loaded), task, seed).predicted
