"""A long run in a process of its own that says how much memory it takes, as a script.

The rig is the virtual one in this process, its time accelerated without limit; what the command
line does with events is done here, too (they are read and dropped).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.operations.events import StepRead
from app.operations.monitor import BenchRead, monitor
from app.operations.record import record
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.sequence import make_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.operations.events import Event

STEPS = 100
SAMPLES = 40  # of the memory, evenly over the run


def resident_bytes() -> int:
    """What of this process is in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def events_of(
    kind: str, bench: Bench, count: int, out: Path
) -> tuple[Iterator[Event], type[Event]]:
    """The run's events, and the one to count."""
    if kind in ("monitor", "leak"):
        return monitor(bench, interval_s=0.0, out=out / "seen.csv"), BenchRead
    repeats = max(count // (STEPS * 10), 1)
    return record(bench, make_sequences("mixed", 10, STEPS), repeats, out / "rec"), StepRead


def main(kind: str, device: str, count: int, out: Path) -> None:
    """Run, and print one JSON line: resident bytes at even distances, and how long it took."""
    spec = read_bench("virtual")
    assert spec.virtual is not None
    spec = replace(spec, virtual=replace(spec.virtual, device=device))
    began_s, seen, resident = time.monotonic(), 0, []
    with Bench.connect(spec) as bench:
        events, counted = events_of(kind, bench, count, out)
        kept: list[object] = []
        for event in events:
            seen += isinstance(event, counted)
            if kind == "leak":  # what the measurement must notice
                kept.append((event, bytes(1000)))
            if isinstance(event, counted) and seen % (count // SAMPLES) == 0:
                resident.append(resident_bytes())
            if seen >= count and kind != "record":
                break
        events.close()  # type: ignore[attr-defined]
    took_s = round(time.monotonic() - began_s, 1)
    sys.stdout.write(json.dumps({"resident": resident, "seen": seen, "seconds": took_s}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
