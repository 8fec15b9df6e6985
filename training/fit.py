"""Fit a twin to repeats: Adam on a proper scoring rule, free-running from the reset.

Two phases on the same parameters. The first fits the noise-free path to the mean over repeats: its
gradient has no noise and costs a fraction. The second fits the whole distribution.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from models.errors import InputError, TwinrigError, raise_problems
from models.latent import TwinModel
from models.twin import HIDDEN, LATENT
from training.objectives import MeanSquares, Objective, objective_named
from training.windows import Batch, Scales, batch_indices

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

VALIDATIONS = 40  # in a fit
LONGEST_UNVALIDATED = 250  # iterations


@dataclass(frozen=True)
class FitSettings:
    """How a twin is fitted; the defaults are the measured recipe (README, Twin).

    Attributes
    ----------
    objective
        A name of `training.objectives.OBJECTIVES`; a deterministic twin takes `mean`.
    iterations, minutes
        The budget: `iterations` makes a fit repeatable, `minutes` ends it earlier; the learning
        rate decays to the end of whichever comes first.
    mean_share
        The first phase's share of the budget; a deterministic twin has that phase only.
    batch
        Whole sequences an iteration.
    mean_learning_rate, learning_rate
        Of Adam (betas .9, .99) in either phase, after a warm-up of 3 %, decaying to 1 %.
    """

    objective: str = "energy"
    deterministic: bool = False
    iterations: int = 12_000
    minutes: float | None = None
    seed: int = 0
    latent: int = LATENT
    hidden: int = HIDDEN
    mean_share: float = 0.4
    batch: int = 24
    mean_learning_rate: float = 8e-3
    learning_rate: float = 4e-3
    clip: float = 1.0

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {value!r} must be above zero"
            for name, value in asdict(self).items()
            if name not in ("objective", "deterministic", "seed") and value is not None
            if not 0 < value < math.inf
        ]
        if self.mean_share >= 1:
            problems.append(f"mean_share = {self.mean_share} must be below 1")
        if self.deterministic != (self.objective == "mean"):
            problems.append(
                f"objective {self.objective!r} with deterministic = {self.deterministic}: a twin "
                "without noise is fitted with objective 'mean', and only that"
            )
        raise_problems(InputError, "fit", problems)


@dataclass(frozen=True)
class FitStep:
    """Where a fit stands after an iteration; `validation` where it was just computed."""

    iteration: int
    loss: float
    validation: float | None


class Fit:
    """A fit that can be stopped after any step, saved, and gone on with.

    Parameters
    ----------
    training, validation
        `(drive (S, T), response (S, R, T, C))`, NaN where there is nothing.
    settings
        How.
    scales
        Units; by default those of the training part.

    Attributes
    ----------
    iteration, elapsed_s
        Where it stands; the time of the steps, not of what the caller does between them.
    in_first_phase
        Whether the next step fits the mean only.
    model
        The model as it is now; `best_model` gives the chosen snapshot.
    """

    def __init__(
        self,
        training: tuple[Array, Array],
        validation: tuple[Array, Array],
        settings: FitSettings,
        scales: Scales | None = None,
    ) -> None:
        self.settings = settings
        self.scales = scales or Scales.of(training[1])
        self.iteration, self.elapsed_s = 0, 0.0
        self.best_validation = math.inf
        self._objective: Objective = objective_named(settings.objective)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._training, self._validation = (
            Batch.of(*part, self.scales, self._device) for part in (training, validation)
        )
        self._generator = torch.Generator(device=self._device).manual_seed(settings.seed)
        torch.manual_seed(settings.seed)
        self.model = self._new_model()
        self._best = self.model.weights()
        self._adam = self._new_adam()
        self.in_first_phase = self._first_phase()

    def _new_adam(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.model.parameters(), betas=(0.9, 0.99))

    def _first_phase(self) -> bool:
        return not self.settings.deterministic and self._progress() < self.settings.mean_share

    def _new_model(self) -> TwinModel:
        s = self.settings
        model = TwinModel(self.scales.offset.size, s.latent, s.hidden, s.deterministic)
        with torch.no_grad():
            model.offset.copy_(torch.as_tensor(self.scales.offset))
            model.scale.copy_(torch.as_tensor(self.scales.scale))
            if not s.deterministic:
                spread = torch.as_tensor(self.scales.spread, dtype=torch.float32)
                model.white_factor.copy_(torch.diag(0.5 * spread))
        return model.to(self._device)

    @property
    def done(self) -> bool:
        """Whether the budget is used up."""
        return self._progress() >= 1

    def best_model(self) -> TwinModel:
        """The model with the weights that scored best on the validation part."""
        model = self._new_model().cpu()
        model.load_state_dict({k: torch.as_tensor(v) for k, v in self._best.items()})
        return model

    def steps(self) -> Iterator[FitStep]:
        """Iterate until the budget is used up; every step is a place to stop, save or draw.

        Raises
        ------
        TwinrigError
            The loss is no number any more.
        """
        every = max(min(self.settings.iterations // VALIDATIONS, LONGEST_UNVALIDATED), 1)
        while not self.done:
            started = time.monotonic()
            loss = self._step()
            self.iteration += 1
            last = self.iteration == self.settings.iterations
            validation = self._validate() if self.iteration % every == 0 or last else None
            self.elapsed_s += time.monotonic() - started
            if validation is None and self._progress() >= 1:  # the minutes are used up
                validation = self._validate()
            yield FitStep(self.iteration, loss, validation)

    def _step(self) -> float:
        s = self.settings
        batch = self._training.select(
            batch_indices(self.iteration, self._training.sequences, s.batch, s.seed)
        )
        if self.in_first_phase and not self._first_phase():
            self._adam, self.in_first_phase = self._new_adam(), False
        for group in self._adam.param_groups:
            group["lr"] = self._learning_rate()
        self._adam.zero_grad(set_to_none=True)
        objective = MeanSquares() if self.in_first_phase else self._objective
        loss = objective.loss(self.model, batch, self._generator)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), s.clip)
        self._adam.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TwinrigError(
                f"fit: the loss is {value} at iteration {self.iteration}: lower the learning rate "
                f"({self._learning_rate():.2g}) or look for outliers in the recording"
            )
        return value

    def _learning_rate(self) -> float:
        s, progress = self.settings, self._progress()
        if s.deterministic:
            return s.mean_learning_rate * _schedule(progress)
        if self.in_first_phase:
            return s.mean_learning_rate * _schedule(progress / s.mean_share)
        return s.learning_rate * _schedule((progress - s.mean_share) / (1 - s.mean_share))

    def _progress(self) -> float:
        by_time = self.elapsed_s / 60 / self.settings.minutes if self.settings.minutes else 0.0
        return max(self.iteration / self.settings.iterations, by_time)

    @torch.no_grad()
    def _validate(self) -> float:
        """Score the validation part with the same noise each time; keep the best weights."""
        generator = torch.Generator(device=self._device).manual_seed(self.settings.seed + 1)
        losses = [
            float(self._objective.loss(self.model, self._validation, generator)) for _ in range(3)
        ]
        value = sum(losses) / len(losses)
        if value < self.best_validation:
            self.best_validation, self._best = value, self.model.weights()
        return value

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that a resumed fit needs beside `numbers` and the data, as named arrays."""
        out: dict[str, NDArray[Any]] = {f"best.{k}": v for k, v in self._best.items()}
        out |= {f"model.{k}": v for k, v in self.model.weights().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self._adam.state.get(parameter, {}).items():
                out[f"adam.{name}.{key}"] = value.detach().cpu().numpy()
        out["generator"] = self._generator.get_state().cpu().numpy()
        return out

    def numbers(self) -> dict[str, Any]:
        """The settings, where the fit stands, and its scales."""
        return {
            "settings": asdict(self.settings),
            "iteration": self.iteration,
            "elapsed_s": self.elapsed_s,
            "best_validation": self.best_validation,
            "first_phase": self.in_first_phase,
            "scales": {k: v.tolist() for k, v in vars(self.scales).items()},
        }

    def restore(self, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
        """Go on from what `arrays` and `numbers` gave.

        Raises
        ------
        InputError
            They belong to a model of another shape, or lack something.
        """
        try:
            state = {k: torch.as_tensor(arrays[f"model.{k}"]) for k in self.model.state_dict()}
            self.model.load_state_dict(state)
            self._best = {k: arrays[f"best.{k}"] for k in state}
            for name, parameter in self.model.named_parameters():
                self._adam.state[parameter] = {
                    key: torch.as_tensor(arrays[f"adam.{name}.{key}"].copy()).to(
                        self._device if key != "step" else "cpu"
                    )
                    for key in ("step", "exp_avg", "exp_avg_sq")
                    if f"adam.{name}.{key}" in arrays
                }
            self._generator.set_state(torch.as_tensor(arrays["generator"].copy()))
            self.iteration = int(numbers["iteration"])
            self.elapsed_s = float(numbers["elapsed_s"])
            self.best_validation = float(numbers["best_validation"])
            self.in_first_phase = bool(numbers["first_phase"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(
                f"checkpoint: belongs to another fit or is damaged ({error}); fit anew"
            ) from error


def _schedule(progress: float) -> float:
    """Factor of the learning rate: warm-up over 3 %, then cosine to 1 %."""
    warm = min(progress / 0.03, 1.0) if progress < 0.03 else 1.0
    return max(warm, 0.02) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
