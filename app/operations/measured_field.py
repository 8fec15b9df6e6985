"""What a bench's field probe measured over a run, beside the field that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.operations.events import Note
from instruments.calibration import DIFFERS_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.recording_store import RecordingWriter
    from instruments.bench import Bench


FOLLOWS = 0.5  # judgement: the share of a change beside that of the field; saturation shows more


def field_notes(writer: RecordingWriter, bench: Bench) -> list[Note]:
    """One line of a recording's complete repeats: a warning where the field was far off.

    Nothing without a probe, and of a rotation, where each step has many fields.
    """
    recording = writer.recording
    if bench.probe is None or bench.rotation is not None:
        return []
    sign = -1.0 if recording.window.encoding == "loop" else 1.0  # a loop is read at -H
    asked_T = sign * recording.window.field_T(recording.drive)[:, None, :]
    measured_T = np.where(recording.complete[:, :, None], recording.measured_field_T, np.nan)
    asked_T = np.broadcast_to(asked_T, measured_T.shape)
    known = np.isfinite(measured_T) & np.isfinite(asked_T)
    asked_T, measured_T = asked_T[known], measured_T[known]
    if not asked_T.any():
        return []
    off = float((measured_T * asked_T).sum() / (asked_T**2).sum()) - 1.0
    away_T = float(np.abs(measured_T - asked_T).max())
    words = (
        f"field: {bench.probe.name} measured {100 * (1 + off):.1f} % of what was asked for, "
        f"{1e3 * away_T:.3g} mT away from it at most, over {asked_T.size} steps"
    )
    followed = abs(_followed(asked_T, measured_T))
    if followed < FOLLOWS * abs(1 + off):
        stands = (
            f"of a change it showed {100 * followed:.0f} %. Does it hold its reading (max hold, an "
            "average that is longer than a step), and is it in the gap?"
        )
        return [Note(f"{words}; {stands}", "warning")]
    if abs(off) <= DIFFERS_SHARE:
        return [Note(words)]
    remedy = (
        "is tesla_per_ampere still right (`twinrig bench calibrate`), and does the probe sit where "
        "it was calibrated? With tolerance_T such a repeat is void"
    )
    return [Note(f"{words}: {remedy}", "warning")]


def _followed(asked_T: NDArray[np.float64], measured_T: NDArray[np.float64]) -> float:
    """How much the probe showed of a change of the field asked for; 1 where there was none."""
    change_T = asked_T - asked_T.mean()
    if np.abs(change_T).max() <= DIFFERS_SHARE * np.abs(asked_T).max():
        return 1.0
    return float((change_T * measured_T).sum() / (change_T**2).sum())
