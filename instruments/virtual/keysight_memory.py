"""What a 34465A samples by its own timer, while a supply's list drives the device in front of it.

The signal is a wave, X cos + Y sin from the begin of a gate on, until the next gate's begin: a gate
is known once it is over, so the samples are worked out when they are asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NS = 1e-9


@dataclass
class TimedBurst:
    """Samples from an instant on, one an interval.

    Attributes
    ----------
    begin_ns
        When the first one begins; None: it waits for a trigger.
    armed_ns
        Since when it waits.
    interval_s, sample_s
        From one to the next, and what each takes.
    count
        How many at most.
    omega_per_s
        The wave's angular frequency.
    gates
        (begin in ns, X, Y) of each gate, the first from before the first sample on.
    taken
        What was worked out already, in V.
    removed
        How many of them were read and erased.
    """

    begin_ns: int | None
    armed_ns: int
    interval_s: float
    sample_s: float
    count: int
    omega_per_s: float
    gates: list[tuple[int, float, float]]
    taken: list[float] = field(default_factory=list)
    removed: int = 0

    def due(self, now_ns: int) -> int:
        """How many samples are complete by now."""
        if self.begin_ns is None:
            return 0
        whole = (now_ns - self.begin_ns) * NS - self.sample_s
        return max(0, min(self.count, math.floor(whole / self.interval_s + 1e-9) + 1))

    def work_out(self, now_ns: int, noise: Callable[[], tuple[float, float]]) -> None:
        """Take the samples that are complete by now and weren't worked out yet."""
        first, due = len(self.taken), self.due(now_ns)
        if due <= first or self.begin_ns is None:
            return
        at_ns = self.begin_ns + np.arange(first, due) * self.interval_s / NS
        begins = np.array([begin_ns for begin_ns, _, _ in self.gates])
        gates = np.array([[x, y] for _, x, y in self.gates])
        which = np.maximum(0, np.searchsorted(begins, at_ns + 0.5, side="right") - 1)
        angle = self.omega_per_s * (at_ns - begins[which]) * NS
        drawn = [value for _ in range((due - first + 1) // 2) for value in noise()]
        volts: NDArray[np.float64] = gates[which, 0] * np.cos(angle) + gates[which, 1] * np.sin(
            angle
        )
        self.taken += (volts + np.array(drawn[: due - first])).tolist()
