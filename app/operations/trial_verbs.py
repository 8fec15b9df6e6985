"""The operations that a trial of a pool can be; imported by name where one runs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.operations.deploy import deploy
from app.operations.fit import fit
from app.operations.train import train
from app.operations.trial import OF_TRAIN
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from app.operations.events import Event

    Events = Generator[Event, None, Any]

TRAINED = ("task", "twins", "layers")


def _fit(arguments: dict[str, Any], out: Path, begun: bool) -> Events:
    if begun:
        return fit([], out, resume=True)
    rest = {name: value for name, value in arguments.items() if name != "recordings"}
    return fit([Path(path) for path in arguments["recordings"]], out, **rest)


def _train(arguments: dict[str, Any], out: Path, begun: bool) -> Events:
    if begun:
        return train(None, None, None, out, resume=True)
    rest = {name: value for name, value in arguments.items() if name not in TRAINED}
    own = {name: rest.pop(name) for name in OF_TRAIN if name in rest}
    task, twins, layers = (arguments[name] for name in TRAINED)
    return train(task, twins, layers, out, **own, options=rest)


def _deploy(arguments: dict[str, Any], out: Path, begun: bool) -> Events:
    """On a virtual bench of its own: the same device, its noise by `noise_seed`."""
    spec = read_bench(arguments["bench"])
    if spec.virtual is None or spec.virtual.device is None:
        raise RefusedError(
            f"bench {arguments['bench']}: is one rig, and a pool would want it several times at "
            "once; deployments on it run one after another, outside the pool"
        )
    virtual = replace(spec.virtual, seed=arguments["noise_seed"], accelerate=math.inf)
    with Bench.connect(replace(spec, virtual=virtual)) as bench:
        yield from deploy(Path(arguments["network"]), bench, out, resume=begun)


VERBS: dict[str, Callable[[dict[str, Any], Path, bool], Events]] = {
    "fit": _fit,
    "train": _train,
    "deploy": _deploy,
}
