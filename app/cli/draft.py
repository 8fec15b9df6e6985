"""The arguments of `twinrig bench write`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.types import number

if TYPE_CHECKING:
    import argparse

WORDS = "a new bench file for what is on the bus; limits are yours to say, none is guessed"
LIMITS = {
    "tesla_per_ampere": "field at the sample per ampere of the magnet, in T/A",
    "max_current_A": "the most that its coil and supply may carry, in A",
    "max_ramp_A_per_s": "larger steps are walked at this rate, in A/s",
}
"""Of the only magnet; of several: `--set magnet.NAME.KEY=VALUE`."""


def draft_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("--out", type=Path, required=True, metavar="B.toml", help="a new file")
    parser.add_argument(
        "--resource", nargs="+", action="extend", default=[], metavar="R",
        help="[NAME=][DRIVER@]RESOURCE, such as sr830@GPIB0::8::INSTR; without any, what VISA "
        "lists (it lists no LAN socket)",
    )  # fmt: skip
    parser.add_argument(
        "--identify", action="store_true", help="open each and ask *IDN?; nothing is set"
    )
    for key, words in LIMITS.items():
        parser.add_argument(f"--{key.replace('_', '-')}", type=number, metavar="X", help=words)
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE",
        help="such as drive.low_T=0.0022 reset.field_T=0.004 magnet.y.max_current_A=9, or of a "
        "Prologix adapter board.gpib.resource=PRLGX-TCPIP0::HOST::1234::INTFC",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="of the bench (the file's)")
