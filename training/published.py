"""The published two-phase fit: squared error of free runs, then a critic with feature matching.

After the authors' public twin code (see `models.published`). Segments start at random steps from
the measured history. Phase 1 fits the drift, noise off, to the squared error of every measured run,
while the critic already learns to tell runs apart. Phase 2 alternates five steps of a Wasserstein
critic with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028), which sees a trajectory and
its drive, and one step of the noise (diffusion, coupling, rates), which matches mean and spread of
the critic's last hidden layer between its own and the real segments. The drift rests in phase 2.

What the public code leaves to its user, or a recording from a reset needs, is decided here and is
no more than that: learning rates and their decay, the critic's width, the start from the reset and
the segments that begin there, and a snapshot chosen by the energy score of the validation part
(theirs: by their own errors).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from models.errors import InputError
from models.published import PublishedModel
from models.published_form import AUXILIARIES, LAYERS, PublishedForm
from training.critic import Critic, feature_distance, gradient_penalty
from training.fit_loop import FitLoop, set_rate
from training.fit_settings import mean_share, schedule
from training.objectives import EnergyScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from training.fit_settings import FitSettings
    from training.windows import Batch, Scales

    Array = NDArray[np.float64]

VALIDATIONS = 12  # in a budget of minutes: each takes as long as an iteration or two
FEW_CHANNELS = 4
DELAYS_OF_FEW = 4


@dataclass(frozen=True)
class Recipe:
    """Sizes and rates of the published method.

    Attributes
    ----------
    horizon, batch
        Steps of a segment, and segments an iteration.
    from_reset
        Share of segments that begin at the reset; the others anywhere. As scores are taken from the
        reset on, it has to be learned: at random one segment in tens would begin there.
    critic_steps, penalty
        Steps of the critic for one of the noise; weight of its gradient penalty.
    drift_rate, noise_rate
        Learning rates of the first and the second phase, decaying like the others'. The public code
        takes them as arguments: the first is the best of a small search on minutes of budget; the
        second is searched by `compare-twins --published-rates` on the validation part.
    layers, auxiliaries
        Hidden layers of drift, diffusion and critic; auxiliary variables.
    delays
        Past values in the state; None: as many as `delays_of` says.
    """

    horizon: int = 50
    batch: int = 50
    from_reset: float = 0.2
    critic_steps: int = 5
    penalty: float = 10.0
    drift_rate: float = 3e-3
    noise_rate: float = 1e-3
    layers: tuple[int, ...] = LAYERS
    auxiliaries: int = AUXILIARIES
    delays: int | None = None


@dataclass(frozen=True)
class Segments:
    """Measured segments: drive `(H, B)`, start state, and observables with delays `(H, B, ·)`."""

    drive: Tensor
    state: Tensor
    real: Tensor


class PublishedFit(FitLoop):
    """The two-phase fit of a published twin; arguments as `FitLoop`'s."""

    model: PublishedModel
    passes = 1  # a path takes ten times the latent model's

    def __init__(
        self,
        training: tuple[Array, Array],
        validation: tuple[Array, Array],
        settings: FitSettings,
        scales: Scales | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        self.recipe = recipe or Recipe()
        if settings.noise_rate is not None:
            self.recipe = replace(self.recipe, noise_rate=settings.noise_rate)
        self._validated_s = 0.0
        super().__init__(training, validation, settings, scales)

    def _begin(self) -> None:
        lengths = whole_lengths(self._training)
        self.horizon = min(self.recipe.horizon, int(lengths[lengths > 0].median()))
        self._runs = (lengths >= self.horizon).nonzero()
        self._lengths = lengths[self._runs[:, 0], self._runs[:, 1]]
        channels = self.scales.offset.size
        delays = self.recipe.delays
        delays = delays_of(channels) if delays is None else delays
        self.form = PublishedForm(delays, self.recipe.layers)
        self.model = self._new_model().to(self._device)
        inputs = self.horizon * (channels + 1)
        self.critic = Critic(inputs, self.recipe.layers).to(self._device)
        m, late = self.model, (0.0, 0.9)
        self._drift = torch.optim.Adam([*m.drift.parameters(), m.start])
        self._noise = torch.optim.Adam([*m.diffusion.parameters(), m.coupling, m.rates], betas=late)
        self._judge = torch.optim.Adam(self.critic.parameters(), betas=late)

    def _new_model(self) -> PublishedModel:
        model = PublishedModel(self.scales.offset.size, self.form, self.recipe.auxiliaries)
        with torch.no_grad():
            model.offset.copy_(torch.as_tensor(self.scales.offset))
            model.scale.copy_(torch.as_tensor(self.scales.scale))
            mean, spread = first_step(self._training)
            model.start.copy_(mean)
            model.start_spread.copy_(spread)
        return model

    def module(self) -> PublishedModel:
        """The model as it is now."""
        return self.model

    def best_model(self) -> PublishedModel:
        """The model with the weights that scored best on the validation part."""
        model = PublishedModel(self.scales.offset.size, self.form, self.recipe.auxiliaries)
        model.load_state_dict({k: torch.as_tensor(v) for k, v in self._best.items()})
        return model

    def structure(self) -> dict[str, Any]:
        """Auxiliaries, first layer, and the published form."""
        return {
            "latent": self.recipe.auxiliaries,
            "hidden": self.form.layers[0],
            "deterministic": False,
            "published": self.form,
        }

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "critic": self.critic}

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        return [self._drift, self._noise, self._judge]

    def _validation_loss(self, generator: torch.Generator) -> Tensor:
        return EnergyScore(correlations=0.0).loss(self.model, self._validation, generator)

    @property
    def _share(self) -> float:
        """The first phase's, whatever the number of channels."""
        return mean_share(self.settings, spectrum=False)

    def _phase_now(self) -> int:
        return int(self._progress() >= self._share)

    def _validation_due(self, started: float) -> bool:
        """An iteration takes up to half a second: by their number few would be validated."""
        if self.settings.minutes is None:
            return False
        now = self.elapsed_s + time.monotonic() - started
        if now - self._validated_s < 60 * self.settings.minutes / VALIDATIONS:
            return False
        self._validated_s = now
        return True

    def _best_is_outdated(self) -> bool:
        """A snapshot of the first phase has noise that nothing has fitted: none is chosen."""
        return self.phase == 1 and self.best_progress <= self._share

    def _step(self) -> float:
        self.phase = self._phase_now()
        share, progress = self._share, self._progress()
        if self.phase == 0:
            rate = self.recipe.drift_rate * schedule(progress / share)
            loss = self._step_drift(rate)
            self._step_critic(rate)
        else:
            rate = self.recipe.noise_rate * schedule((progress - share) / (1 - share))
            for _ in range(self.recipe.critic_steps):
                self._step_critic(rate)
            loss = self._step_noise(rate)
        return self._finite(loss, rate)

    def _step_drift(self, rate: float) -> float:
        set_rate(self._drift, rate)
        part = self._segments()
        self._drift.zero_grad(set_to_none=True)
        loss = (self.model.path(part.state, part.drive, None) - part.real).square().mean()
        torch.autograd.backward(loss)
        self._drift.step()
        return float(loss.detach())

    def _step_critic(self, rate: float) -> None:
        set_rate(self._judge, rate)
        part = self._segments()
        with torch.no_grad():
            fake = self._joined(self._run(part), part.drive)
        real = self._joined(part.real, part.drive).detach()
        self._judge.zero_grad(set_to_none=True)
        penalty = gradient_penalty(self.critic, real, fake, self._generator)
        loss = self.critic(fake).mean() - self.critic(real).mean() + self.recipe.penalty * penalty
        torch.autograd.backward(loss)
        self._judge.step()

    def _step_noise(self, rate: float) -> float:
        set_rate(self._noise, rate)
        part = self._segments()
        self._noise.zero_grad(set_to_none=True)
        fake = self.critic.features(self._joined(self._run(part), part.drive))
        with torch.no_grad():
            real = self.critic.features(self._joined(part.real, part.drive))
        loss = feature_distance(fake, real)
        torch.autograd.backward(loss)
        self._noise.step()
        return float(loss.detach())

    def _run(self, part: Segments) -> Tensor:
        """The twin's observables with delays along a segment; noise-free in the first phase."""
        steps, batch = part.drive.shape
        noise = self.model.draw(steps, batch, self._generator) if self.phase else None
        return self.model.path(part.state, part.drive, noise)

    def _joined(self, observed: Tensor, drive: Tensor) -> Tensor:
        """What the critic sees `(B, H (C + 1))`: the present observables and the drive."""
        present = observed[:, :, : self.model.channels]
        both = torch.cat([present, (2 * drive - 1).unsqueeze(2)], dim=2)
        return both.transpose(0, 1).flatten(1)

    def _segments(self) -> Segments:
        """Segments of measured runs from random steps on, their start state from the history."""
        batch, device = self.recipe.batch, self._device
        generator = self._generator
        pick = torch.randint(len(self._runs), (batch,), generator=generator, device=device)
        room = (self._lengths[pick] - self.horizon + 1).to(torch.float64)
        draw = torch.rand(batch, generator=generator, device=device, dtype=torch.float64)
        begin = (draw * room).long()
        begin[: round(self.recipe.from_reset * batch)] = 0
        sequence, repeat = self._runs[pick].unbind(dim=1)
        delays, steps = self.form.delays, torch.arange(self.horizon, device=device)
        reset = self.model.after_reset(batch, generator)
        run = self._training.real[:, sequence, repeat]  # (T, B, C)
        padded = torch.cat([reset.expand(delays + 1, -1, -1), run])  # step t stands at t + K + 1
        index = begin + steps.unsqueeze(1)  # (H, B)
        rows = torch.arange(batch, device=device)
        lags = [padded[index + delays + 1 - k, rows] for k in range(delays + 1)]
        history = torch.stack([padded[begin + delays - k, rows] for k in range(delays + 1)], dim=1)
        return Segments(
            self._training.drive[index, sequence],
            self.model.state_of(history),
            torch.cat(lags, dim=2),
        )


def delays_of(channels: int) -> int:
    """Past values in the state, as published: four for the rings' one channel, none for sixty."""
    return DELAYS_OF_FEW if channels <= FEW_CHANNELS else 0


def whole_lengths(batch: Batch) -> Tensor:
    """Steps `(S, R)` that a repeat holds from its first one on without a gap.

    Raises
    ------
    InputError
        No repeat begins with a measured step.
    """
    lengths = batch.known.cumprod(dim=0).sum(dim=0).long()
    if not lengths.any():
        raise InputError("fit: no repeat holds its first step: the published method has no start")
    return lengths


def first_step(batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean of the first step, and its spread over repeats, `(C,)` each.

    The spread is averaged over sequences with two repeats or more; 0 where there is none.
    """
    known = batch.known[0].unsqueeze(2)  # (S, R, 1)
    count = known.sum(dim=1, keepdim=True)
    mean = (batch.real[0] * known).sum(dim=1, keepdim=True) / count.clamp(min=1)
    squares = ((batch.real[0] - mean).square() * known).sum(dim=1) / (count[:, 0] - 1).clamp(min=1)
    enough, there = ((count[:, 0] > n).to(squares) for n in (1, 0))
    variance = (squares * enough).sum(dim=0) / enough.sum().clamp(min=1)
    return (mean[:, 0] * there).sum(dim=0) / there.sum().clamp(min=1), variance.sqrt()
