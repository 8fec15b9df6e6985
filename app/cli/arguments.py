"""Every verb of the command line and its arguments; what they share is in `app.cli.grammar`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app.cli import (
    budget,
    compare,
    drift,
    fit,
    mark,
    network,
    sweep,
    task,
    transfer,
)
from app.cli.bench_arguments import bench_arguments
from app.cli.grammar import EXIT_CODES, Parser, hardware, out, retries, verb, wire
from app.cli.types import factor, factor_or_zero, file_or_word, kelvin, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION = (
    "Record a stochastic device, fit its neural-SDE twin, train a physical network, "
    "deploy it back. Without a verb the window opens: "
    "twinrig [--bench B.toml] [--library DIR] [--theme light|dark|system]."
)


class _Version(argparse.Action):
    """Tells the version as artefacts keep it, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from app.artefacts import code_version  # imports numpy

        sys.stdout.write(f"Twinrig {code_version()}\n")
        parser.exit()


def build_parser() -> Parser:
    """All verbs of `twinrig`; imports neither torch nor PyVISA, so that an answer comes at once."""
    parser = Parser(prog="twinrig", description=DESCRIPTION, epilog=EXIT_CODES, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, help="this program's version and commit")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    for add in (_demo, bench_arguments, _record, _import, _export, _fit):
        add(verbs)
    for add in (_simulate, _evaluate, _train, _deploy):
        add(verbs)
    for add in (_mark, _compare, _compare_twins, _learning_curve, _sweep, _compare_networks):
        add(verbs)
    for add in (_transfer, _task, _report, _monitor, _safe, _shortcut):
        add(verbs)
    return parser


def _demo(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "demo", "record → fit → train → deploy on the virtual rig, then a report")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="DIR", help="a new folder (twinrig-demo)")
    where.add_argument("--resume", type=Path, metavar="DIR", help="go on where this demo stood")
    parser.add_argument(
        "--quick", action="store_true", help="one to four minutes, no promise of quality"
    )


def _record(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "record", "record a device's repeated response to field sequences")
    hardware(parser)
    parser.add_argument(
        "--sequences",
        type=file_or_word,
        metavar="S",
        help="JSON file, recording, or FAMILY:COUNTxSTEPS[xHOLDS][@SEED]; with HOLDS each step is "
        "held 1 to so many times as long",
    )
    parser.add_argument(
        "--repeats", type=whole, metavar="N",
        help="repeats of each sequence: to fit a twin one or two of many sequences, to score it 16 "
        "of some 40",
    )  # fmt: skip
    retries(parser, "repeat")
    parser.add_argument(
        "--reference", type=whole, metavar="K",
        help="measure K steps of a fixed drive before each repeat: the drift of the device",
    )  # fmt: skip
    parser.add_argument(
        "--stop-at-drift", type=factor_or_zero, metavar="SIGMA",
        help="stop where the reference has changed by so many of its standard deviations; 0: never",
    )  # fmt: skip
    budget.for_twin_arguments(parser)
    out(parser, "the recording", resume=True)
    parser.add_argument("--blocked", action="store_true", help="do not interleave the sequences")
    for name in ("sample", "operator", "notes"):
        parser.add_argument(f"--{name}", default="", help="kept with the recording")
    parser.add_argument("--temperature", type=kelvin, metavar="K", help="of the sample, in kelvin")


def _import(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "import", "measured repeats from elsewhere become a recording")
    parser.add_argument(
        "file", type=Path, metavar="FILE",
        help=".npz .npy .csv .txt .lvm .mat .s2p .h5 .nc; a folder of such files, one a run, a "
        "sequence or a step (rep1/B_-5mT.csv), or the public nanoring set; without --map and --out "
        "it is only shown, with a map to begin with",
    )  # fmt: skip
    parser.add_argument(
        "--map", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
        help="which array is what, e.g. response=NAME:repeat,channel,step drive=u field=22,34,Oe "
        "holds=dwell (how long each step was held); "
        "of several samples a step (an axis sample, or time with samples=N) features=1f,mean,std "
        "become channels, or with features=samples each sample does",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="the recording; a new folder")


def _export(verbs: argparse._SubParsersAction[Parser]) -> None:
    words = "a recording or deployment as a file for other programs; nothing is changed"
    parser = verb(verbs, "export", words)
    parser.add_argument(
        "artefact", type=Path, metavar="ARTEFACT",
        help="its folder; of a deployment the answers, its nodes' recording is D/nodes",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE",
        help="a new file: .csv has a row a step of each repeat, or an answer, .npz and .mat arrays",
    )  # fmt: skip


def _fit(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "fit", fit.WORDS)
    fit.fit_arguments(parser)
    out(parser, "the twin", resume=True)


def _mark(verbs: argparse._SubParsersAction[Parser]) -> None:
    mark.mark_arguments(verb(verbs, "mark", mark.WORDS))


def _task(verbs: argparse._SubParsersAction[Parser]) -> None:
    task.task_arguments(verb(verbs, "task", task.WORDS))


def _compare(verbs: argparse._SubParsersAction[Parser]) -> None:
    drift.drift_arguments(verb(verbs, "compare", drift.WORDS))


def _compare_twins(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "compare-twins", compare.WORDS)
    compare.compare_arguments(parser)
    out(parser, "twins, comparison.json, report.html", resume=True)


def _learning_curve(verbs: argparse._SubParsersAction[Parser]) -> None:
    budget.curve_arguments(verb(verbs, "learning-curve", budget.CURVE_WORDS))


def _sweep(verbs: argparse._SubParsersAction[Parser]) -> None:
    sweep.sweep_arguments(verb(verbs, "sweep", sweep.SWEEP_WORDS))


def _compare_networks(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "compare-networks", sweep.NETWORKS_WORDS)
    sweep.networks_arguments(parser)
    wire(parser)


def _simulate(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "simulate", "a recording made by the twin, in the same format")
    parser.add_argument("twin", type=Path, metavar="TWIN", help="a fitted twin")
    parser.add_argument(
        "--sequences", type=file_or_word, required=True, metavar="S", help="as for record"
    )
    parser.add_argument(
        "--repeats", type=whole, required=True, metavar="N", help="of each sequence"
    )
    out(parser, "the recording", resume=False)


def _evaluate(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "evaluate", "the errors of a twin beside their floors")
    parser.add_argument("twin", type=Path, metavar="TWIN", help="a fitted twin")
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="real repeats")
    parser.add_argument(
        "--beside", nargs="+", action="extend", type=Path, default=[], metavar="TWIN",
        help="other twins, scored on the same recording side by side",
    )  # fmt: skip


def _train(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "train", network.TRAIN_WORDS)
    network.train_arguments(parser)
    out(parser, "the network", resume=True)


def _deploy(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "deploy", network.DEPLOY_WORDS)
    network.deploy_arguments(parser)
    retries(parser, "node")
    hardware(parser, several=True)
    out(parser, "the deployment", resume=True)


def _transfer(verbs: argparse._SubParsersAction[Parser]) -> None:
    for name, (words, add, what) in transfer.VERBS.items():
        parser = verb(verbs, name, words)
        add(parser)
        retries(parser, "run")
        hardware(parser, several=True)
        out(parser, what, resume=True)


def _report(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "report", "one HTML file and PNG figures of what is found in a folder")
    parser.add_argument("run", type=Path, metavar="RUN", help="a folder of artefacts, or a demo's")
    parser.add_argument("--out", type=Path, metavar="DIR", help="a new folder (RUN/report)")


def _monitor(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "monitor", "live values to the terminal or a file; changes nothing")
    hardware(parser, bare=True)
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the values here")
    parser.add_argument("--seconds", type=factor, metavar="S", help="stop by itself after S s")
    parser.add_argument(
        "--interval", type=factor, default=0.5, metavar="S", help="between two looks (0.5 s)"
    )


def _safe(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "safe", "bring a rig found in any state to its safe state")
    hardware(parser, bare=True)


def _shortcut(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = verb(verbs, "shortcut", "put Twinrig into the system's menu, to open its window")
    parser.add_argument("--remove", action="store_true", help="take it out again")
