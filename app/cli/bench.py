"""`twinrig bench check|calibrate|list|…`: arguments to events, the question beforehand."""

from __future__ import annotations

import os
import queue
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from models.errors import InputError, StoppedError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.connect import Run
    from app.operations.events import Event
    from instruments.clock import Stop

LOOK_S = 0.1  # how soon a request to stop is seen while the user is asked
YES = ("y", "yes")


def bench_events(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    """The events of the part of `twinrig bench` that was asked for.

    Raises
    ------
    InputError
        Arguments that don't go together.
    """
    if arguments.part == "list":
        from app.operations.bench import bench_list

        return bench_list(run.stop)
    parts = {
        "check": _check, "calibrate": _calibrate, "serve": _serve, "write": _write, "set": _set,
        "send": _send,
    }  # fmt: skip
    return parts[arguments.part](arguments, run)


def _check(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    from app.connect import wire_tap
    from app.operations.bench import bench_check

    named = [b for b in (arguments.bench, arguments.bench_positional) if b]
    if len(named) != 1:
        raise InputError("bench check: name one bench: a file, or the word virtual")
    _refuse_unasked(arguments)
    if arguments.energise is not None:
        run.holds_bench = True

    def asked(question: str) -> bool:
        return arguments.yes or ask(question, run)

    with ExitStack() as stack:
        tap = stack.enter_context(wire_tap(arguments.wire_log, verbose=arguments.verbose))
        yield from bench_check(
            named[0],
            stop=run.stop,
            wire_log=tap,
            energise_A=arguments.energise,
            confirm=asked,
            tell=run.say,
        )


def _calibrate(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    from app.commands import refuse_existing
    from app.connect import bench_of
    from app.operations.calibrate import calibrate, calibration_bench, kept_plan
    from instruments.calibration_walk import CalibrationPlan

    given = {"points": arguments.points, "share": arguments.share, "settle_s": arguments.settle}
    given = {name: value for name, value in given.items() if value is not None}
    out, resume = arguments.resume or arguments.out, arguments.resume is not None
    refuse_existing(arguments.out)
    plan, magnet, teslameter = CalibrationPlan(**given), arguments.magnet, arguments.teslameter
    if resume:
        if given or magnet or teslameter:
            raise InputError(
                "bench calibrate --resume: goes on as it was begun; leave --points, --share, "
                "--settle, --magnet and --teslameter out, or begin a new one with --out"
            )
        plan, magnet, teslameter = kept_plan(out)
    spec = calibration_bench(bench_of(arguments), magnet, teslameter)
    if not arguments.yes:
        _refuse_unheard(arguments, "bench calibrate")

    def asked(question: str) -> bool:
        return arguments.yes or ask(question, run)

    with run.connected(arguments, spec=spec) as bench:
        yield from calibrate(
            bench, out, plan=plan, confirm=asked, resume=resume, write_bench=arguments.write_bench
        )


def _set(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    from app.connect import bench_of
    from app.operations.manual_set import USUAL_SHARE, Hand, Target, manual_set, question

    spec = bench_of(arguments)
    hand = Hand(spec, arguments.magnet)
    ramp_A_per_s = arguments.ramp or USUAL_SHARE * hand.limits.max_ramp_A_per_s
    target = Target(arguments.field, ramp_A_per_s)
    hand.refuse(target)
    if not arguments.yes:
        _refuse_unheard(arguments, "bench set")
        if not ask(question(hand, target), run):
            raise StoppedError("not energised: nobody said yes")
    hand.ask(target, confirmed=True)
    with run.connected(arguments, spec=spec) as bench:
        yield from manual_set(bench, hand, hold_s=arguments.hold)


def _send(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    from dataclasses import asdict

    from app.operations.console import send
    from app.operations.events import Result

    with run.connected(arguments, leave_as_found=True) as bench:
        answer = send(bench, arguments.instrument, arguments.command)
    yield Result({**asdict(answer), "status": "done"})


def _refuse_unasked(arguments: argparse.Namespace) -> None:
    """Raise where nobody can answer the question before energising, or there is none to answer."""
    if arguments.energise is None:
        if arguments.yes:
            raise InputError("bench check: --yes answers the question of --energise A")
    elif not arguments.yes:
        _refuse_unheard(arguments, f"bench check --energise {arguments.energise:g}")


def _refuse_unheard(arguments: argparse.Namespace, what: str) -> None:
    """Raise where nobody can answer the question before energising."""
    if arguments.json or not sys.stdin.isatty():
        why = "--json" if arguments.json else "standard input is no terminal"
        raise InputError(
            f"{what}: asks before it drives a current, and nobody can answer ({why}); a script "
            "says --yes, where someone has looked that nobody's hands are in the gap"
        )


def _serve(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    from app.operations.serve import serve

    return serve(
        device=arguments.device,
        models=arguments.models,
        seed=arguments.seed,
        accelerate=arguments.accelerate,
        host=arguments.host,
        port=arguments.port,
        faults=arguments.faults,
        hislip=arguments.hislip,
        prologix=arguments.prologix,
        wire_log=arguments.wire_log,
        write_bench=arguments.write_bench,
        stop=run.stop,
    )


def _write(arguments: argparse.Namespace, run: Run) -> Generator[Event, None, None]:
    from app.cli.draft import LIMITS
    from app.connect import wire_tap
    from app.operations.bench_write import bench_write

    given = [(key, getattr(arguments, key)) for key in LIMITS]
    settings = [f"magnet.{key}={value!r}" for key, value in given if value is not None]
    with ExitStack() as stack:
        tap = stack.enter_context(wire_tap(arguments.wire_log, verbose=arguments.verbose))
        yield from bench_write(
            arguments.out,
            stop=run.stop,
            resources=arguments.resource,
            identify=arguments.identify,
            settings=[*settings, *arguments.set],
            name=arguments.name,
            wire_log=tap,
        )


def ask(question: str, run: Run) -> bool:
    """Whether the user types yes; ends with `StoppedError` soon after a request to stop.

    The terminal is read in a thread of its own, since nothing wakes a read of it: Ctrl-C is a
    request to stop here, not an exception.
    """
    run.say(question)
    return _typed(run.stop).strip().lower() in YES


def _typed(stop: Stop) -> str:
    heard: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        # not sys.stdin.readline: a thread that holds its lock keeps the program from ending
        heard.put(os.read(sys.stdin.fileno(), 1024).decode(errors="replace"))

    threading.Thread(target=listen, name="terminal", daemon=True).start()
    while True:
        stop.check()
        try:
            return heard.get(timeout=LOOK_S)
        except queue.Empty:
            continue
