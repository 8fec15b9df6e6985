"""Arguments of `twinrig train` and `twinrig deploy`, and what a training is asked for. No torch."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.drift import DESPITE_WORDS
from app.cli.grammar import refuse_with_resume
from app.cli.types import delays, factor, layout, share, whole, whole_or_zero
from app.shown_score import shown_events
from app.train_request import TrainOptions
from models.errors import InputError, raise_problems
from models.wiring import GRAMMAR

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Mapping

    from app.operations.events import Event
    from instruments.clock import Stop

TRAIN_WORDS = "train a network of twins for a task"
DEPLOY_WORDS = "run a network on its device, or devices, time-multiplexed"
PLAIN = ("sparsity", "cascade", "patience", "weight_decay", "rate", "max_hours")
GIVEN = ("taps", "readout_taps", "refit")
NOT_RESUMED = (
    *PLAIN, *GIVEN, "task", "twin", "layers", "origin", "judge", "readout_from_judge", "wiring",
    "use", "supply", "ensemble", "iterations", "seed",
)  # fmt: skip
OPTIONS = {"origin": "from"}
SHARE = r"(\d+\.?\d*|\.\d+)(e-?\d+)?"
SHARES = re.compile(rf"{SHARE}(,{SHARE})?")


def train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a training beyond those that every verb has."""
    parser.add_argument("--task", metavar="T", help="such as mackey-glass or mackey-glass:h=5")
    parser.add_argument(
        "--twin", nargs="+", action="extend", type=Path, metavar="TWIN",
        help="one for all layers, or one a layer, in their order; they may be of several devices",
    )  # fmt: skip
    parser.add_argument(
        "--layers", type=layout, metavar="16,16,16",
        help="nodes of each layer (those suggested for digits or emg); 8+8,16: the second beside "
        "the first, seeing and seen alike, so that nodes can have other twins (1+1: each its own)",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="origin", type=Path, metavar="NETWORK",
        help="go on from its weights; task, layers and twins are its own where they are left out",
    )  # fmt: skip
    parser.add_argument(
        "--judge", nargs="+", action="extend", type=Path, metavar="TWIN",
        help="a stochastic twin that chooses the ridge, or one a layer",
    )  # fmt: skip
    parser.add_argument(
        "--readout-from-judge", action="store_true", help="fit the read-out to the judge's noise"
    )
    _layout(parser)
    _course(parser)


def _layout(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("layout")
    group.add_argument(
        "--wiring", nargs="+", metavar="W", default=None,
        help=f"what each layer sees: {GRAMMAR}; (forward)",
    )  # fmt: skip
    group.add_argument(
        "--taps", type=delays, metavar="0,1,2",
        help="the layers see their sources as they were so many steps ago (0)",
    )  # fmt: skip
    group.add_argument(
        "--readout-taps", type=delays, metavar="0,1,2", help="so does the read-out (0)"
    )
    group.add_argument(
        "--use", nargs="+", default=(), metavar="X,Y",
        help="channels that others see of every layer whose twin has them; of one layer: 2:X; "
        "a number: so many, spread evenly over a spectrum",
    )  # fmt: skip
    group.add_argument(
        "--sparsity", type=share, default=0.0, metavar="F",
        help="share of each node's weights that stay zero, chosen by the seed (0)",
    )  # fmt: skip
    group.add_argument(
        "--supply", metavar="STEP[,SLEW]",
        help="resolution and largest change a step of what drives the device, as shares of the "
        "drive's window, or a bench file to take them from: what can't be driven is not learned",
    )  # fmt: skip
    group.add_argument(
        "--ensemble", nargs="+", action="extend", type=Path, default=[], metavar="TWIN",
        help="other fits of the same device: noise is drawn through all of them, and the "
        "foreseen interval holds their bias",
    )  # fmt: skip


def _course(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    group.add_argument(
        "--iterations", type=whole_or_zero, metavar="N", help="0: an untrained network (800)"
    )
    group.add_argument(
        "--rate", type=factor, metavar="R", help="learning rate (0.02; --from 0.004)"
    )
    group.add_argument(
        "--cascade", action="store_true",
        help="layer by layer with its own read-out, then all together, in as many iterations",
    )  # fmt: skip
    group.add_argument(
        "--patience", type=whole, default=0, metavar="N",
        help="end after N iterations without a better validation score (0: never)",
    )  # fmt: skip
    group.add_argument(
        "--weight-decay", type=factor, default=0.0, metavar="W", help="decoupled, a step (0)"
    )
    group.add_argument(
        "--refit", action="store_true", default=None,
        help="when validation has said how long to train: once more, on both parts together",
    )  # fmt: skip
    group.add_argument(
        "--seeds", type=whole, default=1, metavar="N",
        help="train from N seeds side by side, from --seed on; the best by validation is DIR's own",
    )  # fmt: skip
    group.add_argument(
        "--workers", type=whole, metavar="N", help="with --seeds: processes (as many as cores)"
    )
    group.add_argument(
        "--max-hours", type=factor, metavar="H",
        help="refuse a network that would take longer on the device",
    )  # fmt: skip


def deploy_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a deployment beyond those that every verb on a bench has."""
    parser.add_argument(
        "network", type=Path, nargs="?", metavar="NETWORK", help="left out with --resume"
    )
    parser.add_argument("--despite-drift", action="store_true", help=DESPITE_WORDS)
    parser.add_argument(
        "--repeats", type=whole, metavar="K",
        help="run each node K times and average before the next layer (1)",
    )  # fmt: skip
    parser.add_argument(
        "--max-hours", type=factor, metavar="H",
        help="refuse what would take longer on the device, before anything is energised",
    )  # fmt: skip


def train_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """`twinrig train`: a network of twins for a task; scores as they are shown."""
    return shown_events(_train_events(arguments, run.stop))


def _train_events(arguments: argparse.Namespace, stop: Stop) -> Generator[Event, None, Path]:
    from app.operations.train_seeds import is_of_seeds, train_seeds

    if arguments.resume is not None:
        _refuse_asked(arguments)
    if arguments.resume is not None and is_of_seeds(arguments.resume):
        return train_seeds(None, 0, arguments.resume, workers=arguments.workers, resume=True)
    from app.operations.train import train

    if arguments.resume is not None:
        return train(None, None, None, arguments.resume, resume=True, stop=stop)
    asked = asked_of(arguments)
    if arguments.seeds > 1:
        return train_seeds(
            asked, arguments.seeds, arguments.out, seed=arguments.seed, workers=arguments.workers
        )
    return train(out=arguments.out, seed=arguments.seed, stop=stop, **asked)


def _refuse_asked(arguments: argparse.Namespace) -> None:
    """Raise InputError where a training to go on with is asked for something: it knows it all."""
    values = {name: getattr(arguments, name) for name in NOT_RESUMED}
    given = [name for name, value in values.items() if value not in (None, False, 0, (), [])]
    given += ["iterations"] if arguments.iterations == 0 else []
    given += ["seeds"] if arguments.seeds != 1 else []
    refuse_with_resume(arguments.verb, [OPTIONS.get(name, name) for name in given])


def asked_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Arguments of the operation as JSON, all but folder and seed; paths are absolute.

    Without layers the network is the one that is suggested for the task; what is said holds.
    """
    from training.tasks import placed

    _suggest(arguments)
    named = ("task", "twin", "layers") if arguments.origin is None else ()
    missing = [f"--{name} is missing" for name in named if not getattr(arguments, name)]
    if arguments.workers is not None and arguments.seeds == 1:
        missing.append("--workers is of several --seeds")
    raise_problems(InputError, "twinrig train", missing)
    twins = None if arguments.twin is None else [_text(path) for path in arguments.twin]
    return {
        "task": None if arguments.task is None else placed(arguments.task, Path.cwd()),
        "twins": twins,
        "layers": None if arguments.layers is None else list(arguments.layers[0]),
        "iterations": arguments.iterations,
        "judge": None if arguments.judge is None else [_text(path) for path in arguments.judge],
        "readout_from_judge": arguments.readout_from_judge,
        "options": asdict(_options(arguments)),
    }


def _suggest(arguments: argparse.Namespace) -> None:
    """Put in what validation chose for the task (`training.tasks.suggested`) and nobody said."""
    from training.tasks.suggested import suggested

    found = suggested(arguments.task or "")
    if found is None or arguments.layers or arguments.origin is not None:
        return
    arguments.layers = (found.layers, ())
    for name, value in {"iterations": found.iterations, **found.options}.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)


def _options(arguments: argparse.Namespace) -> TrainOptions:
    given: dict[str, Any] = {name: getattr(arguments, name) for name in PLAIN}
    given |= {n: getattr(arguments, n) for n in GIVEN if getattr(arguments, n) is not None}
    if arguments.layers is not None:
        given["parallel"] = arguments.layers[1]
    if arguments.wiring is not None:
        given["wiring"] = " ".join(arguments.wiring)
    if arguments.supply is not None:
        given["supply"] = _supply(arguments.supply)
    if arguments.origin is not None:
        given["origin"] = _text(arguments.origin)
    ensemble = tuple(_text(path) for path in arguments.ensemble)
    return TrainOptions(use=tuple(arguments.use), ensemble=ensemble, **given)


def _supply(text: str) -> tuple[float, float]:
    if SHARES.fullmatch(text):
        step, _, slew = text.partition(",")
        return float(step), float(slew or 0.0)
    from app.train_supply import supply_of

    return supply_of(text)


def words_of(options: Mapping[str, Any]) -> list[str]:
    """The words of the command line that give a training these options, as its network keeps them.

    Those that are as they are without a word are left out.
    """
    default, words = asdict(TrainOptions()), list[str]()
    for name, value in asdict(TrainOptions.of(options)).items():
        if name not in default or value == default[name] or name == "parallel":
            continue  # layers beside each other are told by --layers
        option = "--from" if name == "origin" else f"--{name.replace('_', '-')}"
        if name == "wiring":
            words += [option, *str(value).split()]
        elif name in ("use", "ensemble"):
            words += [option, *value]
        elif isinstance(value, (list, tuple)):
            words += [option, ",".join(map(str, value))]
        else:
            words += [option] if value is True else [option, str(value)]
    return words


def _text(path: Path) -> str:
    return str(path.resolve())
