"""The field of a reading, where two magnets make it; no Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.operations.bench_read import BenchRead
    from instruments.bench_reading import BenchReading
    from instruments.bench_spec import BenchSpec


def field_of(spec: BenchSpec, reading: BenchReading | BenchRead) -> float:
    """Field in T that a bench's magnets make; one that two turn is that of both, as in a run."""
    if spec.rotation is None:
        return reading.field_T
    others = (name for name in spec.magnets if name != spec.drive_magnet)
    fields_T = [
        current_A * spec.magnets[name].limits.tesla_per_ampere
        for name, current_A in zip(others, reading.others_A, strict=False)
        if name in spec.rotation.magnets
    ]
    return math.hypot(reading.field_T, *fields_T)
