"""What a fit or a training that is finished tells, asked to go on: its result once more.

As of every long run: whoever repeats `--resume` until it exits with 0 needs no look at the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.advice import training_advice
from app.fit_checkpoint import remove_checkpoint
from app.operations.scored import kept_values
from app.so_far import remove_so_far
from app.weights_store import NETWORK_FILE, TWIN_FILE, load_network, load_twin

if TYPE_CHECKING:
    from pathlib import Path

    from models.network import Network

EXTRA = ("ridge", "gain", "validation", "validation_of_layers", "trained", "judged", "seconds")
"""Of a network's metadata: what its training's result tells, where it has it."""


def finished_fit(out: Path) -> dict[str, Any] | None:
    """The result of a fit that is finished in `out`, else None; a checkpoint left there goes.

    Raises
    ------
    InputError
        The twin is damaged.
    TwinrigError
        The disk refuses.
    """
    if not (out / TWIN_FILE).is_file():
        return None
    twin = load_twin(out)
    remove_checkpoint(out)
    remove_so_far(out)
    meta, noiseless = twin.meta, twin.deterministic
    kept = meta.get("validation", {})
    names = ("iterations", "seconds", "notes", "from")
    return {
        "path": str(out / TWIN_FILE),
        **kept_values(twin.errors, twin.coverage, kept, deterministic=noiseless),
        **({} if twin.members == 1 else {"members": twin.members}),
        **({"held_out": meta["held_out"]["note"]} if twin.errors and "held_out" in meta else {}),
        **{name: meta[name] for name in names if name in meta},
    }


def finished_training(out: Path) -> dict[str, Any] | None:
    """The result of a training that is finished in `out`, else None; raises as `finished_fit`."""
    if not (out / NETWORK_FILE).is_file():
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
