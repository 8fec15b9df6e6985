"""Arrays that `twinrig export` wrote of a recording: they come back as it was, its marks, too.

Such a file says itself what is what, so that its map is one word, `exported`. Any other map takes
its arrays by their names, as of a file from elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import new_id, parse_json
from app.export_files import ABOUT
from app.importing.join import longer
from app.recording_export import digest_of
from app.recording_format import DESCRIBED
from app.words import counted
from models.errors import InputError, raise_problems
from models.json_form import TEXT, Rows, Table, faults
from models.recording import BY_STEP, Recording, faults_of
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from app.foreign_files import Found
    from models.json_form import Form

    Array = NDArray[np.float64]

EXPORTED = "exported"  # the whole map of such a file
TEXTS = ("families", "units", ABOUT)
NUMBERS = ("response", "drive", "lengths", "holds", "recorded", "bad", "start_s")
KEYS: dict[str, Form] = {"channels": Rows(TEXT), "status": TEXT, "sha256": TEXT}
FORM = Table(
    KEYS | {("drive" if key == "window" else key): form for key, form in DESCRIBED.items()}
)
ENDED = ("done", "stopped", "failed")


def is_exported(found: Mapping[str, Found]) -> bool:
    """Whether a file's arrays have the names of a recording's export."""
    return all(name in found for name in (*NUMBERS, *TEXTS))


def marked_in(found: Mapping[str, Found]) -> frozenset[int]:
    """Positions in its run, from 0, of repeats that were marked bad when it was exported."""
    if not {"bad", "recorded"} <= set(found):
        return frozenset()
    recorded, bad = (np.asarray(found[name].values) for name in ("recorded", "bad"))
    return frozenset(int(place) - 1 for place in np.unique(recorded[bad > 0]))


def exported_recording(
    file: Path, found: Mapping[str, Found], origin: Mapping[str, str]
) -> Recording:
    """The recording; `origin`: where it comes from, kept with the id that it had.

    That is its id again, so that no twin that was fitted on it is scored by it, unless somebody has
    changed its numbers meanwhile.

    Raises
    ------
    InputError
        The arrays do not fit each other, or are no recording: all faults at once.
    """
    where = f"{file}: no export of a recording (name its arrays: --map response=… drive=…)"
    about = parse_json("".join(_texts(found, ABOUT)).encode(), f"{where}: {ABOUT}")
    raise_problems(InputError, f"{where}: {ABOUT}", faults(about, FORM))
    families, units = _texts(found, "families"), _texts(found, "units")
    arrays = _shaped(where, found, families, about["channels"])
    with np.errstate(invalid="ignore"):  # of NaN: no place and no length, which is said below
        counts = {name: arrays[name].astype(np.int64) for name in ("lengths", "holds", "recorded")}
    meta, status = about["meta"], about["status"]
    told = {**origin, "map": EXPORTED, "id": str(meta.get("id", ""))}
    try:
        made = Recording(
            arrays["response"],
            arrays["drive"],
            counts["lengths"],
            families,
            counts["recorded"] - 1,
            arrays["start_s"],
            tuple(about["channels"]),
            units,
            DriveWindow(**about["drive"]),
            Reset(**about["reset"]),
            settings=about["settings"],
            identities=about["identities"],
            status=status if status in ENDED else "stopped",
            meta={**meta, "id": new_id("rec"), "imported": told},
            holds=counts["holds"],
            **{name: arrays[name] for name in BY_STEP if name in found},
        )
        raise_problems(InputError, "no recording", faults_of(made))
    except InputError as fault:
        raise InputError(f"{where}: {fault}") from fault
    if told["id"] and digest_of(made) == about["sha256"]:  # what a twin was fitted on stays that
        return replace(made, meta={**made.meta, "id": told["id"]})
    return made


def exported_words(recording: Recording, bad: frozenset[int]) -> str:
    """That it is taken as it was."""
    own = recording.meta["imported"]["id"] or "it"
    marked = f"; {counted(len(bad), 'repeat')} marked bad stay so" if bad else ""
    return f"taken whole, as {own} was exported{marked}"


def _texts(found: Mapping[str, Found], name: str) -> tuple[str, ...]:
    return tuple(str(word) for word in found[name].values.ravel())


def _shaped(
    where: str, found: Mapping[str, Found], families: tuple[str, ...], channels: list[str]
) -> dict[str, Array]:
    """The arrays with all their axes: MATLAB drops such of length 1, or adds some.

    Raises
    ------
    InputError
        Shapes that do not fit each other.
    """
    s, c = len(families), len(channels)
    r, t = (found[name].values.size // max(s, 1) for name in ("recorded", "drive"))
    shapes: dict[str, tuple[int, ...]] = {
        "response": (s, r, t, c), "lengths": (s,),
        **dict.fromkeys(("drive", "holds"), (s, t)),
        **dict.fromkeys(("recorded", "bad", "start_s"), (s, r)),
        **dict.fromkeys([name for name in BY_STEP if name in found], (s, r, t)),
    }  # fmt: skip
    problems = []
    for name, shape in shapes.items():
        values: NDArray[Any] = found[name].values
        if values.dtype.kind != "f" or longer(values.shape) != longer(shape):
            problems.append(f"{name!r} is {values.shape} of {values.dtype}, not numbers {shape}")
    raise_problems(InputError, where, problems)
    return {name: found[name].values.reshape(shape) for name, shape in shapes.items()}
