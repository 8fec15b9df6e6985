"""Files that a served rig makes: its wire log, and whatever else must not exist before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from instruments.new_file import not_made
from models.errors import InputError, raise_problems
from models.paths import anything_at

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO


class RigLog:
    """A wire tap: one JSON object a line; `direction` as the computer sees it.

    `out` went to the instrument, `in` came from it. A file that exists is never overwritten.
    """

    def __init__(self, path: Path) -> None:
        self._file: TextIO = new_file(path, "wire log")

    def __call__(
        self, host_s: float, device_s: float, model: str, direction: str, data: bytes
    ) -> None:
        """Write one message with both clocks."""
        record = {
            "host_s": host_s,
            "device_s": round(device_s, 9),
            "model": model,
            "direction": direction,
            "data": data.decode("latin-1"),
        }
        self._file.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def refuse_existing(files: dict[str, Path | None]) -> None:
    """Name every file that is there already, before any is made."""
    found = [f"{what} {path} exists" for what, path in files.items() if path and anything_at(path)]
    raise_problems(InputError, "virtual rig: name a new file", found)


def new_file(path: Path, what: str) -> TextIO:
    """A file that is made here; `InputError` where it exists, its folder doesn't."""
    try:
        return path.open("x", encoding="utf-8", buffering=1)
    except OSError as error:
        raise not_made(what, path, error) from error
