"""Of what a network is made: layers' weights, their twins, and the devices that play them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from models.channel_words import channel_words
from models.settings import differing
from models.slopes import SLOPE, slopes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.recording import Recording
    from models.sequence import DriveWindow, Reset
    from models.twin import Twin
    from models.wiring import Sources

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TwinReference:
    """Which twin file a network was trained through: id, path, and the file's sha256."""

    id: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Device:
    """How a device was recorded: a bench that is to play it must be the same.

    Layers whose twins agree in all of this are of one device. `bench` is the name of the bench that
    it was recorded on (empty: not known); it only tells devices apart that agree in all else.
    `tesla_per_ampere`: field per current of the magnets that made the field (empty: not known); it
    tells no devices apart.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    window: DriveWindow
    reset: Reset
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    bench: str = ""
    tesla_per_ampere: dict[str, float] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, known: Twin | Recording) -> Device:
        """That of a twin or of a recording."""
        return cls(
            known.channels,
            known.units,
            known.window,
            known.reset,
            known.settings,
            known.identities,
            str(known.meta.get("bench", "")),
            known.meta.get(SLOPE) or slopes_of(known.meta),
        )

    def is_same(self, other: Device) -> bool:
        """Whether two agree in all that tells devices apart; a measured setting may wobble."""
        settings_apart = any(differing(self.settings, other.settings))
        return not settings_apart and replace(self, settings=other.settings) == other

    @property
    def channel_words(self) -> tuple[str, ...]:
        """The channels as people read them: of a spectrum with their frequencies."""
        return channel_words(self.channels, self.settings)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "channels": list(self.channels),
            "units": list(self.units),
            "window": asdict(self.window),
            "reset": asdict(self.reset),
            "settings": self.settings,
            "identities": self.identities,
            "bench": self.bench,
            **({SLOPE: self.tesla_per_ampere} if self.tesla_per_ampere else {}),
        }


def distinct(each: Sequence[Device]) -> tuple[tuple[Device, ...], tuple[int, ...]]:
    """The different ones of many devices in their order, and which of these each one is."""
    found: list[Device] = []
    which: list[int] = []
    for one in each:
        same = (index for index, known in enumerate(found) if one.is_same(known))
        which.append(next(same, len(found)))
        if which[-1] == len(found):
            found.append(one)
    return tuple(found), tuple(which)


@dataclass(frozen=True)
class Layer:
    """Weights `(nodes, inputs)` and biases `(nodes,)` over standardised inputs.

    `drive_low`, `drive_high`: the drive range that the twin was fitted on; nodes stay inside.
    `sources`: what it sees, in the order of the weights' columns; empty: the layer before, or the
    task's inputs. `use`: the channels of its own that others see; empty: all. `device`: which of
    the network's devices its nodes are.
    """

    weights: FloatArray
    biases: FloatArray
    drive_low: float = 0.0
    drive_high: float = 1.0
    sources: Sources = ()
    use: tuple[int, ...] = ()
    device: int = 0

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.biases.size)
