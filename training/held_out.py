"""The parts of a recording: what a fit may know, what chooses its snapshot, what scores it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class HeldOut:
    """The parts of a recording: sequences and repeats `(index,)` of each.

    Attributes
    ----------
    training, validation, test
        Indices of sequences.
    training_repeats, validation_repeats, test_repeats
        Indices of repeats; all of them, but where one sequence's repeats are split.
    note
        How the parts were chosen, in a sentence.
    """

    training: Index
    validation: Index
    test: Index
    training_repeats: Index
    validation_repeats: Index
    test_repeats: Index
    note: str

    def responses(self, part: str, response: Array) -> Array:
        """Response `(S', R', T, C)` of a part: `training`, `validation` or `test`."""
        chosen: Array = response[getattr(self, part)][:, getattr(self, f"{part}_repeats")]
        return chosen

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for the twin's meta."""
        return {k: v if isinstance(v, str) else [int(i) for i in v] for k, v in vars(self).items()}


@dataclass(frozen=True)
class Scoring:
    """Sequences that a recording itself says were measured to score, and never to fit.

    Attributes
    ----------
    sequences
        bool `(S,)`.
    chose_the_end
        Whether the recording ended because twins were good on them.
    """

    sequences: Mask
    chose_the_end: bool = False


@dataclass(frozen=True)
class Seen:
    """What the twin that a fit goes on from has seen of the sequences.

    Attributes
    ----------
    fitted, used
        bool `(S,)`: those that it was fitted on; those, and the ones that chose its snapshot.
    test_repeats, used_repeats
        Of a recording of one sequence, the repeats that were held out, and the others of then.
    """

    fitted: Mask
    used: Mask
    test_repeats: tuple[int, ...] = ()
    used_repeats: tuple[int, ...] = ()
