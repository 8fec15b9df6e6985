"""A recording for other programs: as rows of a table, or as arrays.

Numbers of sequences, repeats and steps count from 1, as people do. `recorded` is a repeat's place
in the run, from 1 as `twinrig mark` counts (0: not recorded), `bad` whether it was marked bad. What
nobody knows (times of a simulation, the field of a missing probe) is left out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import plain
from app.export_files import ABOUT, cells
from app.words import with_unit
from models.recording import BY_STEP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[Any]

OF_STEP = ("sequence", "family", "repeat", "recorded", "bad", "step")


def rows_of(recording: Recording, bad: Collection[int]) -> Iterator[Sequence[Any]]:
    """Names, then one row a step of each repeat that was recorded, by sequence and repeat."""
    known = [name for name in BY_STEP if np.isfinite(getattr(recording, name)).any()]
    held = ["holds"] if recording.held else []
    channels = map(with_unit, recording.channel_words, recording.units)
    yield [*OF_STEP, *held, "drive", "field_T", *known, *channels]
    for s, r in np.argwhere(recording.complete).tolist():
        yield from _of_repeat(recording, s, r, bad, known, held)


def _of_repeat(
    recording: Recording, s: int, r: int, bad: Collection[int], known: list[str], held: list[str]
) -> Iterator[tuple[Any, ...]]:
    """Those of one repeat."""
    steps, position = int(recording.lengths[s]), int(recording.order[s, r])
    drive = recording.drive[s, :steps]
    fixed = (s + 1, recording.families[s], r + 1, position + 1, int(position in bad))
    columns: list[list[Any]] = [[*range(1, steps + 1)]]
    columns += [recording.holds[s, :steps].tolist()] * len(held)
    measured = [getattr(recording, name)[s, r, :steps] for name in known]
    for values in (drive, recording.window.field_T(drive), *measured):
        columns.append(cells(values))
    columns += map(cells, recording.response[s, r, :steps].T)
    return ((*fixed, *row) for row in zip(*columns, strict=True))


def arrays_of(recording: Recording, bad: Collection[int]) -> dict[str, Array]:
    """Arrays by name, `response` `(S, R, T, C)`; `about`: JSON of what it rests on."""
    made: dict[str, Array] = {
        "response": recording.measured(),
        "drive": recording.drive,
        "field_T": recording.window.field_T(recording.drive),
        "lengths": recording.lengths,
        "holds": recording.holds,
        "recorded": recording.order + 1,
        "bad": np.isin(recording.order, list(bad)),
        "start_s": recording.start_s,
        "families": np.array(recording.families),
        "channels": np.array(recording.channel_words),
        "units": np.array(recording.units),
        ABOUT: np.array(_about(recording)),
    }
    by_step = {name: getattr(recording, name) for name in BY_STEP}
    return made | {name: values for name, values in by_step.items() if np.isfinite(values).any()}


def digest_of(recording: Recording) -> str:
    """SHA-256 over responses, drives and places in the run: who has the same is the same run."""
    parts = (recording.measured(), recording.drive, recording.order.astype(np.float64))
    digest = hashlib.sha256(repr(recording.response.shape).encode())
    for part in parts:
        digest.update(np.nan_to_num(part).astype("<f8").tobytes())
    return digest.hexdigest()


def _about(recording: Recording) -> str:
    told = {
        "sha256": digest_of(recording),
        "channels": recording.channels,  # without their frequencies
        "drive": asdict(recording.window), "reset": asdict(recording.reset),
        "status": recording.status, "identities": recording.identities,
        "settings": recording.settings, "meta": recording.meta,
    }  # fmt: skip
    return json.dumps(plain(told), ensure_ascii=False)
