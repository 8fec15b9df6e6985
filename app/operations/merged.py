"""Recordings that were made one after another, as one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from models.recording import BY_STEP, Recording

if TYPE_CHECKING:
    from collections.abc import Sequence


def merged(recordings: Sequence[Recording]) -> Recording:
    """Recordings of one run, one after another, as one: padded with NaN to the largest.

    Places in the order and start times go on from one to the next; the time in between, in which
    the rig rests and twins are fitted, is not counted.
    """
    first = recordings[0]
    steps = max(r.response.shape[2] for r in recordings)
    repeats = max(r.response.shape[1] for r in recordings)
    begin_s = np.cumsum([0.0, *(_length_s(r) for r in recordings[:-1])])
    place = np.cumsum([0, *(r.order.size for r in recordings[:-1])])
    orders = [np.where(r.complete, r.order + p, -1) for r, p in zip(recordings, place, strict=True)]
    starts = [r.start_s + b for r, b in zip(recordings, begin_s, strict=True)]
    times = {
        name: np.concatenate([
            _padded(getattr(r, name) + (b if name.endswith("_s") else 0.0), (None, repeats, steps))
            for r, b in zip(recordings, begin_s, strict=True)
        ])
        for name in BY_STEP
    }  # fmt: skip
    return Recording(
        np.concatenate([_padded(r.response, (None, repeats, steps, None)) for r in recordings]),
        np.concatenate([_padded(r.drive, (None, steps)) for r in recordings]),
        np.concatenate([r.lengths for r in recordings]),
        tuple(f for r in recordings for f in r.families),
        np.concatenate([_padded(o, (None, repeats), -1) for o in orders]),
        np.concatenate([_padded(s, (None, repeats)) for s in starts]),
        first.channels, first.units, first.window, first.reset, first.settings, first.identities,
        "done", first.meta, **times,
        holds=np.concatenate([_padded(r.holds, (None, steps), 1) for r in recordings]),
    )  # fmt: skip


def _length_s(recording: Recording) -> float:
    """From a recording's first start to the end of its last repeat, about."""
    starts = np.sort(recording.start_s[np.isfinite(recording.start_s)])
    longest = max((b - a for a, b in pairwise(starts)), default=1.0)
    read_s = recording.read_s[np.isfinite(recording.read_s)]
    return float(max(starts[-1] + longest if starts.size else 0.0, read_s.max(initial=0.0)))


def _padded(array: Any, shape: tuple[int | None, ...], fill: float = np.nan) -> Any:
    width = [(0, 0 if n is None else n - have) for n, have in zip(shape, array.shape, strict=True)]
    return np.pad(array, width, constant_values=fill)
