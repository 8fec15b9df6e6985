"""The wire log: every byte that was sent and received, one JSON object a line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# Called with host time (s since 1970), device time (s, or None), instrument, "out" or "in", bytes.
WireTap = Callable[[float, float | None, str, str, bytes], None]


class WireLog:
    """A wire tap that writes to a file; may be called from several threads.

    Parameters
    ----------
    path
        A new file; one that exists is never overwritten.

    Raises
    ------
    InputError
        The file exists or its folder can't be written to.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("x", encoding="utf-8", buffering=1)
        except OSError as error:
            raise InputError(f"wire log {path}: {error.strerror}; name a new file") from error
        self._lock = threading.Lock()

    def __call__(
        self, host_s: float, device_s: float | None, name: str, direction: str, data: bytes
    ) -> None:
        """Write one line; `data` as text, bytes beyond ASCII as Latin-1 escapes."""
        record = {
            "host_s": host_s,
            "device_s": device_s,
            "name": name,
            "direction": direction,
            "data": data.decode("latin-1"),
        }
        with self._lock:
            if not self._file.closed:
                self._file.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Close the file; later calls write nothing."""
        with self._lock:
            self._file.close()
