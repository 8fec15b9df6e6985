"""Fit a twin to repeats: SOAP on a proper scoring rule, free-running from the reset.

Phases on the same parameters. The first fits the noise-free path to the mean over repeats: its
gradient has no noise and costs a fraction. Those after it fit the whole distribution, by what the
objective's name says (`training.objectives.NAMES`). `begin_fit` also knows the published method.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch

from models.errors import InputError
from models.latent import TwinModel
from models.latent_path import NOISE_SCALE
from training.fit_loop import FitLoop, set_rate
from training.fit_settings import FitSettings, FitStep, schedule
from training.objectives import PUBLISHED, MeanSquares, Objective, phases_named, scored_by
from training.reads import reads_of
from training.soap import Soap
from training.structure import sequence_scores
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
    if settings.objective == PUBLISHED:
        if start is not None:
            raise InputError("fit: the published method can't go on from another twin")
        if reads_of(training[1]) is not None:
            raise InputError(
                "fit: the published method counts its delays in steps of one length, and this "
                "recording has steps of several holds, or without a value: take objective 'energy'"
            )
        from training.published import PublishedFit  # torchsde: only where it is needed

        return PublishedFit(training, validation, settings, scales)
    return Fit(training, validation, settings, scales, start)


HEAD, FEW_CHANNELS = 64, 8  # units of a head, by default of a read-out with more channels
SHRUNK = 0.05  # of the covariances between channels: few repeats must not make it singular
SLOW = 3  # states that are random effects of a repeat, where the noise asks for them
LASTING = 0.5  # correlation of the residuals far apart, above which it does
FAR = 20  # steps
QUIET = -3.0  # softplus⁻¹ of the diffusion of the other states to start from
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
        share = 0.0 if s.deterministic else s.mean_share
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
        channels = self.scales.offset.size
        model = TwinModel(channels, s.latent, s.hidden, s.deterministic, self._head(), self._slow())
        with torch.no_grad():
            model.offset.copy_(torch.as_tensor(self.scales.offset))
            model.scale.copy_(torch.as_tensor(self.scales.scale))
            if not s.deterministic:
                within = self._begin_slow(model)
                model.white_factor.copy_(0.5 * _spread_factor(self._training, within))
        if self._start is not None:
            model.load_state_dict({k: torch.as_tensor(v.copy()) for k, v in self._start.items()})
        return model.to(self._device)

    def _head(self) -> int:
        if self.settings.head is not None:
            return self.settings.head
        return head_of(self.scales.offset.size)

    def _slow(self) -> int:
        s = self.settings
        if s.slow is not None or s.deterministic:
            return s.slow or 0
        return min(SLOW, s.latent - 1) if lasting(self._training) > LASTING else 0

    def _begin_slow(self, model: TwinModel) -> Tensor:
        """Let the slow states carry what lasts; returns its covariance between channels `(C, C)`.

        They begin stationary, at the rate at which it fades; all other noise begins small.
        """
        slow = model.slow_states()
        count = int(slow.sum())
        if not count:
            return torch.zeros(model.channels, model.channels, dtype=torch.float64)
        rate, far = fading(self._training), min(FAR, self._training.known.shape[0] // 2)
        size, direction = torch.linalg.eigh(residual_covariance(self._training, far))
        kept = min(count, model.channels)
        at_once = (size.clamp(min=0) * math.exp(rate * far)).sqrt()
        columns = (direction * at_once)[:, -kept:].flip(1)
        first = model.latent - count
        model.decoder[:, first : first + kept] = (columns / model.start_spread[first]).float()
        bias = model.out_bias.view(3, model.latent)
        bias[2, :first] = QUIET
        stationary = (2 * rate) ** 0.5 * float(model.start_spread[first]) / NOISE_SCALE
        bias[1, first : first + kept] = math.log(rate / (1 - rate))
        bias[2, first : first + kept] = math.log(math.expm1(stationary))
        carried: Tensor = columns @ columns.t()
        return carried

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
        """Latent states, hidden units, whether it has noise."""
        s = self.settings
        return {
            "latent": s.latent,
            "hidden": s.hidden,
            "head": self._head(),
            "deterministic": s.deterministic,
        }

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "averaged": self._averaged}

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        return [self._soap]

    def _validation_loss(self, generator: torch.Generator) -> Tensor:
        return self._scored_by.loss(self.module(), self._validation, generator)

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


def head_of(channels: int) -> int:
    """Hidden units of the read-out's head that a fit has by default; 0: a linear read-out."""
    return HEAD if channels > FEW_CHANNELS else 0


def lasting(batch: Batch) -> float:
    """Correlation of residuals `FAR` steps apart, or half a sequence, averaged over channels."""
    late, now = (residual_covariance(batch, lag).diagonal() for lag in (FAR, 0))
    return float((late / now.clamp(min=torch.finfo(now.dtype).tiny)).mean())


def fading(batch: Batch) -> float:
    """Rate a step at which the covariance of the residuals still falls far apart, 1e-4 to 0.05."""
    far = min(FAR, batch.known.shape[0] // 2)
    early, late = (float(residual_covariance(batch, lag).trace()) for lag in (far // 2, far))
    ratio = early / late if early > 0 and late > 0 else 1.0
    return min(max(math.log(ratio) / max(far - far // 2, 1), 1e-4), 0.05)


def residual_covariance(batch: Batch, lag: int) -> Tensor:
    """Covariance `(C, C)` of the channels over repeats, `lag` steps apart, averaged over steps.

    Of shorter sequences half a sequence apart; symmetric, float64.
    """
    known = batch.known.unsqueeze(-1).double()
    lag = min(lag, known.shape[0] // 2)
    count = known.sum(dim=2, keepdim=True)
    mean = (batch.real * known).sum(dim=2, keepdim=True) / count.clamp(min=1)
    rest = (batch.real - mean) * known
    degrees = ((count - 1).clamp(min=0) / count.clamp(min=1)).expand_as(known)
    early, late = slice(known.shape[0] - lag), slice(lag, None)
    pairs = (degrees[late] * known[late] * known[early]).sum().clamp(min=1)
    product = rest[late].flatten(0, 2).t() @ rest[early].flatten(0, 2) / pairs
    return (product + product.t()) / 2


def _spread_factor(batch: Batch, within: Tensor) -> Tensor:
    """L `(C, C)`, lower, L Lᵀ the covariance of the channels over repeats, averaged over steps.

    `within` `(C, C)`: what of it is not read-out noise.
    """
    covariance = residual_covariance(batch, 0)
    least = batch.spread.double().square().min() * 1e-2
    size, direction = torch.linalg.eigh(covariance - within.to(covariance))
    covariance = (direction * size.clamp(min=0)) @ direction.t()
    own = torch.diag(covariance.diagonal().clamp(min=least))
    factor: Tensor = torch.linalg.cholesky((1 - SHRUNK) * covariance + SHRUNK * own)
    return factor.float()
