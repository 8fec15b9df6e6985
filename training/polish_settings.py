"""How a network is polished on its device: settings, and what each pass is for; no torch."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import InputError
from training.course import RIDGE

TRAINING, VALIDATION = "training", "validation"
LEAST_PASSES = 3  # one before, one that trains, one after


@dataclass(frozen=True)
class PolishSettings:
    """How a network is polished; a pass is one run of every node.

    Attributes
    ----------
    passes
        Of the training and validation part together.
    rate
        Of Adam; it falls as a cosine over the passes.
    steps, masked
        Of a training pass that count, and those before whose error doesn't, from the reset on.
    validate_every
        Training passes between two over the validation part; one stands first and one last.
    decay
        What a pass leaves of the read-out's sums: a memory of about ten passes.
    """

    passes: int
    seed: int = 0
    rate: float = 4e-3
    steps: int = 256
    masked: int = 40
    validate_every: int = 6
    penalty: float = 0.1
    clip: float = 0.5
    decay: float = 0.9
    ridge: float = RIDGE

    def __post_init__(self) -> None:
        if self.passes < LEAST_PASSES:
            raise InputError(
                f"polish: {self.passes} passes of all nodes are too few: one validates before, one "
                f"after, {LEAST_PASSES} at least; ask for more --runs"
            )

    def kind(self, index: int) -> str:
        """What a pass is for; the last but one trains, or both would validate the same weights."""
        left = self.passes - 1 - index
        due = index % (self.validate_every + 1) == 0 and left != 1
        return VALIDATION if left == 0 or due else TRAINING
