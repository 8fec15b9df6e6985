"""What `--sequences` takes: a JSON file, another recording, or the short form."""

from __future__ import annotations

import difflib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from app.checked_json import read_json, shown
from app.disk import RESTORE, reading
from app.recording_reader import read_recording
from models.errors import InputError, raise_problems
from models.json_form import MOST_FAULTS, NUMBER, TEXT, WHOLE, Rows, Table, faults
from models.paths import file_at, folder_at
from models.sequence import ALL, FAMILIES, DriveWindow, FieldSequence, Reset
from models.short_form import short_form

Resolved = tuple[list[FieldSequence], DriveWindow | None, Reset | None]
KEYS = ("sequences", "window", "reset", "schema", "notes")
SCHEMA = 1
FORM = (
    'sequences are a JSON file such as {"sequences": [[0, 0.5, 1], [1, 0]]}, drives from 0 to 1, '
    "or a recording (a table of drives is written so by a line of Python: "
    'json.dump({"sequences": drives.tolist()}, file))'
)
PARTS = {
    "window": Table(
        {"encoding": TEXT, "low_T": NUMBER, "high_T": NUMBER}, optional={"hold_s": NUMBER}
    ),
    "reset": Table({"field_T": NUMBER}, optional={"hold_s": NUMBER}),
}


def sequences_from(text: str | Path, repeats: int = 1, what: str = "record") -> Resolved:
    """Sequences with the window and reset that they ask for (None: the bench's defaults).

    Parameters
    ----------
    text
        `FAMILY:COUNTxSTEPS[xHOLDS][@SEED]`, where with HOLDS each step is held 1 to so many times
        as long, at random; or a recording (folder or `.nc`), for its sequences, window and reset;
        or a JSON file: `{"sequences": [{"drive": [0, 0.5, …], "family": "…", "holds": [1, 3,
        …]}, …]}`, where a bare list stands for its drive, with optional `window`
        (`encoding, low_T, high_T, hold_s`) and `reset` (`field_T, hold_s`).
    repeats, what
        Of each, to be done with them: where a short form's counts are too many for that, they are
        refused before any sequence is made.

    Raises
    ------
    InputError
        None of these, or faults in it (all at once).
    """
    short = short_form(str(text))
    if short is not None:
        short.refuse_endless(repeats, what)
        return short.made(), None, None
    path = Path(text)
    with reading(path):  # a name can be too long to ask for
        is_recording, is_file = folder_at(path) or path.suffix == ".nc", file_at(path)
    if is_recording:
        return _of_recording(path)
    if is_file:
        return _of_json(path)
    raise InputError(
        f"sequences {str(text)!r}: no such file, no recording, and not the short form "
        f"FAMILY:COUNTxSTEPS[xHOLDS][@SEED] such as mixed:40x100@7 or, each step held 1 to 4 "
        f"times as long, mixed:40x100x4@7 (families: {', '.join(FAMILIES)}, or {ALL} in turn)"
    )


def _of_recording(path: Path) -> Resolved:
    recording = read_recording(path)
    return recording.sequences(), recording.window, recording.reset


def _of_json(path: Path) -> Resolved:
    with reading(path):
        try:
            body = read_json(path)
        except InputError as fault:  # written by a person: there is no copy to restore it from
            raise InputError(f"{str(fault).removesuffix(f'; {RESTORE}')}; {FORM}") from fault
    problems = _unknown_keys(body, KEYS, "")
    if body.get("schema", SCHEMA) != SCHEMA or isinstance(body.get("schema"), bool):
        problems.append(f"has schema {shown(body['schema'])}, this Twinrig reads schema {SCHEMA}")
    items = body.get("sequences")
    if not isinstance(items, list) or not items:
        problems.append('has no "sequences": [[0, 0.5, …], …]')
        items = []
    sequences = []
    for index, item in enumerate(items):
        try:
            sequences.append(_sequence_of(item))
        except InputError as fault:
            problems.append(f"sequence {index}: {fault}")
            if len(problems) > MOST_FAULTS:
                problems.append("… and more")
                break
    window = _part_of(body, "window", DriveWindow, problems)
    reset = _part_of(body, "reset", Reset, problems)
    raise_problems(InputError, str(path), problems)
    return sequences, window, reset


def _sequence_of(item: Any) -> FieldSequence:
    body = {"drive": item} if isinstance(item, list) else item
    if not isinstance(body, dict) or "drive" not in body:
        raise InputError('is neither a list of drives 0…1 nor {"drive": […], "family": "…"}')
    raise_problems(InputError, "keys", _unknown_keys(body, ("drive", "family", "holds"), ""))
    problems = faults(body, Table({"drive": Rows(NUMBER)}, {"family": TEXT, "holds": Rows(WHOLE)}))
    raise_problems(InputError, "it", problems)
    drive = np.array(body["drive"], dtype=np.float64)
    if body.get("holds") == [] and drive.size:
        raise InputError(f"holds: there are none for {drive.size} steps; leave the key out")
    holds = np.array(body.get("holds", []), dtype=np.int64)
    return FieldSequence(drive, body.get("family", "given"), holds)


def _part_of(body: dict[str, Any], name: str, kind: type[Any], problems: list[str]) -> Any:
    part = body.get(name)
    if part is None:
        return None
    if not isinstance(part, dict):
        problems.append(f"{name} is no table")
        return None
    unknown = _unknown_keys(part, tuple(f.name for f in fields(kind)), f"{name}.")
    wrong = unknown or faults(part, PARTS[name], name)
    problems += wrong
    if not wrong:
        try:
            return kind(**part)
        except InputError as fault:
            problems.append(f"{name}: {fault}")
    return None


def _unknown_keys(body: dict[str, Any], known: tuple[str, ...], place: str) -> list[str]:
    problems = []
    for key in body:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            problems.append(f"unknown key {place}{shown(key)}; {hint}")
    return problems
