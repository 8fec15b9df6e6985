"""What all artefacts share: ids, checked JSON beside safetensors, atomic files, clear errors.

Nothing is ever pickled. JSON carries a checksum of itself and the SHA-256 of every array file
beside it; the JSON is written last, so an artefact exists whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_JSON_BYTES = 256 * 2**20  # the header of a 46 h recording is about 10 MB
FULL = frozenset(
    code for name in ("ENOSPC", "EDQUOT") if (code := getattr(errno, name, None)) is not None
)


def new_id(kind: str) -> str:
    """A new artefact's id, e.g. `rec-20260102T030405-9f3a1c`; `kind` is rec, twin, net or dep."""
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
    if not (root / ".git").exists():
        return version
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=.dirty", "--exclude=*"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode == 0:
            return f"{version}+g{done.stdout.strip()}"
    return version


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; InputError where it can't be read."""
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside into one TwinrigError with the path and what to do."""
    try:
        yield
    except OSError as fault:
        raise TwinrigError(f"{path}: {_what_happened(fault, path)}") from fault


def _what_happened(fault: OSError, path: Path) -> str:
    if fault.errno in FULL:
        return "the disk is full; what was complete stays: free some space, then use --resume"
    if isinstance(fault, FileExistsError):
        return "exists already, and nothing is ever overwritten: choose another --out"
    if isinstance(fault, NotADirectoryError):
        return "a part of this path is a file, not a folder: choose another --out"
    if isinstance(fault, FileNotFoundError):
        return "the folder has vanished (moved, deleted, or a share that is gone): bring it back"
    if isinstance(fault, PermissionError) or fault.errno == errno.EROFS:
        return f"can't be written ({fault.strerror}): check who may write to {path.parent}"
    return f"the disk failed ({fault.strerror or fault}): check the drive or the share"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside into one InputError with the path and what to do."""
    try:
        yield
    except FileNotFoundError as fault:
        raise InputError(f"{path}: no such file or folder") from fault
    except OSError as fault:
        raise InputError(f"{path}: can't be read ({fault.strerror or fault})") from fault


def new_directory(out: Path) -> Path:
    """Make the folder of a new artefact; an existing empty one is taken.

    Raises
    ------
    InputError
        `out` is a file, or a folder with something in it: nothing is ever overwritten.
    TwinrigError
        The disk refuses.
    """
    out = Path(out)
    if out.is_dir():
        with reading(out):
            first = next(iter(sorted(p.name for p in out.iterdir())), None)
        if first is not None:
            raise InputError(
                f"{out}: holds {first} already, and nothing is ever overwritten: "
                "choose another --out, or continue that run with --resume"
            )
    elif out.exists() or out.is_symlink():
        raise InputError(f"{out}: is a file, and nothing is ever overwritten: choose another --out")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    return out


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a partial file to write: at the end it becomes `path` whole, on any failure nothing.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        try:
            yield partial
            os.replace(partial, path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
    sync_directory(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all (temporary file, fsync, rename); TwinrigError on failure."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make a rename durable where the system can (Windows has no such call)."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy scalars and arrays become numbers and lists, NaN null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def canonical(value: Any) -> bytes:
    """The one JSON spelling of a plain value, for checksums."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def parse_json(content: bytes, where: object) -> dict[str, Any]:
    """The object in a JSON text; InputError where it is cut short, not JSON, or no object."""
    if len(content) > LONGEST_JSON_BYTES:
        raise InputError(f"{where}: {len(content)} bytes are too long for a Twinrig JSON file")
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"{where}: not a JSON file, or cut short ({fault})") from fault
    if not isinstance(value, dict):
        raise InputError(f"{where}: holds a {type(value).__name__}, expected a JSON object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def save_artefact(
    out: Path,
    name: str,
    body: Mapping[str, Any],
    files: Mapping[str, Mapping[str, NDArray[Any]]],
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

    Raises
    ------
    InputError
        `out/name` exists.
    TwinrigError
        The disk refuses.
    """
    from safetensors.numpy import save

    path = Path(out) / name
    if path.exists():
        raise InputError(f"{path}: exists already, and nothing is ever overwritten")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    whole = plain(dict(body))
    whole["files"] = {}
    for file_name, arrays in files.items():
        content = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
        write_bytes(path.parent / file_name, content)
        whole["files"][file_name] = hashlib.sha256(content).hexdigest()
    whole["checksum"] = hashlib.sha256(canonical(whole)).hexdigest()
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode("utf-8"))
    return path


def load_artefact(
    path: Path, name: str, kind: str, schema: int
) -> tuple[dict[str, Any], dict[str, dict[str, NDArray[Any]]]]:
    """Read what `save_artefact` wrote: the body, and file name → array name → array.

    Parameters
    ----------
    path
        The artefact's folder, or the JSON file in it.
    name, kind, schema
        What is expected there.

    Raises
    ------
    InputError
        Missing, cut short, changed since it was written, another kind or schema.
    """
    path = find_file(path, name)
    with reading(path):
        body = parse_json(path.read_bytes(), path)
    if body.get("kind") != kind:
        raise InputError(f"{path}: is of kind {body.get('kind')!r}, expected {kind!r}")
    if body.get("schema") != schema:
        raise InputError(
            f"{path}: has schema {body.get('schema')!r}, this Twinrig reads schema {schema}: "
            "use the version that wrote it, or make it again"
        )
    checksum, files = body.pop("checksum", None), body.get("files")
    if checksum != hashlib.sha256(canonical(body)).hexdigest():
        raise InputError(f"{path}: does not match its checksum: damaged or changed by hand")
    if not isinstance(files, dict):
        raise InputError(f"{path}: has no table 'files'")
    arrays = {file: _load_arrays(path.parent, file, digest) for file, digest in files.items()}
    del body["files"]
    return body, arrays


def find_file(path: Path, name: str) -> Path:
    """`path/name` where `path` is a folder, else `path`; InputError where there is no such file."""
    path = Path(path)
    found = path / name if path.is_dir() else path
    if not found.is_file():
        with suppress(OSError):
            if path.is_dir():
                there = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
                raise InputError(f"{path}: holds no {name} (there is: {there})")
        raise InputError(f"{found}: no such file or folder")
    return found


def _load_arrays(folder: Path, file: str, digest: object) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / file
    if Path(file).name != file:
        raise InputError(f"{folder}: names the file {file!r}, which lies outside this folder")
    with reading(path):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path}: does not match its SHA-256: damaged, cut short or exchanged")
    try:
        arrays: dict[str, NDArray[Any]] = load(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as fault:
        raise InputError(f"{path}: not a safetensors file ({fault})") from fault
    return arrays
