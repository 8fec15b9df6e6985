"""Steps that are held several times as long: several steps of one hold, of which the last is read.

Decision: a fit and its scores know steps of one length only. A step of n holds becomes n steps of
the same drive, and what was measured stands at the last of them; the others are steps without a
measured value, as any that is missing. So neither model nor kernel know of holds. What looks at
several steps together (a window of the energy score, a correlation, a place in a report) counts
those that were read, not the time between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Mask = NDArray[np.bool_]

NONE = -1  # in `reads_of`: this sequence has no further step


def in_single_holds(drive: Array, response: Array, holds: Index) -> tuple[Array, Array]:
    """Drives `(S, L)` and responses `(S, R, L, C)` of steps of one hold each.

    Parameters
    ----------
    drive
        `(S, T)`, NaN beyond a sequence's length.
    response
        `(S, R, T, C)`.
    holds
        `(S, T)`, 1 beyond a sequence's length.
    """
    if (holds == 1).all():
        return drive, response
    known = np.isfinite(drive)
    ends = np.cumsum(np.where(known, holds, 0), axis=1)
    sequences, repeats, _, channels = response.shape
    length = int(ends[:, -1].max())
    drives = np.full((sequences, length), np.nan)
    responses = np.full((sequences, repeats, length, channels), np.nan)
    for s in range(sequences):
        steps = np.flatnonzero(known[s])
        drives[s, : ends[s, -1]] = np.repeat(drive[s, steps], holds[s, steps])
        responses[s][:, ends[s, steps] - 1] = response[s][:, steps]
    return drives, responses


def reads_of(response: Array) -> Index | None:
    """Where each sequence of `(S, R, L, C)` was read: `(S, T)`, `NONE` behind the last.

    None where nothing lies between two reads: then every step is one.
    """
    measured: Mask = np.any(np.isfinite(response), axis=(1, 3))
    count, steps = measured.sum(axis=1), measured.shape[1]
    last = np.where(count > 0, steps - np.argmax(measured[:, ::-1], axis=1), 0)
    if (count == last).all():
        return None
    order = np.argsort(~measured, axis=1, kind="stable")[:, : int(count.max())]
    return np.where(np.arange(order.shape[1]) < count[:, None], order, NONE)


def at_reads(values: Array, reads: Index) -> Array:
    """What `(S, L)` or `(S, R, L, C)` is where it was read, NaN behind a sequence's last read."""
    chosen, there = np.maximum(reads, 0), reads >= 0
    if values.ndim == 4:
        chosen, there = chosen[:, None, :, None], there[:, None, :, None]
        taken = np.take_along_axis(
            values,
            np.broadcast_to(chosen, (*values.shape[:2], reads.shape[1], values.shape[3])),
            axis=2,
        )
    else:
        taken = np.take_along_axis(values, chosen, axis=1)
    return np.where(there, taken, np.nan)
