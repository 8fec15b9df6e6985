"""Channels of a recording that lie where others lay before: exchanged in a cable, or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.floating[Any]]

ELSEWHERE = 3.0  # of a channel's standard deviation: where it never was
MOST = 64  # channels: of a spectrum neighbours are alike
THERE = 0.7  # of the other's: where that one is, with as large a movement


def moments(recording: Recording) -> tuple[Array, Array]:
    """Mean and standard deviation `(C,)` of each channel over the complete repeats."""
    known = recording.response[recording.complete]
    return np.nanmean(known, axis=(0, 1)), np.nanstd(known, axis=(0, 1))


def exchanged_channels(offset: Array, scale: Array, recording: Recording) -> list[str]:
    """A sentence where channels seem exchanged with each other.

    Parameters
    ----------
    offset, scale
        `(C,)`: mean and standard deviation that the channels had.
    recording
        Of the same channels.
    """
    if not recording.complete.any():
        return []
    mean, spread = moments(recording)
    if len(offset) > MOST or not (spread > 0).all() or not (scale > 0).all():
        return []
    apart = np.abs(mean[:, None] - offset) / scale + np.abs(np.log(spread[:, None] / scale))
    places = apart.argmin(axis=1)
    order = np.arange(len(places))
    moved = order[places != order]
    if not moved.size or sorted(places) != order.tolist():
        return []
    if (apart[moved, moved] < ELSEWHERE).any() or (apart[moved, places[moved]] > THERE).any():
        return []
    names = recording.channels
    pairs = ", ".join(f"{names[k]!r} where {names[places[k]]!r} was" for k in moved)
    back = ",".join(map(str, np.argsort(places)))
    return [
        f"channels lie exchanged: {pairs}. A cable, or another order in the file? Of an import, "
        f"only=channel:{back} channels={','.join(names)} puts them back"
    ]
