"""A recording as named arrays and attributes (netCDF), and its header as JSON (journal)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import plain
from app.netcdf import Variable, read_netcdf
from models.errors import InputError
from models.recording import SCHEMA, Recording
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KIND = "recording"
LIVE_NAMES = ("response", "start", "order")
DESCRIBED = ("window", "reset", "settings", "identities", "meta")


def _description(recording: Recording) -> dict[str, Any]:
    """Everything but arrays and names, as plain JSON values."""
    return {
        "window": plain(vars(recording.window)),
        "reset": plain(vars(recording.reset)),
        "settings": plain(recording.settings),
        "identities": plain(recording.identities),
        "meta": plain(recording.meta),
    }


def attributes_of(recording: Recording) -> dict[str, str]:
    """The file's attributes: text, with JSON where a value has parts."""
    described = {
        key: json.dumps(value, ensure_ascii=False, allow_nan=False)
        for key, value in _description(recording).items()
    }
    return {
        "title": "Twinrig recording: a device's response to repeats of field sequences",
        "kind": KIND,
        "schema": str(SCHEMA),
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
    }


def _texts(words: tuple[str, ...]) -> NDArray[np.object_]:
    return np.array(words, dtype=object)


def recording_of_file(path: Path) -> Recording:
    """Read a sealed `recording.nc`; InputError where it is anything else."""
    content = read_netcdf(path)
    attrs, found = content.attrs, content.variables
    _check_kind(path, attrs.get("kind"), attrs.get("schema"))
    try:
        described = {key: json.loads(attrs[key]) for key in DESCRIBED}
        return Recording(
            found["response"].astype(np.float64),
            found["drive"].astype(np.float64),
            found["length"].astype(np.int64),
            tuple(str(f) for f in found["family"]),
            found["order"].astype(np.int64),
            found["start"].astype(np.float64),
            tuple(str(c) for c in found["channel"]),
            tuple(str(u) for u in found["channel_unit"]),
            status=str(attrs["status"]),
            **_described(described),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        raise InputError(f"{path}: no complete recording ({fault!r})") from fault
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from fault


def header_of(recording: Recording) -> dict[str, Any]:
    """A recording without its responses, as plain JSON values."""
    rows = zip(recording.drive, recording.lengths, strict=True)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "repeats": recording.response.shape[1],
        "steps": recording.response.shape[2],
        "channels": list(recording.channels),
        "units": list(recording.units),
        "families": list(recording.families),
        "drives": [row[: int(length)].tolist() for row, length in rows],
        **_description(recording),
    }


def recording_of_header(header: dict[str, Any], path: Path) -> Recording:
    """An empty recording of `header_of`, status running; InputError where it is no header."""
    _check_kind(path, header.get("kind"), str(header.get("schema")))
    try:
        drives = [np.asarray(row, dtype=np.float64) for row in header["drives"]]
        s, r, t = len(drives), int(header["repeats"]), int(header["steps"])
        drive = np.full((s, t), np.nan)
        for row, values in zip(drive, drives, strict=True):
            row[: values.size] = values
        return Recording(
            np.full((s, r, t, len(header["channels"])), np.nan),
            drive,
            np.array([values.size for values in drives], dtype=np.int64),
            tuple(str(f) for f in header["families"]),
            np.full((s, r), -1, dtype=np.int64),
            np.full((s, r), np.nan),
            tuple(str(c) for c in header["channels"]),
            tuple(str(u) for u in header["units"]),
            status="running",
            **_described(header),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise InputError(f"{path}: no header of a recording ({fault!r})") from fault
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from fault


def _described(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "window": DriveWindow(**body["window"]),
        "reset": Reset(**body["reset"]),
        "settings": dict(body["settings"]),
        "identities": dict(body["identities"]),
        "meta": dict(body["meta"]),
    }


def _check_kind(path: Path, kind: object, schema: object) -> None:
    if kind != KIND:
        raise InputError(f"{path}: is of kind {kind!r}, expected {KIND!r}")
    if str(schema) != str(SCHEMA):
        raise InputError(
            f"{path}: has schema {schema}, this Twinrig reads schema {SCHEMA}: "
            "use the version that wrote it, or record again"
        )
