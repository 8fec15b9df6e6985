"""A pool on this machine: everything is run, one dead worker loses one trial, results are files."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from network_samples import run
from pool_samples import ENDLESS, deployment, ran, saved_twins, training

from app.operations import pool, pool_local
from app.operations.events import NodeMeasured, Note, Progress
from app.operations.learning_events import TrialEnded, TrialProgress, TrialStarted
from app.operations.pool import run_pool, workers_of
from app.operations.pool_local import LocalWorkers
from app.operations.pool_trial import driven, run_trial
from app.operations.record import record
from app.operations.trial import Trial, TrialResult
from app.operations.trial_verbs import VERBS
from app.store import load_network, read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Stop
from models.errors import InputError, StoppedError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_twins(tmp_path_factory.mktemp("twins"))[0]


@pytest.mark.timeout(120)
def test_trials_run_in_order_of_need_and_a_failure_skips_only_what_needs_it(
    twin: Path, tmp_path: Path
) -> None:
    good = training("good", twin, tmp_path)
    bad = training("bad", tmp_path / "no-twin", tmp_path)
    trials = [good, bad, deployment("good-deployed", good), deployment("bad-deployed", bad)]
    events, results = ran(trials, LocalWorkers(2))
    assert {name: result.status for name, result in results.items()} == {
        "good": "done", "bad": "failed", "good-deployed": "done", "bad-deployed": "skipped",
    }  # fmt: skip
    assert "no such file or folder" in results["bad"].reason
    assert results["bad-deployed"].reason == "needs bad, which is failed"
    assert results["good-deployed"].values["measured"] > 0
    assert load_network(tmp_path / "trials" / "good").nodes == 4
    ended = [e for e in events if isinstance(e, TrialEnded)]
    assert [e.ended for e in ended] == [1, 2, 3, 4]
    assert {e.total for e in ended} == {4}
    assert any(isinstance(e, TrialProgress) for e in events)
    last = [e for e in events if isinstance(e, Progress)][-1]
    assert (last.job, last.done, last.total) == ("sweep", 4, 4)
    for trial in trials:
        assert trial.result() == results[trial.name]

    again, kept = ran(trials, LocalWorkers(2))
    assert [e.name for e in again if isinstance(e, TrialStarted)] == ["bad"]
    assert kept["good"] == results["good"]


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX's")
@pytest.mark.timeout(120)
def test_a_worker_that_is_killed_loses_one_trial_which_is_tried_once_more(
    twin: Path, tmp_path: Path
) -> None:
    doomed = training("doomed", twin, tmp_path, ENDLESS)
    trials = [doomed, training("other", twin, tmp_path), deployment("never", doomed)]
    killed: list[int] = []

    def kill(event: Event) -> None:
        tried = doomed.attempts()
        working = isinstance(event, TrialProgress) and event.name == "doomed" and event.done > 0
        if working and len(tried) > len(killed):
            killed.append(tried[-1]["pid"])
            os.kill(killed[-1], signal.SIGKILL)

    events, results = ran(trials, LocalWorkers(2), kill)
    assert len(set(killed)) == 2
    assert {name: result.status for name, result in results.items()} == {
        "doomed": "lost", "other": "done", "never": "skipped",
    }  # fmt: skip
    assert "ended without a word" in results["doomed"].reason
    notes = [e.text for e in events if isinstance(e, Note)]
    assert len(notes) == 1
    assert "tried once more" in notes[0]
    starts = [(e.name, e.attempt) for e in events if isinstance(e, TrialStarted)]
    assert sorted(starts) == [("doomed", 1), ("doomed", 2), ("other", 1)]


@pytest.mark.timeout(120)
def test_a_stopped_pool_goes_on_where_its_trainings_stood(twin: Path, tmp_path: Path) -> None:
    trials = [training("long", twin, tmp_path, 2000)]  # so many that its end is told of on its way
    running = run_pool(trials, LocalWorkers(1), "sweep")
    for event in running:
        if isinstance(event, TrialProgress) and event.done > 0:
            break
    running.close()
    left = trials[0].out / "checkpoint.safetensors"
    assert left.is_file()
    assert trials[0].result() is None
    events, results = ran(trials, LocalWorkers(1))
    assert results["long"].status == "done"
    assert next(e.done for e in events if isinstance(e, TrialProgress) and not e.stage) > 1
    assert not left.exists()


@pytest.mark.timeout(30)
def test_a_trial_that_gets_no_process_is_said_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pool_local, "in_child", full)  # as the system refuses a process
    _, results = ran([Trial("one", "train", {}, str(tmp_path))], LocalWorkers(1))
    assert results["one"].status == "failed"
    assert "unexpected BlockingIOError: [Errno 11] Resource" in results["one"].reason


def test_a_result_of_another_trial_is_refused(twin: Path, tmp_path: Path) -> None:
    training("one", twin, tmp_path).save(TrialResult("one", "done", {"validation": 0.5}))
    with pytest.raises(InputError, match=r"of another trial .* move the folder back"):
        ran([training("one", twin, tmp_path, 5)], LocalWorkers(1))
    file = training("one", twin, tmp_path).result_file
    file.write_text(file.read_text("utf-8").replace("0.5", "0.1"), "utf-8")
    with pytest.raises(InputError, match="checksum"):
        ran([training("one", twin, tmp_path)], LocalWorkers(1))


def test_names_and_orders_that_make_no_sense_are_said_at_once(tmp_path: Path) -> None:
    one, root = Trial("one", "train", {}, str(tmp_path)), str(tmp_path)
    with pytest.raises(InputError, match="named twice") as refused:
        ran([one, one, Trial("two", "train", {}, root, ("three",))], LocalWorkers(1))
    assert "comes after three" in str(refused.value)


class _Pairs:
    """Workers of which two take ten beats of a second for a trial each, and are silent before."""

    room = 2

    def __init__(self) -> None:
        self.now_s, self.given = 0.0, []

    def start(self, trial: Trial) -> None:
        self.given.append((self.now_s + 10.0, trial))
        self.room -= 1

    def heard(self, timeout_s: float) -> tuple[str, str, dict] | None:
        due = [pair for pair in self.given if pair[0] <= self.now_s]
        if not due:
            self.now_s += timeout_s
            return None
        self.given.remove(due[0])
        self.room += 1
        return due[0][1].name, "done", {}

    def at_work(self, given: int) -> str:
        return f"{given} running"

    def close(self) -> None:
        """Nothing to end."""


def test_the_time_left_falls_while_trials_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rose from 3 min 37 s to 4 min 33 s, and then the sweep was done."""
    workers = _Pairs()
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: workers.now_s))
    trials = [Trial(name, "train", {}, str(tmp_path)) for name in "abcd"]
    events, _ = ran(trials, workers)
    told = [e for e in events if isinstance(e, Progress) and e.done == 2]
    assert [round(e.elapsed_s + (e.remaining_s or 0)) for e in told[:10]] == [20] * 10
    late = [e.remaining_s for e in events if isinstance(e, Progress) and not e.done]
    assert set(late) == {None}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="of Linux")
def test_a_pool_takes_the_cores_that_this_process_may_use() -> None:
    """On a node of a cluster a job has a few of the cores, and started a process for each."""
    may = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(may)})
    try:
        workers = workers_of(None, None)
    finally:
        os.sched_setaffinity(0, may)
    assert isinstance(workers, LocalWorkers)
    assert workers.room == 1


def test_a_cluster_brings_its_own_workers() -> None:
    with pytest.raises(InputError, match="has its own"):
        workers_of("tcp://127.0.0.1:1", 2)


def test_a_deployment_that_goes_on_does_not_live_the_same_noise_again(
    kept: Path, tmp_path: Path
) -> None:
    asked = {"network": str(kept / "network"), "bench": "virtual", "noise_seed": 7}
    events = VERBS["deploy"](asked, tmp_path / "out", False, None)
    while not isinstance(next(events), NodeMeasured):
        pass
    events.close()
    list(VERBS["deploy"](asked, tmp_path / "out", True, None))
    nodes, spec = read_recording(tmp_path / "out" / "nodes"), read_bench("virtual")
    spec = replace(spec, virtual=replace(spec.virtual, seed=7))
    apart = []
    for row in (0, 1):  # each as if it were the first of the same noise
        with Bench.connect(spec) as bench:
            drive, out = FieldSequence(nodes.drive[row]), tmp_path / f"row-{row}"
            again = read_recording(run(record(bench, [drive], 1, out))[1])
        apart.append(np.std(nodes.response[row, 0] - again.response[0, 0]))
    assert apart[0] < apart[1] / 30


def test_a_stop_is_heard_within_what_says_nothing_for_long(twin: Path, tmp_path: Path) -> None:
    """Of seeds, sweeps and tables a trial is a training of its own, and as long silent."""
    stop, trial = Stop(), training("a", twin, tmp_path, iterations=0)
    events = run_trial(trial.text(), stop)
    for event in events:
        if isinstance(event, TrialProgress) and "score to expect" in event.stage:
            break
    stop.request()
    with pytest.raises(StoppedError):
        next(events)
    assert trial.result() is None


def test_a_stop_is_heard_where_baselines_are_scored(tmp_path: Path) -> None:
    """They take a trial minutes, and are not told: no share of the whole."""
    stop, said, closed = Stop(), [], []

    def scoring() -> Iterator[Progress]:
        try:
            for k in range(100):
                said.append(k)
                if k == 3:
                    stop.request()
                yield Progress("baselines", k, 100, "passes", 0.0, None)
        finally:
            closed.append(True)

    trial = Trial("a", "train", {}, str(tmp_path))
    with pytest.raises(StoppedError):
        list(driven(trial, scoring(), stop=stop))
    assert (said, closed) == ([0, 1, 2, 3], [True])
    assert trial.result() is None
