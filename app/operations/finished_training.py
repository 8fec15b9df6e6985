"""What a training that is finished tells, asked to go on: its result once more. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.advice import training_advice
from app.fit_checkpoint import remove_checkpoint
from app.weights_store import NETWORK_FILE, load_network
from models.paths import file_at

if TYPE_CHECKING:
    from pathlib import Path

    from models.network import Network

EXTRA = ("ridge", "gain", "validation", "validation_of_layers", "trained", "judged", "seconds")
"""Of a network's metadata: what its training's result tells, where it has it."""


def finished_training(out: Path) -> dict[str, Any] | None:
    """The result of a training that is finished in `out`, else None; raises as `load_network`."""
    if not file_at(out / NETWORK_FILE):
        return None
    network = load_network(out)
    remove_checkpoint(out)
    return {"path": str(out / NETWORK_FILE), **_of_network(network)}


def _of_network(network: Network) -> dict[str, Any]:
    task, meta = network.task, network.meta
    advice = training_advice(network.past, network.predicted["value"], network.baselines)
    return {
        "task": task["name"],
        "metric": task["metric"],
        "predicted": network.predicted,
        "baselines": network.baselines,
        "description": task.get("description", ""),
        "nodes": network.nodes,
        **{name: meta[name] for name in EXTRA if name in meta},
        **({"advice": advice} if advice else {}),
    }
