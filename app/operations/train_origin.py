"""Whether a network to go on from knows the test part of the task that it is trained further for.

Context: layers that were trained on a test part score on it by memory, whatever their twins foresee
and the device measures. A task looks for leaks within itself; another task, or another split of the
same data, may have learned from any of its steps.
Decision: the tasks of the network, and of those that it went on from in turn, are made again, and
what they learned from is compared with the new test part. What can't be told is a warning, kept as
`origin_unknown` in the new network's `meta`.
Consequence: a network of the same unseen part that keeps `origin_unknown` was compared with that
part when it was trained, so that nothing is made again where a training goes on for its own task.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.artefacts import moved_with, sha256_of
from app.store import load_network
from app.weights_store import NETWORK_FILE
from models.errors import InputError
from models.network import ORIGIN_UNKNOWN
from models.paths import folder_at
from training.origin import same_data
from training.tasks import make_task
from training.tasks.shared import trained_on

if TYPE_CHECKING:
    from models.network import Network
    from training.tasks import Task


def unknown_of(origin: Network, path: Path, task: Task) -> list[str]:
    """What can't be told of whether a network in `path`, or one before it, knows the test part.

    A sentence on each; none: they don't know it.

    Raises
    ------
    InputError
        One of them was trained on steps or windows of it.
    """
    network, told, whose = origin, list[str](), f"{path}: was"
    while True:
        if not same_data(network, task):
            told += _compared(network, path, task, whose)
        elif ORIGIN_UNKNOWN in network.meta:
            return [*told, *network.origin_unknown]
        named = network.meta.get("options", {}).get("origin")
        if named is None:
            return told
        before = _before(Path(named), network, path)
        if before is None:
            return [*told, f"{named}, which {path} went on from, is gone{_unsaid(task)}"]
        whose = f"{path}: goes on from {before[1]}, which was"
        network, path = before


def _compared(network: Network, path: Path, task: Task, whose: str) -> list[str]:
    """What can't be told of a network of another task, or of other data; as `unknown_of`.

    `whose`: where the refusal begins, which network it is that was trained.
    """
    named = str(network.meta.get("task"))
    try:
        earlier = make_task(named)
    except InputError as error:
        why = "; ".join(error.problems) or str(error)
        return [f"the task of {path} can't be made again ({why}){_unsaid(task)}"]
    if not same_data(network, earlier):
        return [f"the task of {path}, {named}, gives other data by now{_unsaid(task)}"]
    if known := trained_on(task, earlier):
        what = "steps" if task.window == 1 else "windows"
        raise InputError(
            f"{whose} trained for {named}, whose training and validation part hold {known} of "
            f"the {task.answers(task.test).sum()} {what} of the test part of task {task.name!r}: a "
            "score there would be one of memory; train anew without --from, or go on from a "
            "network of the same split"
        )
    return []


def _unsaid(task: Task) -> str:
    return (
        f": nobody can tell whether the network was trained on the test part of task {task.name!r} "
        "and scores there by memory; put it back, or train anew without --from"
    )


def _before(named: Path, network: Network, path: Path) -> tuple[Network, Path] | None:
    """The network that one in `path` went on from, known by its digest, and its file."""
    folder = named.parent if named.name == NETWORK_FILE else named
    file = moved_with(folder, path if folder_at(path) else path.parent) / NETWORK_FILE
    digests = [parent.get("sha256") for parent in network.meta.get("parents", [])]
    try:
        return (load_network(file), file) if sha256_of(file) in digests else None
    except InputError:
        return None
