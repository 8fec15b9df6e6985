"""Deployments, and what follows them, that ended early: how each goes on; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import read_head
from app.deployment import network_of_run, nodes_folder
from app.gui.live_transfer import NAMES
from app.gui.words import count
from app.operations.deploy import NODES
from app.operations.transfer_parts import SCHEMA
from app.recording_reader import read_recording
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.library.library import Library

    FloatArray = NDArray[np.float64]

DEPLOY = "deploy"


@dataclass(frozen=True)
class BegunRun:
    """One that can go on: its folder, its verb, the folder of its network, how far it came.

    `measured`: responses `(R, T, C)` by (device, row of its recording) of each node whose repeats
    are all there.
    """

    path: Path
    verb: str
    network: Path
    far: str
    measured: dict[tuple[int, int], FloatArray] = field(default_factory=dict, compare=False)

    @property
    def words(self) -> str:
        """What a list calls it."""
        return self.path.name if self.verb == DEPLOY else f"{self.path.name}, {self.verb}"


def begun_runs(library: Library) -> list[BegunRun]:
    """Those of a library that can go on, newest first; what is damaged is left out."""
    return library.readable(_begun, named=(NODES, *(f"{verb}.json" for verb in NAMES)))


def _begun(folder: Path) -> BegunRun | None:
    """What can go on in a folder; None where nothing can."""
    if folder_at(folder / NODES):
        if file_at(folder / "deployment.json"):
            return None
        devices = range(len(list(folder.glob(f"{NODES}*"))))
        nodes = [read_recording(folder / nodes_folder(k)) for k in devices]
        every = [one.complete for one in nodes]
        done, total = sum(int(c.sum()) for c in every), sum(c.size for c in every)
        far = f"{done} of {count(total, 'run')} measured"
        whole = [(k, int(row)) for k in devices for row in np.flatnonzero(every[k].all(axis=1))]
        network = network_of_run(folder / NODES).parent
        return BegunRun(folder, DEPLOY, network, far, {
            (k, row): nodes[k].response[row] for k, row in whole
        })  # fmt: skip
    for verb in NAMES:
        if file_at(folder / f"{verb}.json"):
            plan = read_head(folder / f"{verb}.json", verb, SCHEMA)
            if "result" not in plan:
                return BegunRun(folder, verb, Path(plan["network"]).parent, "what is done is kept")
    return None
