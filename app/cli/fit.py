"""Arguments of `twinrig fit`, and its operation's events. No torch before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import compare, drift
from app.cli.types import factor, whole, whole_or_zero
from models.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.operations.events import Event

WORDS = (
    "fit a neural-SDE twin to recordings. While it runs, the best snapshot so far is a usable twin "
    "in OUT/so-far, for simulate, evaluate and train; the finished one takes its place in OUT"
)

OBJECTIVES = (
    f"{compare.OBJECTIVES} (innovations-energy of 50 to 1999 fitted sequences of up "
    "to 8 channels where the C kernel runs, otherwise energy)"
)


def fit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those that every verb has, and where the twin goes."""
    parser.add_argument(
        "recordings", nargs="*", type=Path, metavar="RECORDING", help="of one device"
    )
    parser.add_argument("--objective", help=OBJECTIVES)
    parser.add_argument("--deterministic", action="store_true", help="a twin without noise")
    parser.add_argument(
        "--search", action="store_true",
        help="choose the structure first: short fits of a few sizes, the better half longer, each "
        "scored on validation sequences, in 40 %% of the budget",
    )  # fmt: skip
    parser.add_argument(
        "--iterations",
        type=whole,
        metavar="N",
        help="stop after so many (6000; --from 1500 a member)",
    )
    parser.add_argument(
        "--minutes", type=factor, metavar="M",
        help="stop after this time where the iterations take longer",
    )  # fmt: skip
    parser.add_argument(
        "--noise-rank", type=whole_or_zero, metavar="R",
        help="R sources of read-out noise that channels share, beside each channel's own: for many "
        "channels; 0 for none (any covariance)",
    )  # fmt: skip
    parser.add_argument(
        "--members", type=whole, metavar="K",
        help="K fits of the same repeats, of other first weights and batches, make one twin: what "
        "they disagree on is what the repeats leave open; they share the budget (4 of fewer than "
        "500 fitted sequences, 1 of more)",
    )  # fmt: skip
    drift.from_argument(parser)


def fit_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """`twinrig fit`: a twin of one or several recordings."""
    from app.operations.fit import fit

    resume = arguments.resume is not None
    if not arguments.recordings and not resume:
        raise InputError("twinrig fit: name at least one RECORDING")
    given = {
        name: getattr(arguments, name)
        for name in ("iterations", "minutes", "noise_rank", "members")
        if getattr(arguments, name) is not None
    }
    others = ("recordings", "objective", "deterministic", "search", "origin")
    if resume and (given or arguments.seed or any(getattr(arguments, name) for name in others)):
        raise InputError("twinrig fit --resume: takes no other option, it knows them")
    if arguments.objective == "mean" and not arguments.deterministic:
        raise InputError("twinrig fit --objective mean: is a twin without noise: --deterministic")
    return fit(
        arguments.recordings,
        arguments.resume or arguments.out,
        objective=arguments.objective,
        deterministic=arguments.deterministic,
        seed=arguments.seed,
        resume=resume,
        origin=arguments.origin,
        search=arguments.search,
        **given,
    )
