"""Trainings, tables and sweeps of the library that ended early, and how each goes on; no Qt."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.artefacts import read_head
from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.gui.deploy_asks import benches_of, besides
from app.gui.live_trials import LiveTrials
from app.gui.network_asks import BEGUN, ONE, SEEDS, SWEEP, TABLE, Layout
from app.gui.table_benches import benches_missing
from app.gui.train_words import Pool
from app.gui.words import count
from app.operations import compare_networks, sweep, train_seeds
from app.operations.child import in_child
from app.operations.compare_networks_plan import Plan
from app.operations.learning_events import TrialEnded
from app.operations.sweep_grid import Grid
from app.operations.trial import DONE
from app.train_request import checkpoint_of, request_of
from app.weights_store import NETWORK_FILE
from models.paths import file_at
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from app.library.library import Library
    from app.operations.events import Event
    from app.operations.trial import TrialResult
    from app.session import Session

TITLES = {ONE: "Training", SEEDS: "Training", TABLE: "Comparing networks", SWEEP: "Sweeping"}


@dataclass(frozen=True)
class Begun:
    """One that can go on: its folder, what shows it, what it is of, and how far it came.

    `changed`: what has become of its twins since, so that it can't.
    """

    path: Path
    view: str
    task: str
    layers: tuple[int, ...]
    far: str
    layout: Layout = field(default_factory=Layout)
    whole: Plan | Grid | None = None
    pool: Pool = field(default_factory=Pool)
    session: Session | None = None
    changed: str = ""

    kind = BEGUN

    @property
    def title(self) -> str:
        """What goes on, in words."""
        return TITLES[self.view]

    @property
    def layers_shown(self) -> str:
        """Nodes of each layer, `8+4,16`, of one network."""
        return layers_text(self.layers, self.layout.parallel) if self.view != SWEEP else ""

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Blocks that each layer sees, of one network."""
        return self.layout.blocks(len(self.layers)) if self.view == ONE else ()

    @property
    def hardware(self) -> bool:
        """Whether it drives the bench of the window."""
        plan = self.whole
        return isinstance(plan, Plan) and plan.on_a_rig

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        return f"Go on with {self.path.name}", self.far

    def problem(self) -> str:
        """Why it can't run; empty where it can."""
        wrong = self.changed or self.pool.problem()
        if wrong or not isinstance(self.whole, Plan):
            return wrong
        return benches_missing(self.whole, None if self.session is None else self.session.spec)

    def plan(self) -> Plan:
        """Of a table."""
        assert isinstance(self.whole, Plan)
        return self.whole

    def grid(self) -> Grid:
        """Of a sweep."""
        assert isinstance(self.whole, Grid)
        return self.whole

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation that goes on with it."""
        workers: dict[str, Any] = {"workers": self.pool.count, "scheduler": self.pool.scheduler}
        if self.view == SWEEP:
            return sweep.sweep(None, self.path, resume=True, **workers)
        if self.view == TABLE:
            return self._table(workers)
        if self.view == SEEDS:
            return train_seeds.train_seeds(None, 0, self.path, resume=True, workers=self.pool.count)
        asked = {"task": None, "twins": None, "layers": None, "out": self.path, "resume": True}
        return in_child("app.operations.train.train", asked, stop)

    def _table(self, workers: dict[str, Any]) -> Iterator[Event]:
        """Its benches but the window's, known by its name, are connected for it."""
        here = "" if self.session is None else self.session.spec.name
        with ExitStack() as stack:
            yield from compare_networks.compare_networks(
                None, self.path, resume=True, apart=in_child,
                connect=lambda: benches_of(
                    self.session, besides(self.plan().bench, here), stack), **workers,
            )  # fmt: skip


def begun(library: Library) -> list[Begun]:
    """Those of a library that can go on, newest first; what is damaged is left out."""
    return library.readable(
        _begun,
        named=(sweep.FILE_NAME, compare_networks.FILE_NAME, train_seeds.FILE_NAME, CHECKPOINT),
    )


def opened(folder: Path) -> tuple[Begun, LiveTrials]:
    """A sweep or a table of a folder, finished or not, with the trials that have ended.

    Raises
    ------
    InputError
        It is damaged, or a twin of a sweep is gone.
    """
    results: Mapping[str, TrialResult]
    whole: Plan | Grid
    if file_at(folder / sweep.FILE_NAME):
        whole, results = sweep.read_sweep(folder)
        view, task, layers = SWEEP, swept(whole), whole.layers[0]
    else:
        whole, results, _ = compare_networks.read_results(folder)
        view, task, layers = TABLE, whole.task, whole.layers
    live = LiveTrials()
    for done, one in enumerate(results.values(), 1):
        live.take(TrialEnded(one.name, one.status, one.values, one.reason, done, len(results)))
    return Begun(folder, view, task, layers, "", whole=whole), live


def swept(grid: Grid) -> str:
    """What a sweep goes over, in words."""
    return grid.tasks[0] if len(grid.tasks) == 1 else count(len(grid.tasks), "task")


def _begun(folder: Path) -> Begun | None:
    """What can go on in a folder; None where nothing can."""
    if file_at(folder / sweep.FILE_NAME):
        return _sweep(folder)
    if file_at(folder / compare_networks.FILE_NAME):
        return _table(folder)
    if file_at(folder / NETWORK_FILE):
        return None
    if train_seeds.is_of_seeds(folder):
        body = read_head(folder / train_seeds.FILE_NAME, train_seeds.KIND, train_seeds.SCHEMA)
        asked = body["asked"]
        return Begun(folder, SEEDS, str(asked["task"] or ""), tuple(asked["layers"] or ()),
                     f"{count(len(body['numbers']), 'seed')}, not all trained",
                     _layout(asked.get("options") or {}))  # fmt: skip
    if file_at(folder / CHECKPOINT):
        request = request_of(checkpoint_of(folder)[1], folder)
        options = request.options
        taps = ",".join(map(str, options.taps))
        layout = Layout(options.wiring, taps, parallel=options.parallel)
        far = f"of {count(request.iterations, 'iteration')}, from its checkpoint"
        return Begun(folder, ONE, request.task, request.layers, far, layout)
    return None


def _sweep(folder: Path) -> Begun | None:
    body = read_head(folder / sweep.FILE_NAME, sweep.KIND, sweep.SCHEMA)
    failed = sum(len(row["failed"]) for row in body["rows"])
    done = sum(len(row["seeds"]) for row in body["rows"])
    grid = Grid.from_json(body["grid"])
    total = len(grid.settings) * grid.seeds
    if done == total:
        return None
    lost = f", {failed} failed" if failed else ""
    far = f"{done} of {total} trained{lost}"
    return Begun(folder, SWEEP, swept(grid), grid.layers[0], far, whole=grid)


def _table(folder: Path) -> Begun | None:
    named = (compare_networks.FILE_NAME, compare_networks.KIND, compare_networks.SCHEMA)
    body = read_head(folder / named[0], *named[1:])
    results = body["results"].values()
    bad = sum(one["status"] != DONE for one in results)
    if body["status"] == DONE and not bad:
        return None
    plan = Plan.told(body["plan"])
    lost = f", {bad} failed" if bad else ""
    far = f"{len(results) - bad} of {count(plan.total, 'trial')} done{lost}"
    if plan.on_a_rig:
        far += f" · on {len(plan.bench)} benches" if len(plan.bench) > 1 else " · on the bench"
    return Begun(folder, TABLE, plan.task, plan.layers, far, _layout(plan.options), plan,
                 changed="; ".join(plan.changed()))  # fmt: skip


def _layout(options: dict[str, Any]) -> Layout:
    """Wiring and taps, for the picture."""
    taps = ",".join(str(tap) for tap in options.get("taps", (0,)))
    beside = tuple(options.get("parallel", ()))
    return Layout(str(options.get("wiring", "forward")), taps, parallel=beside)
