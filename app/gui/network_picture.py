"""A network as a picture joins it: who hears whom, how strongly, one node in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from app.gui.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

STRONGEST = 96  # lines of a picture: more can't be followed
GAIN_OF = 4.0  # an activation of so much is the whole fitted range: see `Network.drive`

Edge = tuple[int, int, int, int, float]
"""Column and place where it begins, column and place where it ends, weight of the strongest."""


@dataclass(frozen=True)
class NodeJoins:
    """What joins a node: nodes that it hears, and that hear it (the read-out is one), its gain.

    `gain`: spread of its drive in spans of the fitted range, if its inputs were independent.
    `edges`: each pair once, by its strongest weight; of those it hears, and of those that hear it,
    the strongest is 1.
    """

    inputs: int
    outputs: int
    gain: float
    edges: tuple[Edge, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """Weights of layers and read-out, and where each column of them begins.

    Attributes
    ----------
    weights
        `(nodes of layer l, columns)` each.
    readout
        `(columns,)` or `(columns, outputs)`: the task's inputs, then each layer's channels.
    channels
        Channels of the device.
    sources
        Of each layer the blocks it sees, column block by column block (−1: the task's inputs), once
        for each delay; none: the layer before, the first one the inputs.
    widths
        Columns of each block; a layer's by default its nodes times `channels`.
    """

    weights: tuple[FloatArray, ...]
    readout: FloatArray
    channels: int
    sources: Sequence[Sequence[int]] = ()
    widths: Mapping[int, int] | None = None

    @property
    def layers(self) -> tuple[int, ...]:
        """Nodes of each layer."""
        return tuple(len(matrix) for matrix in self.weights)

    @property
    def weights_in_all(self) -> int:
        """Number of weights."""
        return int(sum(w.size for w in self.weights) + np.size(self.readout))

    @cached_property
    def edges(self) -> list[Edge]:
        """The strongest weights into every column of the picture, the strongest last."""
        edges: list[Edge] = []
        for layer, matrix in enumerate(self.weights):
            strong, begins = _scaled(matrix), self._begins(layer)
            for node, column in zip(*np.nonzero(strong), strict=True):
                at, source = begins[int(column)]
                edges.append((at, source, layer + 1, int(node), float(strong[node, column])))
        edges += self._drawn_readout()
        edges.sort(key=lambda edge: abs(edge[4]))
        every = len(self.weights) + 1
        most = STRONGEST // every
        columns = [[e for e in edges if e[2] == c][-most:] for c in range(1, every + 1)]
        return sorted((e for c in columns for e in c), key=lambda edge: abs(edge[4]))

    @cached_property
    def strengths(self) -> tuple[FloatArray, ...]:
        """Of each layer's nodes how much of its outgoing strength they carry, the most is 1."""
        found = [np.zeros(nodes) for nodes in self.layers]
        for column, source, _, _, weight in self.edges:
            if 0 < column <= len(found):
                found[column - 1][source] += abs(weight)
        return tuple(total / max(float(total.max(initial=0.0)), 1e-12) for total in found)

    @cached_property
    def _wide(self) -> dict[int, int]:
        """Columns of each layer's block."""
        wide = {k: nodes * self.channels for k, nodes in enumerate(self.layers)}
        return wide | {k: width for k, width in dict(self.widths or {}).items() if k >= 0}

    def _inputs(self, layer: int) -> int:
        """Columns of the task's inputs in a layer's matrix, of one delay."""
        seen = self._seen(layer)
        known = sum(self._wide.get(block, 0) for block in seen if block >= 0)
        there = int(self.weights[layer].shape[1]) - known
        return there // max(1, sum(block < 0 for block in seen))

    def _seen(self, layer: int) -> Sequence[int]:
        return self.sources[layer] if self.sources else (layer - 1,)

    def _places(self, seen: Sequence[int], inputs: int) -> list[tuple[int, int]]:
        """Column of the picture and place in it, of every column of these blocks."""
        places: list[tuple[int, int]] = []
        for block in seen:
            if block < 0:
                places += [(0, 0)] * inputs
                continue
            per = max(1, self._wide.get(block, 1) // max(1, self.layers[block]))
            places += [(block + 1, k // per) for k in range(self._wide.get(block, 0))]
        return places

    def _begins(self, layer: int) -> list[tuple[int, int]]:
        """Where each column of a layer's matrix begins."""
        columns = self.weights[layer].shape[1]
        places = self._places(self._seen(layer), self._inputs(layer))
        return places[:columns] + [(0, 0)] * (columns - len(places))

    def _drawn_readout(self) -> list[Edge]:
        """The last layer's part of the read-out, what the picture has room for, its strongest 1."""
        return _strongest_one([e for e in self._readout_edges() if e[0] == len(self.weights)])

    def _readout_edges(self) -> list[Edge]:
        """What the read-out sees of each node: inputs and layers, each at every delay.

        Of a read-out that sees something else only the last layer, which stands at its end.
        """
        readout = np.asarray(self.readout, dtype=float)
        if not readout.size or not self.layers:
            return []
        table, end = readout.reshape(len(readout), -1), len(self.layers)
        inputs = self._inputs(0)
        delays, rest = divmod(len(table), inputs + sum(self._wide.values()))
        blocks = [-1, *range(end)] if not rest else [end - 1]
        begins = self._places([block for block in blocks for _ in range(delays or 1)], inputs)
        if len(table) < len(begins):
            return []
        table = table[len(table) - len(begins) :]
        strong = table[:, 0] / max(float(np.abs(table).max()), 1e-12)
        return _merged(
            (*at, end + 1, 0, float(value)) for at, value in zip(begins, strong, strict=True)
        )

    def joins(self, layer: int, node: int) -> NodeJoins:
        """What joins one node."""
        own, here = self.weights[layer][node], (layer + 1, node)
        heard = _merged(
            (*at, *here, float(value))
            for at, value in zip(
                self._begins(layer), _scaled(self.weights[layer])[node], strict=True
            )
        )
        hear = _merged(
            (*here, further + 1, int(k), float(strong[k, column]))
            for further in range(layer + 1, len(self.weights))
            for strong in (_scaled(self.weights[further]),)
            for column, at in enumerate(self._begins(further))
            if at == here
            for k in range(len(strong))
        )
        told = _merged(edge for edge in self._readout_edges() if edge[:2] == here)
        gain = float(np.linalg.norm(own)) / GAIN_OF
        edges = (*_strongest_one(heard), *_strongest_one([*hear, *told]))
        return NodeJoins(len(heard), len(hear) + len(told), gain, edges)


def _scaled(matrix: FloatArray) -> FloatArray:
    return np.asarray(matrix / max(float(np.abs(matrix).max(initial=0.0)), 1e-12))


def _strongest_one(edges: list[Edge]) -> list[Edge]:
    """These with the strongest weight 1."""
    most = max((abs(edge[4]) for edge in edges), default=1.0)
    return [(*edge[:4], edge[4] / most) for edge in edges]


def _merged(edges: object) -> list[Edge]:
    """Each pair once, by its strongest weight; none of weight zero."""
    strongest: dict[tuple[int, ...], Edge] = {}
    for edge in edges:  # type: ignore[attr-defined]
        before = strongest.get(edge[:4])
        if edge[4] and (before is None or abs(edge[4]) > abs(before[4])):
            strongest[edge[:4]] = edge
    return list(strongest.values())


def node_name(layer: int, node: int) -> str:
    """Name of a node, as on the Deploy page."""
    return f"Node {layer + 1}.{node + 1:02d}"


def node_words(layer: int, node: int, joins: NodeJoins, drive: str) -> tuple[str, list[str]]:
    """A node's name and what is known of it; `drive`: its range, empty where that isn't known."""
    lines = [
        f"{count(joins.inputs, 'input')}, {count(joins.outputs, 'output')}",
        f"gain {joins.gain:.2f}",
    ]
    return node_name(layer, node), [*lines, drive] if drive else lines
