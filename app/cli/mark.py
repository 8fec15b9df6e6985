"""Arguments of `twinrig mark`, and its operation's events."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event

WORDS = "mark repeats of a recording bad: fits and scores leave them out, nothing is deleted"


def mark_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those that every verb has."""
    parser.add_argument(
        "recording", type=Path, metavar="RECORDING", help="finished, or still running"
    )
    parser.add_argument(
        "--bad", type=_numbers, default=(), metavar="A,B-C,…",
        help="leave these out: numbers from 1 in the order of recording",
    )  # fmt: skip
    parser.add_argument(
        "--good", type=_numbers, default=(), metavar="A,B-C,…", help="take these back"
    )
    parser.add_argument("--why", default="", metavar="WORDS", help="kept with the mark")


def _numbers(text: str) -> tuple[int, ...]:
    from app.recording_marks import numbers_of  # with it HDF5: no other verb waits for that

    try:
        return numbers_of(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def mark_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Path]:
    """The operation's events."""
    from app.operations.mark import mark

    return mark(arguments.recording, bad=arguments.bad, good=arguments.good, why=arguments.why)
