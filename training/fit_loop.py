"""A fit as a loop that can be stopped, saved and gone on with; what a step does is the method's."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from models.errors import InputError, TwinrigError
from training.fit_settings import FitSettings, FitStep
from training.windows import Batch, Scales

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from models.simulated import Sampled

    Array = NDArray[np.float64]

VALIDATIONS = 40  # in a fit
LONGEST_UNVALIDATED = 250  # iterations
MOVED = "optimiser"  # prefix of its state in a checkpoint


class FitLoop(ABC):
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
    phase
        The phase that the last step belonged to.
    best_validation, best_progress, best_iteration
        The score of the chosen snapshot, the share of the budget that was used when it came, and
        its iteration.
    passes
        How often the validation part is scored each time.
    """

    passes = 3

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
        self.best_validation, self.best_progress, self.best_iteration = math.inf, 0.0, 0
        self._device = fit_device()
        self._training, self._validation = (
            Batch.of(*part, self.scales, self._device) for part in (training, validation)
        )
        self._generator = torch.Generator(device=self._device).manual_seed(settings.seed)
        torch.manual_seed(settings.seed)
        self._begin()
        self.phase = self._phase_now()
        self._best = self.module().weights()

    @abstractmethod
    def _begin(self) -> None:
        """Make the modules and their optimisers."""

    @abstractmethod
    def module(self) -> Sampled:
        """The model as it is now; `best_model` gives the chosen snapshot."""

    @abstractmethod
    def best_model(self) -> Sampled:
        """The model with the weights that scored best on the validation part, on the CPU."""

    @abstractmethod
    def structure(self) -> dict[str, Any]:
        """What a `Twin` says about the model's structure, by its attributes' names."""

    @abstractmethod
    def _step(self) -> float:
        """One iteration; its loss."""

    @abstractmethod
    def _validation_loss(self, generator: torch.Generator) -> Tensor:
        """What chooses the snapshot: lower is better."""

    @abstractmethod
    def _phase_now(self) -> int:
        """The phase that the next step belongs to."""

    @abstractmethod
    def _modules(self) -> dict[str, nn.Module]:
        """Every module with weights, by the name that a checkpoint gives it; first `model`."""

    @abstractmethod
    def _optimisers(self) -> list[torch.optim.Optimizer]:
        """Every optimiser; a parameter belongs to one at most."""

    @property
    def in_first_phase(self) -> bool:
        """Whether the next step fits the mean only, before the noise."""
        return self.phase == 0 and not self.settings.deterministic

    @property
    def remarks(self) -> list[str]:
        """Sentences on what the fit did of itself, for whoever reads the twin."""
        return []

    @property
    def expected_iterations(self) -> int:
        """How many there will be: those asked for, or what the minutes look like giving."""
        progress = self._progress()
        likely = round(self.iteration / progress) if progress else 1
        return min(self.settings.iterations, max(likely, self.iteration))

    @property
    def done(self) -> bool:
        """Whether the budget is used up."""
        return self._progress() >= 1

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
            due = self.iteration % every == 0 or last or self._validation_due(started)
            validation = self._validate() if due else None
            self.elapsed_s += time.monotonic() - started
            if validation is None and self._progress() >= 1:  # the minutes are used up
                validation = self._validate()
            yield FitStep(self.iteration, loss, validation)

    def _validation_due(self, started: float) -> bool:
        """Whether a slow method should be validated before its iterations say so."""
        return False

    def _best_is_outdated(self) -> bool:
        """Whether the next snapshot is better than the chosen one whatever their scores say."""
        return False

    def _finite(self, loss: float, learning_rate: float) -> float:
        if not math.isfinite(loss):
            raise TwinrigError(
                f"fit: the loss is {loss} at iteration {self.iteration}: lower the learning rate "
                f"({learning_rate:.2g}) or look for outliers in the recording"
            )
        return loss

    def _progress(self) -> float:
        by_time = self.elapsed_s / 60 / self.settings.minutes if self.settings.minutes else 0.0
        return max(self.iteration / self.settings.iterations, by_time)

    @torch.no_grad()
    def _validate(self) -> float:
        """Score the validation part with the same noise each time; keep the best weights."""
        generator = torch.Generator(device=self._device).manual_seed(self.settings.seed + 1)
        losses = [float(self._validation_loss(generator)) for _ in range(self.passes)]
        value = sum(losses) / len(losses)
        if math.isfinite(value) and (value < self.best_validation or self._best_is_outdated()):
            self.best_validation, self._best = value, self.module().weights()
            self.best_progress, self.best_iteration = self._progress(), self.iteration
        return value

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that a resumed fit needs beside `numbers` and the data, as named arrays."""
        out: dict[str, NDArray[Any]] = {f"best.{k}": v for k, v in self._best.items()}
        for prefix, module in self._modules().items():
            for name, value in module.state_dict().items():
                out[f"{prefix}.{name}"] = value.detach().cpu().numpy().copy()
        for name, parameter, optimiser in self._trained():
            for key, value in optimiser.state.get(parameter, {}).items():
                out[f"{MOVED}.{name}.{key}"] = value.detach().cpu().numpy().copy()
        out["generator"] = self._generator.get_state().cpu().numpy()
        return out

    def numbers(self) -> dict[str, Any]:
        """The settings, where the fit stands, and its scales."""
        return {
            "settings": asdict(self.settings),
            "iteration": self.iteration,
            "elapsed_s": self.elapsed_s,
            "best_validation": self.best_validation,
            "best_progress": self.best_progress,
            "best_iteration": self.best_iteration,
            "phase": self.phase,
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
            for prefix, module in self._modules().items():
                module.load_state_dict(
                    {k: torch.as_tensor(arrays[f"{prefix}.{k}"]) for k in module.state_dict()}
                )
            self._best = {k: arrays[f"best.{k}"] for k in self._best}
            for name, parameter, optimiser in self._trained():
                state = _moved(arrays, name, self._device)
                if state:
                    optimiser.state[parameter] = state
            if numbers["iteration"] and not any(key.startswith(f"{MOVED}.") for key in arrays):
                raise KeyError("no state of the optimiser")
            self._generator.set_state(torch.as_tensor(arrays["generator"].copy()))
            self.iteration = int(numbers["iteration"])
            self.elapsed_s = float(numbers["elapsed_s"])
            self.best_validation = float(numbers["best_validation"])
            self.best_progress = float(numbers.get("best_progress", 0.0))
            self.best_iteration = int(numbers.get("best_iteration", 0))
            self.phase = int(numbers["phase"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(
                f"checkpoint: belongs to another fit or is damaged ({error}); fit anew"
            ) from error

    def _trained(self) -> Iterator[tuple[str, nn.Parameter, torch.optim.Optimizer]]:
        """Every parameter that is fitted, with its name in a checkpoint and its optimiser."""
        owners = {
            id(parameter): optimiser
            for optimiser in self._optimisers()
            for group in optimiser.param_groups
            for parameter in group["params"]
        }
        for prefix, module in self._modules().items():
            for name, parameter in module.named_parameters():
                if id(parameter) in owners:
                    full = name if prefix == "model" else f"{prefix}.{name}"
                    yield full, parameter, owners[id(parameter)]


def _moved(
    arrays: dict[str, NDArray[Any]], name: str, device: torch.device
) -> dict[str, torch.Tensor]:
    """What an optimiser knew of a parameter, or of the block that it leads."""
    prefix = f"{MOVED}.{name}."
    found = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    return {
        key: torch.as_tensor(array.copy()).to(device if key != "step" else "cpu")
        for key, array in found.items()
    }


def fit_device() -> torch.device:
    """Where fits run: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set an optimiser's learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
