"""The whole thread on the virtual rig: record, fit, train, deploy, report.

Every stage is the operation that the command line's verb of the same name runs, on one bench that
stays connected: the device that the weights come back to is the one that was recorded. What is
fitted or trained for comparison has a second core, where there is one. A stage whose artefact is
finished is not run again, so that `--resume` goes on where a demo stood.
"""

from __future__ import annotations

import sys
import time
import webbrowser
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import load_artefact, new_directory, refuse_never_begun, save_artefact
from app.disk import RESTORE
from app.operations.demo_stages import FULL, QUICK, Events, Pace, Size, Step, groups_of, stages
from app.operations.events import Event, Note, Result, Stage
from app.operations.results import spent
from app.operations.side_by_side import cores, side_by_side
from app.words import duration
from models.errors import InputError, raise_problems
from models.json_form import COUNT, FLAG, TEXT, Form, Rows, Table, faults
from models.paths import anything_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.bench import Bench
    from instruments.clock import Stop

SETTINGS_FILE = "demo.json"
KIND, SCHEMA = "demo", 1
PARTS: dict[str, Form] = {"layers": Rows(COUNT), "task": TEXT, "taps": Rows(COUNT)}
NAMES = [f.name for f in fields(Size)]
LATER = ("taps",)  # a demo begun before there were any has none
FORM = Table(
    {"quick": FLAG, "seed": COUNT, **{n: PARTS.get(n, COUNT) for n in NAMES if n not in LATER}},
    optional={name: PARTS.get(name, COUNT) for name in LATER},
)
NO_PROMISE = "--quick shows the whole thread in little time; it makes no promise of quality."


def demo(
    out: Path,
    *,
    quick: bool = False,
    seed: int = 0,
    resume: bool = False,
    size: Size | None = None,
    stop: Stop | None = None,
    open_page: bool = False,
) -> Events:
    """Run the whole thread into the folder `out`; the last event is the result.

    Parameters
    ----------
    out
        A new folder, or with `resume` one in which a demo was stopped.
    quick
        Little of everything: a minute or two on two idle cores, no promise of quality.
    seed
        Of the device, the sequences, the fits and the trainings.
    size
        Other sizes than those of `quick` or the full demo.
    stop
        Requests to stop, for the bench.
    open_page
        Show the report in a browser where someone sits at the terminal.

    Raises
    ------
    InputError
        `out` holds something already, or with `resume` no demo.
    TwinrigError
        What a stage raises.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    began_s = time.monotonic()
    size, quick, seed = _settings(out, size, quick, seed, resume=resume)
    if quick:
        yield Note(NO_PROMISE, "warning")
    with _bench(seed, stop) as bench:
        steps = stages(out, size, seed, bench)
        groups = groups_of(steps) if cores() > 1 else [[step] for step in steps]
        pace, left = Pace(), [[s for s in group if not _is_finished(s)] for group in groups]
        for group in groups:
            todo = left.pop(0)
            for step in group:
                yield Stage(step.words, steps.index(step) + 1, len(steps) + 1)
                if step not in todo:
                    yield Note(f"{step.folder.name} is there already")
            if todo:
                yield Note(
                    f"about {duration(pace.left_s([todo, *filter(None, left)]))} left in all"
                )
                group_began_s = time.monotonic()
                yield from _run(todo)
                pace.ran(todo, time.monotonic() - group_began_s)
    yield Stage("report", len(steps) + 1, len(steps) + 1)
    from app.operations.report import report

    reported: dict[str, Any] = {}
    for event in report(out):
        if isinstance(event, Result):
            reported = event.values
        else:
            yield _inner(event)
    if open_page and sys.stdout.isatty():
        webbrowser.open(Path(reported["report"]).resolve().as_uri())
    yield Result({**_result(out, reported), **spent(began_s, resume=resume)})


def _settings(
    out: Path, size: Size | None, quick: bool, seed: int, *, resume: bool
) -> tuple[Size, bool, int]:
    """Write what the demo is, or with `resume` read it: a demo goes on as it was begun."""
    if not resume:
        size = size or (QUICK if quick else FULL)
        new_directory(out)
        body = {"kind": KIND, "schema": SCHEMA, "quick": quick, "seed": seed, **asdict(size)}
        save_artefact(out, SETTINGS_FILE, body, {})
        return size, quick, seed
    refuse_never_begun(out, "demo", SETTINGS_FILE)
    return read_settings(out)


def read_settings(out: Path) -> tuple[Size, bool, int]:
    """Sizes, whether it is a quick one, and seed of the demo in `out`; InputError where none is."""
    body, _ = load_artefact(out, SETTINGS_FILE, KIND, SCHEMA)
    where = f"{out / SETTINGS_FILE}: not the settings of a demo ({RESTORE})"
    raise_problems(InputError, where, faults(body, FORM))
    quick, seed = body.pop("quick"), body.pop("seed")
    tuples = {name: tuple(body.get(name, (0,))) for name in ("layers", "taps")}
    return Size(**{**body, **tuples}), quick, seed


def _bench(seed: int, stop: Stop | None) -> Bench:
    """The built-in virtual bench, its device drawn by `seed`, its time as fast as it goes."""
    from instruments.bench import Bench
    from instruments.bench_file import read_bench

    spec = read_bench("virtual")
    assert spec.virtual is not None, "the built-in bench is virtual"
    virtual = replace(spec.virtual, seed=seed, accelerate=float("inf"))
    return Bench.connect(replace(spec, virtual=virtual), stop=stop)


def _run(group: Sequence[Step]) -> Events:
    """Run stages at once; their own stages become notes, their results are the artefacts."""
    first, *others = group
    events = first.events(first.folder, _is_begun(first))
    for other in others:
        assert other.apart is not None, f"{other.words}: no child can run it"
        asked = other.apart(other.folder, _is_begun(other))
        events = side_by_side(events, *asked, other.folder.name)
    with closing(events):
        for event in events:
            if not isinstance(event, Result):
                yield _inner(event)


def _is_begun(step: Step) -> bool:
    return folder_at(step.folder) and any(step.folder.iterdir())


def _is_finished(step: Step) -> bool:
    if not anything_at(step.finished):
        return False
    if step.finished.name != "recording.nc":
        return True
    from app.store import read_recording

    return read_recording(step.folder).status == "done"


def _inner(event: Event) -> Event:
    """A stage within a stage is a note."""
    return Note(event.name) if isinstance(event, Stage) else event


def _result(out: Path, reported: dict[str, Any]) -> dict[str, Any]:
    from app.report.network import read_deployment

    aware, plain, untrained = (
        read_deployment(out / f"deployment{name}").body
        for name in ("", "-deterministic", "-untrained")
    )
    return {
        "path": str(out),
        "report": reported["report"],
        "status": "done",
        "errors": reported["errors"],
        "coverage": reported["coverage"],
        **{key: aware[key] for key in ("task", "metric", "measured")},
        "predicted": aware["predicted"],
        "baselines": aware["baselines"],
        "deterministic": {key: plain[key] for key in ("measured", "predicted")},
        "untrained": {key: untrained[key] for key in ("measured", "predicted")},
    }
