"""Which part of a network sees which: sources with delays, and why recurrence can't be played.

Blocks are numbered −1 for the task's inputs, then 0, 1, … for the layers; in words the layers count
from 1. A layer may see the inputs and every earlier layer, each as it was a number of steps ago. It
can't see itself or a later one: one device plays each node's whole sequence in one go, and what it
would have to hear has not been measured yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

INPUTS = -1
FORWARD, SKIP = "forward", "skip"
BESIDE = "+"
MOST_NODES = 99_999  # of a layer
LAYERS = re.compile(r"[1-9]\d{0,4}([,+][1-9]\d{0,4})*")
GRAMMAR = (
    f"{FORWARD}, {SKIP}, or LAYER:SOURCES such as 2:in,1 3:2,1@4 (layer 3 sees layer 2, and layer "
    "1 four steps ago)"
)
ONE_LAYER = re.compile(r"(?P<layer>[1-9]\d?):(?P<sources>\S+)")
ONE_SOURCE = re.compile(r"(?P<layer>in|[1-9]\d?)(@(?P<delay>\d{1,3}))?")
LONGEST_DELAY = 100


@dataclass(frozen=True, order=True)
class Source:
    """A block that is seen: a layer (−1: the task's inputs), as it was `delay` steps ago."""

    layer: int
    delay: int = 0

    def __str__(self) -> str:
        name = "in" if self.layer == INPUTS else str(self.layer + 1)
        return f"{name}@{self.delay}" if self.delay else name


Sources = tuple[Source, ...]


def with_taps(blocks: Sequence[int], taps: Sequence[int] = (0,)) -> Sources:
    """Every block at every delay, block by block."""
    return tuple(Source(block, delay) for block in sorted(blocks) for delay in sorted(set(taps)))


def laid_out(text: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Nodes of each layer, and which layers stand beside the one before them; None of other words.

    `8+4,16` is layers of 8, 4 and 16 nodes, the second (1, counted from 0) beside the first: both
    see the inputs, and the third sees both.
    """
    if not LAYERS.fullmatch(text):
        return None
    ranks = [part.split(BESIDE) for part in text.split(",")]
    nodes = tuple(int(count) for rank in ranks for count in rank)
    beside = [k > 0 for rank in ranks for k in range(len(rank))]
    return nodes, tuple(k for k, is_beside in enumerate(beside) if is_beside)


def layers_text(nodes: Sequence[int], parallel: Sequence[int] = ()) -> str:
    """The words of `laid_out`."""
    return "".join(
        f"{'' if not k else BESIDE if k in parallel else ','}{count}"
        for k, count in enumerate(nodes)
    )


def wired(
    text: str, layers: int, taps: Sequence[int] = (0,), parallel: Sequence[int] = ()
) -> tuple[Sources, ...]:
    """What each layer sees.

    Parameters
    ----------
    text
        `forward` (the layer before; the first one the inputs), `skip` (the inputs and all layers
        before), or a list such as `2:in,1 3:2,1@4` over `forward`; see `GRAMMAR`.
    layers
        Number of layers.
    taps
        Delays in steps at which `forward` and `skip` see each of their sources.
    parallel
        Layers, counted from 0, that stand beside the one before them: they see what that one sees
        and not itself, and who sees the layer before sees all of those beside each other.

    Raises
    ------
    InputError
        Other words, a layer that isn't there, or recurrence, with the reason.
    """
    rank = np.cumsum([layer not in parallel for layer in range(layers)]) - 1
    before = [[k for k in range(layers) if rank[k] < rank[layer]] for layer in range(layers)]
    if text == SKIP:
        return tuple(with_taps([INPUTS, *seen], taps) for seen in before)
    nearest = [[k for k in seen if rank[k] == rank[seen[-1]]] or [INPUTS] for seen in before]
    made = [with_taps(seen, taps) for seen in nearest]
    problems = []
    for part in [] if text == FORWARD else text.split():
        match = ONE_LAYER.fullmatch(part)
        sources = _sources(match["sources"]) if match else None
        if match is None or sources is None:
            problems.append(f"{part!r} is none of: {GRAMMAR}")
        elif int(match["layer"]) > layers:
            problems.append(f"{part!r}: there are {layers} layers")
        else:
            made[int(match["layer"]) - 1] = sources
    problems += [words for layer, sources in enumerate(made) for words in faults(layer, sources)]
    raise_problems(InputError, "wiring", problems)
    return tuple(made)


def _sources(text: str) -> Sources | None:
    found = [ONE_SOURCE.fullmatch(part) for part in text.split(",")]
    matches = [match for match in found if match is not None]
    if len(matches) < len(found):
        return None
    layers = [INPUTS if m["layer"] == "in" else int(m["layer"]) - 1 for m in matches]
    delays = [int(m["delay"] or 0) for m in matches]
    return tuple(Source(layer, delay) for layer, delay in zip(layers, delays, strict=True))


def faults(layer: int, sources: Sources) -> list[str]:
    """What is wrong with the sources of a layer, in words; a read-out is the layer after the last.

    Returns
    -------
    list of str
        Empty where nothing is.
    """
    name = f"layer {layer + 1}"
    problems = [] if sources else [f"{name} sees nothing"]
    if len(set(sources)) < len(sources):
        problems.append(f"{name} sees a source twice")
    for source in sources:
        if source.layer >= layer:
            seen = "itself" if source.layer == layer else f"layer {source.layer + 1}"
            problems.append(
                f"{name} can't see {seen}: the one device plays each node's whole sequence in one "
                "go, layer by layer, and what a recurrence would hear has not been measured yet; "
                "the memory between steps is the device's own, and that of delays (in@3)"
            )
        if source.layer < INPUTS or not 0 <= source.delay <= LONGEST_DELAY:
            problems.append(f"{name}: no source {source}: a delay is of 0…{LONGEST_DELAY} steps")
    return problems


def longest_delay(*seen: Sources) -> int:
    """Steps of the past that somebody looks at."""
    return max((source.delay for sources in seen for source in sources), default=0)


def delayed(standard: FloatArray, delay: int) -> FloatArray:
    """Standardised features `(T, F)` as they were `delay` steps ago; zeros before the start."""
    if delay == 0:
        return standard
    before = np.zeros_like(standard)
    before[delay:] = standard[: max(len(standard) - delay, 0)]
    return before
