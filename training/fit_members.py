"""Fit the members of a twin, one after another: same repeats, other first weights and batches."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from models.errors import InputError
from models.latent import TwinModel
from models.mixture import Mixture
from models.twin import of_member
from training.fit_settings import FitStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from models.simulated import Sampled
    from training.fit import Fit
    from training.fit_settings import FitSettings

APART = 1000  # between the seeds of two members: those of another fit are not theirs


class MembersFit:
    """The fit of a twin of several members, as a fit of one (`training.fit_loop.FitLoop`) runs.

    Each has its share of the budget: of the iterations, and of the minutes.

    Parameters
    ----------
    settings
        Of the whole fit, with `members` above one.
    begin
        Makes the fit of one member, by its settings and the weights that it begins with (None:
        random ones).
    start
        All members' weights to go on from.
    """

    def __init__(
        self,
        settings: FitSettings,
        begin: Callable[[FitSettings, Mapping[str, NDArray[Any]] | None], Fit],
        start: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self.settings, self._begin, self._start = settings, begin, start
        self._finished: list[dict[str, NDArray[np.float32]]] = []
        self._iterations, self._elapsed_s = 0, 0.0  # of the finished members
        self._remarks: list[str] = []
        self._now = self._new()

    def _new(self) -> Fit:
        """The fit of the next member."""
        whole, which = self.settings, len(self._finished)
        one = replace(
            whole,
            members=1,
            seed=whole.seed + APART * which,
            iterations=max(round(whole.iterations / whole.members), 1),
            minutes=None if whole.minutes is None else whole.minutes / whole.members,
        )
        if self._start is None:
            return self._begin(one, None)
        own = [name for name in self._start if "." not in name]
        return self._begin(one, {name: self._start[of_member(name, which)] for name in own})

    def steps(self) -> Iterator[FitStep]:
        """Iterate until every member's budget is used up; as `FitLoop.steps`."""
        while True:
            for step in self._now.steps():
                yield FitStep(self._iterations + step.iteration, step.loss, step.validation)
            if self.done:
                return
            self._remarks += self._told()
            self._finished.append(self._now.best_model().weights())
            self._iterations += self._now.iteration
            self._elapsed_s += self._now.elapsed_s
            self._now = self._new()

    @property
    def iteration(self) -> int:
        """Iterations of all members so far."""
        return self._iterations + self._now.iteration

    @property
    def elapsed_s(self) -> float:
        """Time of all members' steps so far."""
        return self._elapsed_s + self._now.elapsed_s

    @property
    def expected_iterations(self) -> int:
        """How many there will be, the members to come taking as many as this one."""
        left = self.settings.members - len(self._finished)
        return self._iterations + left * self._now.expected_iterations

    @property
    def in_first_phase(self) -> bool:
        """Whether the next step fits the mean of a member only, before its noise."""
        return self._now.in_first_phase

    @property
    def member(self) -> int:
        """Which is being fitted, counted from 1."""
        return len(self._finished) + 1

    @property
    def which(self) -> str:
        """In words which is being fitted."""
        return f"member {self.member} of {self.settings.members}"

    @property
    def done(self) -> bool:
        """Whether all budgets are used up."""
        return self.member == self.settings.members and self._now.done

    @property
    def remarks(self) -> list[str]:
        """Those of each member."""
        return [*self._remarks, *self._told()]

    def _told(self) -> list[str]:
        return [f"member {self.member}: {words}" for words in self._now.remarks]

    def module(self) -> Sampled:
        """The member that is being fitted, as it is now."""
        return self._now.module()

    @property
    def _usable(self) -> int:
        """Members that there are: the one that is being fitted once its noise is, or alone."""
        there = not self.in_first_phase and math.isfinite(self._now.best_validation)
        return max(len(self._finished) + there, 1)

    def best_model(self) -> Sampled:
        """The members that there are, the last one as it was validated best."""
        made = [TwinModel.of_weights(weights) for weights in self._finished]
        if len(made) < self._usable:
            made.append(self._now.best_model())
        return Mixture(made) if len(made) > 1 else made[0]

    def structure(self) -> dict[str, Any]:
        """The sizes of each member, and how many there are."""
        return {**self._now.structure(), "members": self._usable}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As `FitLoop.arrays`, with the finished members' weights."""
        kept = {
            f"member.{which}.{name}": array
            for which, weights in enumerate(self._finished)
            for name, array in weights.items()
        }
        return {**self._now.arrays(), **kept}

    def numbers(self) -> dict[str, Any]:
        """As `FitLoop.numbers`, those of the member that is being fitted, and what is behind it."""
        return {
            **self._now.numbers(),
            "settings": asdict(self.settings),
            "finished": {
                "members": len(self._finished), "iterations": self._iterations,
                "elapsed_s": self._elapsed_s, "remarks": self._remarks,
            },
        }  # fmt: skip

    def restore(self, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
        """Go on from what `arrays` and `numbers` gave; raises as `FitLoop.restore`."""
        try:
            behind = numbers["finished"]
            names = list(self._now.best_model().weights())
            self._finished = [
                {name: arrays[f"member.{which}.{name}"] for name in names}
                for which in range(int(behind["members"]))
            ]
            self._iterations, self._elapsed_s = behind["iterations"], behind["elapsed_s"]
            self._remarks = list(behind["remarks"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"checkpoint: belongs to another fit or is damaged ({error}); fit anew"
            ) from error
        self._now = self._new()
        self._now.restore(arrays, numbers)
