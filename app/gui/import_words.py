"""What is told of measured repeats before they are imported; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.words import count, size
from models.command import command_line

if TYPE_CHECKING:
    from pathlib import Path

    from models.recording import Recording

BYTES_A_VALUE = 8


def words_of(recording: Recording, patterns: int) -> tuple[str, str, str]:
    """How much it is, what it takes and how much of it is whole, and its shape and field.

    `patterns`: of a folder of which the first is `recording`; 0: it is all.
    """
    s, r, steps, channels = recording.response.shape
    what = f"{count(patterns or s, 'sequence')} × {count(r, 'repeat')}"
    window, whole = recording.window, int(recording.complete.sum())
    cost = size(recording.response.size * BYTES_A_VALUE * (patterns or 1))
    field = f"{1e3 * window.low_T:.4g} … {1e3 * window.high_T:.4g} mT"
    known = field if (window.low_T, window.high_T) != (0.0, 1.0) else "field not known"
    first = ", the first pattern is shown" if patterns else ""
    held = f" · held 1…{recording.holds.max()} times" if recording.held else ""
    shape = f"{what} × {count(steps, 'step')} × {count(channels, 'channel')}"
    return what, f"{cost}, {whole} of {s * r} repeats whole", f"{shape} · {known}{held}{first}"


def command_of(file: Path | None, mapping: str) -> str:
    """The same import in a terminal, with everything but where to."""
    return f"{command_line(['twinrig', 'import', str(file), '--map', *mapping.split(), '--out'])} …"
