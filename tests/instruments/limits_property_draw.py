"""Where arbitrary values come from: hypothesis (it shrinks) or a seed (it is fast)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Draw(Protocol):
    """Where arbitrary values come from."""

    def integer(self, low: int, high: int) -> int: ...

    def real(self, low: float, high: float) -> float: ...

    def pick(self, of: Sequence[T]) -> T: ...

    def chance(self, share: float) -> bool: ...


class SeededDraw:
    """Fast, and the same for the same seed."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.integer = rng.randint
        self.real = rng.uniform
        self.pick = rng.choice
        self._random = rng.random

    def chance(self, share: float) -> bool:
        return self._random() < share


class HypothesisDraw:
    """Slow, and shrinks: everything towards the first choice, zero and no."""

    def __init__(self, draw: Any) -> None:
        from hypothesis import strategies as st

        self._draw, self._st = draw, st

    def integer(self, low: int, high: int) -> int:
        return self._draw(self._st.integers(low, high))

    def real(self, low: float, high: float) -> float:
        return self._draw(self._st.floats(low, high))

    def pick(self, of: Sequence[T]) -> T:
        return self._draw(self._st.sampled_from(of))

    def chance(self, share: float) -> bool:
        return self._draw(self._st.integers(0, 99)) >= 100 - 100 * share
