"""Arguments of `twinrig train` and `twinrig deploy`, and what a training is asked for. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli_drift import DESPITE_WORDS
from app.cli_types import layers, whole_or_zero
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.operations.events import Event

TRAIN_WORDS = "train a network of twins for a task"
DEPLOY_WORDS = "run a network on the one device, time-multiplexed"


def train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a training beyond those that every verb has."""
    parser.add_argument("--task", metavar="T", help="such as mackey-glass or mackey-glass:h=5")
    parser.add_argument(
        "--twin", nargs="+", action="extend", type=Path, metavar="TWIN",
        help="one for all layers, or one a layer",
    )  # fmt: skip
    parser.add_argument("--layers", type=layers, metavar="16,16,16", help="nodes of each layer")
    parser.add_argument(
        "--judge", type=Path, metavar="TWIN", help="a stochastic twin that chooses the ridge"
    )
    parser.add_argument(
        "--readout-from-judge", action="store_true", help="fit the read-out to the judge's noise"
    )
    parser.add_argument(
        "--iterations", type=whole_or_zero, metavar="N", help="0: an untrained network"
    )


def deploy_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a deployment beyond those that every verb on a bench has."""
    parser.add_argument(
        "network", type=Path, nargs="?", metavar="NETWORK", help="left out with --resume"
    )
    parser.add_argument("--despite-drift", action="store_true", help=DESPITE_WORDS)


def train_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """`twinrig train`: a network of twins for a task."""
    from app.operations.train import train

    resume = arguments.resume is not None
    missing = [f"--{n} is missing" for n in ("task", "twin", "layers") if not getattr(arguments, n)]
    raise_problems(InputError, "twinrig train", [] if resume else missing)
    given = {} if arguments.iterations is None else {"iterations": arguments.iterations}
    return train(
        arguments.task,
        arguments.twin,
        arguments.layers,
        arguments.resume or arguments.out,
        seed=arguments.seed,
        resume=resume,
        judge=arguments.judge,
        readout_from_judge=arguments.readout_from_judge,
        **given,
    )
