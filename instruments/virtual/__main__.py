"""`python -m instruments.virtual`: the virtual rig on TCP, without the rest of the program."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from instruments.virtual.devices import DEVICES
from instruments.virtual.rig import DEFAULT_DEVICE, DEFAULT_MODELS
from instruments.virtual.server import serve
from models.errors import TwinrigError


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code."""
    options = _parser().parse_args(arguments)
    until = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last one on Windows only
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda _signal, _frame: until.set())
    try:
        serve(
            device=options.device,
            models=tuple(options.models.split(",")),
            accelerate=options.accelerate,
            seed=options.seed,
            wire_log=options.wire_log,
            write_bench=options.write_bench,
            faults=options.faults,
            hislip=tuple(options.hislip.split(",")) if options.hislip else (),
            prologix=tuple(options.prologix.split(",")) if options.prologix else (),
            until=until,
        )
    except TwinrigError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m instruments.virtual", description=__doc__)
    parser.add_argument("--device", default=DEFAULT_DEVICE, help=f"one of {', '.join(DEVICES)}")
    parser.add_argument("--models", default=",".join(DEFAULT_MODELS), help="driver names")
    parser.add_argument("--accelerate", type=float, default=1.0, help="device s in one s; inf")
    parser.add_argument("--seed", type=int, default=0, help="of device, noise and drift")
    parser.add_argument("--wire-log", type=Path, help="new file for every message")
    parser.add_argument("--write-bench", type=Path, help="new bench file that reaches this rig")
    parser.add_argument("--hislip", default="", help="models over HiSLIP, not over a socket")
    parser.add_argument("--prologix", default="", help="models behind a GPIB adapter")
    parser.add_argument("--faults", type=Path, help="JSON file: what goes wrong, and when")
    return parser


if __name__ == "__main__":
    sys.exit(main())
