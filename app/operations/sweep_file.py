"""The grid of a sweep from a TOML file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from app.disk import read_bytes, reading
from app.operations.sweep_grid import layouts_of
from models.errors import InputError, raise_problems
from models.wiring import laid_out

if TYPE_CHECKING:
    from pathlib import Path

FILE_KEYS = ("task", "twin", "layers", "seeds", "seed", "train")


def grid_of_file(path: Path) -> dict[str, Any]:
    """Arguments of `Grid` from a TOML file; twins and tasks' files are found from its folder.

    Raises
    ------
    InputError
        No such file, no TOML, unknown keys, or values of another kind.
    """
    with reading(path):
        content = read_bytes(path)
    try:
        body = tomllib.loads(content.decode("utf-8"))
    except ValueError as fault:
        raise InputError(f"{path}: not a TOML file ({fault})") from fault
    problems = [
        f"key {key!r} is unknown; known: {', '.join(FILE_KEYS)}" for key in body if key not in
        FILE_KEYS
    ]  # fmt: skip
    tasks, twins, layers = (body.get(key, []) for key in ("task", "twin", "layers"))
    for key, value in (("task", tasks), ("twin", twins), ("layers", layers)):
        if not isinstance(value, list):
            problems.append(f"{key} = {value!r} must be a list")
    laid = [_layout(one) for one in layers] if isinstance(layers, list) else []
    layouts = [one for one in laid if one is not None]
    if len(layouts) < len(laid):
        problems.append(
            f"layers = {layers!r} must be a list of lists of node counts, or of words such as "
            "'8+4,16'"
        )
    if not all(isinstance(body.get(key, 0), int) for key in ("seeds", "seed")):
        problems.append("seeds and seed must be whole numbers")
    options = body.get("train", {})
    if not isinstance(options, dict):
        problems.append("train must be a table of options")
    raise_problems(InputError, str(path), problems)
    from training.tasks import placed

    beside = path.resolve().parent
    given: dict[str, Any] = {
        "tasks": tuple(placed(str(task), beside) for task in tasks),
        "twins": tuple(tuple(str(beside / p) for p in str(twin).split(",")) for twin in twins),
        **layouts_of(layouts),
        "options": {
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in options.items()
        },
    }  # fmt: skip
    return {**given, **{key: body[key] for key in ("seeds", "seed") if key in body}}


def _layout(value: object) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Layers of a list of node counts, or of the words of `--layers`; None of anything else."""
    if isinstance(value, str):
        return laid_out(value)
    if isinstance(value, list) and all(isinstance(n, int) and n > 0 for n in value):
        return tuple(value), ()
    return None
