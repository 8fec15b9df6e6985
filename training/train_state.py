"""What a training tells on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

HISTOGRAM_BINS = 20


@dataclass(frozen=True)
class TrainState:
    """The state after an iteration: scores, and what a page draws.

    `validation` is None where it was not scored since the last state. `weights` are the layers'
    from all that they see, `readout` the read-out's, `histogram` `(layers, bins)` the shares of
    drives in 0…1.
    """

    iteration: int
    training: float
    validation: float | None
    weights: tuple[FloatArray, ...] = ()
    readout: FloatArray = field(default_factory=lambda: np.empty(0))
    histogram: FloatArray = field(default_factory=lambda: np.empty((0, HISTOGRAM_BINS)))
