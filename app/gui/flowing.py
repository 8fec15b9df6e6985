"""What flows in each magnet by a reading of the bench, and the field that it makes; no Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.operations.bench_read import BenchRead
    from instruments.bench_reading import BenchReading
    from instruments.bench_spec import BenchSpec


def currents_of(spec: BenchSpec, reading: BenchReading | BenchRead) -> dict[str, float]:
    """What flows in each magnet, in A: the drive's, then the others."""
    others = [name for name in spec.magnets if name != spec.drive_magnet]
    rest = dict(zip(others, reading.others_A, strict=False))
    return {spec.drive_magnet: reading.current_A, **rest}


def field_of(spec: BenchSpec, reading: BenchReading | BenchRead) -> float:
    """Field in T that a bench's magnets make; one that two turn is that of both, as in a run."""
    if spec.rotation is None:
        return reading.field_T
    fields_T = [
        current_A * spec.magnets[name].limits.tesla_per_ampere
        for name, current_A in currents_of(spec, reading).items()
        if name in spec.rotation.magnets and name != spec.drive_magnet
    ]
    return math.hypot(reading.field_T, *fields_T)
