"""A fit's checkpoint on disk: one safetensors file, replaced whole, so a kill leaves the last one.

The numbers (settings, parents, iteration) are JSON inside the same file: two files could disagree.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import reading, write_bytes
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE_NAME = "checkpoint.safetensors"
NUMBERS = "numbers.json"
SCHEMA = 1


def save_checkpoint(folder: Path, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
    """Write or replace the checkpoint in `folder`; TwinrigError where the disk refuses."""
    from safetensors.numpy import save

    text = json.dumps({"schema": SCHEMA, **numbers}).encode()
    whole = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    whole[NUMBERS] = np.frombuffer(text, dtype=np.uint8)
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
    if not path.is_file():
        finished = (folder / "twin.json").is_file()
        why = "the fit there is finished" if finished else "there is no fit to go on with"
        raise InputError(f"{path}: no such file; {why}")
    with reading(path):
        content = path.read_bytes()
    try:
        arrays = load(content)
        numbers: dict[str, Any] = json.loads(arrays.pop(NUMBERS).tobytes())
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}); fit anew into another --out") from error
    if numbers.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: has schema {numbers.get('schema')!r}, this Twinrig reads {SCHEMA}"
        )
    return arrays, numbers


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a fit that is complete."""
    (folder / FILE_NAME).unlink(missing_ok=True)
