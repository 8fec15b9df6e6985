"""A recording of the virtual rig, a twin fitted to it for a moment, and a network of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from network_samples import TASK, run

from app.operations.fit import fit
from app.operations.record import record
from app.operations.train import train
from models.sequence import make_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from instruments.bench import Bench


def kept_network(
    bench: Bench, folder: Path, layers: Sequence[int] = (2, 2), iterations: int = 0
) -> Path:
    """Folder of the network; `recording` and `twin` stand beside it."""
    list(record(bench, make_sequences("mixed", 10, 40, 0), 4, folder / "recording"))
    list(fit([folder / "recording"], folder / "twin", iterations=40, seed=0))
    run(train(TASK, [folder / "twin"], layers, folder / "network", iterations=iterations))
    return folder / "network"
