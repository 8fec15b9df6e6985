"""The wire from a supply's trigger output to a read-out's trigger input."""

from __future__ import annotations

from collections.abc import Callable

TriggerIn = Callable[[int], list[tuple[int, bool]]]
"""Edges since an instant in ns of device time: when in ns, and whether it rose."""


def not_wired(_: int) -> list[tuple[int, bool]]:
    """Nothing is at the trigger input."""
    return []
