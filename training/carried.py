"""What a chunk of a network's run gives, and what goes on from it to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Carried:
    """What goes on from chunk to chunk, detached.

    Attributes
    ----------
    states
        By layer and ensemble member, `(B_m · nodes, D)`: column b belongs to member b mod members.
    past
        Features `(delay, B, F)` of the last steps, as raw as in `Passed`.
    drives
        By layer, the last drives `(B, nodes)` as the slew left them; NaN: none since the reset.
    """

    states: list[list[Tensor]]
    past: Tensor
    drives: list[Tensor]

    def where(self, jumped: Tensor, fresh: Carried) -> Carried:
        """The same, but `fresh` in the columns `(B,)` that jumped."""
        states = []
        for layer, old in enumerate(self.states):
            count = self.drives[layer].shape[1]
            masks = [jumped[m :: len(old)].repeat_interleave(count) for m in range(len(old))]
            new = fresh.states[layer]
            states.append(
                [torch.where(k.unsqueeze(1), n, o) for k, n, o in zip(masks, new, old, strict=True)]
            )
        past = torch.where(jumped[None, :, None], fresh.past, self.past)
        pairs = zip(fresh.drives, self.drives, strict=True)
        return Carried(states, past, [torch.where(jumped[:, None], f, d) for f, d in pairs])


@dataclass(frozen=True)
class Passed:
    """What one chunk gave.

    Attributes
    ----------
    features
        `(T, B, F)`, not standardised.
    columns
        What the read-out sees, `(T / window, B, columns)`.
    carried
        For the next chunk.
    drives, responses
        By layer `(T, B, nodes)` and, all channels, `(T, B, nodes, C)`.
    excess
        Mean square by which activations left what can be driven.
    """

    features: Tensor
    columns: Tensor
    carried: Carried
    drives: list[Tensor]
    responses: list[Tensor]
    excess: Tensor
