"""What result lines share: a recording's values, and the time that was spent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.recording_reader import times_continued

if TYPE_CHECKING:
    from pathlib import Path

    from models.recording import Recording


def spent(begin_s: float, *, resume: bool) -> dict[str, Any]:
    """`seconds` since `begin_s` of the monotonic clock, and `continued` where those aren't all.

    What was gone on with took longer: `continued` says that its seconds are of the last session.
    """
    seconds = round(time.monotonic() - begin_s, 1)
    return {"seconds": seconds, **({"continued": True} if resume else {})}


def result_values(recording: Recording, path: Path, seconds: float) -> dict[str, Any]:
    """Values of a recording's Result; `repeats` is of each sequence, `recorded` of all.

    `continued`: how often its run was gone on with; its `seconds` are of the last session then.
    """
    continued = times_continued(recording)
    return {
        "path": str(path),
        "status": recording.status,
        "sequences": recording.response.shape[0],
        "repeats": recording.response.shape[1],
        "steps": recording.response.shape[2],
        "channels": list(recording.channels),
        "seconds": round(seconds, 3),
        **({"continued": continued} if continued else {}),
        "recorded": int(recording.complete.sum()),
        "id": str(recording.meta.get("id", "")),
    }
