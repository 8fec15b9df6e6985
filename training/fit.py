"""Fit a twin to repeats: SOAP on a proper scoring rule, free-running from the reset.

Phases on the same parameters. The first fits the noise-free path to the mean over repeats: its
gradient has no noise and costs a fraction. Those after it fit the whole distribution, by what the
objective's name says (`training.objectives.NAMES`). `begin_fit` also knows the published method.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from models.errors import InputError
from models.latent import SLOW_NOISE, SLOW_SPREAD, TwinModel
from models.latent_path import NOISE_SCALE
from training.fit_loop import FitLoop, set_rate
from training.fit_settings import FitSettings, FitStep, mean_share, schedule
from training.objectives import PUBLISHED, MeanSquares, Objective, phases_named, scored_by
from training.reads import reads_of
from training.repeat_effects import effects_of, lasting, residual_covariance
from training.soap import Soap
from training.structure import FEW_CHANNELS, Candidate, sequence_scores, usual
from training.windows import batch_indices

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from training.windows import Batch, Scales

    Array = NDArray[np.float64]

__all__ = ["Fit", "FitSettings", "FitStep", "begin_fit"]


def begin_fit(
    training: tuple[Array, Array],
    validation: tuple[Array, Array],
    settings: FitSettings,
    scales: Scales | None = None,
    start: Mapping[str, NDArray[Any]] | None = None,
) -> FitLoop:
    """The fit that the settings' objective names; arguments as `Fit`'s.

    Raises
    ------
    InputError
        The objective is unknown, or there is nothing to fit it on, or nothing to go on from.
    """
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
        _refuse_rank(settings, response.shape[3])
    elif reads_of(response) is not None:
        raise InputError(
            "fit: the published method counts its delays in steps of one length, and this "
            "recording has steps of several holds, or without a value: take objective 'energy'"
        )


def _refuse_rank(settings: FitSettings, channels: int) -> None:
    if settings.noise_rank is not None and settings.noise_rank >= channels:
        raise InputError(
            f"fit: {settings.noise_rank} shared sources of read-out noise for {channels} channels: "
            f"below {channels}, or leave --noise-rank out for the full covariance"
        )


SHRUNK = 0.05  # of the covariances between channels: few repeats must not make it singular
SLOW = 3  # states that are random effects of a repeat, where the noise asks for them
LASTING = 0.5  # correlation of the residuals far apart, above which it does
SLOW_OF_SPECTRUM = 6  # as many whatever it asks for: a spectrum drifts in several patterns
HALF = 0.5  # of the spread is taken for read-out noise to start from
QUIET = -3.0  # softplus⁻¹ of the diffusion of the other states to start from
SETTLED = 0.2  # of what follows the mean's fit: from there on a snapshot is chosen
LATE = 0.7  # of the whole, from which on one with random effects is
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
        chosen, self._scored_by = phases_named(s.objective), scored_by(s.objective)
        spectrum = self.scales.offset.size > FEW_CHANNELS
        share = 0.0 if s.deterministic else mean_share(s, spectrum=spectrum)
        part = (1 - share) / len(chosen)
        rate = s.mean_learning_rate if s.deterministic else s.learning_rate
        first = [] if s.deterministic else [(share, MeanSquares(), s.mean_learning_rate)]
        self._phases: list[tuple[float, Objective, float]] = [
            *first,
            *((share + (i + 1) * part, objective, rate) for i, objective in enumerate(chosen)),
        ]
        self.model = self._new_model()
        self._averaged = copy.deepcopy(self.model).requires_grad_(False)
        self._soap = self._new_soap()

    def _new_soap(self) -> Soap:
        return Soap(self.model.blocks())

    def _new_model(self) -> TwinModel:
        s = self.settings
        if self._start is not None:
            model = TwinModel.of_weights(self._start, deterministic=s.deterministic)
            return model.to(self._device)
        channels = self.scales.offset.size
        _refuse_rank(s, channels)
        size = self._sizes()
        slow = self._slow(size.latent)
        if slow >= size.latent:
            raise InputError(f"fit: slow = {slow} must be below latent = {size.latent}")
        model = TwinModel(
            channels, size.latent, size.hidden, s.deterministic, size.head, slow, s.noise_rank
        )
        with torch.no_grad():
            model.offset.copy_(torch.as_tensor(self.scales.offset))
            model.scale.copy_(torch.as_tensor(self.scales.scale))
            if not s.deterministic:
                within = self._begin_slow(model)
                model.set_white(HALF**2 * _white_covariance(self._training, within))
        return model.to(self._device)

    def _sizes(self) -> Candidate:
        """Latent states, hidden units and head: what was asked for, the usual ones otherwise."""
        s = self.settings
        given = {"latent": s.latent, "hidden": s.hidden, "head": s.head}
        chosen = {name: size for name, size in given.items() if size is not None}
        return replace(usual(self.scales.offset.size), **chosen)

    def _slow(self, latent: int) -> int:
        s = self.settings
        if s.slow is not None or s.deterministic:
            return s.slow or 0
        if self.scales.offset.size > FEW_CHANNELS:
            # the drift of the virtual spin-vortex ice's spectrum, 1 % of its noise, in the error of
            # the autocovariance over its floor: 1.37 without them, 1.14 with them
            return min(SLOW_OF_SPECTRUM, latent // 4)
        return min(SLOW, latent - 1) if lasting(self._training) > LASTING else 0

    def _begin_slow(self, model: TwinModel) -> Tensor:
        """Let the slow states carry what lasts; returns its covariance between channels `(C, C)`.

        All other noise begins small.
        """
        if not model.slow:
            return torch.zeros(model.channels, model.channels, dtype=torch.float64)
        first = model.latent - model.slow
        effects, within = effects_of(self._training, model.slow)
        bias = model.out_bias.view(3, model.latent)
        bias[2, :first] = QUIET
        for k, effect in enumerate(effects):
            state = first + k
            model.decoder[:, state] = torch.as_tensor(effect.offset / SLOW_SPREAD)
            model.gain[:, k] = torch.as_tensor(effect.gain / SLOW_SPREAD)
            model.start_spread[state] = SLOW_SPREAD * effect.start
            bias[1, state] = math.log(effect.rate / (1 - effect.rate))
            kick = SLOW_SPREAD * effect.diffusion / NOISE_SCALE
            bias[2, state] = max(math.log(math.expm1(kick)), SLOW_NOISE) if kick else SLOW_NOISE
        return within

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

    def _best_is_outdated(self) -> bool:
        """Where noise is fitted anew, a snapshot is chosen whose noise has been fitted.

        Few sequences or repeats favour another one by chance: of the first phase, or of the next
        one's begin. Worst error over floor of unseen sequences, 16 fits of a nanoring (24 to 96
        sequences × 2 repeats) and a leaky integrator (6 to 48 × 4), 2026-11-28: chosen from all
        2.4, two of them above 4.5; behind the mean's fit 2.0, behind a fifth of what follows 1.65,
        behind 4/7 of it 1.7. Each repeat is one draw of a random effect: there the rate's decay has
        to have settled (of `LATE` on autocovariance 1.06, of `SETTLED` on 1.48).
        """
        if self._start is not None or self.settings.deterministic:
            return False
        of_mean, best, now = self._phases[0][0], self.best_progress, self._progress()
        settled = LATE if self.model.slow else of_mean + SETTLED * (1.0 - of_mean)
        return best <= of_mean < now or best < settled <= now

    def _phase_now(self) -> int:
        progress = self._progress()
        return next(
            (i for i, (end, _, _) in enumerate(self._phases) if progress < end),
            len(self._phases) - 1,
        )

    def _step(self) -> float:
        s = self.settings
        batch = self._training.select(
            batch_indices(self.iteration, self._training.sequences, s.batch, s.seed, s.fresh)
        )
        phase = self._phase_now()
        if phase != self.phase:
            self._soap, self.phase = self._new_soap(), phase
            self._averaged.load_state_dict(self.model.state_dict())
        end, objective, full_rate = self._phases[phase]
        begin = self._phases[phase - 1][0] if phase else 0.0
        rate = full_rate * schedule((self._progress() - begin) / (end - begin))
        set_rate(self._soap, rate)
        self._soap.zero_grad(set_to_none=True)
        loss = objective.loss(self.model, batch, self._generator)
        torch.autograd.backward(loss)
        self.model.hold_slow()
        steepness = torch.nn.utils.clip_grad_norm_(self.model.parameters(), s.clip)
        for number in (loss.detach(), steepness):
            self._finite(float(number), rate)
        self._soap.step()
        self._average()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        taken = int(self._soap.state[self.model.decoder]["step"])
        weight = max(1 / MEMORY, 9 / (9 + taken))
        for kept, now in zip(self._averaged.parameters(), self.model.parameters(), strict=True):
            kept.lerp_(now, weight)


def _white_covariance(batch: Batch, within: Tensor) -> Tensor:
    """Covariance `(C, C)` of the channels over repeats, averaged over steps, positive definite.

    `within` `(C, C)`: what of it is not read-out noise.
    """
    covariance = residual_covariance(batch, 0)
    least = batch.spread.double().square().min() * 1e-2
    size, direction = torch.linalg.eigh(covariance - within.to(covariance))
    covariance = (direction * size.clamp(min=0)) @ direction.t()
    own = torch.diag(covariance.diagonal().clamp(min=least))
    white: Tensor = (1 - SHRUNK) * covariance + SHRUNK * own
    return white
