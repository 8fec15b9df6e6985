"""Small trials of the pool: trainings of a few nodes through a twin that nobody fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from network_samples import TASK, twin_of

from app.operations.pool import run_pool
from app.operations.trial import Trial
from app.store import save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event
    from app.operations.pool import Workers
    from app.operations.trial import TrialResult

ENDLESS = 10**6  # iterations


def saved_twins(folder: Path) -> tuple[Path, Path]:
    """`noisy` and `plain` (deterministic), twins of the built-in bench."""
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(folder / "noisy", twin_of(bench))
        save_twin(folder / "plain", twin_of(bench, deterministic=True))
    return folder / "noisy", folder / "plain"


def training(name: str, twin: Path, root: Path, iterations: int = 4, **more) -> Trial:
    """A training of 2 + 2 nodes; `more` of its arguments."""
    after = more.pop("after", ())
    asked = {"task": TASK, "twins": [str(twin)], "layers": [2, 2], "iterations": iterations}
    return Trial(name, "train", {**asked, **more}, str(root), after)


def deployment(name: str, of: Trial) -> Trial:
    """The deployment of a training's network on a virtual bench of its own."""
    asked = {"network": str(of.out), "bench": "virtual", "noise_seed": 7}
    return Trial(name, "deploy", asked, of.root, (of.name,))


def ran(trials, workers: Workers, on_event=lambda event: None):
    """Every event of a pool and its results; `on_event` is called with each as it comes."""
    events: list[Event] = []
    running = run_pool(trials, workers, "sweep")
    try:
        while True:
            events.append(next(running))
            on_event(events[-1])
    except StopIteration as end:
        results: dict[str, TrialResult] = end.value
        return events, results
