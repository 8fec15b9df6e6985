"""Entries of a training in words: who trains, taps, further options; no Qt."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from app.gui.words import count
from app.operations.side_by_side import cores
from app.operations.sweep_grid import option_faults, options_of
from models.errors import InputError, raise_problems


@dataclass(frozen=True)
class Pool:
    """Who trains, as it is typed: nothing (every core), `4` (processes), or a Dask scheduler."""

    text: str = ""

    @property
    def scheduler(self) -> str | None:
        """Its address; None: processes of this machine."""
        said = self.text.strip()
        return said if "://" in said else None

    @property
    def count(self) -> int | None:
        """Processes of this machine; None: as many as cores."""
        return int(self.text) if self.text.strip().isdecimal() else None

    def problem(self) -> str:
        """What is wrong with it; empty where nothing is."""
        good = not self.text.strip() or self.scheduler or (self.count or 0) >= 1
        return "" if good else f"workers {self.text!r}: nothing, a number such as 4, or tcp://…"

    def words(self, trials: int) -> str:
        """Where so many trials run."""
        if self.scheduler:
            return f"on {self.scheduler}"
        return count(min(trials, self.count or cores()), "core")


def delays(text: str) -> tuple[int, ...]:
    """Taps as they are typed; empty where nothing is.

    Raises
    ------
    InputError
        They are no list of delays.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"taps {text!r}: delays in steps, such as 0, 1, 2")
    return tuple(int(part) for part in parts)


def more_options(text: str) -> dict[str, tuple[Any, ...]]:
    """Further options of a training as `--set` takes them, `rate=0.01 patience=5`.

    Raises
    ------
    InputError
        Words that are no NAME=VALUE, or an option that no training has.
    """
    try:
        found = options_of(shlex.split(text))
    except ValueError as fault:
        raise InputError(f"options {text!r}: {fault}") from fault
    raise_problems(InputError, "train", option_faults(found))
    return found
