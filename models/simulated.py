"""A twin's module of either kind, by what every user of one needs; its simulation in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from models.sequence import FieldSequence
    from models.twin import Twin

BATCH_SAMPLES = 4096


class Sampled(Protocol):
    """A torch module that answers drives with noisy responses, free-running from the reset."""

    channels: int
    deterministic: bool
    offset: Tensor
    scale: Tensor

    def sample(self, drive: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Responses `(T, B, C)` in normalised units under `drive` `(T, B)` in 0…1."""
        ...

    def simulate(
        self, drive: NDArray[np.float64], repeats: int, seed: int = 0
    ) -> NDArray[np.float64]:
        """Responses `(S, R, T, C)` in the device's units to drives `(S, T)`, NaN where no step."""
        ...

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Every weight by name."""
        ...


def module_of(twin: Twin) -> Sampled:
    """The torch module of a fitted twin, of whichever kind it is."""
    if twin.published is not None:
        from models.published import PublishedModel  # torchsde: only where it is needed

        return PublishedModel.from_twin(twin)
    from models.latent import TwinModel
    from models.mixture import Mixture

    members = [TwinModel.from_twin(twin, member) for member in range(twin.members)]
    return members[0] if len(members) == 1 else Mixture(members)


def played(
    model: Sampled, sequence: FieldSequence, repeats: int, seed: int = 0
) -> NDArray[np.float64]:
    """Responses `(R, T, C)` to a sequence: a step of n holds is n steps, of which the last is read.

    Raises
    ------
    InputError
        `repeats` below one.
    """
    drive = np.repeat(sequence.drive, sequence.holds)[None]
    walked: NDArray[np.float64] = model.simulate(drive, repeats, seed)[0]
    return walked[:, np.cumsum(sequence.holds) - 1]


@torch.no_grad()
def simulated(
    model: Sampled, drive: NDArray[np.float64], repeats: int, seed: int
) -> NDArray[np.float64]:
    """Responses `(S, R, T, C)` in the device's units to drives `(S, T)` in 0…1 (NaN: no step).

    A deterministic twin is run once: its repeats are the same to the last bit.

    Raises
    ------
    InputError
        `repeats` below one.
    """
    if repeats < 1:
        raise InputError(f"simulate: {repeats} repeats, expected at least 1")
    sequences, steps = drive.shape
    runs = 1 if model.deterministic else repeats
    filled = np.where(np.isfinite(drive), drive, 0.5).astype(np.float32)
    generator = torch.Generator(device=model.offset.device).manual_seed(seed)
    columns = torch.as_tensor(np.repeat(filled, runs, axis=0).T.copy(), device=model.offset.device)
    response, begin = np.empty((sequences * runs, steps, model.channels)), 0
    for part in torch.split(columns, BATCH_SAMPLES, dim=1):  # what is made on the way is small
        units = model.offset + model.scale * model.sample(part, generator)
        response[begin : begin + part.shape[1]] = units.permute(1, 0, 2).double().cpu().numpy()
        begin += part.shape[1]
    response = response.reshape(sequences, runs, steps, model.channels)
    for row, known in zip(response, np.isfinite(drive), strict=True):
        row[:, ~known] = np.nan
    return response if runs == repeats else np.repeat(response, repeats, axis=1)
