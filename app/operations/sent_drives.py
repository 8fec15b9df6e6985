"""The drives that a network sends, of the training part of its task: for its twins to be fitted on.

Never of the test part, whose drives a deployment plays: a twin that had been fitted on the device's
answers to them would foresee a score of what it knew. Operations of their own, so that they run in
a child process beside the rig.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from app.device_words import layers_words
from app.operations.events import Note
from app.operations.transfer_torch import read
from training.passes import passes_of
from training.stretch import layers_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event
    from training.layers import NodeLayers
    from training.tasks import Task

    FloatArray = NDArray[np.float64]

PASSES = 4  # noisy passes that the drives are taken from


def pieces_sent(
    network: Path, fitted: int, scoring: int, steps: int, seed: int, device: int = 0
) -> Generator[Event, None, list[FloatArray]]:
    """Pieces `(steps,)` of the drives that a device's nodes send over the training part.

    First those that are fitted, then those that score. With noise; node after node, so that all are
    there; where in the series is drawn, never within the test part. One that scores has no step in
    common with a fitted one of its node, for as long as there are others.

    Raises
    ------
    InputError
        The training part is shorter than a piece.
    """
    torch.set_num_threads(1)
    loaded, task, twins = read(network)
    begins, played = task.begins(steps), loaded.layers_on(device)
    drives = _drives(layers_of(loaded, task, twins.models), played, task, seed)
    draw = np.random.default_rng([seed, 29])
    order = draw.permutation(drives.shape[2])
    pieces: list[FloatArray] = []
    taken, known = list[tuple[int, int]](), 0
    for k in range(fitted + scoring):
        node = int(order[k % len(order)])
        own = [begin for one, begin in taken[:fitted] if one == node] if k >= fitted else []
        apart = begins[(np.abs(begins[:, None] - np.array(own)) >= steps).all(axis=1)]
        known += not apart.size
        begin = int(draw.choice(apart if apart.size else begins))
        piece = drives[begin : begin + steps, int(draw.integers(0, drives.shape[1])), node]
        taken.append((node, begin))
        pieces.append(np.clip(piece, 0.0, 1.0))
    where = f" of {layers_words(played)}" if len(loaded.devices) > 1 else ""
    yield Note(f"{len(pieces)} pieces of {steps} steps of what {drives.shape[2]} nodes{where} send")
    if known:
        yield Note(
            f"{known} of the {scoring} pieces that score have steps in common with fitted ones of "
            "their node, since those are nearly everywhere: the twin's error after is told too "
            "small; ask for fewer --pieces",
            "warning",
        )
    return pieces


def windows_sent(
    network: Path, steps: int, devices: Sequence[int], seed: int
) -> Generator[Event, None, list[FloatArray]]:
    """All windows `(steps,)` that the nodes of these devices send over the training part.

    With noise, each window of one of a few passes; node after node; of one node no two have a step
    in common, and none holds a step of the test part.

    Parameters
    ----------
    network
        Its folder or file; its twins and its task's data are read, too.
    steps
        Of a window.
    devices
        By their number in the network.
    seed
        Of the noise, and of which pass each window is of.

    Raises
    ------
    InputError
        The training part is shorter than a window; the task's data or a twin is not what the
        network was trained with.
    """
    torch.set_num_threads(1)
    loaded, task, twins = read(network)
    begins = _apart(task.begins(steps), steps)
    played = sorted(layer for device in devices for layer in loaded.layers_on(device))
    drives = _drives(layers_of(loaded, task, twins.models), played, task, seed)
    draw = np.random.default_rng([seed, 31])
    yield from ()
    return [
        np.clip(drives[begin : begin + steps, int(draw.integers(0, drives.shape[1])), node], 0, 1)
        for node in range(drives.shape[2])
        for begin in begins
    ]


def _apart(begins: NDArray[np.int64], steps: int) -> list[int]:
    """The first of these stretches, and each further one that has no step in common with it."""
    found = list[int]()
    for begin in begins.tolist():
        if not found or begin >= found[-1] + steps:
            found.append(begin)
    return found


def _drives(layers: NodeLayers, played: Sequence[int], task: Task, seed: int) -> FloatArray:
    """Drives `(train_end, passes, nodes)` of some layers over the training part, from the reset."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.as_tensor(task.inputs[: task.train_end], dtype=torch.float32)
    chunks = [
        torch.cat([passed.drives[layer] for layer in played], dim=-1)
        for passed in layers.walk(inputs, passes_of(layers, PASSES), generator)
    ]
    return torch.cat(chunks).double().numpy()
