"""The tasks that a network can be trained for; one of them with its split and its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from app.operations.events import Note, Result, Stage
from app.operations.train_baselines import of_software
from models.errors import InputError, raise_problems
from training.tasks import known_tasks, make_task, options_of
from training.tasks.doubts import doubts

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event
    from training.tasks import Task

NODES = 100  # of the echo-state networks where nobody says another size
MOST_NODES = 10_000  # 800 MB of weights; a network takes hours
MOST_SPREAD = 1000.0  # of the signal: beyond it there is none, and at some 1e150 nothing is solved


def list_tasks() -> Generator[Event, None, dict[str, str]]:
    """Every task's name and first line, with its options; returns the lines."""
    found = known_tasks()
    rows = {name: {"about": words, "options": options_of(name)} for name, words in found.items()}
    yield Result({"tasks": rows})
    return found


def describe_task(
    text: str, *, nodes: int = NODES, spread: float | None = None, seed: int = 0
) -> Generator[Event, None, Task]:
    """One task: what it is made of, then what software without a device gets on it.

    Parameters
    ----------
    text
        Name and options, such as `digits:fold=1,pool=all`.
    nodes
        Of the echo-state networks.
    spread
        State noise for them, a share of the signal as a device has it; None: left out.
    seed
        Of the echo-state networks.

    Raises
    ------
    InputError
        An unknown task, options or data that it refuses.
    """
    torch.set_num_threads(1)
    task = make_task(text)
    _refuse(text, nodes, spread)
    yield Note(task.describe())
    yield from (Note(words, "warning") for words in doubts(task))
    yield Stage("software baselines", 1, 1)
    baselines: dict[str, float] = {}
    yield from of_software(task, nodes, spread, seed, baselines)
    yield Result(_values(task, baselines))
    return task


def _refuse(text: str, nodes: int, spread: float | None) -> None:
    """Raise InputError where no device is of that kind."""
    problems = []
    if nodes > MOST_NODES:
        problems.append(f"{nodes} nodes of an echo-state network: at most {MOST_NODES}")
    if spread is not None and spread > MOST_SPREAD:
        problems.append(
            f"a spread of {spread:g} times the signal: at most {MOST_SPREAD:g}; 0.1 is a tenth of "
            "the signal"
        )
    raise_problems(InputError, f"task {text}", problems)


def _values(task: Task, baselines: dict[str, float]) -> dict[str, Any]:
    parts = {"train": task.train, "validation": task.validation, "test": task.test}
    return {
        "task": task.name,
        "metric": task.metric,
        "description": task.describe(),
        "inputs": task.inputs.shape[1],
        "outputs": task.targets.shape[1],
        "window": task.window,
        "pool": task.pool,
        "split": {name: int(task.answers(mask).sum()) for name, mask in parts.items()},
        "washout": task.washout,
        "classes": list(task.classes),
        "options": dict(task.options),
        "baselines": baselines,
    }
