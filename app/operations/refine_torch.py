"""What a refinement computes with torch: its twins, fitted further on what the network sends.

Operations of their own, so that they run in a child process beside the rig.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from app.operations.events import Note
from app.operations.fit import fit
from app.operations.fit_input import FitInput
from app.operations.fitted_on import file_of
from app.operations.refine_round import KnownTwin, KnownTwins
from app.operations.transfer_torch import FORESEEN_SEED, read
from app.store import load_twin
from app.train_twins import TwinSet
from models.errors import InputError, raise_problems
from training.foresee import foresee
from training.layers import unasked
from training.stretch import layers_of, readout_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.operations.events import Event
    from instruments.clock import Stop
    from models.twin import Twin


def twins_known(network: Path) -> Generator[Event, None, KnownTwins]:
    """The different twins of a network, and the recordings that each was fitted on.

    Raises
    ------
    InputError
        Recordings that are gone or have changed: nothing to fit further on.
    """
    torch.set_num_threads(1)
    loaded, _, twins = read(network)
    members = len(twins.twins)
    each = len(twins.references) // members
    different = list(dict.fromkeys(reference.sha256 for reference in twins.references))
    which = tuple(different.index(reference.sha256) for reference in twins.references)
    found, problems = list[KnownTwin](), list[str]()
    for index in range(len(different)):
        reference = twins.references[which.index(index)]
        member, layer = divmod(which.index(index), each)
        twin = twins.twins[member][layer]
        yield Note(f"its twin: {reference.id}")
        folder = Path(reference.path).parent
        folders, wrong = _recordings_of(twin, folder, reference.id or reference.path)
        problems += wrong
        if not wrong:
            source = FitInput.read(folders, seed=0, deterministic=twin.deterministic)
            steps, device = int(np.median(source.recording.lengths)), loaded.layers[layer].device
            found.append(KnownTwin(Path(reference.path), device, tuple(folders), steps))
    raise_problems(InputError, str(network), problems)
    return KnownTwins(tuple(found), which, members)


def _recordings_of(twin: Twin, folder: Path, name: str) -> tuple[list[Path], list[str]]:
    """Folders of the recordings that a twin was fitted on, and what is wrong with them."""
    parents = twin.meta.get("parents", [])
    files = [(parent, file_of(parent, folder)) for parent in parents]
    problems = [] if files else [f"its twin {name} names no recording that it was fitted on"]
    problems += [
        f"the recording {parent['path']} of its twin is gone, or has changed: put it back, there "
        f"or beside {folder}"
        for parent, file in files
        if file is None
    ]
    return [file.parent for _, file in files if file is not None], problems


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
    """Fit a twin further on old recordings and a new one, half of each batch of the new one.

    `iterations`: of each of its members.
    """
    if resume:
        return (yield from fit([], out, resume=True))
    paths = [*map(Path, recordings), Path(new)]
    known, begun = load_twin(origin), Path(origin).parent
    source = FitInput.read(
        paths, seed=seed, deterministic=known.deterministic, begun=(known, begun)
    )
    before = sum(int(parent["sequences"]) for parent in source.parents[:-1])
    fresh = int((source.parts.training >= before).sum())
    old = len(source.parts.training) - fresh
    yield Note(f"{fresh} new sequences are half of each batch, {old} old ones the other half")
    return (
        yield from fit(
            paths, out, origin=origin, iterations=iterations * known.members, learning_rate=rate,
            seed=seed, fresh=fresh,
        )
    )  # fmt: skip


def foreseen_by(
    network: Path, twins: Sequence[Path], members: int, stop: Stop | None = None
) -> Generator[Event, None, dict[str, float]]:
    """What other twins of the same devices foresee of a network: `value`, `low`, `high`.

    `twins` as the network's own references stand: one ensemble member after another. `stop` is
    heard within.
    """
    torch.set_num_threads(1)
    loaded, task, _ = read(network)
    others = TwinSet.read([str(twin) for twin in twins], len(loaded.layers), members)
    yield Note("the network as it is, as the refitted twins see it")
    layers = layers_of(loaded, task, others.models)
    layers.between = unasked if stop is None else stop.check
    seed = int(loaded.meta.get("seed", 0)) + FORESEEN_SEED
    return foresee(layers, readout_of(loaded), task, seed).predicted
