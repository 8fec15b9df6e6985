"""Tasks by name: `mackey-glass:h=5` and the like."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from models.errors import InputError, raise_problems
from training.tasks.series import mackey_glass

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.tasks.task import Task

SHORT_NAMES = {"h": "horizon"}
TASKS: dict[str, Callable[..., Task]] = {"mackey-glass": mackey_glass}


def make_task(text: str, **options: Any) -> Task:
    """Task of a name with options, such as `mackey-glass` or `mackey-glass:h=5,test=500`.

    `options` are set over those in the text.

    Raises
    ------
    InputError
        An unknown task or option, or a value that the task refuses.
    """
    name, _, tail = text.partition(":")
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(TASKS)}"
        raise InputError(f"task {name!r} is unknown; {hint}")
    known = list(inspect.signature(TASKS[name]).parameters)
    given: dict[str, Any] = {}
    problems = []
    for part in filter(None, tail.split(",")):
        key, _, value = part.partition("=")
        if not value.strip().isdigit():
            problems.append(f"option {part!r} must read name=whole number")
        else:
            given[key.strip()] = int(value)
    given = {SHORT_NAMES.get(key, key): value for key, value in {**given, **options}.items()}
    problems += [
        f"option {key!r} is unknown; known: {', '.join(known)}" for key in given if key not in known
    ]
    raise_problems(InputError, f"task {name!r}", problems)
    return TASKS[name](**given)
