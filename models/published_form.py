"""The published twin's structure as a value, without torch: what its weights are called."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from models.errors import InputError, raise_problems
from models.json_form import COUNT, Leaf, Rows, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYERS = (300, 250, 200)
AUXILIARIES = 10
NOISES = 2  # independent Gaussians for each auxiliary, as in the authors' code
NAME = "published"
FORM = Table(
    {
        "name": Leaf(f"{NAME!r}", lambda value: value == NAME),
        "delays": COUNT,
        "layers": Rows(COUNT),
    }
)


@dataclass(frozen=True)
class PublishedForm:
    """Past values in the state, and widths of the hidden layers of drift and diffusion."""

    delays: int
    layers: tuple[int, ...] = LAYERS

    def __post_init__(self) -> None:
        problems = [f"layer {i + 1} has no unit" for i, n in enumerate(self.layers) if n < 1]
        if not self.layers:
            problems.append("no hidden layer")
        if self.delays < 0:
            problems.append(f"{self.delays} delays")
        raise_problems(InputError, "published twin", problems)

    def shapes(self, channels: int, auxiliaries: int) -> dict[str, tuple[int, ...]]:
        """Shape of every weight by name; `models.published` says what each one does."""
        observed = channels * (self.delays + 1)
        return {
            **dict(_layers("drift", (1 + observed, *self.layers, observed))),
            **dict(_layers("diffusion", (1 + observed, *self.layers, auxiliaries * NOISES))),
            "coupling": (auxiliaries, channels),
            "rates": (auxiliaries,),
            "start": (channels,),
            "start_spread": (channels,),
            "offset": (channels,),
            "scale": (channels,),
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"name": NAME, "delays": self.delays, "layers": list(self.layers)}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> PublishedForm:
        """The form of `to_json`; InputError where it can't be one."""
        return cls(body["delays"], tuple(body["layers"]))


def _layers(name: str, sizes: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Weights and biases of a chain of linear layers with a ReLU between two of them."""
    for index, (before, after) in enumerate(pairwise(sizes)):
        yield f"{name}.{2 * index}.weight", (after, before)
        yield f"{name}.{2 * index}.bias", (after,)
