"""Which channel of a spectrum to draw where there is room for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.channel_words import MANY

if TYPE_CHECKING:
    from numpy.typing import NDArray


def telling_channel(response: NDArray[np.float64]) -> int:
    """The channel of repeats `(S, R, T, C)` whose mean moves most beside its noise.

    Of few channels it is the first: all of them tell something. The first of a spectrum is mostly
    noise. Without a second repeat nothing is known of noise, and the first it is, too; so it is of
    no repeats.
    """
    if response.shape[3] <= MANY or not response.size:
        return 0
    real = np.ma.masked_invalid(response)
    mean = real.mean(axis=1, keepdims=True)
    noise = np.sqrt(((real - mean) ** 2).mean(axis=(0, 1, 2)))
    return int(np.ma.filled(mean.std(axis=(0, 1, 2)) / noise, 0.0).argmax())
