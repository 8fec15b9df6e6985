"""What a person tells of a new recording, kept with it; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class About:
    """Sample, operator, notes, temperature of the sample in kelvin; empty or 0: not told."""

    sample: str = ""
    operator: str = ""
    notes: str = ""
    temperature_K: float = 0.0

    @property
    def meta(self) -> dict[str, Any]:
        """What is told, as `record` takes it."""
        told = {name: getattr(self, name) for name in TOLD}
        return {name: value for name, value in told.items() if value}


TOLD = tuple(each.name for each in fields(About))
