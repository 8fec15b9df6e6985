"""What a recording takes of the disk, and whether the disk has it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from app.words import size
from models.paths import anything_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BYTES_A_VALUE = 8
BY_STEP = 3  # set, read, and the field that was measured: kept beside the channels
HEAD_BYTES = 22_000  # of an empty recording: names, attributes and index
TIMES = 3.0  # while a run is sealed: the file that grew with it, its journal, and the sealed one


def recording_bytes(lengths: Sequence[int], repeats: int, channels: int, reference: int) -> float:
    """Bytes of a recording of sequences of so many steps, with `reference` steps a repeat.

    Its arrays are as long as the longest sequence.
    """
    count, longest = len(lengths), max(lengths, default=0)
    numbers = repeats * count * (longest + reference) * (channels + BY_STEP)
    return float(BYTES_A_VALUE * (numbers + 2 * count * longest) + HEAD_BYTES)  # drive and field


def free_bytes(folder: Path) -> int:
    """What the disk of a folder, or of its nearest parent that exists, has left."""
    return shutil.disk_usage(_there(folder)).free


def _there(folder: Path) -> Path:
    while not anything_at(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def closed_problems(folder: Path) -> list[str]:
    """Words where nothing may be written in a folder, or in its nearest parent that exists."""
    there = _there(folder)
    if os.access(there, os.W_OK):
        return []
    return [f"nothing can be written in {there}: check who may write there"]


def folder_problems(needed: float, folder: Path) -> list[str]:
    """Why so many bytes can't be kept in a folder, all of it: who may write there, and room."""
    return [*closed_problems(folder), *room_problems(needed, folder)]


def room_problems(needed: float, folder: Path, times: float = TIMES) -> list[str]:
    """Words where a recording of so many bytes finds no room; it asks the disk, which may wait.

    `times`: how often that is still to be written, `TIMES` less what is there.
    """
    free = free_bytes(folder)
    if times * needed <= free:
        return []
    return [f"it needs {size(times * needed)} of the disk, which has {size(free)} left in {folder}"]
