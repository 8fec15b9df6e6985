"""The wire log: every byte that was sent and received, one JSON object a line.

A log never ends what it logs, nor holds it up: where its disk is full it ends itself, and says so,
where its disk hangs the lines wait, and the run and the way to the safe state go on.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Queue
from typing import TYPE_CHECKING

from instruments.new_file import not_made
from instruments.stop_signals import heard_elsewhere

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

# Called with host time (s since 1970), device time (s, or None), instrument, "out" or "in", bytes.
WireTap = Callable[[float, float | None, str, str, bytes], None]


PATIENCE_S = 0.2  # for a line's way to the disk; behind one that took longer nobody waits
CLOSE_S = 5.0


class WireLog:
    """A wire tap that writes to a file; may be called from several threads.

    A line is in the file before the next message, unless its disk takes longer than `PATIENCE_S`.

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
        self._path, self._end, self._behind = path, 0, False
        self._lines: Queue[tuple[bytes, threading.Event]] = Queue()
        self._writer = threading.Thread(target=self._write_all, name="wire log", daemon=True)
        self._writer.start()

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
        self._hand_over(json.dumps(record).encode() + b"\n")

    def _hand_over(self, line: bytes) -> None:
        written = threading.Event()
        self._lines.put((line, written))
        if not self._behind:
            self._behind = not written.wait(PATIENCE_S)

    def _write_all(self) -> None:
        with heard_elsewhere():
            while (item := self._lines.get())[0]:
                if not self._file.closed:
                    self._write(item[0])
                self._behind = self._behind and not self._lines.empty()
                item[1].set()
            self._file.close()

    def _write(self, line: bytes) -> None:
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
        self._lines.put((b"", threading.Event()))
        self._writer.join(CLOSE_S)
        self._behind = True  # nobody writes what is still said
        if self._writer.is_alive():
            log.warning("wire log %s: its disk doesn't answer, its last lines may lack", self._path)
