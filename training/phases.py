"""The phases of a twin's fit: what each minimises, until when, at which learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from training.fit_settings import INNOVATIONS, mean_share, schedule
from training.objectives import Objective, phases_named

if TYPE_CHECKING:
    from training.fit_settings import FitSettings

PATIENCE = 2000  # iterations of the mean's fit without a better snapshot, after which it ends
SETTLED = 0.2  # of the last phase: from there on a snapshot is chosen
LATE = 4 / 7  # … one with random effects
LAST = 0.9  # of the whole, from which on one of many sequences is


class Phase(NamedTuple):
    """Its end, as a share of the budget, what it minimises, and its learning rate."""

    end: float
    objective: Objective
    rate: float


class Phases:
    """First the mean, but of a twin without noise, then what the objective's name says.

    Parameters
    ----------
    settings
        Those of the fit.
    mean
        What the first phase minimises.
    spectrum
        Whether there are many channels.

    Attributes
    ----------
    all
        The phases.
    meant, mean_end
        Shares of the budget meant for the first phase, and at which it ends.
    left_at
        Share at which innovations that had become chaotic ended before their time, or None.
    """

    def __init__(self, settings: FitSettings, mean: Objective, *, spectrum: bool) -> None:
        self._settings, self._mean = settings, mean
        self.meant = 0.0 if settings.deterministic else mean_share(settings, spectrum=spectrum)
        self._plan(self.meant, None)

    def _plan(self, mean_end: float, left_at: float | None) -> None:
        s = self._settings
        self.mean_end, self.left_at = mean_end, left_at
        first = Phase(mean_end, self._mean, s.mean_learning_rate)
        if s.deterministic:
            self.all = [first._replace(end=1.0)]
            return
        chosen = phases_named(s.objective)
        shares = [INNOVATIONS, 1.0] if len(chosen) > 1 else [1.0]
        ends = [mean_end + (1 - mean_end) * share for share in shares]
        if left_at is not None:
            ends[0] = left_at
        later = zip(ends, chosen, strict=True)
        self.all = [first, *(Phase(end, one, s.learning_rate) for end, one in later)]

    def at(self, progress: float) -> int:
        """The phase that a step belongs to at this share of the budget."""
        ends = (k for k, phase in enumerate(self.all) if progress < phase.end)
        return next(ends, len(self.all) - 1)

    def rate(self, k: int, progress: float) -> float:
        """The learning rate there, in phase k."""
        begin = self.all[k - 1].end if k else 0.0
        return self.all[k].rate * schedule((progress - begin) / (self.all[k].end - begin))

    def learns_by_heart(self, without_better: int) -> bool:
        """Whether so many iterations of the mean's fit are too many to find nothing better."""
        return without_better >= PATIENCE

    def end_mean(self, progress: float) -> None:
        """The mean's fit ends here; those behind it share the rest."""
        self._plan(progress, self.left_at)

    def may_leave(self, k: int) -> bool:
        """Whether phase k is one of innovations that another goes on from."""
        return 0 < k < len(self.all) - 1

    def leave(self, progress: float) -> None:
        """The innovations end here; the energy score has the rest."""
        self._plan(self.mean_end, progress)

    def outdated(self, best: float, now: float, *, slow: bool, many: bool) -> bool:
        """Whether a snapshot of share `best` is to be replaced `now`, whatever their scores say.

        Few sequences or repeats favour another one by chance: of the first phase, or of the next
        one's begin. Worst error over floor of unseen sequences, 16 fits of a nanoring (24 to 96
        sequences × 2 repeats) and a leaky integrator (6 to 48 × 4), 2026-11-28: chosen from all
        2.4, two of them above 4.5; behind the mean's fit 2.0, behind a fifth of what follows 1.65,
        behind 4/7 of it 1.7. Of several phases behind the mean's it is a fifth of the last: as that
        begins nothing is averaged yet (nanoring, 184 × 2: CRPS of two fits 1.22 and 1.28 of the
        floor from there, 1.09 and 1.10 at the end). Each repeat is one draw of a random effect
        (`slow`): there the rate's decay has to have settled (of `LATE` on autocovariance 1.06, of
        `SETTLED` on 1.48; of a spectrum's, whose mean takes 0.7 of the whole, one chosen from there
        on had 1.47, and 1.04 at its end). `many` sequences are not learned by heart, and what the
        few of them that validate favour before the end is chance (MEASURED.md, "The last
        snapshot").
        """
        before = self.all[-2].end
        settled = before + (LATE if slow else SETTLED) * (1.0 - before)
        if many:
            settled = max(settled, LAST)
        return best <= self.mean_end < now or best < settled <= now

    def numbers(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"mean_end": self.mean_end, "left_at": self.left_at}

    def restore(self, numbers: dict[str, Any]) -> None:
        """Go on from what `numbers` gave."""
        self._plan(float(numbers.get("mean_end", self.meant)), numbers.get("left_at"))

    @property
    def remarks(self) -> list[str]:
        """Which of them ended before their time."""
        found = []
        if self.mean_end < self.meant:
            found.append(
                f"the mean's fit ended after {self.mean_end:.0%} of the budget, "
                f"{self.meant:.0%} were meant for it: {PATIENCE} iterations brought nothing "
                "better for unseen sequences; more sequences would let it learn on"
            )
        if self.left_at is not None:
            found.append(
                f"the innovations' fit ended after {self.left_at:.0%} of the budget, as its path "
                "became chaotic; the energy score went on from the best snapshot: more sequences "
                "would let it learn on, and fewer iterations suffice"
            )
        return found
