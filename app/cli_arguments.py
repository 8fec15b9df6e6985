"""The command line's grammar: every verb, its arguments, and a usage error with "did you mean"."""

from __future__ import annotations

import argparse
import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app import (
    cli_budget,
    cli_compare,
    cli_draft,
    cli_drift,
    cli_fit,
    cli_hand,
    cli_mark,
    cli_network,
    cli_sweep,
    cli_task,
    cli_transfer,
)
from app.cli_types import current, factor, names, whole, whole_or_zero
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

INVALID_CHOICE = re.compile(r"invalid choice: '(?P<word>[^']*)' \(choose from (?P<known>.*)\)")
DEVICES = ("nanoring", "spin-vortex-ice", "leaky-integrator", "relaxation", "duffing")
MODELS = (
    "kepco-bop", "kepco-bop-mg", "lakeshore-643", "ami-430", "mercury-ips", "keithley-2400",
    "keithley-2450", "danfysik-8500", "sr830", "sr860", "keithley-2182a", "keithley-6221",
    "keysight-34465a", "keysight-pna", "lakeshore-425", "lakeshore-475", "lakeshore-f71",
    "lakeshore-336",
)  # fmt: skip
SERVED = ("kepco-bop", "sr830")
LOOPBACK = "127.0.0.1"
DESCRIPTION = (
    "Record a stochastic device, fit its neural-SDE twin, train a physical network, "
    "deploy it back. Without arguments the window opens."
)
EXIT_CODES = (
    "exit codes: 0 done · 1 failed on the way · 2 wrong use · 3 stopped by the user · "
    "4 refused by a limit or a pre-flight check before anything was energised"
)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `InputError` with its usage instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raise the message with the usage line and, for an unknown word, the nearest known one."""
        match = INVALID_CHOICE.search(message)
        if match is not None:
            known = re.findall(r"[\w.-]+", match["known"])
            near = difflib.get_close_matches(match["word"], known, n=1)
            message += f"; did you mean {near[0]!r}?" if near else ""
        verb = self.prog.partition(" ")[2]  # "twinrig" stands before every error already
        place = f"{verb}: " if verb else ""
        raise InputError(f"{place}{message}\n{self.format_usage().strip()}")


def build_parser() -> Parser:
    """All verbs of `twinrig`; imports nothing but the standard library."""
    parser = Parser(prog="twinrig", description=DESCRIPTION, epilog=EXIT_CODES, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    for add in (_demo, _bench, _record, _import, _fit, _simulate, _evaluate, _train, _deploy):
        add(verbs)
    for add in (_mark, _compare, _compare_twins, _learning_curve, _sweep, _compare_networks):
        add(verbs)
    for add in (_transfer, _task, _report, _monitor, _safe):
        add(verbs)
    return parser


def _verb(verbs: argparse._SubParsersAction[Parser], name: str, words: str) -> Parser:
    parser = verbs.add_parser(
        name, help=words, description=words, epilog=EXIT_CODES, allow_abbrev=False
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line on standard output"
    )
    parser.add_argument(
        "--seed", type=whole_or_zero, default=0, metavar="N", help="makes it repeatable (0)"
    )
    return parser


def _hardware(parser: Parser) -> None:
    parser.add_argument(
        "--bench", required=True, metavar="B.toml", help="a bench file, or the word virtual"
    )
    parser.add_argument(
        "--accelerate", type=factor, metavar="N", help="virtual benches: wait N times less"
    )
    _wire(parser)


def _wire(parser: Parser) -> None:
    parser.add_argument(
        "--wire-log", type=Path, metavar="FILE", help="every byte sent and received"
    )
    parser.add_argument("--verbose", action="store_true", help="show the wire on standard error")


def _out(parser: Parser, what: str, *, resume: bool) -> None:
    if not resume:
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=what)
        return
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help=f"{what}; never overwritten")
    where.add_argument("--resume", type=Path, metavar="DIR", help="go on where this one stood")


def _demo(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "demo", "record → fit → train → deploy on the virtual rig, then a report")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="DIR", help="a new folder (twinrig-demo)")
    where.add_argument("--resume", type=Path, metavar="DIR", help="go on where this demo stood")
    parser.add_argument(
        "--quick", action="store_true", help="about 3 minutes, no promise of quality"
    )


BENCH_PARTS = "check|calibrate|write|set|send|…"  # all are listed below the usage


def _bench(verbs: argparse._SubParsersAction[Parser]) -> None:
    words = "check, calibrate, write, set or ask a bench, list VISA resources, serve a virtual rig"
    parser = verbs.add_parser("bench", help=words, description=words, allow_abbrev=False)
    parts = parser.add_subparsers(
        dest="part", required=True, metavar=BENCH_PARTS, parser_class=Parser
    )
    _bench_check(parts)
    _bench_calibrate(parts)
    _verb(parts, "list", "the VISA resources of this computer; opens and asks none of them")
    _bench_serve(parts)
    _bench_write(parts)
    for name, words, add in (
        ("set", cli_hand.SET_WORDS, cli_hand.set_arguments),
        ("send", cli_hand.SEND_WORDS, cli_hand.send_arguments),
    ):
        part = _verb(parts, name, words)
        _hardware(part)
        add(part)


def _bench_check(parts: argparse._SubParsersAction[Parser]) -> None:
    check = _verb(
        parts, "check", "identify the instruments of a bench and read their states; only asks"
    )
    check.add_argument("bench_positional", nargs="?", metavar="B.toml", help="same as --bench")
    check.add_argument("--bench", metavar="B.toml", help="a bench file, or the word virtual")
    _wire(check)
    check.add_argument(
        "--energise", type=current, metavar="A",
        help="then set, read back and ramp down A ampere, at most 1 %% of the limit; asks first",
    )  # fmt: skip
    check.add_argument("--yes", action="store_true", help="for scripts: --energise without asking")


def _bench_calibrate(parts: argparse._SubParsersAction[Parser]) -> None:
    words = "ampere to tesla, offset and hysteresis of a magnet, by a teslameter; asks first"
    calibrate = _verb(parts, "calibrate", words)
    _hardware(calibrate)
    _out(calibrate, "the calibration", resume=True)
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
    serve = _verb(parts, "serve", "serve a virtual rig on TCP, by default to this computer only")
    serve.add_argument(
        "--device", choices=DEVICES, default=DEVICES[0], metavar="D", help=_one_of(DEVICES)
    )
    serve.add_argument(
        "--models", type=names, default=SERVED, metavar="A,B,…",
        help=f"instruments, any of {', '.join(MODELS)} ({','.join(SERVED)})",
    )  # fmt: skip
    serve.add_argument(
        "--accelerate", type=factor, default=1.0, metavar="N", help="wait N times less (1)"
    )
    serve.add_argument(
        "--host", default=LOOPBACK, metavar="H",
        help=f"listen on this address; others than {LOOPBACK} open the rig to the network",
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
    write = _verb(parts, "write", cli_draft.WORDS)
    cli_draft.draft_arguments(write)
    _wire(write)


def _one_of(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]} ({names[0]})"


def _retries(parser: Parser, what: str) -> None:
    parser.add_argument(
        "--retries", type=whole_or_zero, default=1, metavar="N",
        help=f"run a void {what} again up to N times before the run ends (1)",
    )  # fmt: skip


def _record(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "record", "record a device's repeated response to field sequences")
    _hardware(parser)
    parser.add_argument(
        "--sequences",
        metavar="S",
        help="JSON file, recording, or FAMILY:COUNTxSTEPS[xHOLDS][@SEED]; with HOLDS each step is "
        "held 1 to so many times as long",
    )
    parser.add_argument("--repeats", type=whole, metavar="N", help="repeats of each sequence")
    _retries(parser, "repeat")
    parser.add_argument(
        "--reference", type=whole, metavar="K",
        help="measure K steps of a fixed drive before each repeat: the drift of the device",
    )  # fmt: skip
    parser.add_argument(
        "--stop-at-drift", type=factor, metavar="SIGMA",
        help="stop where the reference has changed by so many of its standard deviations",
    )  # fmt: skip
    cli_budget.for_twin_arguments(parser)
    _out(parser, "the recording", resume=True)
    parser.add_argument("--blocked", action="store_true", help="do not interleave the sequences")
    for name in ("sample", "operator", "notes"):
        parser.add_argument(f"--{name}", default="", help="kept with the recording")
    parser.add_argument("--temperature", type=float, metavar="K", help="of the sample, in kelvin")


def _import(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "import", "measured repeats from elsewhere become a recording")
    parser.add_argument(
        "file", type=Path, metavar="FILE",
        help=".npz .npy .csv .mat .h5 .nc, or a folder of the public nanoring set; without --map "
        "and --out it is only shown, with a map to begin with",
    )  # fmt: skip
    parser.add_argument(
        "--map", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
        help="which array is what, e.g. response=NAME:repeat,channel,step drive=u field=22,34,Oe; "
        "of several samples a step (an axis sample, or time with samples=N) features=1f,mean,std "
        "become channels, or with features=samples each sample does",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="the recording; a new folder")


def _fit(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "fit", cli_fit.WORDS)
    cli_fit.fit_arguments(parser)
    _out(parser, "the twin", resume=True)


def _mark(verbs: argparse._SubParsersAction[Parser]) -> None:
    cli_mark.mark_arguments(_verb(verbs, "mark", cli_mark.WORDS))


def _task(verbs: argparse._SubParsersAction[Parser]) -> None:
    cli_task.task_arguments(_verb(verbs, "task", cli_task.WORDS))


def _compare(verbs: argparse._SubParsersAction[Parser]) -> None:
    cli_drift.drift_arguments(_verb(verbs, "compare", cli_drift.WORDS))


def _compare_twins(verbs: argparse._SubParsersAction[Parser]) -> None:
    cli_compare.compare_arguments(_verb(verbs, "compare-twins", cli_compare.WORDS))


def _learning_curve(verbs: argparse._SubParsersAction[Parser]) -> None:
    cli_budget.curve_arguments(_verb(verbs, "learning-curve", cli_budget.CURVE_WORDS))


def _sweep(verbs: argparse._SubParsersAction[Parser]) -> None:
    cli_sweep.sweep_arguments(_verb(verbs, "sweep", cli_sweep.SWEEP_WORDS))


def _compare_networks(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "compare-networks", cli_sweep.NETWORKS_WORDS)
    cli_sweep.networks_arguments(parser)
    _wire(parser)


def _simulate(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "simulate", "a recording made by the twin, in the same format")
    parser.add_argument("twin", type=Path, metavar="TWIN", help="a fitted twin")
    parser.add_argument("--sequences", required=True, metavar="S", help="as for record")
    parser.add_argument(
        "--repeats", type=whole, required=True, metavar="N", help="of each sequence"
    )
    _out(parser, "the recording", resume=False)


def _evaluate(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "evaluate", "the errors of a twin beside their floors")
    parser.add_argument("twin", type=Path, metavar="TWIN", help="a fitted twin")
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="real repeats")
    parser.add_argument(
        "--beside", nargs="+", type=Path, default=[], metavar="TWIN",
        help="other twins, scored on the same recording side by side",
    )  # fmt: skip


def _train(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "train", cli_network.TRAIN_WORDS)
    cli_network.train_arguments(parser)
    _out(parser, "the network", resume=True)


def _deploy(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "deploy", cli_network.DEPLOY_WORDS)
    cli_network.deploy_arguments(parser)
    _retries(parser, "node")
    _hardware(parser)
    _out(parser, "the deployment", resume=True)


def _transfer(verbs: argparse._SubParsersAction[Parser]) -> None:
    for name, (words, add, what) in cli_transfer.VERBS.items():
        parser = _verb(verbs, name, words)
        add(parser)
        _retries(parser, "run")
        _hardware(parser)
        _out(parser, what, resume=True)


def _report(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "report", "one HTML file and PNG figures of what is found in a folder")
    parser.add_argument("run", type=Path, metavar="RUN", help="a folder of artefacts, or a demo's")
    parser.add_argument("--out", type=Path, metavar="DIR", help="a new folder (RUN/report)")


def _monitor(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "monitor", "live values to the terminal or a file; changes nothing")
    _hardware(parser)
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the values here")
    parser.add_argument("--seconds", type=factor, metavar="S", help="stop by itself after S s")
    parser.add_argument(
        "--interval", type=factor, default=0.5, metavar="S", help="between two looks (0.5 s)"
    )


def _safe(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _verb(verbs, "safe", "bring a rig found in any state to its safe state")
    _hardware(parser)
