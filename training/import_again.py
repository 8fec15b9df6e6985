"""How measured data must be imported once more to be of one kind with a twin or a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.recording import Recording
    from models.sequence import DriveWindow, Reset

UNKNOWN = (0.0, 1.0)  # the window that stands for one whose unit nobody told
ROOM = 1e-9  # of the window: as the import has
MOST = 20  # sequences that are listed


def import_again(recording: Recording, name: str, wanted: Any) -> str:
    """The map's word that makes what was imported of the wanted kind, in words; empty: none does.

    `name` is `window`, `reset`, `units` or `channels`.
    """
    if "imported" not in recording.meta:
        return ""
    if name == "window":
        word = _field(recording, wanted)
    elif name == "reset":
        word = _reset(recording, wanted)
    else:
        word = _list(recording, name, wanted)
    return f", or import it again with {word}" if word else ""


def import_both_again(one: Recording, other: Recording) -> str:
    """As `import_again`, of two recordings that get one window."""
    if "imported" not in one.meta or "imported" not in other.meta:
        return import_again(other, "window", one.window)
    windows = [r.window for r in (one, other)]
    if any(map(_is_unknown, windows)) or one.window.hold_s != other.window.hold_s:
        return ""
    low, high = min(w.low_T for w in windows), max(w.high_T for w in windows)
    return f", or import both again with field={1e3 * low:.9g},{1e3 * high:.9g},mT"


def _is_unknown(window: DriveWindow) -> bool:
    return (window.low_T, window.high_T) == UNKNOWN


def _field(recording: Recording, window: DriveWindow) -> str:
    """The field of drive 0 and 1, and the sequences that are within; none where there are none."""
    own = recording.window
    if _is_unknown(window) or window.hold_s != own.hold_s:
        return ""
    words = f"field={1e3 * window.low_T:.9g},{1e3 * window.high_T:.9g},mT"
    if window.encoding != own.encoding:
        words += f" encoding={window.encoding}"
    if _is_unknown(own):
        return f"{words}, if its numbers are in mT"
    field = own.field_T(recording.drive)
    room = ROOM * (window.high_T - window.low_T)
    beyond = (field < window.low_T - room) | (field > window.high_T + room)
    inside = np.flatnonzero(~beyond.any(axis=1))
    if inside.size == len(field):
        return words
    if not inside.size or "only=sequence" in str(recording.meta["imported"]):
        return ""
    listed = ",".join(map(str, inside[:MOST])) + ",…" * (inside.size > MOST)
    return f"{words} only=sequence:{listed}: the others go beyond that field"


def _reset(recording: Recording, reset: Reset) -> str:
    if reset.hold_s != recording.reset.hold_s:
        return ""
    return f"reset={1e3 * reset.field_T:.9g} beside its field in mT, if it was that"


def _list(recording: Recording, name: str, wanted: tuple[str, ...]) -> str:
    fits = len(wanted) == len(recording.channels) and not any("," in one for one in wanted)
    return f"{name}={','.join(wanted)}, if they are these" if fits else ""
