"""Live values of a rig, to whoever watches or to a CSV file; changes nothing on it."""

from __future__ import annotations

import csv
import errno
import io
import math
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.artefacts import writing
from app.operations.bench_read import BenchRead, look
from app.operations.events import Event, Note, Result
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.new_file import not_made
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from instruments.bench import Bench

__all__ = ["BenchRead", "Table", "monitor"]

INTERVAL_S = 0.5
MOST_NAMED = 4  # channels in a sentence
REMIND_S = 60.0  # how often an outage that goes on is said again


def monitor(
    bench: Bench,
    *,
    seconds: float | None = None,
    interval_s: float = INTERVAL_S,
    out: Path | None = None,
) -> Generator[Event, None, None]:
    """Read the rig every `interval_s` until `seconds` have passed, or until it is stopped.

    A look that is lost on the way (no answer, a cable, a power cycle) is told once and tried again
    with the next: a night's log doesn't end by one late reply. A look that took longer than the
    interval is not caught up with.

    Parameters
    ----------
    bench
        Connected; no set-point is sent and no step is gated.
    seconds
        None: until the generator is closed.
    interval_s
        Between the starts of two looks, in s.
    out
        A new CSV file for the values; a line without values is a look that was lost.

    Raises
    ------
    InputError
        `out` exists, or its folder doesn't.
    TwinrigError
        An instrument does not answer at the first look, another one answers, or the disk refuses.
    """
    began_s, due_s = time.monotonic(), 0.0
    looks, gap = 0, Gap()
    with ExitStack() as stack:
        table = stack.enter_context(Table(out, bench)) if out is not None else None
        while seconds is None or due_s <= seconds * (1 + 1e-9):
            reading, words = _looked(bench, time.monotonic() - began_s, gap, first=not looks)
            if words:
                yield Note(words, "warning")
            if table is not None:
                table.write(reading)
            if isinstance(reading, BenchRead):
                if not looks and (words := _without_value(reading)):
                    yield Note(words)
                looks += 1
                yield reading
            due_s = max(due_s + interval_s, time.monotonic() - began_s)
            if seconds is None or due_s <= seconds:
                bench.stop.sleep(max(began_s + due_s - time.monotonic(), 0.0))
    yield Result(
        {
            **({} if out is None else {"path": str(out)}),
            "status": "done",
            "readings": looks,
            "lost": gap.lost,
            "channels": list(bench.live_channels),
            "seconds": round(time.monotonic() - began_s, 3),
        }
    )


@dataclass
class Gap:
    """What is known of looks that were lost: how many in all, since when, when that was said."""

    lost: int = 0
    since_s: float | None = None
    said_s: float = -math.inf

    def grows(self, time_s: float, error: LinkError) -> str:
        """One more is lost: words for people, empty where they were said a moment ago."""
        self.lost += 1
        if self.since_s is None:
            self.since_s = time_s
        if time_s - self.said_s < REMIND_S:
            return ""
        self.said_s = time_s
        return f"a look was lost, and is tried again every time: {error}"

    def ends(self, time_s: float) -> str:
        """It answers: words where it did not before."""
        since_s, self.since_s, self.said_s = self.since_s, None, -math.inf
        return "" if since_s is None else f"answers again, after {time_s - since_s:.3g} s"


def _looked(bench: Bench, time_s: float, gap: Gap, *, first: bool) -> tuple[BenchRead | float, str]:
    """One look, or when one was lost; and what is to be said of it.

    Raises
    ------
    TwinrigError
        The first look is lost, or another instrument answers: nothing to wait for.
    """
    try:
        reading = look(bench, time_s)
    except WrongInstrumentError:
        raise
    except LinkError as error:
        if first:
            raise
        return time_s, gap.grows(time_s, error)
    return reading, gap.ends(time_s)


def _without_value(first: BenchRead) -> str:
    """Which channels show none, and why that may be; empty where all do."""
    pairs = zip(first.channels, first.values, strict=True)
    names = [name for name, value in pairs if math.isnan(value)]
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (
        f"no value of {', '.join(names[:MOST_NAMED])}{more}: a monitor sets nothing and drives no "
        "current through a sample. What is set up by a run shows values after one, a delta mode "
        "within runs only"
    )


class Table:
    """A CSV file, one unbuffered line a look; a disk that fills up leaves whole lines."""

    def __init__(self, path: Path, bench: Bench) -> None:
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise not_made("the values", path, error) from error
        self._path, self._end = path, 0
        named = [f"{c} ({u})" for c, u in zip(bench.live_channels, bench.live_units, strict=True)]
        self._probe = ["measured_field_T"] if bench.probe is not None else []
        known = ["time_s", "field_T", "setpoint_T", "current_A", "output_on"]
        kelvin = [f"{name} (K)" for name in bench.thermometers]
        others = [f"{name} (A)" for name in bench.magnets if name != bench.spec.drive_magnet]
        titles = [*known, *named, *self._probe, *kelvin, *others, "utc"]
        self._empty = [""] * (len(titles) - 2)
        try:
            self._row(titles)
        except TwinrigError:  # an empty file would stand in the way of the next one
            self._file.close()
            with suppress(OSError):
                path.unlink()
            raise

    def write(self, reading: BenchRead | float) -> None:
        """Add one look, or the time of one that was lost: a line without values."""
        utc = datetime.now(UTC).isoformat("T", "milliseconds")
        if not isinstance(reading, BenchRead):
            self._row([f"{reading:.9g}", *self._empty, utc])
            return
        numbers = (reading.time_s, reading.field_T, reading.setpoint_T, reading.current_A)
        probe = [f"{reading.measured_field_T:.9g}"] if self._probe else []
        supply = [*(f"{n:.9g}" for n in numbers), int(reading.output_on)]
        kelvin = [f"{each:.9g}" for each in reading.temperatures_K]
        others = [f"{each:.9g}" for each in reading.others_A]
        self._row([*supply, *reading.values, *probe, *kelvin, *others, utc])

    def _row(self, cells: list[Any]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerow(cells)
        line = text.getvalue().encode()
        with writing(self._path):
            try:
                if self._file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._end)
                raise
        self._end += len(line)

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
