"""Streams that walk the training part of a series side by side, chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from training.design import CHUNK_STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class Streams:
    """Positions in steps 0…`end` − 1, spread evenly at first, always at the start of a window.

    At the end a stream jumps back near the start, as from a fresh reset; the `masked` steps after
    that are not to be counted, since the device still forgets where it began.

    Parameters
    ----------
    end, count, masked
        Steps of the part, streams, steps not counted after a jump.
    chunk, window
        Steps of a chunk, a multiple of those of a window.
    """

    def __init__(
        self, end: int, count: int, masked: int, chunk: int = CHUNK_STEPS, window: int = 1
    ) -> None:
        self.end, self.masked, self.chunk, self.window = end, masked, chunk, window
        apart = max(window, (end - chunk) // count // window * window)
        self.position = np.arange(count) * apart % max(window, end - chunk + 1)
        self.position -= self.position % window
        self.since_jump = np.zeros(count, dtype=np.int64)

    def steps(self) -> Tensor:
        """Indices `(chunk, streams)` into the series of the present chunk."""
        return torch.as_tensor(self._from(self.position))

    def answers(self) -> Tensor:
        """Indices `(chunk / window, streams)` of the chunk's answers."""
        return self.steps()[:: self.window] // self.window

    def counted(self) -> Tensor:
        """Which answers of the present chunk count, bool `(chunk / window, streams)`.

        Those whose last step is no longer masked.
        """
        return torch.as_tensor(self._from(self.since_jump) >= self.masked)[
            self.window - 1 :: self.window
        ]

    def walk(self, generator: torch.Generator) -> Tensor:
        """Move on by one chunk; which streams jumped, bool `(streams,)`."""
        self.position = self.position + self.chunk
        self.since_jump = self.since_jump + self.chunk
        over = self.position + self.chunk > self.end
        draws = torch.randint(0, self.chunk, (over.size,), generator=generator).numpy()
        room = max(1, self.end - self.chunk + 1)
        near = draws % room
        self.position = np.where(over, near - near % self.window, self.position)
        self.since_jump = np.where(over, 0, self.since_jump)
        return torch.as_tensor(over)

    def _from(self, start: NDArray[np.int64]) -> NDArray[np.int64]:
        return start[None, :] + np.arange(self.chunk)[:, None]
