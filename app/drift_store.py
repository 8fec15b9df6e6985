"""Comparisons of a twin with its device, kept beside the twin: `drift-0001.json`, counted upwards.

The twin itself never changes. The highest number is the latest word on whether it still matches;
each file carries a checksum and the SHA-256 of the twin that it is about.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from app.artefacts import find_file, sha256_of
from app.checked_json import check, read_json, with_checksum
from app.disk import RESTORE, reading, refuse_unwritable
from app.new_file import write_new
from app.weights_store import TWIN_FILE
from models.errors import InputError, TwinrigError, raise_problems
from models.json_form import ANYTHING, FLAG, NUMBER, SCORE, TEXT, Rows, Table, faults
from models.paths import anything_at

if TYPE_CHECKING:
    from pathlib import Path

KIND = "drift"
SCHEMA = 1
NAME = re.compile(r"drift-(\d{4,9})\.json")
FORM = Table(
    {
        "id": TEXT, "created": TEXT, "code_version": TEXT, "seed": NUMBER,
        "twin": Table({"id": TEXT, "path": TEXT, "sha256": TEXT}),
        "recording": Table({"id": TEXT, "path": TEXT, "sha256": TEXT}),
        "against": Rows(TEXT), "method": TEXT, "changed": FLAG, "p_value": SCORE, "level": NUMBER,
        "words": TEXT, "parts": Table(others=NUMBER), "effects": Rows(Table(others=ANYTHING)),
        "notes": Rows(TEXT),
    }
)  # fmt: skip
"""What the file must look like; kind, schema and checksum are `app.checked_json`'s."""


def refuse_no_place(twin: Path) -> None:
    """Raise TwinrigError where no comparison can be kept beside a twin (as in `save_drift`)."""
    folder = find_file(twin, TWIN_FILE).parent
    try:
        refuse_unwritable(_path(folder, max(_numbered(folder), default=0) + 1))
    except TwinrigError as fault:
        words = f"{fault}; or copy {folder} to where you may write, and compare with the copy"
        raise TwinrigError(words) from fault


def save_drift(twin: Path, body: dict[str, Any]) -> Path:
    """Write a comparison beside a twin (its folder or `twin.json`); returns the new file's path.

    Raises
    ------
    InputError
        There is no twin.
    TwinrigError
        The disk refuses.
    """
    folder = find_file(twin, TWIN_FILE).parent
    whole = with_checksum({"kind": KIND, "schema": SCHEMA, **body})
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    number = max(_numbered(folder), default=0)
    while True:
        number += 1
        path = _path(folder, number)
        try:
            write_new(path, text)
            return path
        except InputError:
            if not anything_at(path):  # else another comparison came first: the next number
                raise


def drifts_of(twin: Path) -> list[dict[str, Any]]:
    """All comparisons of a twin, the oldest first.

    Raises
    ------
    InputError
        One of them can't be read, is damaged, or is about another twin.
    """
    file = find_file(twin, TWIN_FILE)
    numbered = _numbered(file.parent)
    return [_read(numbered[number], file) for number in sorted(numbered)]


def latest_drift(twin: Path) -> dict[str, Any] | None:
    """The latest comparison of a twin; None where it was never compared. Raises as `drifts_of`."""
    file = find_file(twin, TWIN_FILE)
    numbered = _numbered(file.parent)
    return _read(numbered[max(numbered)], file) if numbered else None


def drift_words(body: dict[str, Any]) -> str:
    """A comparison in a sentence: when, with what, and what it found."""
    return f"Compared with {body['recording']['id']} on {body['created'][:10]}: {body['words']}"


def _path(folder: Path, number: int) -> Path:
    return folder / f"drift-{number:04d}.json"


def _numbered(folder: Path) -> dict[int, Path]:
    with reading(folder):
        found = {NAME.fullmatch(path.name): path for path in folder.iterdir()}
    return {int(match[1]): path for match, path in found.items() if match is not None}


def _read(path: Path, twin: Path) -> dict[str, Any]:
    with reading(path):
        body = check(read_json(path), path, KIND, SCHEMA)
    raise_problems(InputError, f"{path}: no comparison ({RESTORE})", faults(body, FORM))
    if body["twin"]["sha256"] != sha256_of(twin):
        raise InputError(f"{path}: is about another twin than {twin}: take it away from there")
    return body
