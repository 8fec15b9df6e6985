"""The append-only journal of a run: every completed repeat survives `kill -9` at any instant.

Decision. A run's truth is `journal.bin`: a preamble with the run's status, then records whose head
and payload each carry a CRC-32. A record is one unbuffered write at the end of the file, so a kill
leaves whole records and at most one torn tail, which readers drop: a record that is shorter than
its own head says, or zeros (a power cut). Any other misfit is damage. It is flushed to the platter
at most once a second (a power cut may cost that second). Beside it lies `recording.nc`, which
anyone may open while the run goes on; each repeat stands in the journal first, so a repeat that
only `recording.nc` shows tells of a journal that was cut short (`app.recording_reader`).
Consequence: nothing rests on HDF5's behaviour under a kill, and one repeat costs microseconds,
whatever the recording's size.
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
from app.disk import RESTORE, advised, read_bytes
from app.owner import Owner
from models.errors import InputError, TwinrigError, raise_problems
from models.json_form import COUNT, TEXT, Table, faults
from models.recording import BY_STEP, StepTimes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

NAME = "journal.bin"
PREAMBLE = b"twinrig journal 2\n"
STATUS_BYTES = 12
START = len(PREAMBLE) + STATUS_BYTES
MARK = b"TWR"
FRAME = struct.Struct("<3sBIII")  # mark, kind, length, CRC-32 of kind and payload, of the head
HEAD_BYTES = FRAME.size - 4
REPEAT = struct.Struct("<IIIIId")  # sequence, repeat, position, steps, channels, start_s
HEADER_KIND, OWNER_KIND, REPEAT_KIND, REMARK_KIND, PLACE_KIND = b"HOSNP"
UNTIMED_KIND = ord("R")  # a repeat as schema 2 had it: without the times of its steps
SYNC_S = 1.0
STATUSES = ("begun", "running", "done", "stopped", "failed")
"""`begun`: running, and `recording.nc` isn't written yet."""
FEWEST_ZEROS = 64  # bytes at a record's end that a power cut left unwritten
RECORDS = {
    OWNER_KIND: Table({"pid": COUNT, "started": TEXT, "host": TEXT}),
    REMARK_KIND: Table({"text": TEXT}),
    PLACE_KIND: Table({"order": COUNT}),
}


@dataclass(frozen=True)
class JournalRepeat:
    """One completed repeat: response `(T, C)`, position in the run, start, and its steps' times."""

    sequence: int
    repeat: int
    position: int
    start_s: float
    response: NDArray[np.float64]
    times: StepTimes

    def to_bytes(self) -> bytes:
        """Pack a record's payload, little-endian: head, response, then `BY_STEP`."""
        steps, channels = self.response.shape
        head = REPEAT.pack(self.sequence, self.repeat, self.position, steps, channels, self.start_s)
        arrays = (self.response, *(getattr(self.times, name) for name in BY_STEP))
        return head + b"".join(np.ascontiguousarray(a, dtype="<f8").tobytes() for a in arrays)

    @classmethod
    def from_bytes(cls, payload: bytes, *, timed: bool = True) -> JournalRepeat:
        """Unpack a record's payload; ValueError or struct.error where it is something else."""
        sequence, repeat, position, steps, channels, start_s = REPEAT.unpack_from(payload)
        values = np.frombuffer(payload, dtype="<f8", offset=REPEAT.size).astype(np.float64)
        response = values[: steps * channels].reshape(steps, channels)
        by_step = values[steps * channels :].reshape(len(BY_STEP) if timed else 0, steps)
        times = StepTimes(*by_step) if timed else StepTimes.absent(steps)
        return cls(sequence, repeat, position, start_s, response, times)


@dataclass
class JournalContent:
    """What a journal holds.

    `order_at` is where the order stands in the `recording.nc` beside it (None: there is none yet),
    `end` the offset behind the last whole record.
    """

    status: str
    header: dict[str, Any] = field(default_factory=dict)
    owner: Owner | None = None
    repeats: list[JournalRepeat] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    order_at: int | None = None
    end: int = START


class Journal:
    """An open journal that grows; its file is never buffered."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._end = os.fstat(file.fileno()).st_size
        self._synced_s, self._is_synced = -SYNC_S, False

    @classmethod
    def create(
        cls, path: Path, header: dict[str, Any], repeats: Sequence[JournalRepeat] = ()
    ) -> Journal:
        """Start a journal with its run's header and what it has already; whole or not at all."""
        frames = _frame(HEADER_KIND, canonical(plain(header)))
        frames += _frame(OWNER_KIND, canonical(Owner.here().to_json()))
        frames += b"".join(_frame(REPEAT_KIND, repeat.to_bytes()) for repeat in repeats)
        write_bytes(path, PREAMBLE + _status_bytes("begun") + frames)
        with writing(path):
            return cls(path, path.open("r+b", buffering=0))

    @classmethod
    def reopen(cls, path: Path, content: JournalContent) -> Journal:
        """Go on with a journal of a dead run: drop its torn tail, become its owner."""
        with writing(path):
            file = path.open("r+b", buffering=0)
        try:
            with writing(path):
                file.truncate(content.end)
                journal = cls(path, file)
            journal._append(OWNER_KIND, canonical(Owner.here().to_json()))
            journal.mark("begun")
        except BaseException:
            file.close()
            raise
        return journal

    def append(self, repeat: JournalRepeat) -> None:
        """Add a completed repeat; on failure the journal is as it was before."""
        self._append(REPEAT_KIND, repeat.to_bytes())

    def remark(self, text: str) -> None:
        """Add a sentence about the run."""
        self._append(REMARK_KIND, canonical(plain({"text": text})))

    def place(self, order_at: int) -> None:
        """Say where the order stands in `recording.nc`: from now on it is there and shows."""
        self._append(PLACE_KIND, canonical({"order": order_at}))
        self.mark("running")

    def beat(self) -> None:
        """Renew the heartbeat (the file's time), for readers on other hosts; flush what is due."""
        with writing(self.path):
            os.utime(self.path)
            self._sync()

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
                self._is_synced = False
                self._sync()
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._end)
                raise
        self._end += len(frame)

    def _sync(self) -> None:
        if not self._is_synced and time.monotonic() - self._synced_s >= SYNC_S:
            os.fsync(self._file.fileno())
            self._synced_s, self._is_synced = time.monotonic(), True

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
        No journal, another version, damage (a torn tail is none: it is what a kill leaves).
    """
    with reading(path):
        data = read_bytes(path)
    if not data.startswith(PREAMBLE):
        raise InputError(
            f"{path}: no Twinrig journal of version 2, or damaged; use the version that wrote it; "
            f"{RESTORE}"
        )
    try:
        return _fold(data)
    except InputError as fault:
        raise InputError(advised(f"{path}: {fault}")) from fault
    except (ValueError, struct.error) as fault:
        raise InputError(
            f"{path}: holds a record that isn't Twinrig's ({fault}); {RESTORE}"
        ) from fault


def _fold(data: bytes) -> JournalContent:
    content = JournalContent(_status_of(data))
    while (record := _record_at(data, content.end)) is not None:
        kind, payload, content.end = record
        if (kind == HEADER_KIND) == bool(content.header):
            raise InputError("must have one header, at its start: not written by Twinrig")
        if kind == HEADER_KIND:
            content.header = parse_json(payload, "header record")
        elif kind in (REPEAT_KIND, UNTIMED_KIND):
            timed = kind == REPEAT_KIND
            content.repeats.append(JournalRepeat.from_bytes(payload, timed=timed))
        elif kind in RECORDS:
            _take(content, kind, parse_json(payload, "record"))
        else:
            raise InputError(
                f"holds a record of unknown kind {kind}: use the version that wrote it"
            )
    if content.owner is None:
        raise InputError("cut off before its header was complete")
    if content.status != "begun" and content.order_at is None:
        raise InputError("cut off before its first repeat")
    return content


def _take(content: JournalContent, kind: int, body: dict[str, Any]) -> None:
    raise_problems(InputError, "record", faults(body, RECORDS[kind]))
    if kind == OWNER_KIND:
        content.owner = Owner.from_json(body)
    elif kind == REMARK_KIND:
        content.remarks.append(body["text"])
    else:
        content.order_at = body["order"]


def _status_of(data: bytes) -> str:
    found = data[len(PREAMBLE) : START]
    for status in STATUSES:
        if found == _status_bytes(status):
            return status
    raise InputError(f"damaged: its status reads {found!r}")


def _record_at(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Kind, payload and end of the record at a place; None at the end, or at a torn tail."""
    if len(data) - at < FRAME.size:
        return None
    mark, kind, length, crc, head_crc = FRAME.unpack_from(data, at)
    if mark != MARK or zlib.crc32(data[at : at + HEAD_BYTES]) != head_crc:
        if len(data[at:].rstrip(b"\0")) < FRAME.size:
            return None
        raise InputError(f"damaged at byte {at}")
    end = at + FRAME.size + length
    if end > len(data):
        return None
    payload = data[at + FRAME.size : end]
    if _crc(kind, payload) == crc:
        return kind, payload, end
    if end == len(data) and payload.endswith(bytes(min(length, FEWEST_ZEROS))):
        return None
    raise InputError(f"damaged between byte {at} and byte {end}")


def _frame(kind: int, payload: bytes) -> bytes:
    head = FRAME.pack(MARK, kind, len(payload), _crc(kind, payload), 0)[:HEAD_BYTES]
    return head + struct.pack("<I", zlib.crc32(head)) + payload


def _crc(kind: int, payload: bytes) -> int:
    return zlib.crc32(payload, kind)


def _status_bytes(status: str) -> bytes:
    return status.encode("ascii").ljust(STATUS_BYTES - 1) + b"\n"


def _write_all(file: BinaryIO, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) or 0 :]
