"""A TOML table that is read key by key and collects its problems, all of them."""

from __future__ import annotations

import difflib
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    list: "a list",
    bool: "true or false",
}
REQUIRED = object()


class Table:
    """One table of a file.

    Parameters
    ----------
    values
        Its keys and values.
    where
        Its name, `magnet.x`; empty at the top.
    problems
        Where sentences about it go; shared by all tables of a file.
    """

    def __init__(self, values: dict[str, Any], where: str, problems: list[str]) -> None:
        self.values = values
        self.where = where
        self.problems = problems

    def add(self, problem: str) -> None:
        """Note a problem of this table."""
        self.problems.append(f"[{self.where}] {problem}" if self.where else problem)

    def known(self, *keys: str) -> None:
        """Note every key that is none of these."""
        for key in self.values:
            if key not in keys:
                self.add(f"unknown key {key!r}{near(key, keys)}")

    def number(
        self, key: str, default: float | None = None, above: float | None = None
    ) -> float | None:
        """A number; the default where the key is missing, None and a problem without one."""
        if key not in self.values:
            if default is None:
                self.add(f"{key} is missing")
            return default
        value = self.values[key]
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            self.add(f"{key} has {value.bit_length()} bits, it must be a number below 1.8e308")
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            self.add(f"{key} = {value!r} must be a number")
            return None
        if above is not None and not value > above:
            self.add(f"{key} = {value} must be above {above:g}")
            return None
        if above is not None and math.isinf(value) and default != math.inf:
            self.add(f"{key} must be finite")
            return None
        return float(value)

    def value(self, key: str, kind: type, default: Any = REQUIRED) -> Any:
        """A value of one type; the default where the key is missing, None and a problem else."""
        usual = None if default is REQUIRED else default
        if key not in self.values:
            if default is REQUIRED:
                self.add(f"{key} is missing")
            return usual
        value = self.values[key]
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            self.add(f"{key} = {value!r} must be {KINDS[kind]}")
            return usual
        return value

    def table(self, key: str) -> Table:
        """A table inside this one; empty where it is missing, and a problem where it is none."""
        where = f"{self.where}.{key}" if self.where else key
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.add(f"{key} = {value!r} must be a table [{where}]")
            value = {}
        return Table(value, where, self.problems)

    def tables(self) -> Iterable[tuple[str, Table]]:
        """The tables inside this one, by name."""
        return [(key, self.table(key)) for key in self.values]


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or what is known."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"
