"""A fit's checkpoint on disk: one safetensors file, replaced whole, so a kill leaves the last one.

The numbers (settings, parents, iteration) are JSON inside the same file: two files could disagree.
A SHA-256 over all of it is one more array, so that a flipped bit never becomes a weight.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import reading, refuse_never_begun, write_bytes
from app.disk import once_free, writing
from models.errors import InputError
from models.paths import file_at

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE_NAME = "checkpoint.safetensors"
NUMBERS = "numbers.json"
DIGEST = "sha256"
SCHEMA = 2


def save_checkpoint(folder: Path, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
    """Write or replace the checkpoint in `folder`; TwinrigError where the disk refuses."""
    from safetensors.numpy import save

    text = json.dumps({"schema": SCHEMA, **numbers}).encode()
    whole = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    whole[NUMBERS] = np.frombuffer(text, dtype=np.uint8)
    whole[DIGEST] = np.frombuffer(_digest(whole), dtype=np.uint8)
    write_bytes(folder / FILE_NAME, save(whole))


def load_checkpoint(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read arrays and numbers.

    Raises
    ------
    InputError
        There is none, it is damaged, or another version wrote it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / FILE_NAME
    refuse_never_begun(folder, "fit", FILE_NAME)
    with reading(path):
        content = path.read_bytes()
    try:
        arrays = load(content)
        known = arrays.pop(DIGEST).tobytes()
        is_whole = known == _digest(arrays)
        numbers: Any = json.loads(arrays.pop(NUMBERS).tobytes())
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({error}); fit anew into another --out") from error
    if not isinstance(numbers, dict) or numbers.get("schema") != SCHEMA:
        found = numbers.get("schema") if isinstance(numbers, dict) else None
        raise InputError(
            f"{path}: has schema {found!r}, this Twinrig reads {SCHEMA}: go on with the version "
            "that began the fit, or fit anew into another --out"
        )
    if not is_whole:
        raise InputError(f"{path}: doesn't match its SHA-256: damaged; fit anew into another --out")
    return arrays, numbers


def _digest(arrays: dict[str, NDArray[Any]]) -> bytes:
    """SHA-256 over names, types, shapes and bytes of all arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a fit that is complete; TwinrigError where the disk refuses."""
    path = folder / FILE_NAME
    with writing(path):
        if file_at(path):  # else a folder that is read only has nothing to refuse
            once_free(lambda: path.unlink(missing_ok=True))
