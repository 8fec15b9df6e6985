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
from training.fit_settings import MANY_SEQUENCES, FitSettings, FitStep, batch_size
from training.fresh_model import fresh_model, refuse_rank
from training.objectives import PUBLISHED, MeanSquares, phases_named, scored_by
from training.phases import Phases
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
        mean = MeanSquares.of_noise(self._training) if spectrum else MeanSquares()
        self._scored_by = mean if s.deterministic else scored_by(s.objective)
        of = self._training
        self._batch = batch_size(s, of.mean_steps, of.sequences, of.mean_repeats)
        self._phases = Phases(s, mean, spectrum=spectrum)
        self.model = self._new_model()
        self._averaged = copy.deepcopy(self.model).requires_grad_(False)
        self._soap, self._clip = self._new_soap(), Clip(s.clip)

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
        unbettered = self.iteration - self.best_iteration
        if self.in_first_phase and self._phases.learns_by_heart(unbettered):
            self._phases.end_mean(self._progress())
            self._go_on_from_best()
        return value

    def numbers(self) -> dict[str, Any]:
        """As every fit's, when its mean's fit ends, and how steep the loss is."""
        steepness = {"usual": self._clip.usual, "left_out": self._clip.left_out}
        return {**super().numbers(), **self._phases.numbers(), "steepness": steepness}

    def restore(self, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
        """As every fit's."""
        super().restore(arrays, numbers)
        self._phases.restore(numbers)
        steepness = numbers.get("steepness", {"usual": None, "left_out": 0})
        self._clip.usual, self._clip.left_out = steepness["usual"], int(steepness["left_out"])

    @property
    def remarks(self) -> list[str]:
        """Which phases ended before their time, and how many steps were left out."""
        found = self._phases.remarks
        if self._clip.left_out:
            found.append(
                f"{self._clip.left_out} of {self.iteration} steps of the fit were left out, since "
                "their gradient was far beyond the usual one: the path is at the edge of chaos"
            )
        return found

    def _best_is_outdated(self) -> bool:
        """Where noise is fitted anew, a snapshot is chosen whose noise has been fitted so far.

        Of many sequences it is one of the end (`Phases.outdated`).
        """
        if self._start is not None or self.settings.deterministic:
            return False
        slow, many = self.model.slow > 0, self._training.sequences >= MANY_SEQUENCES
        return self._phases.outdated(self.best_progress, self._progress(), slow=slow, many=many)

    def _phase_now(self) -> int:
        return self._phases.at(self._progress())

    def _step(self) -> float:
        s = self.settings
        of = self._training
        batch = of.select(batch_indices(self.iteration, of.sequences, self._batch, s.seed, s.fresh))
        phase = self._phase_now()
        if phase != self.phase:
            self._soap, self.phase = self._new_soap(), phase
            self._clip.enter_phase()
            self._averaged.load_state_dict(self.model.state_dict())
        rate = self._phases.rate(phase, self._progress())
        set_rate(self._soap, rate)
        self._soap.zero_grad(set_to_none=True)
        loss = self._phases.all[phase].objective.loss(self.model, batch, self._generator)
        torch.autograd.backward(loss)
        self.model.hold_slow()
        try:
            if self._clip.usable(self.model.parameters()):
                self._soap.step()
                self._average()
            return self._finite(float(loss.detach()), rate)
        except TwinrigError:
            if not self._phases.may_leave(phase):
                raise
            self._phases.leave(self._progress())  # the filter's path has become chaotic
            self._go_on_from_best()
            return self.best_validation

    def _go_on_from_best(self) -> None:
        self.model.load_state_dict({k: torch.as_tensor(v) for k, v in self._best.items()})

    @torch.no_grad()
    def _average(self) -> None:
        taken = int(self._soap.state[self.model.decoder]["step"])
        weight = max(1 / MEMORY, 9 / (9 + taken))
        for kept, now in zip(self._averaged.parameters(), self.model.parameters(), strict=True):
            kept.lerp_(now, weight)
