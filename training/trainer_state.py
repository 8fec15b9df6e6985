"""Everything that a resumed training needs beside the task and the twins, as arrays and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from models.errors import InputError
from training.carried import Carried

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from training.train import Trainer

NUMBERS = ("iteration", "best_iteration", "elapsed_s", "training", "best_validation")
WHOLE = ("iteration", "best_iteration")


def arrays_of(trainer: Trainer) -> dict[str, NDArray[Any]]:
    """Weights, optimiser, states, running sums, generator and streams of a training."""
    out: dict[str, Tensor] = {f"layers.{k}": v for k, v in trainer.layers.state_dict().items()}
    for index, parameter in enumerate(trainer.parameters):
        out[f"best.{index}"] = trainer.best[index]
        for key, value in trainer.optimiser.state.get(parameter, {}).items():
            out[f"optimiser.{index}.{key}"] = value
    for layer, states in enumerate(trainer.carried.states):
        out |= {f"state.{layer}.{member}": state for member, state in enumerate(states)}
        out[f"drive.{layer}"] = trainer.carried.drives[layer]
    out |= {"past": trainer.carried.past, "moments": trainer.running.moments}
    out |= {"readout": trainer.readout, "bias": trainer.bias}
    out |= {"generator": trainer.generator.get_state()}
    streams = {"position": trainer.streams.position, "since_jump": trainer.streams.since_jump}
    return {name: tensor.detach().numpy() for name, tensor in out.items()} | streams


def numbers_of(trainer: Trainer) -> dict[str, Any]:
    """Where the training stands."""
    return {name: getattr(trainer, name) for name in NUMBERS}


def restore(trainer: Trainer, arrays: dict[str, NDArray[Any]], numbers: dict[str, Any]) -> None:
    """Go on from what `arrays_of` and `numbers_of` gave.

    Raises
    ------
    InputError
        They belong to another network, or lack something.
    """
    try:
        found = {name: torch.as_tensor(array.copy()) for name, array in arrays.items()}
        iteration = int(numbers["iteration"])
        past_begin = [stage for stage in trainer.stages if stage.begin <= iteration]
        trainer.enter(past_begin[-1])
        state = {name: found[f"layers.{name}"] for name in trainer.layers.state_dict()}
        trainer.layers.load_state_dict(state)
        for index, parameter in enumerate(trainer.parameters):
            trainer.best[index] = found[f"best.{index}"]
            prefix = f"optimiser.{index}."
            known = {n.removeprefix(prefix): v for n, v in found.items() if n.startswith(prefix)}
            if known:
                trainer.optimiser.state[parameter] = known
        if iteration > trainer.stage.begin and not any(n.startswith("optimiser.") for n in found):
            raise KeyError("no state of the optimiser")
        trainer.carried = _carried(trainer.carried, found)
        trainer.running.moments = found["moments"]
        # column by column, as it was solved: products with several columns round by their layout
        trainer.readout, trainer.bias = found["readout"].t().contiguous().t(), found["bias"]
        trainer.generator.set_state(found["generator"])
        trainer.streams.position = arrays["position"].copy()
        trainer.streams.since_jump = arrays["since_jump"].copy()
        for name in NUMBERS:
            kind = int if name in WHOLE else float
            setattr(trainer, name, kind(numbers[name]))
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"checkpoint: belongs to another training or is damaged ({error}); train anew"
        ) from error


def _carried(like: Carried, found: dict[str, Tensor]) -> Carried:
    states = [
        [found[f"state.{layer}.{member}"] for member in range(len(members))]
        for layer, members in enumerate(like.states)
    ]
    return Carried(states, found["past"], [found[f"drive.{k}"] for k in range(len(states))])
