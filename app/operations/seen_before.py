"""What a twin, and those that it was fitted further from, have seen of a recording's sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.fitted_on import file_of
from app.recording_marks import read_kept
from training.alike_drives import played_before
from training.held_out import Seen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.recording import Recording
    from models.twin import Twin

    Mask = NDArray[np.bool_]
    Rows = Sequence[Mapping[str, Any]]

PARTS = ("test", "validation")


def parts_by_recording(twin: Twin) -> list[dict[str, Any]]:
    """Each recording of a twin's own fit: id, path, sha256, and which of its sequences were held.

    `test` and `validation` count within the recording, from 0.
    """
    rows, before = [], 0
    held_out = twin.meta.get("held_out", {})
    for parent in twin.meta.get("parents", []):
        count = int(parent["sequences"])
        held = {part: _within(held_out.get(part), before, count) for part in PARTS}
        fitted = set(_within(held_out.get("training"), before, count))
        held["validation"] = [s for s in held["validation"] if s not in fitted]
        fitted |= set(held["validation"])
        held["test"] = [s for s in held["test"] if s not in fitted]
        known = {key: parent[key] for key in ("id", "path", "sha256") if key in parent}
        rows.append({**known, **held})
        before += count
    return rows


def _within(indices: Any, before: int, count: int) -> list[int]:
    """Those of a joined recording's indices that are of one recording, counted within it."""
    if not isinstance(indices, list):
        return []
    return [int(i) - before for i in indices if 0 <= int(i) - before < count]


def seen_of_all(twin: Twin, recordings: Sequence[Recording], folder: Path) -> Seen:
    """What of recordings was fitted, and what chose a snapshot, by the twin and its whole line.

    Sequences that play the same drives as in a recording of theirs count too, as far as that is at
    hand: where it was, or beside the twin's `folder`. A version of an earlier Twinrig keeps no
    parts of a recording that its line was fitted on: it has seen all of it.
    """
    rows = [*parts_by_recording(twin), *_of_line(twin)]
    by_id = [_seen(rows, recording) for recording in recordings]
    by_drive = [_played(rows, recording, folder) for recording in recordings]
    both = list(zip(by_id, by_drive, strict=True))
    fitted = np.concatenate([one.fitted | other.fitted for one, other in both])
    used = np.concatenate([one.used | other.used for one, other in both])
    if not any(part.used.any() for part in by_id):
        return Seen(fitted, used)
    held_out = twin.meta.get("held_out", {})
    held, *others = (
        [int(r) for r in held_out.get(f"{part}_repeats", [])]
        for part in ("test", "training", "validation")
    )
    return Seen(fitted, used, tuple(held), tuple(others[0] + others[1]))


def played_again(twin: Twin, recording: Recording, folder: Path) -> int:
    """How many sequences play what the twin or its line was fitted on in other recordings.

    As far as these are at hand; `folder` is the twin's.
    """
    rows = [*parts_by_recording(twin), *_of_line(twin)]
    return int(_played(rows, recording, folder).used.sum())


def flatters(twin: Twin, recording: Recording) -> bool:
    """Whether an earlier version has seen what of the recording the twin itself has not."""
    own = _of(parts_by_recording(twin), recording)
    scored = _mask(own[0]["test"] if own else None, len(recording.lengths))
    scored = scored if scored.any() else ~scored
    return bool((_seen(_of_line(twin), recording).used & scored).any())


def _seen(rows: Rows, recording: Recording) -> Seen:
    count = len(recording.lengths)
    fitted, used = (np.zeros(count, dtype=bool) for _ in range(2))
    for row in _of(rows, recording):
        test, validation = (_mask(row.get(part), count) for part in PARTS)
        used |= ~test
        fitted |= ~(test | validation)
    return Seen(fitted, used)


def _played(rows: Rows, recording: Recording, folder: Path) -> Seen:
    """Which sequences play what was fitted, or chose a snapshot, under another recording's id."""
    fitted, used = (np.zeros(len(recording.lengths), dtype=bool) for _ in range(2))
    own = str(recording.meta.get("id", ""))
    for row in rows:
        file = None if row.get("id") == own else file_of(row, folder)
        if file is not None:
            old = read_kept(file)
            known = _seen([row], old)
            for mask, then in ((fitted, known.fitted), (used, known.used)):
                mask[played_before(old, np.flatnonzero(then), recording)] = True
    return Seen(fitted, used)


def _of_line(twin: Twin) -> list[Mapping[str, Any]]:
    """The recordings of all versions before this one."""
    return [row for one in twin.meta.get("ancestors", []) for row in one.get("recordings", [])]


def _of(rows: Rows, recording: Recording) -> list[Mapping[str, Any]]:
    own = str(recording.meta.get("id", ""))
    return [row for row in rows if own and row.get("id") == own]


def _mask(positions: Any, count: int) -> Mask:
    known = positions if isinstance(positions, list) else []
    return np.isin(np.arange(count), [p for p in known if isinstance(p, int)])
