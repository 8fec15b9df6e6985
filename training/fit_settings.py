"""How a twin is fitted: the settings, and where a fit stands."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from models.errors import InputError, raise_problems
from models.twin import MOST_MEMBERS

MEAN_SHARE = 0.3
# sixty channels, 6000 iterations: of the floor 1.05, 1.00, 1.07 and 1.06 in the time in which 3000
# with 0.3 came to 1.06, 1.01, 1.14 and 1.07
MEAN_SHARE_OF_SPECTRUM = 0.7
FINE_TUNING: dict[str, Any] = {
    "iterations": 1500,
    "mean_share": 0.3,
    "mean_learning_rate": 3e-4,
    "learning_rate": 3e-4,
}
MOST_AT_ONCE, STEPS_AT_ONCE, LEAST_AT_ONCE = 24, 2400, 4  # of a batch: sequences, steps, sequences
FEW_SEQUENCES, MEMBERS_OF_FEW = 500, 4
VERY_FEW_SEQUENCES, MANY_SEQUENCES = 50, 2000  # between them innovations come first
INNOVATIONS = 0.85  # their share of what follows the mean's fit
LEAST_ITERATIONS, LEAST_MINUTES = 1000, 0.5  # of a member that nobody asked for
MAY_BE_ZERO = (
    "objective", "deterministic", "seed", "head", "slow", "fresh", "noise_rank",
)  # fmt: skip


def can_have_members(objective: str) -> bool:
    """Whether a twin of this objective may be several fits: it has noise, and is a latent one."""
    return objective not in ("mean", "published")


@dataclass(frozen=True)
class FitSettings:
    """How a twin is fitted; the defaults are the measured recipe (README, Twin).

    Attributes
    ----------
    objective
        A name of `training.objectives.NAMES`; a deterministic twin takes `mean`. What is usual for
        so many repeats says `training.usual.usual_objective`.
    iterations, minutes
        The budget: `iterations` makes a fit repeatable, `minutes` ends it earlier; the learning
        rate decays to the end of whichever comes first.
    mean_share
        The first phase's share of the budget, at most (`training.phases.PATIENCE` ends it earlier);
        a deterministic twin has that phase only. None: 0.3, of a spectrum 0.7: there it costs a
        tenth of the others' time.
    latent, hidden, head
        The model's sizes (`models.latent`). None: those usual for so many channels
        (`training.structure.usual`).
    slow
        Of the latent states, those that are random effects of a repeat (`models.latent`). None: of
        a spectrum some, otherwise none unless residuals far apart are still correlated.
    batch
        Whole sequences an iteration. None: as is usual for their length and repeats (`batch_size`).
    fresh
        So many sequences, the last ones of the training part, are half of each batch; 0: all alike.
    mean_learning_rate, learning_rate
        Of the optimiser (`training.soap`) in either phase, after a warm-up of 3 %, decaying to 1 %.
    noise_rank
        Sources of read-out noise that channels share, beside each channel's own: for many channels,
        of whose full covariance few repeats tell little. None: the full covariance.
    noise_rate
        Of the published method's second phase; None: its recipe's.
    members
        Fits of the same repeats that make one twin (`models.twin.Twin.members`) and share its
        budget.

    The published method has its own batch, rates and sizes (`training.published.Recipe`).
    """

    objective: str = "energy"
    deterministic: bool = False
    iterations: int = 6000
    minutes: float | None = None
    seed: int = 0
    latent: int | None = None
    hidden: int | None = None
    head: int | None = None
    slow: int | None = None
    mean_share: float | None = None
    batch: int | None = None
    fresh: int = 0
    mean_learning_rate: float = 8e-3
    learning_rate: float = 4e-3
    clip: float = 1.0
    noise_rate: float | None = None
    noise_rank: int | None = None
    members: int = 1

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {value!r} must be above zero"
            for name, value in asdict(self).items()
            if name not in MAY_BE_ZERO
            if value is not None
            if not 0 < value < math.inf
        ]
        if self.fresh < 0:
            problems.append(f"fresh = {self.fresh} must be zero (all alike) or above")
        if self.head is not None and self.head < 0:
            problems.append(f"head = {self.head} must be zero (a linear read-out) or above")
        if self.slow is not None and not 0 <= self.slow < (self.latent or math.inf):
            most = "or above" if self.latent is None else f"to below latent = {self.latent}"
            problems.append(f"slow = {self.slow} must be zero {most}")
        if self.noise_rank is not None:
            problems += self._noise_rank_faults()
        if self.members > MOST_MEMBERS:
            problems.append(f"members = {self.members} must be {MOST_MEMBERS} or fewer")
        if self.members > 1 and not can_have_members(self.objective):
            which = "without noise" if self.deterministic else "of the published method"
            problems.append(f"members = {self.members}: a twin {which} has one")
        if self.mean_share is not None and self.mean_share >= 1:
            problems.append(f"mean_share = {self.mean_share} must be below 1")
        if self.deterministic != (self.objective == "mean"):
            problems.append(
                f"objective {self.objective!r} with deterministic = {self.deterministic}: a twin "
                "without noise is fitted with objective 'mean', and only that"
            )
        raise_problems(InputError, "fit", problems)

    def _noise_rank_faults(self) -> list[str]:
        given = f"noise_rank = {self.noise_rank}"
        if self.deterministic or self.objective == "published":
            return [f"{given}: only a latent twin with noise has a covariance of read-out noise"]
        if (self.noise_rank or 0) < 0:
            return [f"{given} must be zero (nothing shared) or above"]
        return []


def fine_tuning(**given: Any) -> FitSettings:
    """Settings of a fit that goes on from another twin: few iterations, at a small rate.

    What is `given` holds; the fit keeps the weights that it began with where they score better.
    Leaky integrator that has changed, 6 and 12 sequences × 4 repeats, CRPS over its floor, means of
    three: 1.24 before, 1.13, 1.12 at a rate of 1e-3, 1.09, 1.09 at 3e-4, 1.12, 1.07 at 1e-4.
    """
    return FitSettings(**{**FINE_TUNING, **given})


def batch_size(
    settings: FitSettings, steps: float, sequences: int = 0, repeats: float = 2.0
) -> int:
    """Sequences an iteration, of so many, of so many steps and repeats in the mean.

    Of many that were measured once it takes twice as many: as much is seen an iteration (nanoring,
    three fits each, CRPS over the floor of 756 sequences 1.09 from 24, 1.05 from 48; of 372 1.09,
    1.10, of 180 1.10, 1.14). Of long ones fewer do as well, in less time (2026-11-30). Virtual
    spin-vortex ice, 320 × 2 repeats of 200 steps, four members: error of the mean at steps 250–300
    of unseen sequences 9.5 % of the signal from batches of 12 in 14 min, 8.6 % from 24 in 25 min
    (at 150–250: 8.5, 9.5 %). Nanoring, 40 × 2 of 300 steps, two seeds: CRPS over the floor 1.23,
    1.32 from 8 in 74 s, 1.26, 1.46 from 24 in 197 s.
    """
    if settings.batch is not None:
        return settings.batch
    of_two = min(max(round(STEPS_AT_ONCE / steps), LEAST_AT_ONCE), MOST_AT_ONCE)
    return of_two if sequences < FEW_SEQUENCES else round(of_two * max(2 / repeats, 1))


def mean_share(settings: FitSettings, *, spectrum: bool) -> float:
    """The first phase's share of a fit of a twin with noise."""
    usual = MEAN_SHARE_OF_SPECTRUM if spectrum else MEAN_SHARE
    return usual if settings.mean_share is None else settings.mean_share


@dataclass(frozen=True)
class FitStep:
    """Where a fit stands after an iteration; `validation` where it was just computed."""

    iteration: int
    loss: float
    validation: float | None


def schedule(progress: float) -> float:
    """Factor of the learning rate: warm-up over 3 %, then cosine to 1 %."""
    warm = max(min(progress / 0.03, 1.0), 0.02)
    return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
