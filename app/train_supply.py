"""What the supply of a bench can play, as shares of the drive's window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.bench_file import read_bench
from instruments.drivers import MAGNET_DRIVERS
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def supply_of(bench: str | Path) -> tuple[float, float]:
    """Resolution and slew of a bench's drive; nothing is connected.

    The resolution is the supply's own (that of its command, and of its converter where the driver
    knows it). The slew is 0, without limit: a bench walks a step that is larger than its ramp to
    its target, and holds from there.

    Raises
    ------
    InputError
        A bench file that can't be read, or a supply whose driver knows no resolution.
    """
    spec = read_bench(str(bench))
    magnet = spec.magnets[spec.drive_magnet]
    driver = MAGNET_DRIVERS[magnet.driver]
    counts_per_A = magnet.options.get("set_counts_per_A")
    resolution_A = getattr(driver, "resolution_A", None)
    if counts_per_A:
        resolution_A = 1.0 / float(counts_per_A)
    if not isinstance(resolution_A, float):
        raise InputError(
            f"{bench}: the driver of {magnet.name!r}, {magnet.driver}, names no resolution; give "
            "--supply STEP, as a share of the drive's window"
        )
    span_T = abs(spec.window.high_T - spec.window.low_T)
    return resolution_A * abs(magnet.limits.tesla_per_ampere) / span_T, 0.0
