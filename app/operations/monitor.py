"""Live values of a rig, to whoever watches or to a CSV file; changes nothing on it."""

from __future__ import annotations

import csv
import errno
import io
import os
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from app.artefacts import writing
from app.operations.bench_read import BenchRead, look
from app.operations.events import Event, Result
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from instruments.bench import Bench

__all__ = ["BenchRead", "Table", "monitor"]

INTERVAL_S = 0.5


def monitor(
    bench: Bench,
    *,
    seconds: float | None = None,
    interval_s: float = INTERVAL_S,
    out: Path | None = None,
) -> Generator[Event, None, None]:
    """Read the rig every `interval_s` until `seconds` have passed, or until it is stopped.

    Parameters
    ----------
    bench
        Connected; no set-point is sent and no step is gated.
    seconds
        None: until the generator is closed.
    interval_s
        Between the starts of two looks, in s.
    out
        A new CSV file for the values.

    Raises
    ------
    InputError
        `out` exists.
    TwinrigError
        An instrument does not answer, or the disk refuses.
    """
    began_s, looks = time.monotonic(), 0
    with ExitStack() as stack:
        table = stack.enter_context(Table(out, bench)) if out is not None else None
        while seconds is None or looks * interval_s <= seconds:
            reading = look(bench, time.monotonic() - began_s)
            looks += 1
            if table is not None:
                table.write(reading)
            yield reading
            due_s = began_s + looks * interval_s
            if seconds is None or looks * interval_s <= seconds:
                bench.stop.sleep(max(due_s - time.monotonic(), 0.0))
    yield Result(
        {
            **({} if out is None else {"path": str(out)}),
            "status": "done",
            "readings": looks,
            "channels": list(bench.live_channels),
            "seconds": round(time.monotonic() - began_s, 3),
        }
    )


class Table:
    """A CSV file, one unbuffered line a look; a disk that fills up leaves whole lines."""

    def __init__(self, path: Path, bench: Bench) -> None:
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; name a new file") from error
        self._path, self._end = path, 0
        named = [f"{c} ({u})" for c, u in zip(bench.live_channels, bench.live_units, strict=True)]
        self._probe = ["measured_field_T"] if bench.probe is not None else []
        known = ["time_s", "field_T", "setpoint_T", "current_A", "output_on"]
        self._row([*known, *named, *self._probe])

    def write(self, reading: BenchRead) -> None:
        """Add one look."""
        numbers = (reading.time_s, reading.field_T, reading.setpoint_T, reading.current_A)
        probe = [f"{reading.measured_field_T:.9g}"] if self._probe else []
        supply = [*(f"{n:.9g}" for n in numbers), int(reading.output_on)]
        self._row([*supply, *reading.values, *probe])

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
