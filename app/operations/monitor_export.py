"""What a monitor shows, as a table: samples, or lows and highs where they were thinned."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from app.disk import writing
from app.new_file import write_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.trace_store import View


@dataclass(frozen=True)
class Seen:
    """What is seen: a view of some traces by name and unit, and markers (time in s, words).

    `utc_s`: seconds since 1970 of each time of the view `(N,)`.
    """

    view: View
    names: tuple[str, ...]
    units: tuple[str, ...]
    markers: tuple[tuple[float, str], ...]
    utc_s: NDArray[np.float64]

    @property
    def size(self) -> int:
        """About how many bytes the table takes."""
        columns = len(self.names) * (1 if self.view.factor == 1 else 2)
        return self.view.times_s.size * (42 + 12 * columns)


def export_seen(path: Path, seen: Seen) -> Path:
    """Write a new CSV file, whole or not at all; returns its path.

    Columns: `time_s`, `utc`, each trace with its unit (low and high where a line is more than one
    sample), `marker` on the line before which it was set. A gap is an empty cell.

    Raises
    ------
    InputError
        The file exists.
    TwinrigError
        The disk refuses.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    named = [f"{n} ({u})" for n, u in zip(seen.names, seen.units, strict=True)]
    exact = seen.view.factor == 1
    if not exact:
        named = [f"{one}, {end}" for one in named for end in ("low", "high")]
    table.writerow(["time_s", "utc", *named, "marker"])
    words = _marks(seen.view.times_s, seen.markers)
    rows = seen.view.low if exact else np.stack([seen.view.low, seen.view.high], axis=1)
    rows = rows.reshape(len(named), -1)  # none, where what is seen was frozen before the first
    moments = zip(seen.view.times_s.tolist(), seen.utc_s.tolist(), strict=True)
    for number, (time_s, utc_s) in enumerate(moments):
        when = datetime.fromtimestamp(utc_s, UTC).isoformat("T", "milliseconds")
        cells = ["" if np.isnan(v) else f"{v:.9g}" for v in rows[:, number].tolist()]
        table.writerow([f"{time_s:.6f}", when, *cells, words.get(number, "")])
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, text.getvalue())
    return path


def _marks(times_s: np.ndarray, markers: Sequence[tuple[float, str]]) -> dict[int, str]:
    """Row → words of the markers that were set just before it."""
    words: dict[int, str] = {}
    for time_s, text in markers:
        row = min(int(np.searchsorted(times_s, time_s)), times_s.size - 1)
        if row >= 0:
            words[row] = "; ".join(filter(None, (words.get(row, ""), text)))
    return words
