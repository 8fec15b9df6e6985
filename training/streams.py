"""Streams that walk the training part of a series side by side, chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from training.layers import CHUNK_STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class Streams:
    """Positions in steps 0…`end` − 1, spread evenly at first.

    At the end a stream jumps back near the start, as from a fresh reset; the `masked` steps after
    that are not to be counted, since the device still forgets where it began.
    """

    def __init__(self, end: int, count: int, masked: int) -> None:
        self.end, self.masked = end, masked
        self.position = np.arange(count) * max(1, (end - CHUNK_STEPS) // count)
        self.since_jump = np.zeros(count, dtype=np.int64)

    def steps(self) -> Tensor:
        """Indices `(chunk, streams)` into the series of the present chunk."""
        return torch.as_tensor(self._from(self.position))

    def counted(self) -> Tensor:
        """Which steps of the present chunk count, bool `(chunk, streams)`."""
        return torch.as_tensor(self._from(self.since_jump) >= self.masked)

    def walk(self, generator: torch.Generator) -> Tensor:
        """Move on by one chunk; which streams jumped, bool `(streams,)`."""
        self.position = self.position + CHUNK_STEPS
        self.since_jump = self.since_jump + CHUNK_STEPS
        over = self.position + CHUNK_STEPS > self.end
        draws = torch.randint(0, CHUNK_STEPS, (over.size,), generator=generator).numpy()
        room = max(1, self.end - CHUNK_STEPS + 1)
        self.position = np.where(over, draws % room, self.position)
        self.since_jump = np.where(over, 0, self.since_jump)
        return torch.as_tensor(over)

    def _from(self, start: NDArray[np.int64]) -> NDArray[np.int64]:
        return start[None, :] + np.arange(CHUNK_STEPS)[:, None]
