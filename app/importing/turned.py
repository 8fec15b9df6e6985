"""Axes of a map to begin with, exchanged where the numbers themselves say so.

Sizes alone can't tell a drive `(sequence, step)` from one `(step, sequence)`, nor two repeats of
forty channels from forty repeats of two, nor a hundred repeats from their hundred steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.importing.mapping import BY_REPEAT, USUAL_AXES
from app.importing.prepare import in_order
from training.exchanged_axes import channels_alike, odd_repeats, repeats_apart, sequences_remembered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ENOUGH = 200  # repeats or channels that are looked at


def turned(
    response: Array,
    axes: list[str],
    drive: Array | None,
    drive_axes: str,
    sure: frozenset[str] = frozenset(),
) -> list[str]:
    """The response's axes, two of them exchanged where that fits its numbers better.

    `drive`, of the axes `drive_axes` joined by commas: None where there is none. `sure`: axes that
    the file names, which stay.
    """
    known, exchanged = None, ("repeat", "step")
    if drive is not None:
        order = tuple(drive_axes.split(","))
        if not set(order) <= set(USUAL_AXES[2]):  # of each repeat or run its own
            return axes
        known, exchanged = in_order(drive, order, BY_REPEAT)[:, 0], ("sequence", "step")
        axes = _by_length(response, axes, known.shape[1], sure)
    axes = _by_likeness(response, axes, sure)
    if known is not None:
        axes = _of_one_length(response, axes, sure)
    if not set(exchanged) <= set(axes) - sure or (known is None and "sequence" in axes):
        return axes
    values = in_order(response, tuple(axes))[:, :ENOUGH, :, :ENOUGH]
    if known is None:
        return _swapped(axes, *exchanged) if _repeats_are_steps(values) else axes
    if known.shape != (values.shape[0], values.shape[2]):
        return axes
    return axes if sequences_remembered(known, values) is None else _swapped(axes, *exchanged)


def _by_length(response: Array, axes: list[str], steps: int, sure: frozenset[str]) -> list[str]:
    """With the step where the response is as long as its drive, if that is one axis only."""
    shape = in_order(response, tuple(axes), tuple(axes)).shape
    there = [axis for axis, size in zip(axes, shape, strict=True) if size == steps]
    if "step" not in axes or "step" in there or len(there) != 1 or {"step", *there} & sure:
        return axes
    return _swapped(axes, "step", there[0])


def _by_likeness(response: Array, axes: list[str], sure: frozenset[str]) -> list[str]:
    """With channels for repeats where what stands as channels varies far less."""
    if not {"repeat", "channel"} <= set(axes) - sure:
        return axes
    values = in_order(response, tuple(axes))[:, :ENOUGH, :, :ENOUGH]
    return axes if channels_alike(values) is None else _swapped(axes, "repeat", "channel")


def _of_one_length(response: Array, axes: list[str], sure: frozenset[str]) -> list[str]:
    """With steps for repeats where there are as many of both, so that no drive's length tells."""
    if not {"repeat", "step"} <= set(axes) - sure:
        return axes
    values = in_order(response, tuple(axes))
    alike = values.shape[1] == values.shape[2]
    exchanged = alike and _repeats_are_steps(values[:, :ENOUGH, :, :ENOUGH])
    return _swapped(axes, "repeat", "step") if exchanged else axes


def _repeats_are_steps(values: Array) -> bool:
    """Whether what stands as repeats `(S, R, T, C)` differs as steps do, and the steps do not."""
    return repeats_apart(values) is not None and not odd_repeats(values)


def _swapped(axes: list[str], one: str, other: str) -> list[str]:
    swap = {one: other, other: one}
    return [swap.get(axis, axis) for axis in axes]
