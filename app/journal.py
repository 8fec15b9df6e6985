"""The append-only journal of a run: every completed repeat survives `kill -9` at any instant.

Decision. A run's truth is `journal.bin`: a preamble with the run's status, then records that each
carry a CRC-32. A record is one unbuffered write at the end of the file, so a kill leaves whole
records and at most one torn tail, which readers drop; it is flushed to the platter at most once a
second (a power cut may cost that second). Beside it lies `recording.nc`, which anyone may open
while the run goes on. Consequence: nothing rests on HDF5's behaviour under a kill, and one repeat
costs microseconds, whatever the recording's size.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import canonical, parse_json, plain, reading, write_bytes, writing
from app.owner import Owner
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

NAME = "journal.bin"
PREAMBLE = b"twinrig journal 1\n"
STATUS_BYTES = 12
START = len(PREAMBLE) + STATUS_BYTES
MARK = b"TWR"
FRAME = struct.Struct("<3sBII")  # mark, kind, length, CRC-32 of kind and payload
REPEAT = struct.Struct("<IIIIId")  # sequence, repeat, position, steps, channels, start_s
HEADER_KIND, OWNER_KIND, REPEAT_KIND, REMARK_KIND = b"HORN"
SYNC_S = 1.0


@dataclass(frozen=True)
class JournalRepeat:
    """One completed repeat: response `(T, C)`, position in the run, start in device time."""

    sequence: int
    repeat: int
    position: int
    start_s: float
    response: NDArray[np.float64]

    def to_bytes(self) -> bytes:
        """Pack a record's payload, little-endian."""
        steps, channels = self.response.shape
        head = REPEAT.pack(self.sequence, self.repeat, self.position, steps, channels, self.start_s)
        return head + np.ascontiguousarray(self.response, dtype="<f8").tobytes()

    @classmethod
    def from_bytes(cls, payload: bytes) -> JournalRepeat:
        """Unpack a record's payload; ValueError or struct.error where it is something else."""
        sequence, repeat, position, steps, channels, start_s = REPEAT.unpack_from(payload)
        values = np.frombuffer(payload, dtype="<f8", offset=REPEAT.size)
        response = values.reshape(steps, channels).astype(np.float64)
        return cls(sequence, repeat, position, start_s, response)


@dataclass
class JournalContent:
    """What a journal holds: `end` is the offset behind its last whole record."""

    status: str
    header: dict[str, Any]
    owner: Owner
    repeats: list[JournalRepeat] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    end: int = START


class Journal:
    """An open journal that grows; its file is never buffered."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._end = path.stat().st_size
        self._synced_s = -SYNC_S

    @classmethod
    def create(
        cls, path: Path, header: dict[str, Any], repeats: Sequence[JournalRepeat] = ()
    ) -> Journal:
        """Start a journal with its run's header and what it has already; whole or not at all."""
        frames = _frame(HEADER_KIND, canonical(plain(header)))
        frames += _frame(OWNER_KIND, canonical(Owner.here().to_json()))
        frames += b"".join(_frame(REPEAT_KIND, repeat.to_bytes()) for repeat in repeats)
        write_bytes(path, PREAMBLE + _status_bytes("running") + frames)
        with writing(path):
            return cls(path, path.open("r+b", buffering=0))

    @classmethod
    def reopen(cls, path: Path, content: JournalContent) -> Journal:
        """Go on with a journal of a dead run: drop its torn tail, become its owner."""
        with writing(path):
            file = path.open("r+b", buffering=0)
            file.truncate(content.end)
        journal = cls(path, file)
        journal._append(OWNER_KIND, canonical(Owner.here().to_json()))
        journal.mark("running")
        return journal

    def append(self, repeat: JournalRepeat) -> None:
        """Add a completed repeat; on failure the journal is as it was before."""
        self._append(REPEAT_KIND, repeat.to_bytes())

    def remark(self, text: str) -> None:
        """Add a sentence about the run."""
        self._append(REMARK_KIND, canonical({"text": text}))

    def beat(self) -> None:
        """Renew the heartbeat (the file's time), for readers on other hosts."""
        with writing(self.path):
            os.utime(self.path)

    def mark(self, status: str) -> None:
        """Overwrite the run's status in place: needs no free space on the disk."""
        with writing(self.path):
            self._file.seek(len(PREAMBLE))
            self._file.write(_status_bytes(status))
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; never raises."""
        with suppress(OSError):
            self._file.close()

    def _append(self, kind: int, payload: bytes) -> None:
        frame = _frame(kind, payload)
        with writing(self.path):
            self._check_in_place()
            try:
                self._file.seek(self._end)
                _write_all(self._file, frame)
                if time.monotonic() - self._synced_s >= SYNC_S:
                    os.fsync(self._file.fileno())
                    self._synced_s = time.monotonic()
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._end)
                raise
        self._end += len(frame)

    def _check_in_place(self) -> None:
        """Notice a vanished folder: POSIX would go on writing into the deleted file."""
        there, ours = self.path.stat(), os.fstat(self._file.fileno())
        if (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev):
            raise TwinrigError(f"{self.path}: was replaced by another file while the run went on")


def read_journal(path: Path) -> JournalContent:
    """Read a journal up to its last whole record.

    Raises
    ------
    InputError
        No journal, another version, or a damaged record with whole ones behind it (a torn tail
        is no damage: it is what a kill leaves).
    """
    with reading(path):
        data = path.read_bytes()
    if not data.startswith(PREAMBLE) or len(data) < START:
        raise InputError(f"{path}: no Twinrig journal of version 1, or cut short")
    try:
        return _fold(data)
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from fault
    except (KeyError, TypeError, ValueError, struct.error) as fault:
        raise InputError(f"{path}: holds a record that isn't Twinrig's ({fault})") from fault


def _fold(data: bytes) -> JournalContent:
    status = data[len(PREAMBLE) : START].decode("ascii", "replace").rstrip()
    if status not in ("running", "done", "stopped", "failed"):
        raise InputError(f"damaged: its status reads {status!r}")
    header: dict[str, Any] | None = None
    owner: Owner | None = None
    repeats, remarks, at = [], [], START
    while (record := _record_at(data, at)) is not None:
        kind, payload, at = record
        if kind == HEADER_KIND:
            header = parse_json(payload, "header record")
        elif kind == OWNER_KIND:
            owner = Owner.from_json(parse_json(payload, "owner record"))
        elif kind == REPEAT_KIND:
            repeats.append(JournalRepeat.from_bytes(payload))
        elif kind == REMARK_KIND:
            remarks.append(str(parse_json(payload, "remark record")["text"]))
        else:
            raise InputError(f"holds a record of unknown kind {kind}: use a newer Twinrig")
    if header is None or owner is None:
        raise InputError("cut off before its header was complete")
    _refuse_damage(data, at)
    return JournalContent(status, header, owner, repeats, remarks, at)


def _refuse_damage(data: bytes, end: int) -> None:
    at = end
    while (at := data.find(MARK, at + 1)) >= 0:
        if _record_at(data, at) is not None:
            raise InputError(f"damaged between byte {end} and byte {at}: restore it from a copy")


def _record_at(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    if at + FRAME.size > len(data):
        return None
    mark, kind, length, crc = FRAME.unpack_from(data, at)
    end = at + FRAME.size + length
    if mark != MARK or end > len(data):
        return None
    payload = data[at + FRAME.size : end]
    return (kind, payload, end) if _crc(kind, payload) == crc else None


def _frame(kind: int, payload: bytes) -> bytes:
    return FRAME.pack(MARK, kind, len(payload), _crc(kind, payload)) + payload


def _crc(kind: int, payload: bytes) -> int:
    return zlib.crc32(payload, kind)


def _status_bytes(status: str) -> bytes:
    return status.encode("ascii").ljust(STATUS_BYTES - 1) + b"\n"


def _write_all(file: BinaryIO, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) or 0 :]
