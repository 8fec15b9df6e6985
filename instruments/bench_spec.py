"""What a bench file says, checked: instruments, limits, field window, reset, virtual rig."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from models.command import command_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.limits import MagnetLimits
    from instruments.rotation_spec import RotationSpec
    from models.sequence import DriveWindow, Reset


LEAST_ACCELERATE = 0.1
"""Of a virtual bench, in its seconds a second: at 0.01 answers came later than their time-outs."""


@dataclass(frozen=True)
class InstrumentSpec:
    """One instrument of the bench file: where it is and how it is spoken to.

    `board`: the GPIB adapter that it is reached through; None without one.
    """

    name: str
    driver: str
    resource: str
    timeout_s: float
    terminator: str
    baud_rate: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    board: str | None = None


@dataclass(frozen=True)
class MagnetSpec(InstrumentSpec):
    """A supply with its coil's limits."""

    limits: MagnetLimits = field(kw_only=True)


@dataclass(frozen=True)
class ThermometerSpec(InstrumentSpec):
    """A thermometer that guards the magnets: current is allowed between the two temperatures.

    `hold_at_most_s`: how long a run waits for it to be back in its band; None: it ends the run.
    """

    input: str = field(kw_only=True)
    min_K: float = -math.inf
    max_K: float = math.inf
    hold_at_most_s: float | None = None


@dataclass(frozen=True)
class TeslameterSpec(InstrumentSpec):
    """A field probe: a step whose field is further from the one asked for voids its repeat.

    `hold_at_most_s`: how long a step waits, at its set-point and before it is read, for the field
    to be within the tolerance; None: it doesn't wait.
    """

    tolerance_T: float = math.inf
    hold_at_most_s: float | None = None


@dataclass(frozen=True)
class InterlockSpec:
    """An input of an instrument: current is allowed between the two voltages.

    `is_status`: it is a bit of the instrument's status instead, and allows current while it is
    clear. `hold_at_most_s`: how long a run waits for it to be back; None: it ends the run.
    """

    name: str
    instrument: str
    input: str
    above_V: float = -math.inf
    below_V: float = math.inf
    hold_at_most_s: float | None = None
    is_status: bool = False


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
    asked_seed
        The `--seed` of a command, which `seed` is made of; None: no command asked.
    """

    device: str | None = None
    seed: int = 0
    clock: str | None = None
    accelerate: float = math.inf
    models: tuple[str, ...] = ()
    asked_seed: int | None = None


@dataclass(frozen=True)
class BenchSpec:
    """A bench file, checked.

    `gate_s` is the device time of one gated reading (0: not known); `drive_magnet` the magnet that
    the drive goes to; `source` where the text came from, `text` the TOML itself. `timing` is
    `software`, `hardware` or `auto` (`instruments.step_clock`), `marker_T` the field of a marker;
    `trigger`: the supply's trigger output is wired to the read-outs' trigger inputs.
    `rotation` says how two magnets turn the field; None where one makes it.
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
    thermometers: dict[str, ThermometerSpec] = field(default_factory=dict)
    interlocks: dict[str, InterlockSpec] = field(default_factory=dict)
    teslameters: dict[str, InstrumentSpec] = field(default_factory=dict)
    rotation: RotationSpec | None = None
    timing: str = "software"
    marker_T: float | None = None
    trigger: bool = False

    @property
    def instruments(self) -> list[InstrumentSpec]:
        """Everything with an address: magnets, read-outs, teslameters, thermometers."""
        return [
            *self.magnets.values(),
            *self.readouts.values(),
            *self.teslameters.values(),
            *self.thermometers.values(),
        ]

    @property
    def safe_command(self) -> str:
        """What brings it to its safe state, to be pasted; `B.toml` where it is no file's."""
        _, of_file, path = self.source.partition("bench file ")
        return command_line(["twinrig", "safe", path if of_file else "B.toml"])

    def magnets_only(self, *names: str) -> BenchSpec:
        """The bench for the way to the safe state: its magnets (or those named), nothing else.

        What only measures or guards must not keep a magnet from being made safe.
        """
        magnets = {name: self.magnets[name] for name in names or self.magnets}
        drive = self.drive_magnet if self.drive_magnet in magnets else next(iter(magnets))
        return replace(
            self,
            magnets=magnets,
            drive_magnet=drive,
            readouts={},
            teslameters={},
            thermometers={},
            interlocks={},
            rotation=None,
        )

    @property
    def in_process(self) -> bool:
        """Whether the instruments are virtual ones in this process."""
        return self.virtual is not None and self.virtual.device is not None

    @property
    def asked_seed(self) -> dict[str, int]:
        """`seed` as a command gave it to a virtual rig, for a run's metadata; else nothing."""
        asked = None if self.virtual is None else self.virtual.asked_seed
        return {} if asked is None else {"seed": asked}

    @property
    def limits(self) -> dict[str, dict[str, float]]:
        """Each magnet's limits and each guard's bounds, for a recording's metadata."""
        limits = {name: _set(vars(spec.limits)) for name, spec in self.magnets.items()}
        for name, one in self.thermometers.items():
            limits[f"thermometer {name}"] = _set({"min_K": one.min_K, "max_K": one.max_K})
        for name, lock in self.interlocks.items():
            bounds = {"above_V": lock.above_V, "below_V": lock.below_V}
            if lock.is_status:
                bounds = {f"{lock.instrument}, {lock.input}": 0.0}  # a bit that has to be clear
            limits[f"interlock {name}"] = _set(bounds)
        return limits


def _set(values: dict[str, Any]) -> dict[str, float]:
    """What is limited; `max_field_T` stays where it isn't, as recordings have it."""
    return {
        key: value
        for key, value in values.items()
        if key == "max_field_T" or (value is not None and math.isfinite(value))
    }
