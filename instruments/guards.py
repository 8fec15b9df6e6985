"""Guards: what has to be well while current flows, each with the sentence why it is not.

A `Band` is a number that stays within bounds: a temperature, the volts of an interlock input. A
`StatusBit` is a bit of an instrument's own status: water flow, quench, voltage limit, alarm. Both
are read live, whenever they are asked; what is done about them is `instruments.watch`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from instruments.protocols import SensorError
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from instruments.bench_spec import BenchSpec, InterlockSpec


@dataclass(frozen=True)
class Band:
    """A number that must stay within bounds while current flows.

    Attributes
    ----------
    label
        What it is, for messages: `thermometer coil`.
    unit
        Of the number: `K`, `V`.
    read
        Asks for it; raises `SensorError` where the sensor says that its reading is no good.
    low, high
        The bounds; infinite where there is none.
    keys
        The bench keys of the two.
    hold_at_most_s
        How long a run waits for it to be back within them; None: it ends the run.
    """

    label: str
    unit: str
    read: Callable[[], float]
    low: float = -math.inf
    high: float = math.inf
    keys: tuple[str, str] = ("low", "high")
    hold_at_most_s: float | None = None

    def problem(self) -> str | None:
        """Why it forbids current now, in words; None where it allows it.

        Raises
        ------
        LinkError
            It can't be asked: what it would say is not known.
        """
        try:
            value = self.read()
        except SensorError as error:
            return f"{self.label}: {error}"
        if self.low < value < self.high:
            return None
        below = value <= self.low
        key, bound, side = (
            (self.keys[0], self.low, "above") if below else (self.keys[1], self.high, "below")
        )
        return (
            f"{self.label} reads {value:.5g} {self.unit}, current is allowed only {side} "
            f"{key} = {bound:g} {self.unit}"
        )


@dataclass(frozen=True)
class StatusBit:
    """A bit of an instrument's status that must be clear while current flows.

    Attributes
    ----------
    label
        What it is, for messages: `interlock water (x, magnet water flow)`.
    instrument, input
        Whose status, and which bit.
    read
        Asks for it: what the instrument says of itself, in words; None where the bit is clear.
    hold_at_most_s
        How long a run waits for it to be clear; None: it ends the run.
    """

    label: str
    instrument: str
    input: str
    read: Callable[[], str | None]
    hold_at_most_s: float | None = None

    def problem(self) -> str | None:
        """Why it forbids current now, in words; None where it allows it; errors as `Band`."""
        words = self.read()
        return None if words is None else f"{self.label}: {self.instrument} is {words}"


Guard = Band | StatusBit


def forbidding(guards: Sequence[Guard]) -> tuple[str, ...]:
    """Why each guard forbids current now, for a display: one that can't be asked says so, too."""
    found = []
    for guard in guards:
        try:
            words = guard.problem()
        except TwinrigError as error:
            words = f"{guard.label} can't be asked: {error}"
        found += [] if words is None else [words]
    return tuple(found)


def listed(spec: BenchSpec) -> list[tuple[str, str]]:
    """What a bench file's guards look at and what they do: (name, words), for people."""
    found = []
    for name, one in spec.thermometers.items():
        bounds = [
            f"{side} {bound:g} K"
            for side, bound in (("above", one.min_K), ("below", one.max_K))
            if math.isfinite(bound)
        ]
        found.append((f"Thermometer {name}", " and ".join(bounds), one.hold_at_most_s))
    for name, lock in spec.interlocks.items():
        found.append((f"Interlock {name}", f"{lock.instrument}, {lock.input}", lock.hold_at_most_s))
    return [
        (name, f"{words}: {'ends' if hold_s is None else 'holds'} a run")
        for name, words, hold_s in found
    ]


def guards_of(spec: BenchSpec, drivers: Mapping[str, Any]) -> list[Guard]:
    """The guards of a bench file, on its open drivers."""
    guards: list[Guard] = [
        Band(
            f"thermometer {name}",
            "K",
            partial(drivers[name].kelvin, one.input),
            one.min_K,
            one.max_K,
            ("min_K", "max_K"),
            one.hold_at_most_s,
        )
        for name, one in spec.thermometers.items()
    ]
    return guards + [
        _interlock(lock, drivers[lock.instrument]) for lock in spec.interlocks.values()
    ]


def _interlock(lock: InterlockSpec, driver: Any) -> Guard:
    label = f"interlock {lock.name} ({lock.instrument}, {lock.input})"
    if lock.is_status:
        read = partial(driver.status_problem, lock.input)
        return StatusBit(label, lock.instrument, lock.input, read, lock.hold_at_most_s)
    return Band(
        label,
        "V",
        partial(driver.input_V, lock.input),
        lock.above_V,
        lock.below_V,
        ("above_V", "below_V"),
        lock.hold_at_most_s,
    )
