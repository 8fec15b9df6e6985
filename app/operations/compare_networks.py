"""The comparison table: every kind of network trained, foreseen, deployed; one table, one figure.

Nothing is trained or deployed here but by `train`, `fit` and `deploy` themselves, each in a trial
with a folder of its own. On a virtual bench in process every deployment has its own copy of the one
device, under noise of its own; on a real or served one they run one after another.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import (
    code_version,
    new_directory,
    now_iso,
    plain,
    read_head,
    refuse_never_begun,
    write_bytes,
)
from app.checked_json import with_checksum
from app.library.kinds import head_of
from app.operations.compare_networks_plan import Plan
from app.operations.compare_networks_source import Source
from app.operations.compare_networks_table import Table, table_of
from app.operations.events import Note, Result, Stage
from app.operations.learning_events import TrialEnded
from app.operations.pool import DONE, FAILED, run_pool, workers_of
from app.operations.pool_trial import driven
from app.operations.results import spent
from app.operations.sweep import refuse_wrong_tasks
from app.operations.transfer_parts import in_here
from app.operations.trial import Trial, TrialResult, begun_anew, set_aside
from app.run_lock import RunLock
from app.train_request import refuse_wrong
from app.words import counted
from models.command import command_line
from models.errors import InputError, StoppedError, TwinrigError
from models.paths import folder_at
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from app.device_benches import Benches
    from app.operations.events import Event
    from app.operations.pool import Workers
    from app.operations.transfer_parts import Apart

    Results = dict[str, TrialResult]

FILE_NAME, KIND, SCHEMA = head_of("tab")
CALLED = "table of networks"
JOB = "compare-networks"
PAGE = "app.operations.compare_networks_page.table_report"


def compare_networks(
    plan: Plan | None,
    out: Path,
    *,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    connect: Callable[[], Benches] | None = None,
    apart: Apart = in_here,
) -> Generator[Event, None, Path]:
    """Make the comparison table; the value is the path of `networks-table.json`.

    Parameters
    ----------
    plan
        What is compared; None with `resume`, which reads it.
    out
        A new folder: `trials/`, `results/`, the table as JSON, Markdown and CSV, written anew with
        each result, and at the end `report.html` with the figure. With `resume` that of a table
        that ended early: what is done stays.
    workers, scheduler
        As for a sweep.
    connect
        Connects the plan's bench, or benches, where they are not virtual ones in process; the
        caller closes them.
    apart
        Where the report is drawn: here, or in a child where matplotlib should not be loaded.

    Raises
    ------
    InputError
        A plan that makes no sense, a twin that can't be read or has no noise, `out` in use.
    RefusedError
        A deployment is refused by its pre-flight check or a limit.
    StoppedError
        Stopped; what was done stays.
    TwinrigError
        The disk refuses, no scheduler answers, the bench fails.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    out, begin_s = Path(out), time.monotonic()
    if resume or plan is None:
        refuse_never_begun(out, CALLED, FILE_NAME)
        plan = Plan.from_json(read_head(out / FILE_NAME, KIND, SCHEMA)["plan"])
        source = Source(plan)
    else:
        refuse_wrong_tasks(dict.fromkeys(plan.task_of(cell) for cell in plan.cells))
        refuse_wrong(plan.training(cell, out).arguments for cell in plan.cells)
        source, plan = Source(plan), Plan.told(plan.sealed())
        new_directory(out)
    out = out.resolve()
    with RunLock(out), ExitStack() as ends:
        run = _Run(plan, source, out)
        run.recall()
        if resume:
            run.write("running")
        # a new `out` stays free where there are none
        team = ends.enter_context(closing(workers_of(scheduler, workers)))
        run.write("running")
        yield Note(
            f"{counted(len(plan.cells), 'network')} of {', '.join(plan.kinds)}; {source.words}"
        )
        yield from run.pool(team)
        if plan.on_a_rig:
            if connect is None:
                raise InputError(
                    f"bench {', '.join(plan.bench)}: is one rig, and nobody connects it"
                )
            yield from run.one_after_another(connect)
        table = run.write(DONE)
        yield Stage("report")
        page = yield from apart(PAGE, {"folder": out}, None)
        values = run.finish(table, page)
        yield Result({**values, **spent(begin_s, resume=resume)})
    return out / FILE_NAME


class _Run:
    """One table while it is made."""

    def __init__(self, plan: Plan, source: Source, out: Path) -> None:
        self.plan, self.source, self.out = plan, source, out
        self.results: Results = {}

    def pool(self, workers: Workers) -> Generator[Event, None, None]:
        """Everything that a pool can run."""
        trials = self.plan.trials(self.out, self.source.fits)
        named = {trial.name: trial for trial in trials}
        events = run_pool(trials, workers, JOB)
        try:
            for event in events:
                yield event
                if isinstance(event, TrialEnded):
                    self._take(named[event.name])
        finally:
            events.close()

    def one_after_another(self, connect: Callable[[], Benches]) -> Generator[Event, None, None]:
        """Deploy on the one rig; what it refuses or fails ends the table, to be resumed."""
        trials = [self.plan.deployment(cell, self.out) for cell in self.plan.cells]
        had = [trial for trial in trials if trial.name in self._done()]
        left = [t for t in trials if t not in had and t.after[0] in self._done()]
        for number, trial in enumerate(had, 1):
            yield self._ended(trial, number, len(trials))
        bench: Benches | None = None
        for number, trial in enumerate(left, 1):
            yield Stage(f"deploy {trial.after[0]}", number, len(left))
            bench = bench or connect()
            yield from _deployed(trial, bench)
            self._take(trial)
            yield self._ended(trial, len(trials) - len(left) + number, len(trials))

    def recall(self) -> None:
        """What is done already: it stands in the table from the first, not only once it is met."""
        deployments = [self.plan.deployment(cell, self.out) for cell in self.plan.cells]
        for trial in (*self.plan.trials(self.out, self.source.fits), *deployments):
            result = trial.result()
            if result is not None and result.status == DONE:
                self.results[trial.name] = result

    def _done(self) -> set[str]:
        return {name for name, result in self.results.items() if result.status == DONE}

    def _ended(self, trial: Trial, ended: int, total: int) -> TrialEnded:
        return TrialEnded(trial.name, DONE, self.results[trial.name].values, "", ended, total)

    def _take(self, trial: Trial) -> None:
        result = trial.result()
        if result is None:
            raise TwinrigError(f"{trial.result_file}: has vanished; put it back, then --resume")
        self.results[trial.name] = result
        self.write("running")

    def write(self, status: str) -> Table:
        """Write the table of what is there as JSON, Markdown and CSV."""
        from app.report.networks_text import csv_text, markdown

        table = table_of(self.plan, self.results, self.source.recorded)
        body = plain({
            "kind": KIND, "schema": SCHEMA, "created": now_iso(), "code_version": code_version(),
            "status": status, "plan": self.plan.sealed(), **table.to_json(),
            "results": {name: _kept(result) for name, result in self.results.items()},
        })  # fmt: skip
        content = json.dumps(with_checksum(body), indent=1, allow_nan=False)
        write_bytes(self.out / FILE_NAME, content.encode("utf-8"))
        write_bytes(self.out / "networks-table.md", markdown(table).encode("utf-8", "replace"))
        write_bytes(self.out / "networks-table.csv", csv_text(table).encode("utf-8", "replace"))
        return table

    def finish(self, table: Table, page: Path) -> dict[str, Any]:
        """The result's values; `page` has the figure."""
        from app.report.networks_text import markdown

        failed = [r.name for r in self.results.values() if r.status != DONE]
        return {
            "path": str(self.out / FILE_NAME),
            "report": str(page),
            "status": DONE if len(failed) < len(self.results) else FAILED,
            "task": self.plan.task,
            "metric": table.metric,
            "table": markdown(table).splitlines(),
            "verdict": table.to_json()["words"],
            "failed": failed,
        }


def _kept(result: TrialResult) -> dict[str, Any]:
    """What the table needs of a result, so that it can be drawn again without the trials."""
    names = ("predicted", "judged", "measured", "hardware_runs", "baselines", "metric")
    values = {name: result.values[name] for name in names if name in result.values}
    return {"status": result.status, "reason": result.reason, "values": values}


def read_results(path: Path) -> tuple[Plan, Results, int | None]:
    """Plan, results by name and runs recorded of the table in a folder, as it stands there.

    Raises
    ------
    InputError
        None is there, or it is damaged.
    """
    file = path / FILE_NAME if folder_at(path) else path
    body = read_head(file, KIND, SCHEMA)
    results = {
        name: TrialResult(name, one["status"], one["values"], one["reason"])
        for name, one in body["results"].items()
    }
    return Plan.told(body["plan"]), results, body["recordings"]


def read_table(path: Path) -> Table:
    """The table in a folder, as it stands there; raises as `read_results`."""
    return table_of(*read_results(path))


def table_head(path: Path) -> dict[str, Any]:
    """When and by which version the table in a folder was made, and its first seed."""
    body = read_head(path / FILE_NAME, KIND, SCHEMA)
    return {**{key: body[key] for key in ("created", "code_version")}, "seed": body["plan"]["seed"]}


def table_command(path: Path) -> str:
    """The command line that makes the table in a folder anew."""
    plan = read_table(path).plan
    options = dict(plan.options)
    words: list[Any] = [
        "--task", plan.task, "--twin", *plan.twin,
        "--layers", layers_text(plan.layers, options.pop("parallel", ())),
        "--seeds", plan.seeds, "--seed", plan.seed, "--kinds", ",".join(plan.kinds),
    ]  # fmt: skip
    words += ["--deterministic", *plan.deterministic] if plan.deterministic else []
    for name in ("folds", "iterations"):
        value = getattr(plan, name)
        words += [f"--{name}", value] if value else []
    for bench in plan.bench:
        words += ["--bench", bench]
    if options:
        words += ["--set", *(f"{name}={_toml(value)}" for name, value in options.items())]
    words += ["--out", f"{path.resolve().name}-again"]
    return command_line(["twinrig", JOB, *map(str, words)])


def _toml(value: Any) -> str:
    """A value as `--set` reads it."""
    return value if isinstance(value, str) else json.dumps(value)


def _deployed(trial: Trial, bench: Benches) -> Generator[Event, None, None]:
    """One deployment on the connected bench, or benches."""
    from app.operations.deploy import deploy
    from app.operations.turns import doubted_in

    begun = folder_at(trial.out / "nodes")
    if begun and doubted_in(trial.out.glob("nodes*")):
        yield Note(f"{trial.name}: runs marked bad, set aside in {set_aside(trial)}", "warning")
        begun = False
    begun_anew(trial)
    trial.begin()
    trial.out.parent.mkdir(parents=True, exist_ok=True)
    events = deploy(Path(trial.arguments["network"]), bench, trial.out, resume=begun)
    try:
        yield from driven(trial, events, every=True)
    except StoppedError:
        raise
    except TwinrigError as error:
        trial.save(TrialResult(trial.name, FAILED, {}, str(error)))
        raise


__all__ = [
    "FILE_NAME", "Plan", "compare_networks", "read_results", "read_table", "table_command",
    "table_head",
]  # fmt: skip
