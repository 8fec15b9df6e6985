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
        channels: int | Sequence[int],
        task: Task | None = None,
        *,
        wiring: str = FORWARD,
        parallel: Sequence[int] = (),
        taps: Sequence[int] = (0,),
        readout_taps: Sequence[int] = (0,),
        use: Sequence[tuple[int, ...]] = (),
        sparsity: float = 0.0,
        supply: Supply | None = None,
    ) -> Design:
        """A design from words; without options layer after layer, every channel used.

        `channels`: of every layer, or of each one.

        Raises
        ------
        InputError
            Words that are no wiring, or a recurrence.
        """
        count = len(nodes)
        each = [channels] * count if isinstance(channels, int) else channels
        return cls(
            tuple(nodes),
            wired(wiring, count, taps, parallel),
            with_taps(range(INPUTS, count), readout_taps),
            tuple(use) or tuple(tuple(range(one)) for one in each),
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


def used_channels(texts: Sequence[str], channels: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
    """Channels of each layer that others see, from `X,Y`, `2:X` (of layer 2) and `6` (six of them).

    Without a layer it is of every one whose twin has all of these channels, or as many. A number
    that no channel is named by is how many, spread evenly: those of a spectrum.

    Parameters
    ----------
    texts
        The later one counts.
    channels
        Names of each layer's.

    Raises
    ------
    InputError
        Channels that no layer has, or not the one that is named; a layer that isn't there.
    """
    found = [tuple(range(len(names))) for names in channels]
    problems = []
    for text in texts:
        number, _, names = text.rpartition(":")
        if number and not (number.isdecimal() and 1 <= int(number) <= len(channels)):
            problems.append(f"{text!r}: there are layers 1 to {len(channels)}")
            continue
        asked = [int(number) - 1] if number else range(len(channels))
        known = list(dict.fromkeys(name for layer in asked for name in channels[layer]))
        choose = _spread if names.isdecimal() and names not in known else _named
        chosen = {layer: choose(names, channels[layer]) for layer in asked}
        if not any(chosen.values()):
            most = max(len(channels[layer]) for layer in asked)
            few = f"of {most} channels ({_listed(known)}) take 1 to {most}"
            problems.append(f"{text!r}: {few if choose is _spread else _missing(names, known)}")
        for layer, indices in chosen.items():
            found[layer] = indices or found[layer]
    raise_problems(InputError, "channels to use", problems)
    return found


def _named(names: str, channels: Sequence[str]) -> tuple[int, ...]:
    """The channels of these names; none where one of them isn't there."""
    wanted = set(names.split(","))
    return tuple(k for k, name in enumerate(channels) if name in wanted and wanted <= {*channels})


def _spread(number: str, channels: Sequence[str]) -> tuple[int, ...]:
    """So many channels, the middle of each of so many parts; none where there are fewer."""
    count, there = int(number), len(channels)
    return tuple((2 * k + 1) * there // (2 * count) for k in range(count)) if count <= there else ()


def _missing(names: str, known: list[str]) -> str:
    missing = [name or "an empty name" for name in names.split(",") if name not in known]
    if missing:
        return f"there are {_listed(known)}, not {', '.join(missing)}"
    return "no layer has all of these channels: name them layer by layer"


def _listed(names: Sequence[str], most: int = 12) -> str:
    """Names with commas between; of many the first ones and the last."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])}, … {names[-1]}"
