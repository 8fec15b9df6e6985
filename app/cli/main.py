"""The command line: arguments in, one operation run, its exit code out.

Ctrl-C, SIGTERM, SIGHUP and Windows' Ctrl-Break ask the operation to stop; its generator is closed
in this thread, so that its `finally` brings the magnet to zero before the program ends. A second
one makes the rig safe once more.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import instruments
from app.cli.arguments import build_parser
from app.cli.output import Screen
from app.commands import COMMANDS
from app.connect import Run
from app.disk import TOO_LONG, WHO_MAY
from app.operations.events import Result, RunPlan
from app.stopping import stop_on_signals
from models.command import command_line
from models.errors import InputError, StoppedError, TwinrigError
from models.paths import folder_at

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

STOPPED = StoppedError.exit_code
WITHOUT_TORCH = ("safe", "monitor", "bench")
TOO_LARGE = (
    "this takes more memory than is free: ask for less at a time (sequences, repeats, steps), or "
    "close other programs"
)
RESUMABLE = (
    "demo", "record", "fit", "train", "deploy", "learning-curve", "sweep", "compare-twins",
    "compare-networks", "recalibrate", "refine", "polish", "bench calibrate",
)  # fmt: skip


CHAINED = {"deploy": "nodes*", "polish": "runs*", "recalibrate": "run/nodes*"}
"""Where recordings lie whose later runs rest on those before: on none that is marked bad."""


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        What followed the program's name; `--json` may stand before the verb, too.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong use, 3 stopped, 4 refused.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without µ still shows the rest
    as_json, before_verb = "--json" in arguments, list(arguments[:1]) == ["--json"]
    with Screen(as_json_lines=as_json) as screen:
        try:
            check_our_packages()
            parsed = build_parser().parse_args(arguments[before_verb:])
            parsed.json |= before_verb
            _tell_ignored_threads(screen)
            _refuse_lost_folder(parsed.verb)
            return run(parsed, screen)
        except TwinrigError as error:
            screen.error(type(error).__name__, str(error), error.exit_code)
            return error.exit_code
        except KeyboardInterrupt:
            return STOPPED
        except BrokenPipeError:
            return TwinrigError.exit_code
        except MemoryError as error:
            screen.error("MemoryError", f"{TOO_LARGE} ({error})", TwinrigError.exit_code)
            return TwinrigError.exit_code
        except Exception as error:
            if isinstance(error, OSError) and (words := _of_a_path(error)):
                screen.error("InputError", words, InputError.exit_code)
                return InputError.exit_code
            screen.error(type(error).__name__, _unexpected(error), TwinrigError.exit_code)
            return TwinrigError.exit_code


def check_our_packages() -> None:
    """Raise where another package called `instruments` shadows ours.

    InstrumentKit's import name is `instruments` too.
    """
    ours, found = Path(__file__).resolve().parents[2], Path(instruments.__file__ or "").resolve()
    if found.parents[1] != ours:
        raise InputError(
            f"the package `instruments` is {found.parent}, not Twinrig's in {ours}: another "
            "program (InstrumentKit?) shares this environment; install Twinrig in its own: "
            "python3 start.py"
        )


def _refuse_lost_folder(verb: str) -> None:
    """Raise where the current folder is gone, but for what only looks at a rig or makes it safe.

    There the library under PyTorch ends the process: its own words, no way out, exit code 2.
    """
    if verb in WITHOUT_TORCH:
        return
    try:
        os.getcwd()
    except OSError as fault:
        raise InputError(
            f"the current folder is gone ({fault.strerror}): it was deleted, or its share went "
            "away; change into one that is there"
        ) from fault


def _tell_ignored_threads(screen: Screen) -> None:
    """A warning, no error: neither `safe` nor a run that measures may end by it."""
    if os.environ.get("TWINRIG_THREADS"):
        from models.compiled import threads_ignored

        if given := threads_ignored():
            screen.say(
                f"TWINRIG_THREADS is {given!r}, no whole number of 1 or more: ignored, up to four "
                "cores are used"
            )


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Drive one command's events to their end, or to a stop.

    Raises
    ------
    TwinrigError
        What the operation raised, after its own `finally`.
    """
    this_run = Run(screen.say)
    with stop_on_signals(this_run, screen.say):
        try:
            _drive(arguments, screen, this_run)
        except OSError as gone:
            if not (this_run.asked and gone.errno == errno.EIO):
                raise
            return STOPPED  # the terminal went, and its SIGHUP has stopped the run
    return exit_code_of(screen.result.values if screen.result else {})


def _drive(arguments: argparse.Namespace, screen: Screen, this_run: Run) -> None:
    """Show every event; whatever ends it, the operation's `finally` has run then."""
    began_s = time.monotonic()
    plan: RunPlan | None = None
    events = COMMANDS[arguments.verb](arguments, this_run)
    try:
        for event in events:
            screen.show(event)
            plan = event if isinstance(event, RunPlan) else plan
            if this_run.asked and not isinstance(event, Result):
                break
    except (StoppedError, KeyboardInterrupt) as error:
        if str(error):
            screen.say(str(error))
    except BrokenPipeError:
        if screen.result is None:
            screen.say(_how_to_go_on(arguments, "nobody reads standard output any more: stopped"))
        raise
    except TwinrigError:
        if screen.result is not None and screen.result.values.get("status") == "failed":
            screen.say(_how_to_go_on(arguments, "failed"))
        raise
    finally:
        events.close()
    if screen.result is None or screen.result.values.get("status") == "stopped":
        screen.say(_how_to_go_on(arguments, "stopped"))
    if screen.result is None:
        screen.show(stopped_result(arguments, plan, time.monotonic() - began_s))


def stopped_result(arguments: argparse.Namespace, plan: RunPlan | None, seconds: float) -> Result:
    """The result of a run that the user stopped: what there is, and where to go on."""
    values: dict[str, Any] = {"status": "stopped", "seconds": round(seconds, 3)}
    folder = getattr(arguments, "resume", None) or getattr(arguments, "out", None)
    if folder is not None:
        values = {"path": str(folder), **values}
    if plan is not None and arguments.verb == "record":
        values |= {
            "path": plan.path,
            "sequences": plan.sequences,
            "repeats": plan.repeats,
            "steps": plan.steps,
            "channels": list(plan.channels),
        }
    return Result(values)


def _how_to_go_on(arguments: argparse.Namespace, ended: str) -> str:
    folder = getattr(arguments, "resume", None) or getattr(arguments, "out", None)
    verb = [arguments.verb, *filter(None, (getattr(arguments, "part", None),))]
    if " ".join(verb) not in RESUMABLE or folder is None:
        return ended
    if not (folder_at(folder) and any(folder.iterdir())):
        return f"{ended} before anything was kept: there is nothing to go on with, begin again"
    if problems := _doubted(arguments.verb, folder):
        return f"{ended}; can't be gone on with as it is: {'; '.join(problems)}"
    named = getattr(arguments, "bench", None) or ()
    words = [w for one in ((named,) if isinstance(named, str) else named) for w in ("--bench", one)]
    words += ["--despite-drift"] if getattr(arguments, "despite_drift", False) else []
    for name in ("workers", "scheduler"):  # where it runs is asked anew each time
        given = getattr(arguments, name, None)
        words += [] if given is None else [f"--{name}", str(given)]
    return (
        f"{ended}; go on with: {command_line(['twinrig', *verb, *words, '--resume', str(folder)])}"
    )


def _doubted(verb: str, folder: Path) -> list[str]:
    """Why a run that rests on what it has measured can't be gone on with, in words."""
    if verb not in CHAINED:
        return []
    from app.operations.turns import doubted_in

    with suppress(InputError):  # damaged marks: going on says so
        return doubted_in(sorted(folder.glob(CHAINED[verb])))
    return []


def exit_code_of(values: dict[str, Any]) -> int:
    """The exit code that a result stands for."""
    instruments_ok = all(i.get("ok") is not False for i in values.get("instruments", {}).values())
    codes = {"stopped": STOPPED, "failed": TwinrigError.exit_code}
    return codes.get(str(values.get("status")), 0 if instruments_ok else TwinrigError.exit_code)


def _of_a_path(error: OSError) -> str:
    """What is wrong with a path that was named; empty where it is something else."""
    if error.errno == errno.ENAMETOOLONG:
        return f"{str(error.filename)[:60]}…: {TOO_LONG}"
    if error.errno == errno.EACCES and error.filename is not None:
        return f"{error.filename}: {error.strerror}: {WHO_MAY}"
    return ""


def _unexpected(error: Exception) -> str:
    """Write the traceback to a log file; returns the sentence that names it."""
    from platformdirs import user_log_path

    words = f"unexpected {type(error).__name__}: {error}"
    try:
        folder = user_log_path("twinrig", appauthor=False, ensure_exists=True)
        path = folder / f"error-{time.strftime('%Y%m%d-%H%M%S')}.log"
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as disk:
        return f"{words} (its traceback could not be written: {disk})"
    return f"{words}\nThis is a fault of the program; the traceback is in {path}"
