"""What the Network page reads beside the window: tasks, what one is made of, a finished network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.store import load_network
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from models.network import Network


def tasks() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name → first line and options with defaults, of every task there is; imports no torch."""
    from training.tasks import known_tasks, options_of

    return {name: (words, options_of(name)) for name, words in known_tasks().items()}


@dataclass(frozen=True)
class TaskSaid:
    """What a task of this text is made of, or why it is none."""

    text: str
    description: str


def described(texts: Sequence[str]) -> TaskSaid:
    """Make each task and let it describe itself; raises InputError as the training would."""
    from training.tasks import make_task

    said, problems = [], []
    for text in texts:
        try:
            said.append(make_task(text).describe())
        except InputError as error:
            problems.append(str(error))
    if len(problems) == 1:
        raise InputError(problems[0])
    raise_problems(InputError, "the tasks", problems)
    return TaskSaid("; ".join(texts), "\n".join(said))


def looked(path: Path) -> tuple[Path, Network]:
    """A finished network."""
    return path, load_network(path)


def head_layers(head: Mapping[str, Any]) -> tuple[int, ...]:
    """Nodes of each layer by the head of a network."""
    return tuple(int(layer["nodes"]) for layer in head.get("layers", ()))


def head_blocks(head: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Blocks that each layer sees by the head of a network, once a delay."""
    return tuple(
        tuple(int(source["layer"]) for source in layer.get("sources", ())) or (index - 1,)
        for index, layer in enumerate(head.get("layers", ()))
    )


def wiring_of(network: Network) -> tuple[tuple[tuple[int, ...], ...], dict[int, int]]:
    """Blocks that each layer sees, once a delay, and the columns of each block."""
    count = len(network.layers)
    sources = tuple(
        tuple(source.layer for source in network.seen_by(layer)) for layer in range(count)
    )
    return sources, {layer: network.width(layer) for layer in range(count)}
