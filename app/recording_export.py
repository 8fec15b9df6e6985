"""A recording as files that other programs read: a table (CSV), or arrays (NPZ, MATLAB's MAT).

Numbers of sequences, repeats and steps count from 1, as people do. `recorded` is a repeat's place
in the run, from 1 as `twinrig mark` counts (0: not recorded), `bad` whether it was marked bad. What
nobody knows (times of a simulation, the field of a missing probe) is left out.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import plain
from app.words import size, with_unit
from models.errors import InputError
from models.recording import BY_STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import BinaryIO

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[Any]

OF_STEP = ("sequence", "family", "repeat", "recorded", "bad", "step")
MAT_BYTES = 2**31 - 1  # of one variable: SciPy writes MATLAB's version 5, which counts so far


def write_csv(file: BinaryIO, recording: Recording, bad: Collection[int]) -> None:
    """One row a step of each repeat that was recorded, in the order of sequences and repeats."""
    known = [name for name in BY_STEP if np.isfinite(getattr(recording, name)).any()]
    held = ["holds"] if recording.held else []
    channels = map(with_unit, recording.channel_words, recording.units)
    text = io.TextIOWrapper(file, "utf-8", newline="")
    table = csv.writer(text)
    table.writerow([*OF_STEP, *held, "drive", "field_T", *known, *channels])
    for s, r in np.argwhere(recording.complete).tolist():
        table.writerows(_rows(recording, s, r, bad, known, held))
    text.flush()
    text.detach()  # the file stays open: whoever opened it closes it


def _rows(
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
        columns.append(_cells(values))
    columns += map(_cells, recording.response[s, r, :steps].T)
    return ((*fixed, *row) for row in zip(*columns, strict=True))


def _cells(values: Array) -> list[float | str]:
    """Each number with all its digits; an empty cell where there is none."""
    return ["" if value != value else value for value in values.tolist()]


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
        "about": np.array(_about(recording)),
    }
    by_step = {name: getattr(recording, name) for name in BY_STEP}
    return made | {name: values for name, values in by_step.items() if np.isfinite(values).any()}


def _about(recording: Recording) -> str:
    told = {
        "drive": asdict(recording.window), "reset": asdict(recording.reset),
        "status": recording.status, "identities": recording.identities,
        "settings": recording.settings, "meta": recording.meta,
    }  # fmt: skip
    return json.dumps(plain(told), ensure_ascii=False)


def write_npz(file: BinaryIO, recording: Recording, bad: Collection[int]) -> None:
    """NumPy's archive: `np.load(FILE)`, without pickles."""
    arrays: dict[str, Any] = arrays_of(recording, bad)
    np.savez_compressed(file, **arrays)


def write_mat(file: BinaryIO, recording: Recording, bad: Collection[int]) -> None:
    """MATLAB's version 5; names are cell arrays.

    Raises
    ------
    InputError
        An array is larger than that format holds.
    """
    from scipy.io import savemat

    arrays = arrays_of(recording, bad)
    if (most := max(array.nbytes for array in arrays.values())) > MAT_BYTES:
        raise InputError(
            f"an array of {size(most)}: a MAT file of version 5 holds {size(MAT_BYTES)} in one; "
            "write .npz, or open recording.nc, which is HDF5, with h5read"
        )
    words = {name: a.astype(object) for name, a in arrays.items() if a.dtype.kind == "U"}
    opened: Any = file  # SciPy takes it, its types don't say so
    savemat(opened, arrays | words | {"about": str(arrays["about"])}, do_compression=True)


WRITERS: dict[str, Callable[[BinaryIO, Recording, Collection[int]], None]] = {
    ".csv": write_csv,
    ".npz": write_npz,
    ".mat": write_mat,
}
