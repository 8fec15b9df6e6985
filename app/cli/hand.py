"""Arguments of `twinrig bench set` and `twinrig bench send`: a field by hand, one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.types import factor, named, tesla

if TYPE_CHECKING:
    import argparse

SET_WORDS = "ramp a magnet to a field, hold it, and take it down again; asks first"
SEND_WORDS = "send one command to one instrument; a magnet's supply is only asked"
HOLD_S = 5.0


def set_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those of every command on hardware."""
    parser.add_argument("--field", type=tesla, required=True, metavar="T", help="in tesla")
    parser.add_argument("--ramp", type=factor, metavar="A/S", help="in A/s (a tenth of the limit)")
    parser.add_argument(
        "--hold", type=factor, default=HOLD_S, metavar="S", help=f"seconds there ({HOLD_S:g})"
    )
    parser.add_argument(
        "--magnet", metavar="NAME", help="the other of two that turn the field (encoding rotation)"
    )
    parser.add_argument("--yes", action="store_true", help="for scripts: do not ask")


def send_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those of every command on hardware."""
    parser.add_argument("instrument", type=named, metavar="NAME", help="as in the bench file")
    parser.add_argument("command", type=named, metavar="COMMAND", help="such as '*IDN?'")
