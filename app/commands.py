"""What each verb of the command line does: arguments to one operation's events.

Heavy imports (torch, pyvisa, matplotlib) stand inside the command that needs them, so that
`twinrig bench list` starts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.budget import asked_of, curve_events, is_for_twin
from app.cli.compare import compare_events
from app.cli.drift import drift_events
from app.cli.fit import fit_events
from app.cli.grammar import other_than_begun
from app.cli.mark import mark_events
from app.cli.network import train_events
from app.cli.shortcut import shortcut_events
from app.cli.sweep import networks_events, sweep_events
from app.cli.task import task_events
from app.cli.transfer import on_bench, polish_events, recalibrate_events, refine_events
from app.disk import refuse_taken
from app.new_file import free_name
from app.operations.events import Event, Note
from app.pause_keys import pause_keys
from app.words import duration
from models.command import command_line
from models.errors import InputError, RefusedError, raise_problems
from models.short_form import short_form

if TYPE_CHECKING:
    import argparse

    from app.connect import Run
    from models.recording import Recording

Events = Generator[Event, None, Any]
LONG_S = 5.0  # of nothing to be seen: from here on it is said why


def demo(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig demo`: the whole thread on the virtual rig."""
    from app.operations.demo import demo as operation

    run.holds_bench = True
    arguments.out = arguments.resume or arguments.out or free_name(Path("twinrig-demo"))
    return operation(
        arguments.out,
        quick=arguments.quick,
        seed=arguments.seed,
        resume=arguments.resume is not None,
        stop=run.stop,
        open_page=not arguments.json,
    )


def bench(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig bench check|calibrate|list|serve|write`."""
    from app.cli.bench import bench_events

    return bench_events(arguments, run)


def record(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig record`: repeats of field sequences, interleaved unless `--blocked`."""
    from app.operations.record import record as operation

    if is_for_twin(arguments):
        yield from _record_for_twin(arguments, run)
        return
    if arguments.resume is None:
        _refuse_counts(arguments)
        yield from _takes_long(arguments)
    what = _resumed(arguments) if arguments.resume is not None else _asked(arguments)
    with run.connected(arguments) as connected, pause_keys(run.pause, run.say):
        yield from operation(connected, pause=run.pause, retries=arguments.retries, **what)


def _record_for_twin(arguments: argparse.Namespace, run: Run) -> Events:
    from app.operations.record_for_twin import record_for_twin as operation

    what = asked_of(arguments, _sample(arguments))
    refuse_existing(arguments.out)
    with run.connected(arguments) as connected, pause_keys(run.pause, run.say):
        yield from operation(connected, pause=run.pause, retries=arguments.retries, **what)


def _refuse_counts(arguments: argparse.Namespace) -> None:
    """Refuse what counts and folder tell, before any sequence is made and the bench is touched."""
    from app.operations.record_room import recording_bytes, room_problems

    missing = [f"--{n} is missing" for n in ("sequences", "repeats") if not getattr(arguments, n)]
    raise_problems(InputError, "twinrig record", missing)
    refuse_existing(arguments.out)
    short = short_form(arguments.sequences)
    if short is None or arguments.out is None:
        return
    short.refuse_endless(arguments.repeats, "record")
    lengths, reference = [short.steps] * short.count, arguments.reference or 0
    least = recording_bytes(lengths, arguments.repeats, 1, reference)  # a channel at least
    full = [f"{words}: free some space" for words in room_problems(least, arguments.out)]
    raise_problems(RefusedError, f"{arguments.out}", full)


def _takes_long(arguments: argparse.Namespace) -> Iterator[Event]:
    """A note where making the sequences of a short form takes a while."""
    short = short_form(arguments.sequences)
    if short is not None and short.makes_s > LONG_S:
        yield Note(
            f"{short.count} sequences of {short.steps} steps are made first: about "
            f"{duration(short.makes_s)}"
        )


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    from app.store import sequences_from

    sequences, window, reset = sequences_from(arguments.sequences, arguments.repeats)
    return {
        "sequences": sequences,
        "window": window,
        "reset": reset,
        "repeats": arguments.repeats,
        "out": arguments.out,
        "seed": arguments.seed,
        "interleave": not arguments.blocked,
        "meta": _sample(arguments),
        "reference": arguments.reference or 0,
        "stop_at_drift": arguments.stop_at_drift or 0.0,
    }


def _resumed(arguments: argparse.Namespace) -> dict[str, Any]:
    """What a recording that was cut short had been asked for, from its own file."""
    from app.recording_reader import refuse_never_recorded
    from app.store import read_recording

    refuse_never_recorded(arguments.resume, "recording")
    so_far = read_recording(arguments.resume)
    if so_far.meta.get("imported"):
        raise InputError(
            f"{arguments.resume} was imported, not recorded here: it can't be continued; begin a "
            "recording of its own with --out"
        )
    raise_problems(InputError, "twinrig record --resume", _other_than_begun(arguments, so_far))
    stop_at = arguments.stop_at_drift  # None: as it was begun
    return {
        "sequences": so_far.sequences(),
        "window": so_far.window,
        "reset": so_far.reset,
        "repeats": so_far.response.shape[1],
        "out": arguments.resume,
        "seed": so_far.meta.get("seed", arguments.seed),
        "interleave": so_far.meta.get("interleave", True),
        "reference": arguments.reference or so_far.meta.get("reference_steps", 0),
        "stop_at_drift": so_far.meta.get("stop_at_drift", 0.0) if stop_at is None else stop_at,
        "resume": True,
    }


def _other_than_begun(arguments: argparse.Namespace, so_far: Recording) -> list[str]:
    """What is asked of a recording to go on with that it was not begun with, in words.

    The same command line with --resume for --out goes on; nothing else is silently left out.
    """
    from app.store import sequences_from
    from models.sequence import same_sequences

    meta, repeats = so_far.meta, so_far.response.shape[1]
    asked = {"seed": arguments.seed or meta.get("seed"), **_sample(arguments)}
    begun = {**meta, "repeats": repeats, "blocked": not meta.get("interleave", True)}
    asked["repeats"] = arguments.repeats or repeats
    asked["blocked"] = arguments.blocked or begun["blocked"]
    said = other_than_begun(begun, asked)
    if arguments.sequences is not None:
        same = same_sequences(sequences_from(arguments.sequences)[0], so_far.sequences())
        said += [] if same else ["--sequences: as it was begun, not others"]
    return said


def _sample(arguments: argparse.Namespace) -> dict[str, Any]:
    meta = {name: getattr(arguments, name) for name in ("sample", "operator", "notes")}
    meta["temperature_K"] = arguments.temperature
    return {name: value for name, value in meta.items() if value not in ("", None)}


def import_(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig import`: measured repeats from elsewhere become a recording."""
    from app.importing.exported import EXPORTED
    from app.importing.nanoring import is_nanoring
    from app.importing.preview import preview, show
    from app.operations.import_measured import import_measured as operation

    if arguments.out is None:
        missing = ["--out is missing: the recording's new folder"] if arguments.map else []
        raise_problems(InputError, "twinrig import", missing)
        run.keeps_nothing = True
        return show(arguments.file)
    if not arguments.map and not is_nanoring(arguments.file):
        seen = preview(arguments.file)
        if seen.guess == EXPORTED:
            return operation(arguments.file, EXPORTED, arguments.out)
        words = f"to begin with: {command_line(['--map', *seen.guess.split()])}"
        said = "\n  ".join([*[words] * bool(seen.guess), *seen.notes])
        raise InputError(f"twinrig import: --map is missing; {said}")
    return operation(arguments.file, arguments.map, arguments.out)


def simulate(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig simulate`: a recording made by the twin."""
    from app.operations.simulate import simulate as operation
    from app.store import sequences_from

    refuse_existing(arguments.out)
    asked = (arguments.sequences, arguments.repeats, "simulate")
    if (short := short_form(arguments.sequences)) is not None:
        short.refuse_endless(*asked[1:])
    yield from _takes_long(arguments)
    sequences, window, reset = sequences_from(*asked)
    yield from operation(
        arguments.twin, sequences, arguments.repeats, arguments.out,
        seed=arguments.seed, window=window, reset=reset,
    )  # fmt: skip


def evaluate(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig evaluate`: the errors of a twin on a recording beside their floors."""
    from app.operations.evaluate import evaluate as operation

    run.keeps_nothing = True  # and scoring says nothing for up to a minute
    if arguments.beside:
        from app.operations.evaluate_beside import evaluate_beside

        twins = [arguments.twin, *arguments.beside]
        return evaluate_beside(twins, arguments.recording, seed=arguments.seed)
    return operation(arguments.twin, arguments.recording, seed=arguments.seed)


def deploy(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig deploy`: a network's schedule on its devices."""
    from app.operations.deploy import deploy as operation

    asked = {"repeats": arguments.repeats, "max_hours": arguments.max_hours}
    return on_bench(operation, arguments, run, asked)


def report(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig report`: one page of what is found in a folder."""
    from app.operations.report import report as operation

    return operation(arguments.run, arguments.out)


def monitor(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig monitor`: live values, the rig left as it is found."""
    from app.operations.monitor import monitor as operation

    with run.connected(arguments, leave_as_found=True) as connected:
        yield from operation(
            connected, seconds=arguments.seconds, interval_s=arguments.interval, out=arguments.out
        )


def export(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig export`: a recording or deployment as CSV, NPZ or MAT."""
    from app.operations.export import export as operation

    return operation(arguments.artefact, arguments.out)


def safe(arguments: argparse.Namespace, run: Run) -> Events:
    """`twinrig safe`: the safe state, whatever state the rig is found in."""
    from app.operations.safe import safe_each

    with run.parts(arguments) as (spec, connected):
        yield from safe_each(spec, connected, run.stop)


COMMANDS: dict[str, Callable[[argparse.Namespace, Run], Events]] = {
    "demo": demo,
    "bench": bench,
    "record": record,
    "import": import_,
    "export": export,
    "mark": mark_events,
    "fit": fit_events,
    "simulate": simulate,
    "evaluate": evaluate,
    "compare": drift_events,
    "compare-twins": compare_events,
    "learning-curve": curve_events,
    "sweep": sweep_events,
    "compare-networks": networks_events,
    "train": train_events,
    "deploy": deploy,
    "recalibrate": recalibrate_events,
    "refine": refine_events,
    "polish": polish_events,
    "task": task_events,
    "report": report,
    "monitor": monitor,
    "safe": safe,
    "shortcut": shortcut_events,
}


def refuse_existing(out: Path | None) -> None:
    """Raise InputError where `out` holds something: before the bench is touched."""
    if out is not None:
        refuse_taken(out)
