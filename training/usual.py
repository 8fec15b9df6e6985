"""What is usual for so much data: the objective of a fit, and the members of its twin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from training.fit_settings import (
    FEW_SEQUENCES,
    LEAST_ITERATIONS,
    LEAST_MINUTES,
    MANY_SEQUENCES,
    MEMBERS_OF_FEW,
    VERY_FEW_SEQUENCES,
    can_have_members,
)
from training.innovations import load
from training.structure import FEW_CHANNELS
from training.windows import Batch, Scales

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from training.fit_settings import FitSettings

    Array = NDArray[np.float64]


def as_usual(settings: FitSettings, training: tuple[Array, Array]) -> FitSettings:
    """The settings with the usual objective and as many members as usual of what is fitted."""
    chosen = replace(settings, objective=usual_objective(training))
    return replace(chosen, members=usual_members(chosen, len(training[0])))


def usual_objective(training: tuple[Array, Array]) -> str:
    """What a twin with noise of drives `(S, T)` and repeats `(S, R, T, C)` is fitted by.

    Without the C kernel, for lack of a compiler, the innovations take nine times as long: there it
    is the energy score.
    """
    taken = learns_by_innovations(training) and load()[0] is not None
    return "innovations-energy" if taken else "energy"


def learns_by_innovations(training: tuple[Array, Array]) -> bool:
    """Whether the innovations' likelihood learns more of these than the energy score alone.

    A likelihood gets more out of few repeats than a score of samples does: each step of each repeat
    is held against what its own past foretells. Nanoring, 96 and 384 sequences × 2 repeats where a
    network drives, medians of four fits of 1500 iterations: CRPS 1.35 and 1.21 of the floor, 1.72
    and 1.37 by the energy score alone (2026-11-30, scripts on the recordings of
    `tests/app/test_data_budget_network.py`). 1000 × 2 of a demo, 6000 iterations, three seeds: 1.02
    to 1.05 and 1.01 to 1.02 on its held-out sequences and on 120 mixed ones, 1.06 to 1.08 and 1.04
    to 1.05 by the energy score; of 2560 × 2 the two are level. Of a leaky integrator and a Duffing
    oscillator they are level with 60, 200 and 1000 × 2, and with 20 × 4 it learns by heart: four
    members' CRPS 1.08 and 1.05, 1.04 and 1.03 by the energy score (leaky integrator, 40 × 2: 1.06,
    1.03). Not of a spectrum (200 × 2: CRPS 1.32, autocovariance 9.1 of the floor, 1.27 and 1.3 by
    the energy score), nor where a random effect of each repeat lasts: there the filter is slow.
    """
    drive, response = training
    if not VERY_FEW_SEQUENCES <= len(drive) < MANY_SEQUENCES or response.shape[3] > FEW_CHANNELS:
        return False
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    return not batch.lasting


def usual_members(settings: FitSettings, sequences: int) -> int:
    """How many members the twin of so many fitted sequences has where nobody says.

    What few sequences leave open one fit knows nothing of, and a network that is trained through it
    makes use of its errors: of ten networks of 200 × 2 repeats the device's score lay within what
    one fit had foreseen in 6, with four members in 10 (`tests/app/test_members_figures.py`); of a
    spectrum of 60 channels and a network without delays it was 2.3 and 1.8 times what one fit had
    foreseen, 1.3 and 1.1 times with four. Twins of 20, 60 and 200 sequences of other devices come
    nearer, too (`tests/training/test_members_of_few.py`), but for a spectrum's autocovariance.
    """
    few = can_have_members(settings.objective) and 1 < sequences < FEW_SEQUENCES
    enough = settings.iterations >= MEMBERS_OF_FEW * LEAST_ITERATIONS
    if settings.minutes is not None:
        enough = enough and settings.minutes >= MEMBERS_OF_FEW * LEAST_MINUTES
    return MEMBERS_OF_FEW if few and enough else 1
