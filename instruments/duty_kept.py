"""What has flowed through a magnet, kept from one program to the next: a coil cools no faster.

Decision: beside the lock files, where all users of the computer write, a file for each supply with
the integral of I² over its last window, by the computer's time since its start, which all programs
share (`clock.passed_s`). It is written while current flows, each few seconds, and when the magnet
is safe. A program that was killed has let its last current flow until a watchdog came: that counts
for `UNSAID_S` more, or until now where the current still flows.
Consequence: a file that can't be read or written, or is of another boot, is none; the coil counts
as cold then, as it does on another computer.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

from instruments.lock_files import kept_file, lock_folder
from instruments.locks import place_of
from models.json_form import NUMBER, Leaf, Table, faults, is_number

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench_spec import MagnetSpec

UNSAID_S = 10.0  # judgement: two checks of a supply; a watchdog is there within seconds
MOST_BYTES = 2**16
CHARGES = Leaf(
    "two numbers or more, none below the one before",
    lambda value: (
        isinstance(value, list)
        and len(value) > 1
        and all(map(is_number, value))
        and value == sorted(value)
    ),
)
FORM = Table({"at_s": NUMBER, "window_s": NUMBER, "square_A2": NUMBER, "charge_A2s": CHARGES})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Past:
    """What has flowed up to a time.

    Attributes
    ----------
    at_s
        That time, since the computer's start.
    window_s
        How far it looks back.
    charge_A2s
        The integral of I² at evenly spaced times from `at_s - window_s` to `at_s`.
    square_A2
        I² that flowed then, and from then on.
    """

    at_s: float
    window_s: float
    charge_A2s: list[float]
    square_A2: float


class KeptDuty:
    """The file of one supply.

    Parameters
    ----------
    place
        Its link and address (`locks.place_of`), which no second supply has: not its resource name,
        of which one supply has several, and behind two adapters two supplies the same.
    folder
        None: that of the computer's lock files.
    """

    def __init__(self, place: str, folder: Path | None = None) -> None:
        self._name = place.lower()
        self._folder = folder

    @classmethod
    def of(cls, magnet: MagnetSpec) -> KeptDuty:
        """Of a supply of a bench file."""
        return cls(place_of(magnet.resource, magnet.board))

    def load(self, now_s: float) -> Past | None:
        """What flowed before `now_s`; None where nobody knows."""
        try:
            with self._open() as file:
                value = json.loads(file.read(MOST_BYTES) or b"null")
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or faults(value, FORM):
            return None
        past = Past(**value)
        usable = past.at_s <= now_s and 0 < past.window_s < math.inf and past.square_A2 >= 0
        return past if usable else None

    def save(self, past: Past) -> None:
        """Replace what is kept; a disk that refuses is told in the log only."""
        try:
            with self._open() as file:
                file.write(json.dumps(asdict(past)).encode())
                file.truncate()
        except OSError as error:
            log.warning("what flows is not kept for the next program: %s", error)

    def _open(self) -> IO[bytes]:
        return kept_file(f"{self._name}.duty", self._folder or lock_folder())
