"""Where arrow keys go among a network's nodes, in each picture that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = tuple[int, int]
"""Layer and node, each from 0."""


def stepped(at: Place | None, by: Place, layers: Sequence[int]) -> Place:
    """The node that lies `by` layers and nodes from `at`, within `layers`; the first from none."""
    if at is None:
        return 0, 0
    layer = min(max(at[0] + by[0], 0), len(layers) - 1)
    return layer, min(max(at[1] + by[1], 0), layers[layer] - 1)
