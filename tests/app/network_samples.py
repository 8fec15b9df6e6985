"""A twin recorded under the virtual bench's conditions, and a small network of it, on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from app.operations.events import Result
from app.operations.record_begin import slopes
from app.operations.train import train
from app.store import save_twin
from models.latent import TwinModel
from models.slopes import SLOPE
from models.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path
    from typing import Any

    from app.operations.events import Event
    from instruments.bench import Bench

TASK = "mackey-glass:train=700,validation=200,test=60,washout=20"


def twin_of(bench: Bench, *, deterministic: bool = False, seed: int = 0) -> Twin:
    """A twin that nobody fitted, in the bench's units and with its settings."""
    torch.manual_seed(seed)
    model = TwinModel(len(bench.channels), latent=3, hidden=12, deterministic=deterministic)
    weights = model.weights()
    weights["scale"] = np.full(len(bench.channels), 1e-6, dtype=np.float32)
    return Twin(
        weights,
        bench.channels,
        bench.units,
        3,
        12,
        deterministic,
        bench.spec.window,
        bench.spec.reset,
        bench.settings(),
        bench.identities(),
        0.05,
        0.95,
        meta={"id": f"twin-{seed}", "bench": bench.spec.name, SLOPE: slopes(bench)},
    )


def saved_network(
    bench: Bench, folder: Path, layers: Sequence[int] = (2, 2), task: str = TASK
) -> Path:
    """`network.json` of an untrained network, its twin beside it."""
    save_twin(folder / "twin", twin_of(bench))
    return run(train(task, [folder / "twin"], layers, folder / "network", iterations=0))[1]


def run(events) -> tuple[list[Event], Path]:
    """Every event of an operation, and its path."""
    seen: list[Event] = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as end:
            assert isinstance(seen[-1], Result)
            return seen, end.value


def value_of(events: Generator[Any, None, Any]) -> Any:
    """What an operation returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value
