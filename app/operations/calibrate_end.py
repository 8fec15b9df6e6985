"""How a calibration ends: its warnings, the bench file with it, and its result line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.calibrated_bench import write_calibrated
from app.calibration_store import last_calibration, load_calibration
from app.calibration_words import verdict
from app.operations.calibrate_begin import Asked, kept_plan
from app.operations.events import Note, Result
from app.operations.results import result_values
from app.recording_reader import FILE_NAME as RECORDING
from app.recording_reader import folder_of, read_recording
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.calibration_store import Stored
    from app.operations.events import Event
    from instruments.bench import Bench


def stored_already(
    bench: Bench, what: Asked, out: Path, write_bench: Path | None
) -> Generator[Event, None, None]:
    """A calibration that had come to its end: said again, nothing is driven."""
    plan, magnet, _ = kept_plan(out)
    stored = load_calibration(out)
    last = last_calibration(out, bench.spec.name, magnet, stored.identities.get(magnet, ""))
    of_this = magnet == what.magnet.name
    said = verdict(stored.calibration, bench.spec, what.magnet, plan, last) if of_this else []
    values = result_values(read_recording(out), folder_of(out) / RECORDING, 0.0)
    yield from told(bench, stored, last, said, write_bench, values)


def told(
    bench: Bench,
    stored: Stored,
    last: Stored | None,
    said: list[str],
    write_bench: Path | None,
    values: dict[str, Any],
) -> Generator[Event, None, None]:
    """Warnings, the bench file with this calibration, and the Result."""
    for words in said:
        yield Note(words, "warning")
    written: dict[str, Any] = {}
    if write_bench is not None:
        written = {"bench_file": None}
        try:
            written = {"bench_file": str(write_calibrated(bench.spec, stored, write_bench))}
        except TwinrigError as error:  # the calibration is kept, and can be written by hand
            yield Note(f"the bench file with this calibration was not written: {error}", "error")
    values = {**values, "calibration": str(stored.path), "warnings": said, **written}
    yield Result({**values, **_numbers(stored, last)})


def _numbers(stored: Stored, last: Stored | None) -> dict[str, Any]:
    """What the result line says; `last` is the calibration before this one, or None."""
    found, bench_says = stored.calibration, stored.bench_tesla_per_ampere
    earlier = None
    if last is not None:
        earlier = {"path": str(last.path), "created": last.created, **asdict(last.calibration)}
    return {
        **asdict(found),
        "differs_from_bench": found.differs(bench_says),
        "bench_tesla_per_ampere": bench_says,
        "last": earlier,
        "magnet": stored.magnet,
        "teslameter": stored.teslameter,
    }
