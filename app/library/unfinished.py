"""Whether a folder of a library holds a run without its result yet, and whether it goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from app.checked_json import read_json
from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.owner import Owner
from app.run_lock import NAME as LOCK
from models.errors import InputError
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from pathlib import Path

OF_PLAN = {
    "adaptive.json": "record", "seeds.json": "train", "recalibrate.json": "recalibrate",
    "refine.json": "refine", "polish.json": "polish",
}  # fmt: skip
NODES = "nodes"
MAY_BE_BEGUN = frozenset((NODES, CHECKPOINT, *OF_PLAN))
"""A folder without any of these names holds no run that has begun."""


def goes_on_now(folder: Path) -> bool:
    """Whether a living process of this computer writes there."""
    for place in (folder, folder / NODES):
        with suppress(OSError, KeyError, TypeError, ValueError, RecursionError):
            if Owner.from_json(json.loads((place / LOCK).read_bytes()[:4096])).here_alive():
                return True
    return False


def is_begun(folder: Path) -> bool:
    """Whether a run of the folder has no result yet; the folder has no artefact's head."""
    if folder_at(folder / NODES) or file_at(folder / CHECKPOINT):
        return True
    for name in OF_PLAN:
        with suppress(InputError, OSError):
            if file_at(folder / name):
                return "result" not in read_json(folder / name)
    return False
