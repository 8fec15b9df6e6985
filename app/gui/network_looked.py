"""What the Network page reads beside the window: tasks, what one is made of, a finished network."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.deployment import twin_file
from app.device_words import differing
from app.store import load_network, load_twin
from models.errors import InputError, TwinrigError, raise_problems
from models.network import Device
from models.network_parts import distinct
from models.sequence import DriveWindow, Reset

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


def piece_steps(network: Network, path: Path) -> int | None:
    """Steps of the sequences that its twins were fitted on, of the longest; None: not told.

    `path`: where the network is; its twins are looked for beside it, too.
    """
    files = [file for twin in network.twins if (file := twin_file(twin, path))]
    with suppress(TwinrigError, KeyError, TypeError, ValueError):  # gone, or of an older version
        parents = [parent for file in files for parent in load_twin(file).meta["parents"]]
        return max(int(parent["steps"]) for parent in parents)
    return None


def head_task(head: Mapping[str, Any]) -> str:
    """The task of a network by its head."""
    return str(head.get("meta", {}).get("task") or head.get("task", {}).get("name", ""))


def head_layers(head: Mapping[str, Any]) -> tuple[int, ...]:
    """Nodes of each layer by the head of a network."""
    return tuple(int(layer["nodes"]) for layer in head.get("layers", ()))


def head_blocks(head: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Blocks that each layer sees by the head of a network, once a delay."""
    return tuple(
        tuple(int(source["layer"]) for source in layer.get("sources", ())) or (index - 1,)
        for index, layer in enumerate(head.get("layers", ()))
    )


def head_device(head: Mapping[str, Any]) -> Device | None:
    """The device of a twin by its head; None where that says no device."""
    with suppress(KeyError, TypeError, TwinrigError):
        meta = head.get("meta") or {}
        return Device(
            tuple(head["channels"]), tuple(head["units"]), DriveWindow(**head["window"]),
            Reset(**head["reset"]), head["settings"], head["identities"],
            str(meta.get("bench", "")),
        )  # fmt: skip
    return None


def devices_of(twins: Sequence[Path], heads: Mapping[Path, Mapping[str, Any]]) -> list[Device]:
    """The devices of a network's twins; empty where one isn't known: the operation looks itself."""
    found = [head_device(heads.get(twin, {})) for twin in twins]
    known = [device for device in found if device is not None]
    return list(distinct(known)[0]) if len(known) == len(found) else []


def paired(
    twins: Sequence[Path], plain: Sequence[Path], heads: Mapping[Path, Mapping[str, Any]]
) -> tuple[Path, ...]:
    """Of each twin the one without noise of the same device; none where none is given.

    Raises
    ------
    InputError
        A twin has none among those that are given, or several.
    """
    found, problems = [], []
    for twin in dict.fromkeys(twins) if plain else ():
        own = head_device(heads.get(twin, {}))
        others = {path: head_device(heads.get(path, {})) for path in plain}
        fits = [p for p, other in others.items() if own and other and not differing(other, own)]
        found.append((twin, fits))
        if len(fits) != 1:
            many = f"{len(fits)} of them are" if fits else "none of them is"
            problems.append(f"without noise: {many} of the device of {twin.name}; tick one")
    raise_problems(InputError, "the table", problems)
    each = {twin: fits[0] for twin, fits in found}
    return tuple(each[twin] for twin in twins) if plain else ()


def wiring_of(network: Network) -> tuple[tuple[tuple[int, ...], ...], dict[int, int]]:
    """Blocks that each layer sees, once a delay, and the columns of each block."""
    count = len(network.layers)
    sources = tuple(
        tuple(source.layer for source in network.seen_by(layer)) for layer in range(count)
    )
    return sources, {layer: network.width(layer) for layer in range(count)}
