"""Spectra of files or groups that are steps: one frequency axis, which names the channels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.importing.guess_told import hertz_of, layout_of, own_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.foreign_files import Found
    from app.importing.mapping import Mapping

    Place = tuple[int, ...]

SHOWN = 5
SAME = 1e-9  # of the frequencies' range


def counts_itself(column: str, whole: Found) -> bool:
    """Whether an array's own name has the numbers, `rep1/step_2`, and not those of its groups."""
    return own_name(whole.members[0][0]) != own_name(column)


def other_axes(asked: Mapping, found: dict[str, Found], named: dict[Place, str]) -> list[str]:
    """Files whose frequencies are not those of the most, in words."""
    layout = layout_of(found, asked.columns)
    axis = found.get(layout.axis) if layout else None
    if layout is None or axis is None or not axis.members:
        return []
    unit = hertz_of(layout.axis, axis)
    rows = {place: axis.values[place] for _, place in axis.members}
    usual = np.frombuffer(Counter(row.tobytes() for row in rows.values()).most_common(1)[0][0])
    near = SAME * (float(np.nanmax(usual) - np.nanmin(usual)) or 1.0)
    others = [p for p, row in rows.items() if not np.allclose(row, usual, 0.0, near, True)]
    first = next(p for p in rows if p not in others)
    said = [
        f"{named.get(p, p)!r} has other frequencies ({_span(rows[p], unit)}) than "
        f"{named.get(first, first)!r} ({_span(usual, unit)}): channels need one axis, so "
        "interpolate it onto that, or move it away"
        for p in others[:SHOWN]
    ]
    more = len(others) - SHOWN
    return [*said, f"and {more} more have other frequencies"] if more > 0 else said


def _span(row: NDArray[np.float64], unit: str) -> str:
    row = row[np.isfinite(row)]
    low, high = (row.min(), row.max()) if row.size else (np.nan, np.nan)
    return f"{row.size} from {low:g} to {high:g}{f' {unit}' if unit else ''}"


def with_frequencies(asked: Mapping, found: dict[str, Found]) -> Mapping:
    """The map with channels named by their frequencies, where it names none: `S21_5.5GHz`."""
    whole = {n: one for n, one in found.items() if not one.part}
    layout = layout_of(whole, asked.columns)
    axis = found.get(layout.axis) if layout else None
    if layout is None or axis is None or asked.words.channels:
        return asked
    if asked.response_axes != (*asked.response_axes[: len(layout.along)], "channel"):
        return asked
    row = axis.values[axis.members[0][1]] if axis.members else axis.values.ravel()
    own = ["" if counts_itself(c, found[c]) else f"{own_name(c)}_" for c in asked.columns]
    unit = hertz_of(layout.axis, axis)
    names = tuple(f"{column}{_frequency(f, unit)}" for column in own for f in row)
    chosen = dict(asked.words.only).get("channel", ())
    if not _fit(names) or len(chosen) == len(names):  # of as many names the map's would be those
        return asked
    return replace(asked, words=replace(asked.words, channels=names))


def _frequency(value: float, unit: str) -> str:
    """A frequency with its unit, of hertz in GHz, MHz or kHz where it is as large."""
    for prefix, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)) if unit == "Hz" else ():
        if value >= scale:
            return f"{value / scale:.9g}{prefix}Hz"
    return f"{value:.9g}{unit}"


def _fit(names: tuple[str, ...]) -> bool:
    odd = any((name[:1] + name[-1:]).isdigit() or "nan" in name for name in names)
    return len(set(names)) == len(names) and not odd
