"""A recording as named arrays and attributes (netCDF), and its header as JSON (journal)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import parse_json, plain
from app.checked_json import shown, version_of
from app.disk import RESTORE, advised
from app.netcdf import Variable, read_netcdf
from models.errors import InputError, raise_problems
from models.json_form import (
    ANYTHING,
    COUNT,
    IDENTITIES,
    LIMITS,
    RESET,
    SCORE,
    SETTINGS,
    TEXT,
    WHOLE,
    WINDOW,
    Rows,
    Table,
    faults,
)
from models.recording import BY_STEP, HELD_SCHEMA, READABLE, SCHEMA, Recording, faults_of
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KIND = "recording"
META = Table(
    optional={
        "id": TEXT, "created": TEXT, "code_version": TEXT, "bench": TEXT, "network": TEXT,
        "network_sha256": TEXT, "remarks": Rows(TEXT), "layers": Rows(COUNT), "driven": Rows(TEXT),
        "limits": LIMITS,
    },
    others=ANYTHING,
)  # fmt: skip
DESCRIBED = {
    "window": WINDOW,
    "reset": RESET,
    "settings": SETTINGS,
    "identities": IDENTITIES,
    "meta": META,
}
HEADER = Table(
    {
        "kind": TEXT, "schema": WHOLE, "repeats": COUNT, "steps": COUNT, "channels": Rows(TEXT),
        "units": Rows(TEXT), "families": Rows(TEXT), "drives": Rows(Rows(SCORE)), **DESCRIBED,
    },
    optional={"holds": Rows(Rows(COUNT))},
)  # fmt: skip
UNTIMED = "2"  # the schema before the arrays of `BY_STEP`
STEP_VARIABLES = {
    "set_s": ("s", "device time at which the step's field had been set; NaN: not known"),
    "read_s": ("s", "device time at which the step's reading was there; NaN: not known"),
    "measured_field_T": ("T", "field that the probe read after the read-out; NaN: no probe"),
}
MOST_VALUES = 2**28  # 2 GiB of responses: the longest run of a rig has a twentieth of it


def _description(recording: Recording) -> dict[str, Any]:
    """Everything but arrays and names, as plain JSON values."""
    return {
        "window": plain(vars(recording.window)),
        "reset": plain(vars(recording.reset)),
        "settings": plain(recording.settings),
        "identities": plain(recording.identities),
        "meta": plain(recording.meta),
    }


def _schema_of(recording: Recording) -> int:
    return HELD_SCHEMA if recording.held else SCHEMA


def attributes_of(recording: Recording) -> dict[str, str]:
    """The file's attributes: text, with JSON where a value has parts."""
    described = {
        key: json.dumps(value, ensure_ascii=False, allow_nan=False)
        for key, value in _description(recording).items()
    }
    return {
        "title": "Twinrig recording: a device's response to repeats of field sequences",
        "kind": KIND,
        "schema": str(_schema_of(recording)),
        "id": str(recording.meta.get("id", "")),
        "status": recording.status,
        **described,
    }


def variables_of(recording: Recording) -> dict[str, Variable]:
    """The file's arrays, with dimensions sequence, repeat, step, channel and units."""
    s, r, t, _ = recording.response.shape
    units = sorted(set(recording.units))
    unit = units[0] if len(units) == 1 else "see channel_unit"
    numbers = {
        name: Variable((name,), np.arange(size, dtype=np.int32), {"units": "1"})
        for name, size in (("sequence", s), ("repeat", r), ("step", t))
    }
    return {
        **numbers,
        "channel": Variable(("channel",), _texts(recording.channels)),
        "channel_unit": Variable(("channel",), _texts(recording.units)),
        "response": Variable(
            ("sequence", "repeat", "step", "channel"),
            recording.response.astype(np.float64),
            {"units": unit, "long_name": "device response; NaN: not recorded"},
        ),
        "drive": Variable(
            ("sequence", "step"),
            recording.drive.astype(np.float64),
            {"units": "1", "long_name": "drive, 0 to 1"},
        ),
        "field": Variable(
            ("sequence", "step"),
            recording.window.field_T(recording.drive),
            {"units": "T", "long_name": "field that the drive stands for"},
        ),
        **_holds_of(recording),
        "length": Variable(("sequence",), recording.lengths.astype(np.int32), {"units": "1"}),
        "family": Variable(("sequence",), _texts(recording.families)),
        "order": Variable(
            ("sequence", "repeat"),
            recording.order.astype(np.int32),
            {"units": "1", "long_name": "position of the repeat in the run; -1: not recorded"},
        ),
        "start": Variable(
            ("sequence", "repeat"),
            recording.start_s.astype(np.float64),
            {"units": "s", "long_name": "device time at the repeat's start"},
        ),
        **{
            name: Variable(
                ("sequence", "repeat", "step"),
                getattr(recording, name).astype(np.float64),
                {"units": unit, "long_name": said},
            )
            for name, (unit, said) in STEP_VARIABLES.items()
        },
    }


def _holds_of(recording: Recording) -> dict[str, Variable]:
    said = "a step of n holds lasts as long as n steps of one, and is read at its end"
    about = {"units": "1", "long_name": said}
    held = Variable(("sequence", "step"), recording.holds.astype(np.int32), about)
    return {"hold": held} if recording.held else {}


def _texts(words: tuple[str, ...]) -> NDArray[np.object_]:
    return np.array(words, dtype=object)


def recording_of_file(path: Path) -> Recording:
    """Read a sealed `recording.nc`; InputError where it is anything else."""
    content = read_netcdf(path)
    attrs, found = content.attrs, content.variables
    _check_kind(path, attrs)
    described = {
        key: parse_json(attrs.get(key, "").encode(), f"{path}: {key}") for key in DESCRIBED
    }
    problems = faults(described, Table(DESCRIBED)) + _misfits(found, attrs.get("schema"))
    raise_problems(InputError, f"{path}: no complete recording ({RESTORE})", problems)
    try:
        recording = Recording(
            found["response"],
            found["drive"],
            found["length"].astype(np.int64),
            tuple(found["family"]),
            found["order"].astype(np.int64),
            found["start"],
            tuple(found["channel"]),
            tuple(found["channel_unit"]),
            status=attrs.get("status", ""),
            **_described(described),
            **_by_step(found, attrs.get("schema")),
            **_held(found, attrs.get("schema")),
        )
        raise_problems(InputError, "no recording", faults_of(recording))
    except InputError as fault:
        raise InputError(advised(f"{path}: {fault}")) from fault
    return recording


ARRAYS = {
    "response": (4, "f"), "drive": (2, "f"), "length": (1, "i"), "family": (1, "O"),
    "order": (2, "i"), "start": (2, "f"), "channel": (1, "O"), "channel_unit": (1, "O"),
}  # fmt: skip
"""Dimensions and type of each array that a recording is read from."""


def _misfits(found: dict[str, NDArray[Any]], schema: object) -> list[str]:
    by_step = {} if str(schema) == UNTIMED else dict.fromkeys(BY_STEP, (3, "f"))
    held = {"hold": (2, "i")} if str(schema) == str(HELD_SCHEMA) else {}
    return [
        f"array {name!r} is missing, or has another type or number of dimensions"
        for name, (dimensions, kind) in {**ARRAYS, **by_step, **held}.items()
        if name not in found or (found[name].ndim, found[name].dtype.kind) != (dimensions, kind)
    ]


def header_of(recording: Recording) -> dict[str, Any]:
    """A recording without its responses, as plain JSON values."""
    rows = [
        (drive[: int(length)].tolist(), holds[: int(length)].tolist())
        for drive, holds, length in zip(
            recording.drive, recording.holds, recording.lengths, strict=True
        )
    ]
    return {
        "kind": KIND,
        "schema": _schema_of(recording),
        "repeats": recording.response.shape[1],
        "steps": recording.response.shape[2],
        "channels": list(recording.channels),
        "units": list(recording.units),
        "families": list(recording.families),
        "drives": [drive for drive, _ in rows],
        **({"holds": [holds for _, holds in rows]} if recording.held else {}),
        **_description(recording),
    }


def recording_of_header(header: dict[str, Any], path: Path) -> Recording:
    """An empty recording of `header_of`, status running; InputError where it is no header."""
    _check_kind(path, header)
    where = f"{path}: no header of a recording ({RESTORE})"
    raise_problems(InputError, where, faults(header, HEADER))
    s, r, t = len(header["drives"]), header["repeats"], header["steps"]
    problems = []
    if s * r * t * len(header["channels"]) > MOST_VALUES or s * t > MOST_VALUES:
        problems.append(f"{s} sequences × {r} repeats × {t} steps are more than any rig records")
    elif max((len(row) for row in header["drives"]), default=0) > t:
        problems.append(f"a drive is longer than {t} steps")
    holds = header.get("holds", [])
    lengths = [len(row) for row in header["drives"]] if header["schema"] == HELD_SCHEMA else []
    if [len(row) for row in holds] != lengths:
        problems.append("its holds are not one for each step of its drives")
    raise_problems(InputError, where, problems)
    drive = np.full((s, t), np.nan)
    for row, values in zip(drive, header["drives"], strict=True):
        row[: len(values)] = np.array(values, dtype=np.float64)
    counts = np.ones((s, t), dtype=np.int64)
    for number, row_holds in enumerate(holds):
        counts[number, : len(row_holds)] = row_holds
    try:
        return Recording(
            np.full((s, r, t, len(header["channels"])), np.nan),
            drive,
            np.array([len(values) for values in header["drives"]], dtype=np.int64),
            tuple(header["families"]),
            np.full((s, r), -1, dtype=np.int64),
            np.full((s, r), np.nan),
            tuple(header["channels"]),
            tuple(header["units"]),
            status="running",
            holds=counts,
            **_described(header),
        )
    except InputError as fault:
        raise InputError(advised(f"{path}: {fault}")) from fault


def _by_step(found: dict[str, NDArray[Any]], schema: object) -> dict[str, Any]:
    """The arrays that schema 2 doesn't have."""
    return {} if str(schema) == UNTIMED else {name: found[name] for name in BY_STEP}


def _held(found: dict[str, NDArray[Any]], schema: object) -> dict[str, Any]:
    """The holds, which only schema 4 has."""
    return {"holds": found["hold"].astype(np.int64)} if str(schema) == str(HELD_SCHEMA) else {}


def _described(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "window": DriveWindow(**body["window"]),
        "reset": Reset(**body["reset"]),
        "settings": dict(body["settings"]),
        "identities": dict(body["identities"]),
        "meta": dict(body["meta"]),
    }


def _check_kind(path: Path, said: dict[str, Any]) -> None:
    if (kind := said.get("kind")) != KIND:
        raise InputError(f"{path}: is of kind {shown(kind)}, expected {KIND!r}; {RESTORE}")
    if str(schema := said.get("schema")) not in map(str, READABLE):
        raise InputError(
            f"{path}: has schema {shown(schema)}, this Twinrig reads schema "
            f"{' and '.join(map(str, READABLE))}: use the version that wrote it"
            f"{version_of(said)}, or record again"
        )
