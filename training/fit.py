"""Fit a twin to repeats: SOAP on a proper scoring rule, free-running from the reset.

Phases on the same parameters. The first fits the noise-free path to the mean over repeats: its
gradient has no noise and costs a fraction. Those after it fit the whole distribution, by what the
objective's name says (`training.objectives.NAMES`). `begin_fit` also knows the published method.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from models.errors import InputError, TwinrigError
from models.latent import TwinModel
from training.fit_loop import FitLoop, set_rate
from training.fit_members import MembersFit
from training.fit_settings import (
    FEW_SEQUENCES,
    INNOVATIONS,
    INNOVATIONS_OF_FEW,
    FitSettings,
    FitStep,
    batch_size,
    mean_share,
    schedule,
)
from training.fresh_model import fresh_model, refuse_rank
from training.objectives import PUBLISHED, MeanSquares, Objective, phases_named, scored_by
from training.reads import reads_of
from training.soap import Soap
from training.steepness import Clip
from training.structure import FEW_CHANNELS, sequence_scores
from training.windows import Scales, batch_indices

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Array = NDArray[np.float64]

__all__ = ["AnyFit", "Fit", "FitSettings", "FitStep", "begin_fit", "begin_member"]


def begin_fit(
    training: tuple[Array, Array],
    validation: tuple[Array, Array],
    settings: FitSettings,
    scales: Scales | None = None,
    start: Mapping[str, NDArray[Any]] | None = None,
) -> AnyFit:
    """The fit that the settings ask for, of one member or of several; arguments as `Fit`'s.

    Raises
    ------
    InputError
        The objective is unknown, or there is nothing to fit it on, or nothing to go on from.
    """
    if settings.members == 1:
        return begin_member(training, validation, settings, scales, start)
    refuse_unfit(settings, training[1])
    units = scales or Scales.of(training[1])
    return MembersFit(settings, lambda one, own: Fit(training, validation, one, units, own), start)


def begin_member(
    training: tuple[Array, Array],
    validation: tuple[Array, Array],
    settings: FitSettings,
    scales: Scales | None = None,
    start: Mapping[str, NDArray[Any]] | None = None,
) -> FitLoop:
    """The fit of one member that the settings' objective names; raises as `begin_fit`."""
    refuse_unfit(settings, training[1])
    if settings.objective == PUBLISHED:
        if start is not None:
            raise InputError("fit: the published method can't go on from another twin")
        from training.published import PublishedFit  # torchsde: only where it is needed

        return PublishedFit(training, validation, settings, scales)
    return Fit(training, validation, settings, scales, start)


def refuse_unfit(settings: FitSettings, response: Array) -> None:
    """Raise InputError where nothing can be fitted so to a response `(S, R, T, C)`."""
    if settings.objective != PUBLISHED:
        phases_named(settings.objective)
        refuse_rank(settings, response.shape[3])
    elif reads_of(response) is not None:
        raise InputError(
            "fit: the published method counts its delays in steps of one length, and this "
            "recording has steps of several holds, or without a value: take objective 'energy'"
        )


AnyFit = FitLoop | MembersFit

SETTLED = 0.2  # of the last phase: from there on a snapshot is chosen
LATE = 0.7  # of the whole, from which on one with random effects is
PATIENCE = 2000  # iterations of the mean's fit without a better snapshot, after which it ends
MEMORY = 1000  # iterations that the weights are averaged over, fewer at a phase's begin


class Fit(FitLoop):
    """The fit of a latent twin (`models.latent`), phase after phase; arguments as `FitLoop`'s.

    Behind the first phase the weights that are validated, shown and kept are a running average of
    those that the optimiser moves: its steps follow noisy gradients, their average doesn't.

    `start`: weights to go on from instead of random ones, in the units `scales`; what the fit gives
    is never worse than they are on the validation part.
    """

    model: TwinModel

    def __init__(
        self,
        training: tuple[Array, Array],
        validation: tuple[Array, Array],
        settings: FitSettings,
        scales: Scales | None = None,
        start: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._start = start
        super().__init__(training, validation, settings, scales)
        if start is not None:
            self._validate()

    def _begin(self) -> None:
        s = self.settings
        spectrum = self.scales.offset.size > FEW_CHANNELS
        self._mean = MeanSquares.of_noise(self._training) if spectrum else MeanSquares()
        self._scored_by = self._mean if s.deterministic else scored_by(s.objective)
        self._batch = batch_size(s, self._training.mean_steps)
        self._left_at: float | None = None  # where the innovations ended early
        self._of_mean = 0.0 if s.deterministic else mean_share(s, spectrum=spectrum)
        self._phases = self._planned(self._of_mean)
        self.model = self._new_model()
        self._averaged = copy.deepcopy(self.model).requires_grad_(False)
        self._soap, self._clip = self._new_soap(), Clip(s.clip)

    def _planned(self, share: float) -> list[tuple[float, Objective, float]]:
        """Each phase's end, as a share of the budget, what it minimises and its learning rate."""
        s = self.settings
        chosen = [self._mean] if s.deterministic else phases_named(s.objective)
        rate = s.mean_learning_rate if s.deterministic else s.learning_rate
        first = [] if s.deterministic else [(share, self._mean, s.mean_learning_rate)]
        ends = [1.0]
        if len(chosen) > 1:
            few = self._training.sequences < FEW_SEQUENCES
            ends = [INNOVATIONS_OF_FEW if few else INNOVATIONS, 1.0]
        later = [share + (1 - share) * end for end in ends]
        if self._left_at is not None:
            later[0] = self._left_at
        return [*first, *((end, one, rate) for end, one in zip(later, chosen, strict=True))]

    def _new_soap(self) -> Soap:
        return Soap(self.model.blocks())

    def _new_model(self) -> TwinModel:
        if self._start is None:
            return fresh_model(self._training, self.settings, self.scales).to(self._device)
        model = TwinModel.of_weights(self._start, deterministic=self.settings.deterministic)
        return model.to(self._device)

    def module(self) -> TwinModel:
        """The model as it is now."""
        return self.model if self.in_first_phase else self._averaged

    def best_model(self) -> TwinModel:
        """The model with the weights that scored best on the validation part."""
        model = self._new_model().cpu()
        model.load_state_dict({k: torch.as_tensor(v) for k, v in self._best.items()})
        return model

    def sequence_scores(self) -> tuple[float, ...]:
        """Energy score of the chosen snapshot on each validation sequence, to compare structures.

        What `validation` is of other objectives need not be comparable between two models.
        """
        model = self.best_model().to(self._device)
        return sequence_scores(model, self._validation, self.settings.seed)

    def structure(self) -> dict[str, Any]:
        """The sizes of the model, and whether it has noise."""
        names = ("latent", "hidden", "head", "deterministic", "slow", "noise_rank")
        return {name: getattr(self.model, name) for name in names}

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "averaged": self._averaged}

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        return [self._soap]

    def _validation_loss(self, generator: torch.Generator) -> Tensor:
        return self._scored_by.loss(self.module(), self._validation, generator)

    def _validate(self) -> float:
        """As every fit; and end the mean's fit where it only learns its sequences by heart.

        Far beyond that point the dynamics become chaotic off the noise-free path, and the noise
        can't be fitted any more: Duffing oscillator and leaky integrator, 240 × 16 repeats, 2 min
        each, 2026-11-28: after 10,000 iterations on the mean the energy score grew from 0.66 to 3.4
        and from 1.15 to 5.3, gradients from 1 to 10⁹. So it goes on from the best snapshot.
        """
        value = super()._validate()
        if self.in_first_phase and self.iteration - self.best_iteration >= PATIENCE:
            self._from_best(self._progress())
        return value

    def numbers(self) -> dict[str, Any]:
        """As every fit's, when its mean's fit ends, and how steep the loss is."""
        steepness = {"usual": self._clip.usual, "left_out": self._clip.left_out}
        ends = {"mean_end": self._mean_end(), "left_at": self._left_at}
        return {**super().numbers(), **ends, "steepness": steepness}

    def restore(self, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
        """As every fit's."""
        super().restore(arrays, numbers)
        self._left_at = numbers.get("left_at")
        self._phases = self._planned(float(numbers.get("mean_end", self._mean_end())))
        steepness = numbers.get("steepness", {"usual": None, "left_out": 0})
        self._clip.usual, self._clip.left_out = steepness["usual"], int(steepness["left_out"])

    def _mean_end(self) -> float:
        return 0.0 if self.settings.deterministic else self._phases[0][0]

    @property
    def remarks(self) -> list[str]:
        """Whether the mean's fit ended before its time, and how many steps were left out."""
        found = []
        if self._mean_end() < self._of_mean:
            found.append(
                f"the mean's fit ended after {self._mean_end():.0%} of the budget, "
                f"{self._of_mean:.0%} were meant for it: {PATIENCE} iterations brought nothing "
                "better for unseen sequences; more sequences would let it learn on"
            )
        if self._left_at is not None:
            found.append(
                f"the innovations' fit ended after {self._left_at:.0%} of the budget, as its path "
                "became chaotic; the energy score went on from the best snapshot: more sequences "
                "would let it learn on, and fewer iterations suffice"
            )
        if self._clip.left_out:
            found.append(
                f"{self._clip.left_out} of {self.iteration} steps of the fit were left out, since "
                "their gradient was far beyond the usual one: the path is at the edge of chaos"
            )
        return found

    def _best_is_outdated(self) -> bool:
        """Where noise is fitted anew, a snapshot is chosen whose noise has been fitted.

        Few sequences or repeats favour another one by chance: of the first phase, or of the next
        one's begin. Worst error over floor of unseen sequences, 16 fits of a nanoring (24 to 96
        sequences × 2 repeats) and a leaky integrator (6 to 48 × 4), 2026-11-28: chosen from all
        2.4, two of them above 4.5; behind the mean's fit 2.0, behind a fifth of what follows 1.65,
        behind 4/7 of it 1.7. Of several phases behind the mean's it is a fifth of the last: as that
        begins nothing is averaged yet (nanoring, 184 × 2: CRPS of two fits 1.22 and 1.28 of the
        floor from there, 1.09 and 1.10 at the end). Each repeat is one draw of a random effect:
        there the rate's decay has to have settled (of `LATE` on autocovariance 1.06, of `SETTLED`
        on 1.48).
        """
        if self._start is not None or self.settings.deterministic:
            return False
        of_mean, best, now = self._phases[0][0], self.best_progress, self._progress()
        before = self._phases[-2][0]
        settled = LATE if self.model.slow else before + SETTLED * (1.0 - before)
        return best <= of_mean < now or best < settled <= now

    def _phase_now(self) -> int:
        progress = self._progress()
        return next(
            (i for i, (end, _, _) in enumerate(self._phases) if progress < end),
            len(self._phases) - 1,
        )

    def _step(self) -> float:
        s = self.settings
        of = self._training
        batch = of.select(batch_indices(self.iteration, of.sequences, self._batch, s.seed, s.fresh))
        phase = self._phase_now()
        if phase != self.phase:
            self._soap, self.phase = self._new_soap(), phase
            self._clip.enter_phase()
            self._averaged.load_state_dict(self.model.state_dict())
        end, objective, full_rate = self._phases[phase]
        begin = self._phases[phase - 1][0] if phase else 0.0
        rate = full_rate * schedule((self._progress() - begin) / (end - begin))
        set_rate(self._soap, rate)
        self._soap.zero_grad(set_to_none=True)
        loss = objective.loss(self.model, batch, self._generator)
        torch.autograd.backward(loss)
        self.model.hold_slow()
        try:
            if self._clip.usable(self.model.parameters()):
                self._soap.step()
                self._average()
            return self._finite(float(loss.detach()), rate)
        except TwinrigError:
            if not 0 < phase < len(self._phases) - 1:
                raise
            self._left_at = self._progress()  # the filter's path has become chaotic
            self._from_best(self._mean_end())
            return self.best_validation

    def _from_best(self, mean_end: float) -> None:
        """The best snapshot goes on, by phases planned anew."""
        self.model.load_state_dict({k: torch.as_tensor(v) for k, v in self._best.items()})
        self._phases = self._planned(mean_end)

    @torch.no_grad()
    def _average(self) -> None:
        taken = int(self._soap.state[self.model.decoder]["step"])
        weight = max(1 / MEMORY, 9 / (9 + taken))
        for kept, now in zip(self._averaged.parameters(), self.model.parameters(), strict=True):
            kept.lerp_(now, weight)
