"""Arguments of `twinrig compare`, and its operation's events. No torch before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.types import factor, whole
from models.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.operations.events import Event

WORDS = "does the device still do what its twin was fitted on? A new short recording tells"
FROM_WORDS = "go on from this twin: few repeats, lower learning rate, the same structure"
DESPITE_WORDS = (
    "run even where the latest comparison says that the twin no longer matches, or where the bench "
    "file has another tesla_per_ampere than the recording"
)
CHECKED = 8  # sequences proposed for a check


def drift_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those that every verb has."""
    parser.add_argument("twin", type=Path, metavar="TWIN", help="a fitted twin")
    parser.add_argument(
        "recording", nargs="?", type=Path, metavar="RECORDING",
        help="new repeats, a few sequences are enough; best of drives that the twin's own "
        "recording has",
    )  # fmt: skip
    parser.add_argument(
        "--against", nargs="+", action="extend", default=[], type=Path, metavar="OLD",
        help="recordings of fitting time, where those that the twin names have moved",
    )  # fmt: skip
    parser.add_argument(
        "--level", type=factor, metavar="P", help="false alarms of an unchanged device (0.05)"
    )
    parser.add_argument(
        "--write-sequences", type=Path, metavar="NEW.json",
        help="instead: write what to record for a comparison, as record --sequences takes it",
    )  # fmt: skip
    parser.add_argument(
        "--count", type=whole, default=CHECKED, metavar="N", help=f"sequences of that ({CHECKED})"
    )


def from_argument(parser: argparse.ArgumentParser) -> None:
    """Add the twin that a fit may go on from."""
    parser.add_argument("--from", dest="origin", type=Path, metavar="TWIN", help=FROM_WORDS)


def drift_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """The operation's events."""
    if (arguments.recording is None) == (arguments.write_sequences is None):
        raise InputError(
            "twinrig compare: name the RECORDING to compare with, or --write-sequences NEW.json to "
            "be told what to record"
        )
    from app.operations.compare import compare_device, propose

    if arguments.write_sequences is not None:
        return propose(
            arguments.twin, arguments.write_sequences, count=arguments.count,
            against=arguments.against,
        )  # fmt: skip
    given = {} if arguments.level is None else {"level": arguments.level}
    return compare_device(
        arguments.twin, arguments.recording, against=arguments.against, seed=arguments.seed, **given
    )
