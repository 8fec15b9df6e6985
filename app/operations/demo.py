"""The whole thread on the virtual rig: record, fit, train, deploy, report.

Every stage is the operation that the command line's verb of the same name runs, on one bench that
stays connected: the device that the weights come back to is the one that was recorded. A stage
whose artefact is finished is not run again, so that `--resume` goes on where a demo stood.
"""

from __future__ import annotations

import json
import sys
import time
import webbrowser
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import new_directory, parse_json, reading, write_bytes
from app.operations.events import Event, Note, Result, Stage
from models.errors import InputError
from models.sequence import FAMILIES, FieldSequence, make_sequences

if TYPE_CHECKING:
    from instruments.bench import Bench
    from instruments.clock import Stop

Events = Generator[Event, None, Any]
SETTINGS_FILE = "demo.json"
HELD_OUT_SEED = 1000  # apart from the seed of the sequences that are fitted
NO_PROMISE = "--quick shows the whole thread in little time; it makes no promise of quality."


@dataclass(frozen=True)
class Size:
    """How much of everything a demo takes; the full one is the recipe of the README's figures.

    Attributes
    ----------
    fit_sequences, fit_repeats, steps
        Of the recording that is fitted: many sequences with few repeats beat the reverse.
    held_out_sequences, held_out_repeats
        Of the recording that scores the twin; 16 repeats make its floor comparable.
    fit_iterations, train_iterations
        Gradient steps of each fit and of each training.
    layers
        Nodes of each layer.
    task
        What the network learns.
    """

    fit_sequences: int = 640
    fit_repeats: int = 4
    steps: int = 100
    held_out_sequences: int = 40
    held_out_repeats: int = 16
    fit_iterations: int = 6000
    train_iterations: int = 1500
    layers: tuple[int, ...] = (40, 40, 40)
    task: str = "mackey-glass:h=5"


FULL = Size()
QUICK = Size(100, 4, 60, 12, 16, 500, 150, (12, 12, 12), "mackey-glass:h=5,test=500")


@dataclass(frozen=True)
class Step:
    """One stage: its words, the folder of its artefact, the file that says it is finished."""

    words: str
    folder: Path
    finished: Path
    events: Callable[[Path, bool], Events]


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
        Little of everything: about three minutes on two cores, no promise of quality.
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
    began_s = time.monotonic()
    size, quick, seed = _settings(out, size, quick, seed, resume=resume)
    if quick:
        yield Note(NO_PROMISE, "warning")
    with _bench(seed, stop) as bench:
        steps = _steps(out, size, seed, bench)
        for number, step in enumerate(steps, 1):
            yield Stage(step.words, number, len(steps) + 1)
            yield from _run(step)
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
    yield Result(_result(out, reported, time.monotonic() - began_s))


def _settings(
    out: Path, size: Size | None, quick: bool, seed: int, *, resume: bool
) -> tuple[Size, bool, int]:
    """Write what the demo is, or with `resume` read it: a demo goes on as it was begun."""
    path = out / SETTINGS_FILE
    if not resume:
        size = size or (QUICK if quick else FULL)
        new_directory(out)
        body = {"quick": quick, "seed": seed, **asdict(size)}
        write_bytes(path, json.dumps(body, indent=1).encode())
        return size, quick, seed
    with reading(path):
        body = parse_json(path.read_bytes(), path)
    try:
        quick, seed = bool(body.pop("quick")), int(body.pop("seed"))
        return Size(**{**body, "layers": tuple(body["layers"])}), quick, seed
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not the settings of a demo ({error!r})") from error


def _bench(seed: int, stop: Stop | None) -> Bench:
    """The built-in virtual bench, its device drawn by `seed`, its time as fast as it goes."""
    from instruments.bench import Bench
    from instruments.bench_file import read_bench

    spec = read_bench("virtual")
    assert spec.virtual is not None, "the built-in bench is virtual"
    virtual = replace(spec.virtual, seed=seed, accelerate=float("inf"))
    return Bench.connect(replace(spec, virtual=virtual), stop=stop)


def _steps(out: Path, size: Size, seed: int, bench: Bench) -> list[Step]:
    """Every stage before the report, in order."""
    fitted = make_sequences("mixed", size.fit_sequences, size.steps, seed)
    iterations = size.train_iterations
    return [
        _recording(
            out / "recording", "record repeats to fit", bench, fitted, size.fit_repeats, seed
        ),
        _recording(
            out / "held-out", "record repeats that no fit sees", bench, held_out(size, seed),
            size.held_out_repeats, seed + HELD_OUT_SEED,
        ),
        _fit(out, "twin", "fit the noise-aware twin", size, seed, deterministic=False),
        _fit(out, "twin-deterministic", "fit a deterministic twin", size, seed, deterministic=True),
        _train(out, "network", "twin", size, seed, iterations),
        _train(out, "network-deterministic", "twin-deterministic", size, seed, iterations),
        _train(out, "network-untrained", "twin", size, seed, 0),
        _deploy(out, "deployment", "network", bench),
        _deploy(out, "deployment-deterministic", "network-deterministic", bench),
        _deploy(out, "deployment-untrained", "network-untrained", bench),
    ]  # fmt: skip


def held_out(size: Size, seed: int) -> list[FieldSequence]:
    """Unseen sequences, as many of each family."""
    counts = [size.held_out_sequences // len(FAMILIES)] * len(FAMILIES)
    for place in range(size.held_out_sequences % len(FAMILIES)):
        counts[place] += 1
    return [
        sequence
        for family, count in zip(FAMILIES, counts, strict=True)
        if count
        for sequence in make_sequences(family, count, size.steps, seed + HELD_OUT_SEED)
    ]


def _recording(
    folder: Path, words: str, bench: Bench, sequences: list[FieldSequence], repeats: int, seed: int
) -> Step:
    def events(out: Path, resume: bool) -> Events:
        from app.operations.record import record

        return record(bench, sequences, repeats, out, seed=seed, resume=resume)

    return Step(words, folder, folder / "recording.nc", events)


def _fit(out: Path, name: str, words: str, size: Size, seed: int, *, deterministic: bool) -> Step:
    def events(folder: Path, resume: bool) -> Events:
        from app.operations.fit import fit

        return fit(
            [out / "recording"],
            folder,
            objective="mean" if deterministic else "energy",
            deterministic=deterministic,
            iterations=size.fit_iterations,
            seed=seed,
            resume=resume,
        )

    return Step(words, out / name, out / name / "twin.json", events)


def _train(out: Path, name: str, twin: str, size: Size, seed: int, iterations: int) -> Step:
    def events(folder: Path, resume: bool) -> Events:
        from app.operations.train import train

        return train(
            size.task,
            [out / twin],
            size.layers,
            folder,
            iterations=iterations,
            seed=seed,
            resume=resume,
            judge=None if twin == "twin" else out / "twin",  # at its best ridge: no straw man
        )

    how = "train the network through" if iterations else "an untrained network of"
    return Step(f"{how} the {twin}", out / name, out / name / "network.json", events)


def _deploy(out: Path, name: str, network: str, bench: Bench) -> Step:
    def events(folder: Path, resume: bool) -> Events:
        from app.operations.deploy import deploy

        return deploy(out / network, bench, folder, resume=resume)

    return Step(f"run the {network} on the device", out / name, out / name / "result.nc", events)


def _run(step: Step) -> Events:
    """Run one stage, or say that it is finished; its own stages and result become notes."""
    if _is_finished(step):
        yield Note(f"{step.folder.name} is there already")
        return
    begun = step.folder.is_dir() and any(step.folder.iterdir())
    events = step.events(step.folder, begun)
    try:
        for event in events:
            if not isinstance(event, Result):
                yield _inner(event)
    finally:
        events.close()


def _is_finished(step: Step) -> bool:
    if not step.finished.exists():
        return False
    if step.finished.name != "recording.nc":
        return True
    from app.store import read_recording

    return read_recording(step.folder).status == "done"


def _inner(event: Event) -> Event:
    """A stage within a stage is a note."""
    return Note(event.name) if isinstance(event, Stage) else event


def _result(out: Path, reported: dict[str, Any], seconds: float) -> dict[str, Any]:
    from app.report_network import read_deployment

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
        "measured": aware["measured"],
        "predicted": aware["predicted"],
        "baselines": aware["baselines"],
        "deterministic": {key: plain[key] for key in ("measured", "predicted")},
        "untrained": {key: untrained[key] for key in ("measured", "predicted")},
        "seconds": round(seconds, 1),
    }
