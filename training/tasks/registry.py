"""Tasks by name: `mackey-glass:h=5`, `file:PATH`, and those of other packages.

A task of another package joins by an entry point of the group `twinrig.tasks`: a function or
class whose call with keyword options gives a `Task`; a subclass of `Task` will do.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
import traceback
from contextlib import redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.command import unquoted
from models.errors import InputError, TwinrigError, raise_problems
from models.paths import file_at
from training.tasks.emg import emg
from training.tasks.images import digits, mnist
from training.tasks.series import mackey_glass, narma_10, santa_fe
from training.tasks.signals import signals, transform
from training.tasks.task import Task
from training.tasks.user import files_of_header, task_of_file

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "twinrig.tasks"
FILE = "file"
PATHS = re.compile(r"(\b(?:file|folder) *= *)([^,]+)")  # options that name something on disk
SHORT_NAMES = {"h": "horizon"}
TASKS: dict[str, Callable[..., Task]] = {
    "mackey-glass": mackey_glass,
    "narma-10": narma_10,
    "santa-fe": santa_fe,
    "digits": digits,
    "mnist": mnist,
    "emg": emg,
    "signals": signals,
    "transform": transform,
}


def known_tasks() -> dict[str, str]:
    """Name → its first line, of the built-in tasks, then of those of other packages."""
    found = {name: _first_line(make) for name, make in TASKS.items()}
    found[FILE] = "Your own data: file:PATH of a JSON header beside NPZ or CSV arrays."
    for name, point in _entry_points().items():
        found.setdefault(name, f"From {point.value}, another package.")
    return found


def options_of(name: str) -> dict[str, Any]:
    """Option → default of a built-in task; empty for others."""
    if name not in TASKS:
        return {}
    return {k: p.default for k, p in inspect.signature(TASKS[name]).parameters.items()}


def make_task(text: str, **options: Any) -> Task:
    """Task of a name with options, such as `mackey-glass` or `mackey-glass:h=5,test=500`.

    `options` are set over those in the text. `file:PATH` takes the rest of the text as a path.

    Raises
    ------
    InputError
        An unknown task or option, or a value that the task refuses.
    """
    name, _, tail = text.partition(":")
    if name == FILE:
        if not tail or options:
            raise InputError("task 'file': file:PATH of the JSON header, and no other option")
        return task_of_file(Path(unquoted(tail)))
    make = TASKS.get(name) or _foreign(name)
    parameters = inspect.signature(make).parameters
    given: dict[str, Any] = {}
    problems = []
    for part in filter(None, tail.split(",")):
        key, equals, value = (word.strip() for word in part.partition("="))
        key = SHORT_NAMES.get(key, key) if key not in parameters else key
        if not equals or not value:
            problems.append(f"option {part!r} must read name=value")
        elif key in given:
            problems.append(f"option {key!r} stands twice, as {given[key]} and {value}: leave one")
        elif key not in parameters:
            given[key] = value
        else:
            given[key], problem = _value(key, value, parameters[key])
            problems += [problem] if problem else []
    given |= {SHORT_NAMES.get(k, k) if k not in parameters else k: v for k, v in options.items()}
    loose = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    problems += [
        f"option {key!r} is unknown; known: {', '.join(parameters)}"
        for key in given
        if key not in parameters and not loose
    ]
    if name in TASKS and isinstance(seed := given.get("seed", 0), int) and seed < 0:
        problems.append(f"seed = {seed} must be 0 or above")
    raise_problems(InputError, f"task {name!r}", problems)
    return _made(name, make, given)


def placed(text: str, folder: Path) -> str:
    """The same task with whole paths: whoever makes it again may stand in another folder.

    `folder`: where the paths of `text` are relative to.
    """
    name, colon, tail = text.partition(":")
    if name == FILE and tail:
        return f"{FILE}:{(folder / unquoted(tail)).resolve()}"
    return name + colon + PATHS.sub(lambda m: f"{m[1]}{(folder / unquoted(m[2])).resolve()}", tail)


def files_of(text: str) -> list[str]:
    """The files that a task names; of a folder that it names none."""
    name, _, tail = text.partition(":")
    if name == FILE:
        return [str(path) for path in files_of_header(Path(unquoted(tail)))]
    named = (unquoted(match[2]) for match in PATHS.finditer(tail))
    return [path for path in named if file_at(path)]


def _value(key: str, text: str, parameter: inspect.Parameter) -> tuple[Any, str]:
    """Value of an option by what its default is, and what is wrong with it."""
    default = parameter.default
    if isinstance(default, str):
        return unquoted(text), ""
    kinds: tuple[tuple[type, str], ...] = ((int, "whole number"), (float, "number"))
    for kind, words in kinds:
        try:
            return kind(text), ""
        except ValueError:
            if isinstance(default, kind) and not isinstance(default, bool):
                return text, f"option {key + '=' + text!r} must read {key}={words}"
    return text, ""


def _made(name: str, make: Callable[..., Task], given: dict[str, Any]) -> Task:
    """The task; a failure in another package's code says whose it is."""
    try:
        with redirect_stdout(sys.stderr):  # standard output is the command's own
            task = make(**given)
    except TwinrigError:
        raise
    except (Exception, SystemExit) as error:
        if name in TASKS:
            raise
        raise InputError(
            f"task {name!r} of another package failed: {error!r}{_place(error)}"
        ) from error
    if not isinstance(task, Task):
        raise InputError(f"task {name!r} of another package is a {type(task).__name__}, no Task")
    return task


def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def _foreign(name: str) -> Callable[..., Task]:
    """A task of another package."""
    points = _entry_points()
    if name not in points:
        known = [*TASKS, FILE, *points]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise InputError(f"task {name!r} is unknown; {hint}")
    try:
        with redirect_stdout(sys.stderr):  # what is imported may print, too
            loaded = points[name].load()
    except (Exception, SystemExit) as error:
        value = points[name].value
        raise InputError(
            f"task {name!r} of {value} can't be loaded: {error!r}{_place(error)}"
        ) from error
    if not callable(loaded):
        raise InputError(f"task {name!r} of {points[name].value} is nothing that can be called")
    return loaded  # type: ignore[no-any-return]


def _place(error: BaseException) -> str:
    """Where an error of foreign code arose: file and line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f" ({last.filename}, line {last.lineno})"


def _first_line(make: Callable[..., Task]) -> str:
    return (inspect.getdoc(make) or "").partition("\n")[0]
