"""What to do about what a read-out says of its own reading, behind its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TOO_MUCH = "set a larger range (a lock-in: sensitivity, input range) or less signal, and begin anew"
UNLOCKED = "look at the reference's cable, level and trigger edge"
REMEDIES = {  # by a part of the drivers' words
    "overload": TOO_MUCH,
    "overflown": TOO_MUCH,
    "beyond": TOO_MUCH,
    "unlocked": UNLOCKED,
}


def with_remedy(name: str, faults: Iterable[str]) -> list[str]:
    """One sentence for each fault of an instrument, with what to do where that is known.

    >>> with_remedy("lockin", ["reference unlocked"])
    ["lockin: reference unlocked (look at the reference's cable, level and trigger edge)"]
    """
    return [f"{name}: {fault}{_remedy(fault)}" for fault in faults]


def _remedy(fault: str) -> str:
    found = next((remedy for part, remedy in REMEDIES.items() if part in fault), "")
    return f" ({found})" if found else ""
