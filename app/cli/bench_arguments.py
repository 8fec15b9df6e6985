"""The arguments of `twinrig bench` and its parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import draft, hand
from app.cli.grammar import Parser, hardware, out, verb, wire
from app.cli.types import acceleration, current, factor, file_or_word, names, port, whole

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

DEVICES = ("nanoring", "spin-vortex-ice", "leaky-integrator", "relaxation", "duffing")
MODELS = (
    "kepco-bop", "kepco-bop-mg", "lakeshore-643", "ami-430", "mercury-ips", "keithley-2400",
    "keithley-2450", "danfysik-8500", "sr830", "sr860", "keithley-2182a", "keithley-6221",
    "keysight-34465a", "keysight-pna", "lakeshore-425", "lakeshore-475", "lakeshore-f71",
    "lakeshore-336",
)  # fmt: skip
SERVED = ("kepco-bop", "sr830")
LOOPBACK = "127.0.0.1"
BENCH_PARTS = "check|calibrate|write|set|send|…"  # all are listed below the usage


def bench_arguments(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add `bench` to the verbs."""
    words = "check, calibrate, write, set or ask a bench, list VISA resources, serve a virtual rig"
    parser = verbs.add_parser("bench", help=words, description=words, allow_abbrev=False)
    parts = parser.add_subparsers(
        dest="part", required=True, metavar=BENCH_PARTS, parser_class=Parser
    )
    _bench_check(parts)
    _bench_calibrate(parts)
    verb(parts, "list", "the VISA resources of this computer; opens and asks none of them")
    _bench_serve(parts)
    _bench_write(parts)
    for name, words, add in (
        ("set", hand.SET_WORDS, hand.set_arguments),
        ("send", hand.SEND_WORDS, hand.send_arguments),
    ):
        part = verb(parts, name, words)
        hardware(part)
        add(part)


def _bench_check(parts: argparse._SubParsersAction[Parser]) -> None:
    check = verb(
        parts, "check", "identify the instruments of a bench and read their states; only asks"
    )
    check.add_argument(
        "bench_positional", type=file_or_word, nargs="?", metavar="B.toml", help="same as --bench"
    )
    check.add_argument(
        "--bench", type=file_or_word, metavar="B.toml", help="a bench file, or the word virtual"
    )
    wire(check)
    check.add_argument(
        "--energise", type=current, metavar="A",
        help="then set, read back and ramp down A ampere, at most 1 %% of the limit; asks first",
    )  # fmt: skip
    check.add_argument("--yes", action="store_true", help="for scripts: --energise without asking")


def _bench_calibrate(parts: argparse._SubParsersAction[Parser]) -> None:
    words = "ampere to tesla, offset and hysteresis of a magnet, by a teslameter; asks first"
    calibrate = verb(parts, "calibrate", words)
    hardware(calibrate)
    out(calibrate, "the calibration", resume=True)
    calibrate.add_argument("--points", type=whole, metavar="N", help="of each branch (21)")
    calibrate.add_argument("--share", type=factor, metavar="F", help="of the magnet's limit (0.9)")
    calibrate.add_argument(
        "--settle", type=factor, metavar="S", help="before each point is read (0.5 s)"
    )
    calibrate.add_argument("--magnet", metavar="NAME", help="another than the drive's")
    calibrate.add_argument("--teslameter", metavar="NAME", help="where the bench has several")
    calibrate.add_argument(
        "--write-bench", type=Path, metavar="NEW.toml", help="a copy of B.toml with what was found"
    )
    calibrate.add_argument("--yes", action="store_true", help="for scripts: do not ask")


def _bench_serve(parts: argparse._SubParsersAction[Parser]) -> None:
    serve = verb(parts, "serve", "serve a virtual rig on TCP, by default to this computer only")
    serve.add_argument(
        "--device", choices=DEVICES, default=DEVICES[0], metavar="D", help=_one_of(DEVICES)
    )
    serve.add_argument(
        "--models", type=names, default=SERVED, metavar="A,B,…",
        help=f"instruments, any of {', '.join(MODELS)} ({','.join(SERVED)})",
    )  # fmt: skip
    serve.add_argument(
        "--accelerate", type=acceleration, default=1.0, metavar="N", help="wait N times less (1)"
    )
    serve.add_argument(
        "--host", default=LOOPBACK, metavar="H",
        help=f"listen on this address; others than {LOOPBACK} open the rig to the network",
    )  # fmt: skip
    serve.add_argument(
        "--port", type=port, default=0, metavar="N",
        help="of the first instrument, the others follow; 0 takes free ones (0)",
    )  # fmt: skip
    serve.add_argument(
        "--hislip", type=names, default=(), metavar="A,B,…",
        help="these of the instruments over HiSLIP, as INSTR resources, not over a plain socket",
    )  # fmt: skip
    serve.add_argument(
        "--prologix", type=names, default=(), metavar="A,B,…",
        help="these behind a Prologix GPIB adapter on a port of its own, as GPIB resources",
    )  # fmt: skip
    serve.add_argument(
        "--faults", type=Path, metavar="FILE", help='a JSON list of {"instrument", "at", "kind"}'
    )
    serve.add_argument("--wire-log", type=Path, metavar="FILE", help="every byte, both clocks")
    serve.add_argument(
        "--write-bench", type=Path, metavar="B.toml", help="a bench file for this rig"
    )


def _bench_write(parts: argparse._SubParsersAction[Parser]) -> None:
    write = verb(parts, "write", draft.WORDS)
    draft.draft_arguments(write)
    wire(write)


def _one_of(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]} ({names[0]})"
