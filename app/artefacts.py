"""What all artefacts share: ids, checked JSON beside safetensors, atomic files, clear errors.

Nothing is ever pickled. JSON carries a checksum of itself (`app.checked_json`) and the SHA-256 of
every file beside it; the JSON is written last, so an artefact exists whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.checked_json import canonical, check, parse_json, plain, read_json, with_checksum
from app.disk import (
    RESTORE,
    new_directory,
    read_bytes,
    reading,
    replacing,
    sync_directory,
    write_bytes,
    writing,
)
from models.errors import InputError
from models.paths import anything_at, file_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "canonical", "code_version", "find_file", "load_artefact", "moved_with", "new_directory",
    "new_id", "now_iso", "parse_json", "plain", "read_head", "reading", "refuse_never_begun",
    "replacing", "save_artefact", "sha256_of", "sync_directory", "write_bytes", "writing",
]  # fmt: skip
MOST_NAMES = 8  # of what a folder holds, in a sentence
AROUND = 3  # a network within a round within a refinement, whose twins are beside that
NOT_ITS_DIGEST = f"does not match its SHA-256: damaged, cut short or exchanged; {RESTORE}"


def new_id(kind: str, folder: Path | None = None) -> str:
    """A new artefact's id, e.g. `rec-20260102T030405-9f3a1c`; `kind` is rec, twin, net, dep, ….

    Decision: one that is made in a folder of such a name (the window names all of them so) takes
    it: whoever reads an id in a plot finds the folder by it, and the other way round. In a folder
    with a name of its own the id is a new one, and the Library shows and finds both.
    """
    if folder is not None and re.fullmatch(rf"{kind}-\d{{8}}T\d{{6}}-[0-9a-f]{{6}}", folder.name):
        return folder.name
    return f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def now_iso() -> str:
    """The present time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def code_version() -> str:
    """Twinrig's version, with the commit where it runs from a clone (`0.1.0+g45d6400.dirty`)."""
    from importlib import metadata  # 45 ms that no start of the window should pay

    try:
        version = metadata.version("twinrig")
    except metadata.PackageNotFoundError:
        version = "0"
    root = Path(__file__).resolve().parent.parent
    if not anything_at(root / ".git"):
        return version
    # whose clone it is: git tells another user nothing, unless he says that he trusts it
    ours = ["-c", f"safe.directory={root.as_posix()}", "-C", str(root)]
    command = ["git", *ours, "describe", "--always", "--dirty=.dirty", "--exclude=*"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode == 0:
            return f"{version}+g{done.stdout.strip()}"
    return version


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; InputError where it can't be read."""
    if not file_at(path):
        raise InputError(f"{path}: no such file or folder")
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_artefact(
    out: Path,
    name: str,
    body: Mapping[str, Any],
    files: Mapping[str, Mapping[str, NDArray[Any]]],
    beside: Sequence[str] = (),
) -> Path:
    """Write `out/name` (JSON) and its safetensors files beside it; returns the JSON's path.

    Parameters
    ----------
    out
        The artefact's folder; made where it is missing.
    name
        `twin.json`, `network.json`, …; refused where it exists.
    body
        JSON values, with at least `kind` and `schema`.
    files
        File name → array name → array of any shape.
    beside
        Files that are there already, relative to `out`: the JSON keeps their SHA-256, too.

    Raises
    ------
    InputError
        `out/name` exists.
    TwinrigError
        The disk refuses.
    """
    from safetensors.numpy import save

    path = Path(out) / name
    if anything_at(path):
        raise InputError(f"{path}: exists already, and nothing is ever overwritten")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    whole = plain(dict(body))
    whole["files"] = {}
    for file_name, arrays in files.items():
        content = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
        write_bytes(path.parent / file_name, content)
        whole["files"][file_name] = hashlib.sha256(content).hexdigest()
    whole["beside"] = {file: sha256_of(path.parent / file) for file in beside}
    text = json.dumps(with_checksum(whole), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode("utf-8"))
    return path


def load_artefact(
    path: Path,
    name: str,
    kind: str,
    schema: int,
    files: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> tuple[dict[str, Any], dict[str, dict[str, NDArray[Any]]]]:
    """Read what `save_artefact` wrote: the body, and file name → array name → array.

    Parameters
    ----------
    path
        The artefact's folder, or the JSON file in it.
    name, kind, schema
        What is expected there.
    files, beside
        The safetensors files and the other files that belong to it, neither more nor less.

    Raises
    ------
    InputError
        Missing, cut short, changed since it was written, another kind or schema.
    """
    path = find_file(path, name)
    body = read_head(path, kind, schema)
    digests = {
        **_digests(path, body.pop("files", None), files),
        **_digests(path, body.pop("beside", None), beside),
    }
    for file in beside:
        if sha256_of(path.parent / file) != digests[file]:
            raise InputError(f"{path.parent / file}: {NOT_ITS_DIGEST}")
    return body, {file: _load_arrays(path.parent / file, digests[file]) for file in files}


def _digests(path: Path, named: object, expected: Sequence[str]) -> dict[str, object]:
    if not isinstance(named, dict) or set(named) != set(expected):
        raise InputError(
            f"{path}: must name the SHA-256 of {', '.join(expected) or 'no file'}, "
            f"and of no other: not written by Twinrig; {RESTORE}"
        )
    return named


def read_head(path: Path, kind: str, schema: int) -> dict[str, Any]:
    """The JSON of an artefact, checked by itself; the files beside it are not looked at.

    Raises
    ------
    InputError
        Missing, cut short, changed since it was written, another kind or schema.
    """
    with reading(path):
        body = read_json(path)
    return check(body, path, kind, schema)


def schema_of(path: Path, name: str, readable: Sequence[int]) -> int:
    """The schema to read an artefact by: its own where that can be read, else the last of those.

    Raises
    ------
    InputError
        Missing, cut short, or no JSON.
    """
    file = find_file(path, name)
    with reading(file):
        found = read_json(file).get("schema")
    return found if isinstance(found, int) and found in readable else readable[-1]


def find_file(path: Path, name: str) -> Path:
    """`path/name` where `path` is a folder, else `path`; InputError where there is no such file."""
    path = Path(path)
    with reading(path):
        found = path / name if folder_at(path) else path
        if file_at(found):
            return found
        if folder_at(path):
            raise InputError(f"{path}: holds no {name} ({_held(path)})")
    raise InputError(f"{found}: no such file or folder")


def _held(folder: Path) -> str:
    """The first names in a folder, in words."""
    names = sorted(path.name for path in folder.iterdir())[:MOST_NAMES]
    return f"there is: {', '.join(names) or 'nothing'}"


def refuse_never_begun(out: Path, what: str, *names: str) -> None:
    """Raise where a run is to be gone on with and none was begun: the one sentence of all verbs.

    Parameters
    ----------
    out
        The folder of the run.
    what
        What should have been begun there, such as `training`.
    names
        The files or folders of which such a run has one from its beginning.

    Raises
    ------
    InputError
        The folder has none of them.
    """
    with reading(out):
        if any(anything_at(out / name) for name in names):
            return
        there = "it is a file" if anything_at(out) else "there is no such folder"
        if folder_at(out):
            there = _held(out)
    raise InputError(f"{out}: nothing to go on with, no {what} was begun there ({there})")


def moved_with(path: Path, folder: Path) -> Path:
    """Where a file or folder is now that a run in `folder` was begun with.

    There, or where all moved together beside it or beside the run that it is a part of; `path`
    itself where it is nowhere. By its name alone: who opens it compares its digest.
    """
    if anything_at(path):
        return path
    around = folder.absolute().parents[:AROUND]
    moved = [near / name for near in around for name in (path.name, Path(*path.parts[-2:]))]
    return next((place for place in moved if anything_at(place)), path)


def _load_arrays(path: Path, digest: object) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with reading(path):
        content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path}: {NOT_ITS_DIGEST}")
    try:
        arrays: dict[str, NDArray[Any]] = load(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as fault:
        raise InputError(f"{path}: not a safetensors file ({fault}); {RESTORE}") from fault
    return arrays
