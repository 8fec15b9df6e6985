"""A twin of several members: each repeat that it draws is one of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.simulated import simulated
from models.twin import of_member

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.latent import TwinModel


def woven(parts: Sequence[Tensor]) -> Tensor:
    """Columns `(T, B, …)` in their order, of members' parts: b is of member b mod members."""
    count, columns = len(parts), sum(part.shape[1] for part in parts)
    order = torch.cat([torch.arange(member, columns, count) for member in range(count)])
    return torch.cat(list(parts), dim=1)[:, order.argsort().to(parts[0].device)]


class Mixture:
    """Members that differ where their repeats leave the device open (`models.twin.Twin.members`).

    Its repeats spread by the members' noise and by what the members disagree on: the equally
    weighted mixture of their distributions. A deterministic member has no noise to mix.

    Parameters
    ----------
    members
        Modules of one structure, with noise, in the same or different units.
    """

    deterministic = False

    def __init__(self, members: Sequence[TwinModel]) -> None:
        self.members = list(members)
        first = self.members[0]
        self.channels, self.offset, self.scale = first.channels, first.offset, first.scale

    def sample(self, drive: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Responses `(T, B, C)` in the first member's units; column b is member b mod members'."""
        parts, count = [], len(self.members)
        for which, member in enumerate(self.members):
            drawn = member.sample(drive[:, which::count], generator)
            if which:
                drawn = (member.offset - self.offset + member.scale * drawn) / self.scale
            parts.append(drawn)
        return woven(parts)

    def simulate(
        self, drive: NDArray[np.float64], repeats: int, seed: int = 0
    ) -> NDArray[np.float64]:
        """Responses `(S, R, T, C)` in the device's units to drives `(S, T)`; as `TwinModel`'s."""
        return simulated(self, drive, repeats, seed)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Every member's weights by the names that `of_member` gives them."""
        return {
            of_member(name, which): array
            for which, member in enumerate(self.members)
            for name, array in member.weights().items()
        }
