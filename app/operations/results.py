"""The result line that `record`, `import` and `simulate` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from models.recording import Recording


def result_values(recording: Recording, path: Path, seconds: float) -> dict[str, Any]:
    """Values of a recording's Result; `repeats` is of each sequence, `recorded` of all."""
    return {
        "path": str(path),
        "status": recording.status,
        "sequences": recording.response.shape[0],
        "repeats": recording.response.shape[1],
        "steps": recording.response.shape[2],
        "channels": list(recording.channels),
        "seconds": round(seconds, 3),
        "recorded": int(recording.complete.sum()),
        "id": str(recording.meta.get("id", "")),
    }
