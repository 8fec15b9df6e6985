"""How long a node's run will take on the device, from the recording that its twin was fitted on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.recording_reader import read_recording
from models.errors import InputError
from models.paths import anything_at

if TYPE_CHECKING:
    from models.twin import Twin


def run_seconds(twin: Twin, path: Path, steps: int) -> float:
    """Device time in s of one reset and `steps` steps.

    Each repeat of the recording, a reset and its steps, tells: the time from its start to the next
    one's, over its steps, each as often as it was held, and one more for the reset.

    Raises
    ------
    InputError
        The twin names no recording, or it isn't there, has no two repeats, or tells no time (an
        import).
    """
    parents = twin.meta.get("parents", [])
    if not parents:
        raise InputError(
            f"{path}: names no recording to know the device time from; leave out --max-hours"
        )
    named = Path(parents[0]["path"])
    beside = path.resolve().parent / named.name
    found = next(
        (p for p in (named, beside, beside.parent / named.parent.name) if anything_at(p)), None
    )
    if found is None:
        raise InputError(
            f"{path}: its recording {named} isn't there, and the device time rests on it; put it "
            "back, or leave out --max-hours"
        )
    recording = read_recording(found)
    done = recording.complete
    begun = np.where(done, recording.start_s, np.nan).ravel()
    lengths = np.broadcast_to(recording.held_lengths[:, None], done.shape).ravel()
    order = np.argsort(begun)[: int(done.sum())]
    between = np.diff(begun[order])
    if not between.size:
        raise InputError(f"{found}: one repeat tells no device time; leave out --max-hours")
    each_s = between / (lengths[order][:-1] + 1)
    if not (median_s := float(np.median(each_s))) > 0:
        raise InputError(
            f"{found}: tells no time at which its repeats began (imported?), and the device time "
            "rests on it; leave out --max-hours"
        )
    return median_s * (steps + 1)
