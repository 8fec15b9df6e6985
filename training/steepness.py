"""How steep the loss is: gradients are clipped, and steps along a burst of them are left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

BURST = 100.0  # times the usual norm
MEMORY = 0.99  # of the usual norm, a step
GROWTH = 1.05  # of the usual norm at a burst: after a hundred in a row they are what is usual
LOST = 100  # steps in a row without a finite gradient: there is nothing left to hope for


class Clip:
    """Clips gradients to `most`, and tells which steps are better left out.

    A long path now and then comes to the edge of chaos: for one batch the gradient is 10³ to 10⁹
    times the usual one, or no number, while the loss is as ever. One step along it, however short,
    brings more of the path beyond the edge. Virtual spin-vortex ice, 272 sequences of 200 steps, 8
    a batch, fit of the mean: the usual norm was 0.02, that of iteration 8355 was 28; clipped to 1,
    or to the usual one, it was followed by hundreds of up to 10³⁸, and the fit ended. Left out, it
    was the only one of 10,890 steps. Where the usual ones are clipped, too, a burst is no longer
    than they are: left out there, too, it made a fit of a nanoring no better.

    Attributes
    ----------
    usual
        Running mean of the norms, bursts left out; None before the first.
    left_out
        Steps that were left out so far.
    """

    def __init__(self, most: float) -> None:
        self.most = most
        self.usual: float | None = None
        self.left_out = self._in_a_row = 0

    def usable(self, parameters: Iterable[Tensor]) -> bool:
        """Clip the gradients where they lie; False where they burst: leave the step out.

        Raises
        ------
        TwinrigError
            They are no numbers for the hundredth time in a row.
        """
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, self.most))
        finite = math.isfinite(norm)
        self._in_a_row = 0 if finite else self._in_a_row + 1
        if self._in_a_row >= LOST:
            raise TwinrigError(
                f"fit: the gradient is {norm} for {LOST} steps in a row, the twin's path has "
                "become chaotic: lower the learning rate, or look for outliers in the recording"
            )
        if not finite or self._bursts(norm):
            self.usual = None if self.usual is None else GROWTH * self.usual
            self.left_out += 1
            return False
        self.usual = norm if self.usual is None else MEMORY * self.usual + (1 - MEMORY) * norm
        return True

    def _bursts(self, norm: float) -> bool:
        """Whether it is far beyond the usual ones, which are below `most` themselves."""
        if self.usual is None or self.usual >= self.most:
            return False
        return norm > max(BURST * self.usual, self.most)

    def enter_phase(self) -> None:
        """What was usual of another loss is not usual of this one."""
        self.usual, self._in_a_row = None, 0
