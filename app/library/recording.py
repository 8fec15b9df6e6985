"""The figures of a recording in words: status, size, sample and notes; its first repeats."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.device_words import told
from app.journal import NAME as JOURNAL_NAME
from app.library.begun import how
from app.library.facts import Facts, Thumb, common_rows
from app.netcdf import read_netcdf
from app.recording_marks import bad_positions
from app.recording_reader import FILE_NAME, read_recording
from app.telling_channel import telling_channel
from app.words import MISSING, counted
from models.channel_words import MANY, channel_words
from models.paths import file_at
from models.sequence import ALL, FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.library.folders import Artefact

    FloatArray = NDArray[np.float64]

MOST_POINTS, MOST_REPEATS, MOST_FAMILIES = 120, 8, 5
WHOLE_BYTES = 64 * 2**20
"""Recordings up to this size are read whole, and so checked; of larger ones a piece."""
UNFINISHED = ("stopped", "interrupted", "failed")
SAID = {
    "sample": "Sample", "operator": "Operator", "temperature_K": "Temperature, K", "notes": "Notes",
}  # fmt: skip
"""What a person may say of a recording when it is made, and how its row is called."""


@dataclass(frozen=True)
class _Seen:
    """What is read of a recording: `order` `(S, R)`, -1 where none is; `first` `(R, T)`."""

    meta: dict[str, Any]
    status: str
    families: tuple[str, ...]
    channels: tuple[str, ...]
    steps: int
    order: NDArray[np.int64]
    first: FloatArray
    window: dict[str, Any]
    holds: int  # of the longest step


def recording(artefact: Artefact) -> Facts:
    """Figures of a recording, and its first repeats.

    Raises
    ------
    InputError
        It, or what was marked in it, is damaged.
    """
    file = artefact.path / FILE_NAME
    sealed = not file_at(artefact.path / JOURNAL_NAME)  # else the journal knows its status
    large = sealed and file_at(file) and file.stat().st_size > WHOLE_BYTES
    seen = _piece(file) if large else _whole(artefact.path)
    found = _facts(seen, bad_positions(artefact.path))
    made = seen.meta.keys() & {"simulated", "imported", "calibration"}  # by no `record`
    if seen.status in UNFINISHED and (seen.order < 0).any() and not made:
        more = ("Goes on by", how("record", artefact.path))
        found = replace(found, rows=(*found.rows, more))
    return found


def _whole(folder: Path) -> _Seen:
    one = read_recording(folder)
    return _Seen(
        one.meta, one.status, tuple(one.families), one.channel_words, one.response.shape[2],
        np.where(one.complete, one.order, -1), _of_one(one.response[0][one.complete[0]]),
        {"low_T": one.window.low_T, "high_T": one.window.high_T}, int(one.holds.max()),
    )  # fmt: skip


def _piece(file: Path) -> _Seen:
    """Head and first repeats of a recording that is too large to be read for a list."""
    found = read_netcdf(file, whole=False)
    arrays, attrs = found.variables, found.attrs
    names = channel_words(tuple(arrays["channel"]), json.loads(attrs["settings"]))
    order, response = np.array(arrays["order"], dtype=np.int64), arrays["response"]
    some = np.flatnonzero(order[0] >= 0)[:MOST_REPEATS]
    return _Seen(
        json.loads(attrs["meta"]), attrs["status"], tuple(arrays["family"]),
        names, response.shape[2], order, _of_one(np.array(response[0, some])),
        json.loads(attrs["window"]), int(arrays["hold"].max()) if "hold" in arrays else 1,
    )  # fmt: skip


def _of_one(first: FloatArray) -> FloatArray:
    """Repeats `(R, T)` of one channel of the first sequence's `(R, T, C)`."""
    return first[..., telling_channel(first[None])]


def _facts(seen: _Seen, bad: frozenset[int]) -> Facts:
    sequences, repeats = seen.order.shape
    kinds = sorted(set(seen.families))
    done = seen.order[seen.order >= 0]
    marked = int(np.isin(done, sorted(bad)).sum())
    simulated = bool(seen.meta.get("simulated"))
    bench = "none: a twin answered" if simulated else MISSING
    window, origin = seen.window, seen.meta.get("imported")
    if isinstance(origin, dict):
        bench = f"none: imported from {origin.get('path', MISSING)}"
        window = {} if seen.meta.get("notes") else window  # which says that no field is known
    remarks, each = seen.meta.get("remarks") or [], counted(repeats, "repeat")
    far = f"{done.size} of {seen.order.size} repeats"
    if seen.meta.get("for_twin"):  # of rounds, each with as many as it asked for
        each, far = _each(seen.order), counted(done.size, "repeat")
    rows = [
        ("Status", f"{seen.status}, {far}" + (f", {marked} marked bad" if marked else "")),
        ("Sequences", f"{sequences} of {seen.steps} steps, {_families(kinds)}, {each} each"),
        ("Channels", told(tuple(seen.channels))),
        ("Bench", str(seen.meta.get("bench", bench))),
        *((name, str(seen.meta[key])) for key, name in SAID.items() if seen.meta.get(key)),
        *([("Remarks", "; ".join(map(str, remarks)))] if remarks else []),
        *common_rows({"window": window}, seen.meta),
    ]  # fmt: skip
    form = {
        "steps": seen.steps, "count": sequences, "repeats": repeats,
        "holds": seen.holds, "interleave": seen.meta.get("interleave") is not False,
        "reference": seen.meta.get("reference_steps", 0),
        "stop_at": round(seen.meta.get("stop_at_drift", 0)),
        **{name: str(seen.meta.get(name, "")) for name in ("sample", "operator")},
    }  # fmt: skip
    seed = seen.meta.get("seed")
    if isinstance(seed, int):
        form["seed"] = seed
    if len(kinds) == 1 or {*kinds} == {*FAMILIES}:
        form["family"] = kinds[0] if len(kinds) == 1 else ALL
    count = len(seen.channels)
    made = f", {count} channels" * (count > MANY) + ", simulated" * simulated
    return Facts(
        f"{sequences} × {seen.steps} steps, {each}{made}", tuple(rows),
        _traces(seen.first), form, str(seen.meta.get("id", "")), seen.status,
        seen.meta.get("parents"),
    )  # fmt: skip


def _families(kinds: list[str]) -> str:
    """Names of drive families: `mixed`, `sines and steps`; of very many their number."""
    if len(kinds) > MOST_FAMILIES:
        return f"{len(kinds)} families"
    return " and ".join(", ".join(part) for part in (kinds[:-1], kinds[-1:]) if part)


def _each(order: NDArray[np.int64]) -> str:
    """How many repeats sequences have: `2 to 8 repeats`."""
    own = (order >= 0).sum(axis=1)
    least, most = int(own.min()), int(own.max())
    return counted(most, "repeat") if least == most else f"{least} to {most} repeats"


def _traces(first: FloatArray) -> Thumb | None:
    """Repeats `(R, T)` of the first sequence, thinned to what a thumbnail can show."""
    if first.size == 0:
        return None
    step = max(1, first.shape[1] // MOST_POINTS)
    some = np.asarray(first[:, ::step], dtype=float)
    with np.errstate(all="ignore"):
        known = np.isfinite(some).sum(axis=0)
        mean = np.where(known > 0, np.nansum(some, axis=0) / np.maximum(known, 1), np.nan)
    return Thumb(traces=tuple(some[:MOST_REPEATS]), mean=mean)
