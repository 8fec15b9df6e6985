"""Deployments, and what follows them, that ended early: how each goes on; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.artefacts import read_head
from app.deployment import network_of_run
from app.gui.live_transfer import NAMES, Transfer
from app.gui.words import count
from app.operations.deploy import NODES
from app.operations.transfer_parts import SCHEMA
from app.recording_reader import read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.operations.events import Event
    from app.session import Library
    from instruments.bench import Bench
    from instruments.clock import Pause

DEPLOY = "deploy"


@dataclass(frozen=True)
class BegunRun:
    """One that can go on: its folder, its verb, the folder of its network, how far it came."""

    path: Path
    verb: str
    network: Path
    far: str

    @property
    def words(self) -> str:
        """What a list calls it."""
        return self.path.name if self.verb == DEPLOY else f"{self.path.name}, {self.verb}"

    def start(self, bench: Bench, pause: Pause, *, despite_drift: bool) -> Iterator[Event]:
        """The operation that goes on with it."""
        if self.verb != DEPLOY:
            return Transfer(self.verb, despite_drift=despite_drift).go_on(bench, self.path, pause)
        from app.operations.deploy import deploy

        return deploy(
            self.network, bench, self.path, resume=True, pause=pause, despite_drift=despite_drift
        )


def begun_runs(library: Library) -> list[BegunRun]:
    """Those of a library that can go on, newest first; what is damaged is left out."""
    return library.readable(_begun)


def _begun(folder: Path) -> BegunRun | None:
    """What can go on in a folder; None where nothing can."""
    if (folder / NODES).is_dir():
        if (folder / "deployment.json").is_file():
            return None
        every = [read_recording(one).complete for one in folder.glob(f"{NODES}*")]  # one a device
        done, total = sum(int(c.sum()) for c in every), sum(c.size for c in every)
        far = f"{done} of {count(total, 'run')} measured"
        return BegunRun(folder, DEPLOY, network_of_run(folder / NODES).parent, far)
    for verb in NAMES:
        if (folder / f"{verb}.json").is_file():
            plan = read_head(folder / f"{verb}.json", verb, SCHEMA)
            if "result" not in plan:
                return BegunRun(folder, verb, Path(plan["network"]).parent, "what is done is kept")
    return None
