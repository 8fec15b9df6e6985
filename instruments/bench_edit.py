"""Changes to a bench file's text, line by line: what a person wrote around them stays."""

from __future__ import annotations

import math
import re
import tomllib
from typing import TYPE_CHECKING, Any

from instruments.bench_draft import window_problems
from instruments.bench_file import parse_bench
from instruments.draft_values import toml
from instruments.ratings import beyond_ratings
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.bench import Bench

HEAD = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
LINE = re.compile(
    r"""(?P<key>\s*(?P<name>[A-Za-z0-9_-]+|"[^"]*")\s*=\s*)(?P<value>("[^"]*"|'[^']*'|[^#"'])*)"""
    r"(?P<remark>#.*)?$"
)


def tables_of(text: str) -> list[str]:
    """The tables of a bench file in its order: `magnet.x`, `drive`."""
    found = [_name(line) for line in text.splitlines()]
    return [name for name in found if name]


def table_text(text: str, table: str) -> str:
    """A table's own lines, its head first; empty where there is none."""
    lines = text.splitlines()
    first, last = _range(lines, table)
    return "\n".join(lines[first:last]).rstrip()


def values_of(text: str, table: str) -> dict[str, Any]:
    """A table's keys; empty where there is none."""
    found: Any = tomllib.loads(text)
    for part in table.split("."):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def edited(text: str, changes: Mapping[tuple[str, str], Any]) -> str:
    """The text with other values of (table, key); None takes a key away.

    Raises
    ------
    InputError
        A value does not stand on a line of its own or is NaN, or the table isn't there.
    """
    for (table, key), value in changes.items():
        text = _with(text, table, key, value)
    return text


def problems_of(text: str, there: Bench | None = None) -> list[str]:
    """Why a text is no bench file, in words, as a draft's problems; empty where it is one.

    `there`: the bench as it is connected, whose supplies know what they can give.
    """
    try:
        spec = parse_bench(text, "bench")
    except InputError as error:
        return list(error.problems or (str(error),))
    beyond = [] if there is None else beyond_ratings(there, spec)
    return [*beyond, *window_problems(spec)]


def _with(text: str, table: str, key: str, value: Any) -> str:
    lines = text.splitlines(keepends=True)
    bare = [line.rstrip("\r\n") for line in lines]
    first, last = _range(bare, table)
    if first == last:
        raise InputError(f"no table [{table}] in the bench file: write it by hand")
    if isinstance(value, float) and math.isnan(value):  # it equals nothing, itself neither
        raise InputError(f"[{table}] {key} = nan must be a number")
    try:
        wanted = _wanted(text, table, key, value)
    except KeyError:  # a dot within a name
        raise InputError(f"[{table}] can't be told by its name: change it by hand") from None
    at = next((n for n in range(first + 1, last) if _key(bare[n]) == key), None)
    end = lines[first][len(bare[first]) :] or "\n"
    if at is None:
        put = max(n for n in range(first, last) if bare[n].strip()) + 1
        if not lines[put - 1].endswith("\n"):
            lines[put - 1] += end
        lines[put:put] = [] if value is None else [f"{key} = {toml(value)}{end}"]
    elif value is None:
        del lines[at]
    else:
        found = LINE.match(bare[at])
        assert found is not None  # `_key` has matched it
        old, remark = found["value"], found["remark"] or ""
        pad = " " * max(len(old) - len(toml(value)), 1) if remark else ""
        ending = lines[at][len(bare[at]) :]
        lines[at] = f"{found['key']}{toml(value)}{pad}{remark}{ending}"
    made = "".join(lines)
    try:
        same = tomllib.loads(made) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise InputError(
            f"[{table}] {key} does not stand on a line of its own: change it in the file by hand"
        )
    return made


def _wanted(text: str, table: str, key: str, value: Any) -> dict[str, Any]:
    body: dict[str, Any] = tomllib.loads(text)
    inside = body
    for part in table.split("."):
        inside = inside[part]
    inside.pop(key, None)
    if value is not None:
        inside[key] = value
    return body


def _name(line: str) -> str:
    found = HEAD.match(line)
    if found is None:
        return ""
    return ".".join(part.strip().strip("\"'") for part in found[1].split("."))


def _key(line: str) -> str:
    found = LINE.match(line)
    return found["name"].strip('"') if found is not None else ""


def _range(lines: list[str], table: str) -> tuple[int, int]:
    """From a table's head to where the next begins; empty where there is none."""
    heads = [n for n, line in enumerate(lines) if _name(line) or line.lstrip().startswith("[[")]
    first = next((n for n in heads if _name(lines[n]) == table), None)
    if first is None:
        return 0, 0
    last = next((n for n in heads if n > first), len(lines))
    while last > first + 1 and lines[last - 1].lstrip().startswith("#"):
        last -= 1  # a remark above the next table is the next table's
    return first, last
