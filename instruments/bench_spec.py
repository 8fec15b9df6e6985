"""What a bench file says, checked: instruments, limits, field window, reset, virtual rig."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.limits import MagnetLimits
    from models.sequence import DriveWindow, Reset


@dataclass(frozen=True)
class InstrumentSpec:
    """One instrument of the bench file: where it is and how it is spoken to."""

    name: str
    driver: str
    resource: str
    timeout_s: float
    terminator: str
    baud_rate: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MagnetSpec(InstrumentSpec):
    """A supply with its coil's limits."""

    limits: MagnetLimits = field(kw_only=True)


@dataclass(frozen=True)
class VirtualSpec:
    """The virtual rig: one of its own in this process (`device`), or one that is served (`clock`).

    Attributes
    ----------
    device, seed
        What the rig in this process holds; device None where the rig is served elsewhere.
    clock
        VISA resource of a served rig's clock; None in process.
    accelerate
        Device seconds in one second of the host; inf: no waiting.
    models
        Drivers of the bench's instruments, in its order.
    """

    device: str | None = None
    seed: int = 0
    clock: str | None = None
    accelerate: float = math.inf
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class BenchSpec:
    """A bench file, checked.

    `gate_s` is the device time of one gated reading (0: not known); `drive_magnet` the magnet that
    the drive goes to; `source` where the text came from, `text` the TOML itself.
    """

    name: str
    magnets: dict[str, MagnetSpec]
    readouts: dict[str, InstrumentSpec]
    window: DriveWindow
    reset: Reset
    drive_magnet: str
    gate_s: float = 0.0
    virtual: VirtualSpec | None = None
    source: str = ""
    text: str = ""

    @property
    def in_process(self) -> bool:
        """Whether the instruments are virtual ones in this process."""
        return self.virtual is not None and self.virtual.device is not None

    @property
    def limits(self) -> dict[str, dict[str, float]]:
        """Each magnet's limits, for a recording's metadata."""
        return {name: dict(vars(spec.limits)) for name, spec in self.magnets.items()}
