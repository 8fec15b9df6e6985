"""What a driver declares that can play or record a sequence without the computer.

A supply with a list has an attribute `list`, a read-out with a buffer an attribute `buffer`;
`list_of` and `buffer_of` find them. The bench (`instruments.hardware_timed`) puts the two together.
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

TIMINGS = ("software", "hardware")
TIMING_KEYS = ("timing", "marker_T")


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


def list_of(magnet: object) -> CurrentList | None:
    """A supply's list; None where the driver declares none."""
    found: Any = getattr(magnet, "list", None)
    return cast("CurrentList | None", found)


def buffer_of(readout: object) -> SampleBuffer | None:
    """A read-out's buffer; None where the driver declares none."""
    found: Any = getattr(readout, "buffer", None)
    return cast("SampleBuffer | None", found)


def declared(driver: object) -> tuple[str, ...]:
    """What a driver can do by its own clock, for people."""
    program, buffer = list_of(driver), buffer_of(driver)
    words: tuple[str, ...] = ()
    if program is not None:
        words = (f"plays lists of {program.most_points} points",)
    if buffer is not None:
        words = (
            *words,
            f"samples into a buffer of {buffer.most_points} points, at {buffer.rates_Hz[-1]:g} Hz "
            "at most",
        )
    return words


def missing(driver: object, *, plays: bool) -> list[str]:
    """Why a supply can't play (or a read-out can't sample) sequences, in words."""
    if plays:
        return [] if list_of(driver) is not None else ["it plays no list"]
    buffer = buffer_of(driver)
    return ["it has no buffer"] if buffer is None else buffer.problems()


def timing_options(table: Table) -> dict[str, Any]:
    """The keys of `[drive]` that say how steps are timed; problems are noted in the table."""
    timing = table.value("timing", str, TIMINGS[0])
    marker_T = table.number("marker_T", math.nan)
    if timing not in TIMINGS:
        table.add(f"timing {timing!r} is unknown{near(str(timing), TIMINGS)}")
    if timing == "hardware" and table.values.get("encoding") == "rotation":
        table.add('timing = "hardware" plays the list of one magnet; a rotation has two')
    if marker_T is None or math.isnan(marker_T):
        return {"timing": timing, "marker_T": None}
    if timing != "hardware":
        table.add('marker_T aligns a list with a buffer: give timing = "hardware", too')
    return {"timing": timing, "marker_T": marker_T}
