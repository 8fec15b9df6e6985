"""Of what a network is made: its layers' weights, and the twins that they were trained through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.wiring import Sources

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TwinReference:
    """Which twin file a network was trained through: id, path, and the file's sha256."""

    id: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Layer:
    """Weights `(nodes, inputs)` and biases `(nodes,)` over standardised inputs.

    `drive_low`, `drive_high`: the drive range that the twin was fitted on; nodes stay inside.
    `sources`: what it sees, in the order of the weights' columns; empty: the layer before, or the
    task's inputs. `use`: the channels of its own that others see; empty: all.
    """

    weights: FloatArray
    biases: FloatArray
    drive_low: float = 0.0
    drive_high: float = 1.0
    sources: Sources = ()
    use: tuple[int, ...] = ()

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.biases.size)
