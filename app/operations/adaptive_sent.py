"""What a network sends to a bench's device, for a twin to be fitted on; torch apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.store import load_network
from models.errors import RefusedError, raise_problems
from models.sequence import SENT, FieldSequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from instruments.bench import Bench

    FloatArray = NDArray[np.float64]

ALIKE = 1e-3  # of the drive window


def played_by(bench: Bench, network: str) -> tuple[int, ...]:
    """The devices of a network, by their number in it, that have this bench's window and reset.

    Raises
    ------
    InputError
        The network can't be read.
    RefusedError
        There is none.
    """
    devices = load_network(Path(network)).devices
    known = (("window", bench.spec.window), ("reset", bench.spec.reset))
    played = tuple(
        number
        for number, device in enumerate(devices)
        if all(getattr(device, name) == now for name, now in known)
    )
    if not played:
        problems = [
            f"{name} of the network is {getattr(device, name)}, the bench's is {now}"
            for device in devices
            for name, now in known
            if getattr(device, name) != now
        ]
        raise_problems(RefusedError, network, problems)
    return played


class SentWindows:
    """The windows of a network's drives, of `app.operations.sent_drives.windows_sent`."""

    def __init__(self, drives: Sequence[FloatArray]) -> None:
        self._windows = [FieldSequence(drive, SENT) for drive in drives]
        self.count = len(self._windows)

    def drawn(self, count: int, played: Sequence[FieldSequence], *seed: int) -> list[FieldSequence]:
        """So many of them, none that was played already: fewer where no more are left.

        One that scores must not be fitted, and of one that is fitted further repeats teach less
        than another one.
        """
        known = [s.drive for s in played if s.family == SENT]
        left = [s for s in self._windows if not _is_among(s.drive, known)]
        order = np.random.default_rng(seed).permutation(len(left))[:count]
        return [left[int(k)] for k in order]


def _is_among(drive: FloatArray, known: Sequence[FloatArray]) -> bool:
    """Whether it is one of those, whose last digits another processor computes otherwise."""
    same = [other for other in known if other.shape == drive.shape]
    return bool(same) and bool((np.abs(np.stack(same) - drive).max(axis=1) < ALIKE).any())
