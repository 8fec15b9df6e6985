"""Arguments of `sweep` and `compare-networks`, and their operations' events.

Imports no torch before they run.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.transfer import benches_meant, each_bench
from app.cli.types import acceleration, file_or_word, layout, names, whole, whole_or_zero
from models.errors import InputError, RefusedError, raise_problems
from models.paths import file_at

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Sequence

    from app.connect import Run
    from app.device_benches import Benches
    from app.operations.compare_networks_plan import Plan
    from app.operations.events import Event
    from app.operations.sweep_grid import Grid

SWEEP_WORDS = "train networks over a grid of tasks, twins, layers, options and seeds, in parallel"
NETWORKS_WORDS = (
    "the comparison table of a task: noise-aware, deterministic, untrained, software; foreseen and "
    "on the device, over seeds"
)
GRID = ("task", "twin", "layers", "seeds", "iterations", "set")
NOT_RESUMED = ("task", "twin", "deterministic", "layers", "seeds", "folds", "iterations", "kinds",
               "set", "seed")  # fmt: skip
BENCH_HELP = (
    "where they are deployed, a bench file or the word virtual, of several devices once for each; "
    "left out: foreseen scores only"
)


def _pool_arguments(parser: argparse.ArgumentParser, what: str, seeds: int) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help=f"{what}; never overwritten")
    where.add_argument("--resume", type=Path, metavar="DIR", help="go on where this one stood")
    parser.add_argument(
        "--workers", type=whole, metavar="N", help="processes of this machine (its cores)"
    )
    parser.add_argument(
        "--scheduler", metavar="tcp://…",
        help="a Dask cluster instead, whose workers see the same folders (extra: cluster)",
    )  # fmt: skip
    parser.add_argument(
        "--set", nargs="+", action="extend", metavar=("NAME=VALUE", "…"),
        help="any other option of train; in a sweep a name given twice is two values, and "
        "taps+readout_taps=0,3 is one value for both",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=whole, metavar="N", help=f"how many, from --seed on ({seeds})"
    )


def sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sweep` beyond those that every verb has."""
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE.toml",
        help="the grid: lists task, twin, layers; seeds; [train] with lists of options",
    )  # fmt: skip
    parser.add_argument(
        "--task", nargs="+", action="extend", metavar="T", help="such as mackey-glass:h=5"
    )
    parser.add_argument(
        "--twin", nargs="+", action="extend", metavar="TWIN",
        help="each for all layers; A,B: one a layer, which may be of several devices, for those of "
        "--layers that have as many",
    )  # fmt: skip
    parser.add_argument(
        "--layers", nargs="+", action="extend", type=layout, metavar="16,16",
        help="nodes of each layer; 8+4,16: the second beside the first",
    )  # fmt: skip
    parser.add_argument(
        "--iterations", nargs="+", action="extend", type=whole_or_zero, metavar="N",
        help="of each (800)",
    )  # fmt: skip
    _pool_arguments(parser, "networks, sweep.json, sweep.md, sweep.csv", 1)


def networks_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `compare-networks` beyond those that every verb has."""
    parser.add_argument("--task", metavar="T", help="such as mackey-glass:h=5 or digits")
    parser.add_argument(
        "--twin", nargs="+", action="extend", type=Path, metavar="TWIN",
        help="a stochastic one for all layers, or one a layer; they may be of several devices",
    )  # fmt: skip
    parser.add_argument(
        "--deterministic", nargs="+", action="extend", type=Path, metavar="D",
        help="one without noise for each of --twin; left out: fitted from the recordings of --twin",
    )  # fmt: skip
    parser.add_argument(
        "--layers", type=layout, metavar="24,24,24",
        help="nodes of each layer; 8+4,16: the second beside the first",
    )  # fmt: skip
    parser.add_argument(
        "--folds", type=whole, metavar="N", help="all of them, of a task with folds"
    )
    parser.add_argument("--iterations", type=whole, metavar="N", help="of each training (800)")
    parser.add_argument(
        "--kinds", type=names, metavar="A,B,…",
        help="of noise-aware, deterministic, deterministic-noisy-readout, untrained (all)",
    )  # fmt: skip
    parser.add_argument(
        "--bench", type=file_or_word, action="append", metavar="B.toml", help=BENCH_HELP
    )
    parser.add_argument(
        "--accelerate", type=acceleration, metavar="N",
        help="served virtual benches: wait N times less",
    )  # fmt: skip
    _pool_arguments(parser, "networks, networks-table.json, .md, .csv, report.html", 5)


def sweep_events(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, Path]:
    """The events of `twinrig sweep`."""
    from app.operations.sweep import sweep

    asked = [name for name in (*GRID, "seed", "file") if getattr(arguments, name)]
    resume = arguments.resume is not None
    if resume and asked:
        raise InputError("twinrig sweep --resume: takes no grid, it knows it")
    return sweep(
        None if resume else _grid(arguments), arguments.resume or arguments.out, resume=resume,
        workers=arguments.workers, scheduler=arguments.scheduler,
    )  # fmt: skip


def _grid(arguments: argparse.Namespace) -> Grid:
    """The grid of the file, what is said on the command line set over it."""
    from app.operations.sweep_file import grid_of_file
    from app.operations.sweep_grid import Grid, layouts_of, options_of
    from training.tasks import placed

    given = grid_of_file(arguments.file) if arguments.file else {}
    options = {**given.pop("options", {}), **options_of(arguments.set or [])}
    if arguments.iterations:
        options["iterations"] = tuple(arguments.iterations)
    if arguments.twin:
        given["twins"] = tuple(
            tuple(str(Path(one).resolve()) for one in twin.split(",")) for twin in arguments.twin
        )
    if arguments.task:
        given["tasks"] = tuple(placed(task, Path.cwd()) for task in arguments.task)
    if arguments.layers:
        given |= layouts_of(arguments.layers)
    if arguments.seeds:
        given["seeds"] = arguments.seeds
    empty: dict[str, Any] = {"tasks": (), "twins": (), "layers": (), "seed": arguments.seed}
    return Grid(**{**empty, **given}, options=options)


def networks_events(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, Path]:
    """The events of `twinrig compare-networks`."""
    from app.artefacts import read_head, refuse_never_begun
    from app.operations.compare_networks import CALLED, FILE_NAME, KIND, SCHEMA, compare_networks
    from app.operations.compare_networks_plan import Plan

    resume = arguments.resume is not None
    if resume:
        asked = [f"--{name}" for name in NOT_RESUMED if getattr(arguments, name)]
        if asked:
            raise InputError(f"twinrig compare-networks --resume: takes no {', '.join(asked)}")
        refuse_never_begun(arguments.resume, CALLED, FILE_NAME)
        begun = Plan.told(read_head(arguments.resume / FILE_NAME, KIND, SCHEMA)["plan"])
        if arguments.bench and set(_places(arguments.bench, begun.twin)) != set(begun.bench):
            raise InputError(
                f"twinrig compare-networks --resume: was begun on bench {' and '.join(begun.bench)}"
                f", not on {' and '.join(arguments.bench)}"
            )
    plan = begun if resume else _plan(arguments)
    with ExitStack() as stack:

        def connect() -> Benches:
            each = each_bench(arguments, plan.bench)
            benches = [stack.enter_context(run.connected(one)) for one in each]
            return benches[0] if len(benches) == 1 else benches

        return (
            yield from compare_networks(
                None if resume else plan, arguments.resume or arguments.out, resume=resume,
                workers=arguments.workers, scheduler=arguments.scheduler, connect=connect,
            )
        )  # fmt: skip


def _places(benches: Sequence[str], twins: Sequence[str]) -> tuple[str, ...]:
    """Bench files' whole paths, words of built-in benches as they are; `virtual` by the twins."""
    from app.store import load_twin
    from models.network import Device

    devices = []
    with suppress(InputError):  # of a twin that is gone: the operation says it
        devices = [Device.of(load_twin(Path(twin))) for twin in dict.fromkeys(twins)]
    meant = benches_meant(benches, devices)
    return tuple(str(Path(one).resolve()) if file_at(one) else one for one in meant)


def _plan(arguments: argparse.Namespace) -> Plan:
    from app.operations.compare_networks_plan import Plan
    from app.operations.sweep_grid import options_of
    from instruments.bench_file import read_bench
    from training.tasks import placed

    missing = [f"--{n} is missing" for n in ("task", "twin", "layers") if not getattr(arguments, n)]
    options = options_of(arguments.set or [])
    missing += [f"--set {n}: has several values" for n, v in options.items() if len(v) > 1]
    raise_problems(InputError, "twinrig compare-networks", missing)
    twins = tuple(str(twin.resolve()) for twin in arguments.twin)
    benches = _places(arguments.bench or (), twins)
    virtual = [read_bench(bench).virtual for bench in benches]
    in_pool = all(one is not None and one.device is not None for one in virtual)
    if not in_pool and arguments.scheduler:
        raise RefusedError(
            f"--scheduler with {' and '.join(benches)}: a rig stands at this machine alone; train "
            "on the cluster without --bench, then deploy here"
        )
    more = {
        name: getattr(arguments, name)
        for name in ("seeds", "folds", "iterations", "kinds")
        if getattr(arguments, name)
    }
    nodes, parallel = arguments.layers
    one_each = {name: values[0] for name, values in options.items()}
    return Plan(
        placed(arguments.task, Path.cwd()), twins,
        tuple(str(one.resolve()) for one in arguments.deterministic or ()),
        nodes, seed=arguments.seed, bench=benches, in_pool=in_pool,
        options={**one_each, **({"parallel": list(parallel)} if parallel else {})}, **more,
    )  # fmt: skip
