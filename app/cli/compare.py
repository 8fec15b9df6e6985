"""Arguments of `twinrig compare-twins`, and its operation's events. No torch before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.grammar import refuse_with_resume
from app.cli.types import factor, names, rates, whole
from models.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.operations.events import Event

WORDS = "fit one twin for each objective on the same data for the same time, and compare them"
OBJECTIVES = "energy, crps, one-step, innovations, innovations-energy, published"


def compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those that every verb has, and where the twins go."""
    parser.add_argument(
        "recordings", nargs="*", type=Path, metavar="RECORDING", help="of one device"
    )
    parser.add_argument(
        "--objectives", type=names, metavar="A,B,…",
        help=f"of {OBJECTIVES} or mean (energy,innovations-energy,published)",
    )  # fmt: skip
    parser.add_argument("--minutes", type=factor, metavar="M", help="wall-clock of each fit (4)")
    parser.add_argument(
        "--seeds", type=whole, metavar="N", help="fits of each objective, from --seed on (3)"
    )
    parser.add_argument(
        "--published-rates", type=rates, metavar="R,R,…",
        help="learning rates of the published method's noise, such as 3e-4,1e-3,3e-3: first fitted "
        "at each for the same minutes, then compared at the best on validation data (1e-3)",
    )  # fmt: skip


def compare_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """The operation's events."""
    from app.operations.compare_twins import compare_twins

    names = ("objectives", "minutes", "seeds", "published_rates")
    given = {n: getattr(arguments, n) for n in names if getattr(arguments, n) is not None}
    resume = arguments.resume is not None
    if resume:
        refuse_with_resume(
            "compare-twins",
            [*(n for n in ("recordings", "seed") if getattr(arguments, n)), *given],
        )
    elif not arguments.recordings:
        raise InputError("twinrig compare-twins: name at least one RECORDING")
    return compare_twins(
        arguments.recordings, arguments.resume or arguments.out, seed=arguments.seed,
        resume=resume, **given,
    )  # fmt: skip
