"""The operations that a trial of a pool can be; imported by name where one runs."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.deployment import NODES
from app.operations.deploy import deploy
from app.operations.fit import fit
from app.operations.train import train
from app.operations.trial import OF_TRAIN
from app.recording_reader import read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from app.operations.events import Event
    from instruments.bench_spec import BenchSpec
    from instruments.clock import Stop

    Events = Generator[Event, None, Any]

TRAINED = ("task", "twins", "layers")
FURTHER_NOISE = 10**6  # between the noise of a network's devices
LATER_NOISE = 10**9  # and of what a deployment that goes on has measured already: nodes share none


def _fit(arguments: dict[str, Any], out: Path, begun: bool, _stop: Stop | None) -> Events:
    if begun:
        return fit([], out, resume=True)
    rest = {name: value for name, value in arguments.items() if name != "recordings"}
    return fit([Path(path) for path in arguments["recordings"]], out, **rest)


def _train(arguments: dict[str, Any], out: Path, begun: bool, stop: Stop | None) -> Events:
    if begun:
        return train(None, None, None, out, resume=True, stop=stop)
    rest = {name: value for name, value in arguments.items() if name not in TRAINED}
    own = {name: rest.pop(name) for name in OF_TRAIN if name in rest}
    task, twins, layers = (arguments[name] for name in TRAINED)
    return train(task, twins, layers, out, **own, options=rest, stop=stop)


def _deploy(arguments: dict[str, Any], out: Path, begun: bool, _stop: Stop | None) -> Events:
    """On virtual benches of its own: the same devices, their noise by `noise_seed`, never twice."""
    named, seed = arguments["bench"], arguments["noise_seed"]
    words = [named] if isinstance(named, str) else named
    if begun:
        measured = (read_recording(folder).complete.sum() for folder in out.glob(f"{NODES}*"))
        seed += LATER_NOISE * int(sum(measured))
    specs = [_own(word, seed + k * FURTHER_NOISE) for k, word in enumerate(words)]
    with ExitStack() as stack:
        benches = [stack.enter_context(Bench.connect(spec)) for spec in specs]
        yield from deploy(Path(arguments["network"]), benches, out, resume=begun)


def _own(word: str, noise_seed: int) -> BenchSpec:
    """A virtual bench as a trial has it for itself."""
    spec = read_bench(word)
    if spec.virtual is None or spec.virtual.device is None:
        raise RefusedError(
            f"bench {word}: is one rig, and a pool would want it several times at once; "
            "deployments on it run one after another, outside the pool"
        )
    virtual = replace(spec.virtual, seed=noise_seed, accelerate=math.inf)
    return replace(spec, virtual=virtual)


VERBS: dict[str, Callable[[dict[str, Any], Path, bool, Stop | None], Events]] = {
    "fit": _fit,
    "train": _train,
    "deploy": _deploy,
}
