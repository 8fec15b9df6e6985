"""The sequences of a short check of the device: drives that the twin's own recording has, too."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.new_file import write_new
from app.sequence_files import SCHEMA
from models.errors import InputError
from training.drift_points import drive_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.drift import Old


def write_check_sequences(old: Sequence[Old], out: Path, count: int) -> int:
    """Write up to `count` sequences as `--sequences` takes them; returns how many there are.

    Those with most repeats first, the drive families in turn: repeats of the same drives, then and
    now, tell a change best. One that was played as several sequences is written once.

    Raises
    ------
    InputError
        There is no recording, or no sequence with two repeats; `out` exists.
    """
    ranked = sorted(
        (-int(o.recording.complete[s].sum()), k, s)
        for k, o in enumerate(old)
        for s in range(len(o.recording.lengths))
        if o.recording.complete[s].sum() >= 2
    )
    if not ranked:
        raise InputError(
            "compare: no recording of fitting time with two repeats a sequence is at hand: name it "
            "with --against, or record sequences of the same kind"
        )
    turn: dict[str, int] = {}
    placed, known = [], set[bytes]()
    for fewer, k, s in ranked:
        if (key := drive_key(old[k].recording, s)) in known:
            continue
        known.add(key)
        family = old[k].recording.families[s]
        turn[family] = turn.get(family, 0) + 1
        placed.append((turn[family], fewer, k, s))
    chosen = [(k, s) for _, _, k, s in sorted(placed)[:count]]
    first = old[0].recording
    body = {
        "schema": SCHEMA,
        "notes": "a check of the device: drives of the recording that its twin was fitted on",
        "window": asdict(first.window),
        "reset": asdict(first.reset),
        "sequences": [
            {
                "family": played.family,
                "drive": played.drive.tolist(),
                **({"holds": played.holds.tolist()} if played.held else {}),
            }
            for played in (old[k].recording.sequences()[s] for k, s in chosen)
        ],
    }
    write_new(out, json.dumps(body, indent=1) + "\n")
    return len(chosen)
