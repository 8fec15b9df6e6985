"""The network that a training takes for a task where nobody names its layers. No torch.

Chosen by validation scores alone, never by a score of the test part: what was tried and what it
scored stands beside each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Suggested:
    """Layers, iterations and further options of a training, as `twinrig train` names them."""

    layers: tuple[int, ...]
    iterations: int
    options: dict[str, Any] = field(default_factory=dict)


SUGGESTED = {
    "digits": Suggested(
        (50, 50), 200, {"taps": (0, 1, 2, 3), "readout_taps": (0, 2, 4)},
    ),
    "emg": Suggested((30, 30), 150),
}  # fmt: skip


def suggested(task: str) -> Suggested | None:
    """Of a task's name, with or without options; None: there is nothing to suggest."""
    return SUGGESTED.get(task.partition(":")[0])
