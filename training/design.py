"""How a network of twins is laid out: nodes, wiring, channels, windows, supply. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.errors import InputError, raise_problems
from models.supply import Supply
from models.wiring import FORWARD, INPUTS, Sources, faults, longest_delay, wired, with_taps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.tasks import Task

CHUNK_STEPS = 64


@dataclass(frozen=True)
class Design:
    """The layout of a network.

    Attributes
    ----------
    nodes
        Nodes of each layer.
    sources, readout
        What each layer and the read-out see.
    use
        Channels of each layer that others see.
    sparsity
        Share of each node's weights that are zero and stay so; one is always left.
    supply
        What the supply can play.
    window, pool
        As in the task.
    """

    nodes: tuple[int, ...]
    sources: tuple[Sources, ...]
    readout: Sources
    use: tuple[tuple[int, ...], ...]
    sparsity: float = 0.0
    supply: Supply = field(default_factory=Supply)
    window: int = 1
    pool: str = "step"

    def __post_init__(self) -> None:
        count = len(self.nodes)
        problems = [w for layer, seen in enumerate(self.sources) for w in faults(layer, seen)]
        problems += [
            words.replace(f"layer {count + 1}", "the read-out", 1)
            for words in faults(count, self.readout)
        ]
        if not 0 <= self.sparsity < 1:
            problems.append(f"sparsity {self.sparsity} must be within 0…1, without 1")
        raise_problems(InputError, "network", problems)

    @classmethod
    def of(
        cls,
        nodes: Sequence[int],
        channels: int,
        task: Task | None = None,
        *,
        wiring: str = FORWARD,
        taps: Sequence[int] = (0,),
        readout_taps: Sequence[int] = (0,),
        use: Sequence[tuple[int, ...]] = (),
        sparsity: float = 0.0,
        supply: Supply | None = None,
    ) -> Design:
        """A design from words; without options layer after layer, every channel used.

        Raises
        ------
        InputError
            Words that are no wiring, or a recurrence.
        """
        count, every = len(nodes), tuple(range(channels))
        return cls(
            tuple(nodes),
            wired(wiring, count, taps),
            with_taps(range(INPUTS, count), readout_taps),
            tuple(use) or (every,) * count,
            sparsity,
            supply or Supply(),
            1 if task is None else task.window,
            "step" if task is None else task.pool,
        )

    @property
    def past(self) -> int:
        """Steps of the past that somebody looks at."""
        return longest_delay(*self.sources, self.readout)

    @property
    def readout_delays(self) -> tuple[int, ...]:
        """Steps ago at which the read-out sees the task's inputs."""
        seen = sorted({s.delay for s in self.readout if s.layer == INPUTS})
        return tuple(seen) or (0,)

    @property
    def chunk(self) -> int:
        """Steps of a chunk: a whole number of windows near `CHUNK_STEPS`."""
        return self.window * max(1, round(CHUNK_STEPS / self.window))

    def width(self, layer: int, inputs: int) -> int:
        """Features of a layer; −1: the task's `inputs`."""
        return inputs if layer == INPUTS else self.nodes[layer] * len(self.use[layer])

    def block(self, layer: int, inputs: int) -> slice:
        """Where a layer's channels stand among the features."""
        start = sum(self.width(before, inputs) for before in range(INPUTS, layer))
        return slice(start, start + self.width(layer, inputs))

    def columns(self, inputs: int, depth: int) -> int:
        """Columns that the read-out sees of the inputs and the first `depth` layers."""
        wide = self.window if self.pool == "all" else 1
        seen = (self.width(s.layer, inputs) for s in self.readout if s.layer < depth)
        return wide * sum(seen)


def used_channels(
    texts: Sequence[str], layers: int, channels: Sequence[str]
) -> list[tuple[int, ...]]:
    """Channels of each layer that others see, from `X,Y` (every layer) and `2:X` (layer 2).

    Raises
    ------
    InputError
        A channel or a layer that isn't there.
    """
    every = tuple(range(len(channels)))
    found, problems = [every] * layers, []
    for text in texts:
        number, _, names = text.rpartition(":")
        missing = [name for name in names.split(",") if name not in channels]
        if missing:
            problems.append(f"{', '.join(missing)} in {text!r}: there are {', '.join(channels)}")
        elif number and not (number.isdigit() and 1 <= int(number) <= layers):
            problems.append(f"{text!r}: there are layers 1 to {layers}")
        else:
            chosen = tuple(k for k in every if channels[k] in names.split(","))
            for layer in [int(number) - 1] if number else range(layers):
                found[layer] = chosen
    raise_problems(InputError, "channels to use", problems)
    return found
