"""`twinrig recalibrate`, `refine` and `polish`: what to do about a gap that is left. No torch."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.drift import DESPITE_WORDS
from app.cli.grammar import refuse_with_resume
from app.cli.types import factor, whole
from app.pause_keys import pause_keys
from app.shown_score import shown_events
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.connect import Run
    from app.operations.events import Event
    from models.network import Device, Network

    Events = Generator[Event, None, Any]

VIRTUAL = "virtual"
RECALIBRATE_WORDS = "correct a network's read-out by one short run on the device"

POLISH_WORDS = (
    "train a network on the device itself, its twin giving the gradient; an untrained network is "
    "trained from scratch so"
)
REFINE_WORDS = (
    "measure what a network really sends, refit its twins on it, train the network further"
)


def recalibrate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a recalibration beyond those that every verb on a bench has."""
    _network(parser)
    parser.add_argument(
        "--steps", type=whole, metavar="N",
        help="the last N of the training and validation part are run, never the test part (600)",
    )  # fmt: skip


def refine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a refinement beyond those that every verb on a bench has."""
    _network(parser)
    for name, default, words in (
        ("rounds", 2, "measure, refit the twin, retrain the network, so many times"),
        ("pieces", 144, "pieces of the drives that it sends each device, recorded to fit"),
        ("piece-steps", "as its twin's sequences", "steps of a piece"),
        ("repeats", 4, "of each piece"),
        ("scoring", 12, "more pieces that score the twin and are never fitted"),
        ("scoring-repeats", 16, "of each of those"),
        ("fit-iterations", 2500, "of each twin's fit"),
        ("train-iterations", 800, "of the network's training"),
    ):
        parser.add_argument(f"--{name}", type=whole, metavar="N", help=f"{words} ({default})")


def refine_events(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig refine`: closed-loop rounds of measuring, fitting and training."""
    from app.operations.refine import LEAST, Refinement
    from app.operations.refine import refine as operation

    given = {n: v for n in LEAST if (v := getattr(arguments, n)) is not None}
    if arguments.resume is not None:
        _refuse_asked(arguments, (*LEAST, "seed"))
        return on_bench(operation, arguments, run, {})
    asked = Refinement(seed=arguments.seed, **given)
    return on_bench(operation, arguments, run, {"asked": asked})


def polish_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a polishing beyond those that every verb on a bench has."""
    _network(parser)
    parser.add_argument(
        "--runs", type=whole, metavar="N",
        help="hardware runs at most, those that validate included; one is a reset and a sequence "
        "(needed; three of each node at least)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=factor, metavar="R", help="learning rate (0.004; untrained network 0.01)"
    )


def polish_events(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig polish`: forwards on the device, backwards through the twin."""
    from app.operations.polish import polish as operation

    if arguments.resume is not None:
        _refuse_asked(arguments, ("runs", "rate", "seed"))
        return on_bench(operation, arguments, run, {})
    if arguments.runs is None:
        raise InputError("twinrig polish: --runs is missing: how many runs may it take?")
    asked = {"runs": arguments.runs, "rate": arguments.rate, "seed": arguments.seed}
    return on_bench(operation, arguments, run, asked)


VERBS = {
    "recalibrate": (RECALIBRATE_WORDS, recalibrate_arguments, "the run and the new network"),
    "polish": (POLISH_WORDS, polish_arguments, "the runs and the network"),
    "refine": (REFINE_WORDS, refine_arguments, "a folder a round, and the last network"),
}
"""Verb → its words, what adds its arguments, what its folder holds."""


def _network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "network", type=Path, nargs="?", metavar="NETWORK", help="left out with --resume"
    )
    parser.add_argument("--despite-drift", action="store_true", help=DESPITE_WORDS)


def recalibrate_events(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig recalibrate`: the read-out corrected by a stretch of known data."""
    from app.operations.recalibrate import recalibrate as operation

    if arguments.resume is not None:
        _refuse_asked(arguments, ("steps",))
    return on_bench(operation, arguments, run, {"steps": arguments.steps})


def _refuse_asked(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """Raise InputError where a run to go on with is asked for what it knows itself."""
    given = [name for name in names if getattr(arguments, name) not in (None, 0)]
    refuse_with_resume(arguments.verb, given)


def on_bench(operation: Any, arguments: argparse.Namespace, run: Run, asked: Any) -> Events:
    """An operation on a network and its bench, or benches; scores as they are shown."""
    from app.commands import refuse_existing
    from app.store import load_network

    resume = arguments.resume is not None
    if arguments.network is None and not resume:
        raise InputError(f"twinrig {arguments.verb}: name the NETWORK to run")
    refuse_existing(arguments.out)
    if arguments.network is not None:
        load_network(arguments.network)  # a wrong file is said before the bench is touched
    with ExitStack() as stack:
        words = _words(arguments)
        benches = [stack.enter_context(run.connected(one)) for one in each_bench(arguments, words)]
        stack.enter_context(pause_keys(run.pause, run.say))
        events = operation(
            arguments.network,
            benches[0] if len(benches) == 1 else benches,
            arguments.resume or arguments.out,
            resume=resume,
            pause=run.pause,
            retries=arguments.retries,
            despite_drift=arguments.despite_drift,
            **{name: value for name, value in asked.items() if value is not None},
        )
        yield from shown_events(events)


def _words(arguments: argparse.Namespace) -> list[str]:
    """The benches that are named; `virtual` is those that the network's devices need."""
    words = [arguments.bench] if isinstance(arguments.bench, str) else list(arguments.bench)
    devices: Sequence[Device] = ()
    if VIRTUAL in words:
        with suppress(InputError):  # the operation says it, with what to do
            devices = _network_of(arguments).devices
    return benches_meant(words, devices)


def benches_meant(words: Sequence[str], devices: Sequence[Device]) -> list[str]:
    """The benches that words stand for: `virtual` for as many built-in rigs as devices need."""
    from app.device_benches import rigs_of

    needed = rigs_of(devices) if VIRTUAL in words else []
    meant = [needed if word == VIRTUAL and needed else [word] for word in words]
    return list(dict.fromkeys(word for each in meant for word in each))


def each_bench(arguments: argparse.Namespace, words: Sequence[str]) -> list[argparse.Namespace]:
    """The arguments once for each bench, as if it alone were named; wire logs are numbered."""
    found = []
    for number, word in enumerate(words, 1):
        log = arguments.wire_log
        if log is not None and number > 1:
            log = log.with_stem(f"{log.stem}-{number}")
        found.append(argparse.Namespace(**{**vars(arguments), "bench": word, "wire_log": log}))
    return found


def _network_of(arguments: argparse.Namespace) -> Network:
    """The network of a command, or of what it goes on with; InputError where there is none."""
    from app.deployment import network_of_run, nodes_folder
    from app.operations.transfer_parts import read_plan
    from app.store import load_network

    path = arguments.network
    if path is None and arguments.verb == "deploy":
        path = network_of_run(arguments.resume / nodes_folder(0))
    elif path is None:
        path = Path(read_plan(arguments.resume, arguments.verb)["network"])
    return load_network(path)
