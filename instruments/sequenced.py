"""What a driver declares that can play or record a sequence without the computer.

A supply with a list has an attribute `list`, a read-out with a buffer an attribute `buffer`;
`list_of` and `buffer_of` find them. The bench (`instruments.hardware_timed`) puts the two together.
A list may give a pulse (`PulsedList`), a buffer be started by one (`TriggeredBuffer`); a buffer
behind a filter says how much of an earlier value it still shows (`left_over`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, cast

from instruments.toml_table import near

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from instruments.toml_table import Table

TIMINGS = ("software", "hardware", "auto")
TIMING_KEYS = ("timing", "marker_T", "trigger")


class CurrentList(Protocol):
    """A supply's memory of set-points that it plays by its own clock.

    Only `instruments.limits` loads and starts it. How it is ended early is `take_control`'s of the
    supply; run to its end, it stays at its last point.

    Attributes
    ----------
    most_points
        What it holds.
    dwell_s
        Shortest and longest dwell of a point.
    grid_s
        The finest difference of two dwells on the wire.
    """

    most_points: int
    dwell_s: tuple[float, float]
    grid_s: float

    def load(self, points: Sequence[tuple[float, float]]) -> None:
        """Send (A, s) points, one round, and read them back; the current stays as it is.

        Raises
        ------
        LinkError
            It holds something else than was sent.
        TwinrigError
            The supply reports an error.
        """

    def start(self) -> None:
        """Begin with the first point now."""

    def running(self) -> bool:
        """Whether it plays."""


class PulsedList(CurrentList, Protocol):
    """A list that can give a pulse on a wire when it begins: low while it lasts, else high.

    Attributes
    ----------
    lead_s
        How long the two points last that come before the list's own, at the present set-point: one
        without the pulse, and the one that gives it.
    """

    lead_s: tuple[float, float]

    def load(self, points: Sequence[tuple[float, float]], pulse_at: int | None = None) -> None:
        """As before; the point of that number gives the pulse."""


class SampleBuffer(Protocol):
    """A read-out's memory of samples that it takes at a rate of its own clock.

    Attributes
    ----------
    most_points
        What it holds, of each channel.
    rates_Hz
        The rates that it has, rising.
    """

    most_points: int
    rates_Hz: tuple[float, ...]

    def problems(self) -> list[str]:
        """Why the bench's channels can't be sampled, in words; empty: they can."""

    def arm(self, rate_Hz: float) -> None:
        """Empty it and set the rate; it stops where it is full. Nothing is sampled yet."""

    def start(self) -> None:
        """Sample from now on."""

    def count(self) -> int:
        """How many samples there are; while it runs, too."""

    def stop(self) -> None:
        """Sample no more; no harm where it has ended."""

    def fetch(self, count: int) -> NDArray[np.float64]:
        """The first samples `(count, C)`, channels as the read-out's.

        Raises
        ------
        LinkError
            Another number of samples came, or something that is no number.
        """


class TriggeredBuffer(SampleBuffer, Protocol):
    """A buffer that a pulse at the read-out's trigger input can start.

    Attributes
    ----------
    trigger_rises
        Whether the rising edge starts it (the end of a low pulse), else the falling one.
    """

    trigger_rises: bool

    def arm_trigger(self, rate_Hz: float) -> None:
        """As `arm`, and the next pulse starts it instead of `start`."""


def list_of(magnet: object) -> CurrentList | None:
    """A supply's list; None where the driver declares none."""
    found: Any = getattr(magnet, "list", None)
    return cast("CurrentList | None", found)


def no_list(magnet: object) -> str:
    """Why a supply plays no list, in words: its driver's attribute of this name, or just that."""
    found: Any = getattr(magnet, "no_list", "")
    return str(found) or "plays no list"


def buffer_of(readout: object) -> SampleBuffer | None:
    """A read-out's buffer; None where the driver declares none."""
    found: Any = getattr(readout, "buffer", None)
    return cast("SampleBuffer | None", found)


def pulses(program: CurrentList) -> PulsedList | None:
    """The list where it can give a pulse when it begins, else None."""
    return cast("PulsedList", program) if hasattr(program, "lead_s") else None


def starts_by_trigger(buffer: SampleBuffer) -> TriggeredBuffer | None:
    """The buffer where a pulse can start it, else None."""
    return cast("TriggeredBuffer", buffer) if hasattr(buffer, "arm_trigger") else None


def left_over(buffer: SampleBuffer, seconds: float) -> float:
    """The share of an earlier value in a sample so long after it: 0 where nothing filters.

    A buffer behind a filter has a method of this name, which asks for the filter's settings.
    """
    found: Any = getattr(buffer, "left_over", None)
    return 0.0 if found is None else float(found(seconds))


def looks_back_s(buffer: SampleBuffer) -> float | None:
    """How long before its end a sample begins that is taken of the step itself; None: a filter's.

    What a filter shows of a gate stands behind it. A buffer whose samples are made of readings
    within a step says by an attribute of this name how long these last.
    """
    found: Any = getattr(buffer, "looks_back_s", None)
    return None if found is None else float(found)


def free_s(buffer: SampleBuffer, stands_s: float) -> float:
    """The time that a value stands for, less what a sample of it looks back, on both sides."""
    back_s = looks_back_s(buffer)
    return stands_s if back_s is None else min(stands_s, 2.0 * (stands_s - back_s))


def poles_left_over(seconds: float, time_constant_s: float, poles: int) -> float:
    """What equal poles in a row have left of a step, so long after it: e⁻ˣ Σ xᵏ/k!, k < poles.

    >>> round(poles_left_over(0.05, 0.01, 1), 5)
    0.00674
    """
    x = seconds / time_constant_s
    return math.exp(-x) * sum(x**k / math.factorial(k) for k in range(poles))


def declared(driver: object) -> tuple[str, ...]:
    """What a driver can do, for people: how it stops, what it times by its own clock."""
    program, buffer = list_of(driver), buffer_of(driver)
    words: tuple[str, ...] = ()
    stop: str | None = getattr(driver, "stop_action", None)
    if stop is not None:
        ramp = "ramps by itself" if getattr(driver, "own_ramp", False) else "is ramped in steps"
        words = (f"{ramp}, stops by: {stop}; safe: {getattr(driver, 'safe_state', '')}",)
    if program is not None:
        words = (
            *words,
            f"plays lists of {program.most_points} points",
        )
        if pulses(program):
            words = (*words, "gives a pulse when a list begins")
    if buffer is not None:
        words = (
            *words,
            f"samples into a buffer of {buffer.most_points} points, at {buffer.rates_Hz[-1]:g} Hz "
            "at most",
        )
        if starts_by_trigger(buffer):
            words = (*words, "its trigger input can start the buffer")
    return words


def missing(driver: object, *, plays: bool, trigger: bool = False) -> list[str]:
    """Why a supply can't play (or a read-out can't sample) sequences, in words."""
    program, buffer = list_of(driver), buffer_of(driver)
    if plays:
        if program is None:
            return [f"it {no_list(driver)}"]
        pulse = pulses(program) or not trigger
        return [] if pulse else ["trigger = true, and its list gives no pulse"]
    if buffer is None:
        return ["it has no buffer"]
    started = starts_by_trigger(buffer) or not trigger
    return buffer.problems() + ([] if started else ["trigger = true, and none starts its buffer"])


def timing_options(table: Table) -> dict[str, Any]:
    """The keys of `[drive]` that say how steps are timed; problems are noted in the table."""
    timing = table.value("timing", str, TIMINGS[0])
    marker_T = table.number("marker_T", math.nan)
    trigger = table.value("trigger", bool, False)
    if timing not in TIMINGS:
        table.add(f"timing {timing!r} is unknown{near(str(timing), TIMINGS)}")
    if marker_T is None or math.isnan(marker_T):
        marker_T = None
    aligning = {"marker_T": marker_T is not None, "trigger": trigger}
    for key in (key for key, given in aligning.items() if given and timing == "software"):
        table.add(f'{key} aligns a list with a buffer: give timing = "hardware" or "auto", too')
    if all(aligning.values()):
        table.add("marker_T and trigger both align a list with a buffer: give one of them")
    return {"timing": timing, "marker_T": marker_T, "trigger": bool(trigger)}
