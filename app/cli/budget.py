"""Arguments of `learning-curve` and of `record --for-twin`, and their operations' events.

Imports no torch before they run.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.grammar import other_than_begun
from app.cli.types import factor, whole
from app.disk import reading
from models.errors import InputError, raise_problems
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from app.operations.events import Event

CURVE_WORDS = "the errors of twins fitted on parts of a recording: how much must be measured"
BUDGET, TARGET = 1000, 1.25
NOT_WITH_IT = ("sequences", "reference", "stop_at_drift", "blocked")
ONLY_WITH_IT = ("network", "budget", "target", "steps", "holds", "iterations")


def counts(text: str) -> tuple[int, ...]:
    """Counts of 1 or more, `8,16,32`."""
    if not re.fullmatch(r"[1-9]\d{0,8}(,[1-9]\d{0,8})*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of counts such as 8,16,32; 1 to 999999999 each"
        )
    return tuple(int(part) for part in text.split(","))


def curve_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `learning-curve` beyond those that every verb has."""
    parser.add_argument(
        "recordings", nargs="*", type=Path, metavar="RECORDING", help="of one device"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--out", type=Path, metavar="DIR", help="curve and report.html; never overwritten"
    )  # fmt: skip
    where.add_argument("--resume", type=Path, metavar="DIR", help="go on where this one stood")
    parser.add_argument(
        "--sequences", type=counts, metavar="A,B,…", help="of the parts (1/8, 1/4, 1/2, all)"
    )
    parser.add_argument(
        "--repeats", type=counts, metavar="A,B,…", help="of each sequence (1/4, 1/2, all)"
    )
    parser.add_argument("--iterations", type=whole, metavar="N", help="of each fit (4000)")
    parser.add_argument("--minutes", type=factor, metavar="M", help="end each fit after this time")
    parser.add_argument("--seeds", type=whole, metavar="N", help="fits of each part (1)")
    parser.add_argument(
        "--target", type=factor, metavar="R", help="error over floor to be reached (1.5)"
    )


def curve_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """The events of `learning-curve`."""
    from app.operations.learning_curve import learning_curve

    resume = arguments.resume is not None
    if not arguments.recordings and not resume:
        raise InputError("twinrig learning-curve: name at least one RECORDING")
    names = ("sequences", "repeats", "iterations", "minutes", "seeds", "target")
    given = {n: getattr(arguments, n) for n in names if getattr(arguments, n) is not None}
    if resume and (given or arguments.seed or arguments.recordings):
        raise InputError("twinrig learning-curve --resume: takes no other option, it knows them")
    return learning_curve(
        arguments.recordings, arguments.resume or arguments.out, seed=arguments.seed,
        resume=resume, **given,
    )  # fmt: skip


def for_twin_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `record` that choose by themselves what is measured next."""
    parser.add_argument(
        "--for-twin", action="store_true",
        help="no --sequences: measure what twins don't know yet, until they are at the floor",
    )  # fmt: skip
    parser.add_argument(
        "--network", type=Path, metavar="N",
        help="with --for-twin: half of it what N sends, never of its test part",
    )  # fmt: skip
    parser.add_argument(
        "--budget", type=whole, metavar="N",
        help=f"with --for-twin: most repeats to fit on ({BUDGET}); those that score come on top",
    )  # fmt: skip
    parser.add_argument(
        "--target", type=factor, metavar="R",
        help="with --for-twin: stop where mean, spread, autocovariance and CRPS are at most R "
        f"times their floors ({TARGET})",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=whole, metavar="T", help="with --for-twin: of each sequence (100)"
    )
    parser.add_argument(
        "--holds", type=whole, metavar="N",
        help="with --for-twin: hold each step 1 to N times as long, at random (1)",
    )  # fmt: skip
    parser.add_argument(
        "--iterations", type=whole, metavar="N",
        help="with --for-twin: of each twin's fit a round (1500)",
    )  # fmt: skip


def is_for_twin(arguments: argparse.Namespace) -> bool:
    """Whether `record` is asked for this, or is to go on with such a run."""
    from app.operations.adaptive_rounds import PLAN_NAME

    begun = False
    if arguments.resume is not None:
        with reading(arguments.resume):
            begun = file_at(arguments.resume / PLAN_NAME)
    if not arguments.for_twin and not begun:
        wrong = [f"--{n} needs --for-twin" for n in ONLY_WITH_IT if getattr(arguments, n)]
        raise_problems(InputError, "twinrig record", wrong)
    return bool(arguments.for_twin or begun)


def asked_of(arguments: argparse.Namespace, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the operation; InputError where options don't go together."""
    from app.operations.adaptive_rounds import ForTwin, Rounds

    wrong = [
        f"--{n.replace('_', '-')} does not go with --for-twin, which chooses and times by itself"
        for n in NOT_WITH_IT
        if getattr(arguments, n)
    ]
    given = {n: getattr(arguments, n) for n in ("budget", "target") if getattr(arguments, n)}
    more = {n: getattr(arguments, n) for n in ("steps", "holds", "iterations", "repeats")
            if getattr(arguments, n)}  # fmt: skip
    if arguments.network is not None:
        more["network"] = str(arguments.network.resolve())
    if arguments.resume is None:
        raise_problems(InputError, "twinrig record", wrong)
        return {
            "out": arguments.out,
            "asked": ForTwin(**given, **more, seed=arguments.seed),
            "meta": meta,
        }
    begun = Rounds.load(arguments.resume)
    now = {**meta, "seed": arguments.seed or begun.asked.seed}
    wrong += [f"--{n} can't be changed by --resume" for n in more]
    wrong += other_than_begun({**begun.meta, "seed": begun.asked.seed}, now)
    raise_problems(InputError, "twinrig record", wrong)
    return {"out": arguments.resume, "asked": replace(begun.asked, **given), "resume": True}
