"""The wire log: every byte that was sent and received, one JSON object a line.

A log never ends what it logs, nor holds it up: where its disk is full it ends itself, and says so,
where its disk hangs the lines wait, and the run and the way to the safe state go on.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from instruments.handed_over import HandedOver
from instruments.new_file import not_made

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

# Called with host time (s since 1970), device time (s, or None), instrument, "out" or "in", bytes.
WireTap = Callable[[float, float | None, str, str, bytes], None]


CLOSE_S = 5.0


class WireLog:
    """A wire tap that writes to a file; may be called from several threads.

    A line is in the file before the next message, unless its disk hangs.

    Parameters
    ----------
    path
        A new file; one that exists is never overwritten.

    Raises
    ------
    InputError
        The file exists, or its folder doesn't.
    TwinrigError
        The disk refuses.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise not_made("wire log", path, error) from error
        self._path, self._end = path, 0
        self._aside = HandedOver("wire log")

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
        line = json.dumps(record).encode() + b"\n"
        self._aside(lambda: self._write(line))

    def _write(self, line: bytes) -> None:
        if self._file.closed:
            return
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._end)  # whole lines only
            with suppress(OSError):
                self._file.close()
            log.warning("wire log %s ends here, the run goes on: %s", self._path, error.strerror)
            return
        self._end += len(line)

    def close(self) -> None:
        """Close the file; later calls write nothing."""
        self._aside(self._file.close)
        if not self._aside.finish(CLOSE_S):
            log.warning("wire log %s: its disk doesn't answer, its last lines may lack", self._path)
