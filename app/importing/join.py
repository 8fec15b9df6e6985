"""Several arrays of a file that make one response: `response=X+Y:sequence,repeat,step`.

Each is a channel, or, where the map names one axis more than they have, an entry of that last axis
(`rep1+rep2:step,repeat`). Those that have channels of their own are put side by side along them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.importing.mapping import Mapping, Shapes

    Array = NDArray[np.float64]


def join_shapes(made: Mapping, shapes: Shapes) -> tuple[Mapping, Shapes, list[str]]:
    """The map with the joined response's axes, the shapes with its shape, and what is wrong."""
    parts = made.columns
    if made.index or made.response in shapes or not all(part in shapes for part in parts):
        return made, shapes, []
    first, axes = shapes[parts[0]], made.response_axes
    if any(longer(shapes[part]) != longer(first) for part in parts):
        held = ", ".join(f"{part} {shapes[part]}" for part in parts)
        return made, shapes, [f"response: joined arrays must be of one shape: {held}"]
    if len(set(parts)) != len(parts):
        return made, shapes, [f"response: names an array twice: {made.response}"]
    if len(axes) == len(first):
        axes = tuple(axis for axis, size in zip(axes, first, strict=True) if size != 1)
    shape, along = list(longer(first)), "channel"
    if "channel" in axes and len(axes) == len(shape):
        shape[axes.index("channel")] *= len(parts)
    else:
        axes = axes if len(axes) == len(shape) + 1 else (*axes, along)
        along, shape = axes[-1], [*shape, len(parts)]
    joined = replace(made, response_axes=axes, joined=along)
    return joined, {**shapes, made.response: tuple(shape)}, []


def join_arrays(arrays: dict[str, Array], asked: Mapping) -> Array:
    """The response's array, of one or of several."""
    if not asked.joined:
        return arrays[asked.response]
    parts = [arrays[part].reshape(longer(arrays[part].shape)) for part in asked.columns]
    if parts[0].ndim < len(asked.response_axes):
        return np.stack(parts, axis=-1)
    return np.concatenate(parts, axis=asked.response_axes.index(asked.joined))


def joined_names(asked: Mapping, count: int) -> tuple[str, ...]:
    """Names of `count` channels: of joined arrays and of columns theirs, else c0, c1 and so on.

    A group that all of them are in is no part of a name; `U/mV` of a table is no group.
    """
    if not asked.index and asked.joined != "channel":
        return tuple(f"c{i}" for i in range(count))
    each, names = count // len(asked.columns), asked.columns
    others = [column for _, column in asked.index]
    if len({name.rpartition("/")[0] for name in (*names, *others)}) == 1:
        names = tuple(name.rpartition("/")[2] for name in names)
    return tuple(name if each == 1 else f"{name}.{k}" for name in names for k in range(each))


def longer(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its axes of length 1 (MATLAB's vectors have one)."""
    return tuple(n for n in shape if n != 1)


def sizes(shape: tuple[int, ...], axes: tuple[str, ...]) -> dict[str, int]:
    """Length of each named axis; those of length 1 need no name."""
    return dict(zip(axes, shape if len(axes) == len(shape) else longer(shape), strict=True))
