"""How many passes of a network are worth running."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.layers import NodeLayers


def passes_of(layers: NodeLayers, passes: int) -> int:
    """At least `passes`, as many through each ensemble member; without noise one through each."""
    members = len(layers.members)
    return members * (-(-passes // members) if layers.noisy else 1)
