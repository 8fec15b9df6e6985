"""What a supply makes of drives, with a gradient: slew, then resolution (`models.supply`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from models.supply import Supply


def play(
    drive: Tensor, last: Tensor | None, supply: Supply, low: float, high: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Drives `(T, B, nodes)` as they are played, what the slew cut off, and where it ended.

    What it cut off is a mean square; where it ended `(B, nodes)`, before the grid, is the `last` of
    the steps to come.

    Parameters
    ----------
    drive
        Wanted, within `low`…`high`.
    last
        Where the slew ended just before, `(B, nodes)`; NaN or None: nothing since the reset, the
        step is free.
    supply
        Its limits. The grid's gradient is that of the value before it (straight through).
    """
    cut = drive.new_zeros(())
    if supply.slew:
        wanted, drive = drive, _slewed(drive, last, supply.slew)
        cut = ((wanted - drive) ** 2).mean()
    ended = drive[-1].detach()
    if supply.step:
        first, end = supply.grid(low, high)
        on_grid = (drive / supply.step).round().clamp(first, end) * supply.step
        drive = drive + (on_grid - drive).detach()
    return drive, cut, ended


def _slewed(drive: Tensor, last: Tensor | None, slew: float) -> Tensor:
    free = drive[0].detach()
    here = free if last is None else torch.where(last.isnan(), free, last)
    played = []
    for wanted in drive:
        here = here + (wanted - here).clamp(-slew, slew)
        played.append(here)
    return torch.stack(played)
