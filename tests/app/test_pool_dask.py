"""The same pool on a Dask cluster of two workers: a worker that dies loses one trial."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import pytest
from pool_samples import ENDLESS, deployment, ran, saved_twins, training

from app.operations.events import Progress
from app.operations.learning_events import TrialProgress, TrialStarted
from app.operations.pool import run_pool, workers_of
from app.operations.pool_dask import STOPS_WITHIN_S, DaskWorkers
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX's")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_twins(tmp_path_factory.mktemp("twins"))[0]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A cluster of two worker processes of this machine."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs=50, host="127.0.0.1",
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


def test_a_trial_that_ends_while_the_pool_is_closed_does_not_keep_the_others_running() -> None:
    workers, client = object.__new__(DaskWorkers), MagicMock()
    workers._client, workers._topic, workers._futures = client, "t", {}

    def ends() -> bool:  # another trial does, meanwhile, in a thread of Dask
        workers._futures.pop("other", None)
        return True

    workers._futures |= {"one": SimpleNamespace(done=ends), "other": SimpleNamespace(done=ends)}
    workers.close()
    client.close.assert_called_once()


@pytest.mark.timeout(240)
def test_trials_run_there_and_a_worker_that_is_killed_loses_one(
    twin: Path, tmp_path: Path, scheduler: str
) -> None:
    doomed, other = training("doomed", twin, tmp_path, ENDLESS), training("other", twin, tmp_path)
    bad = training("bad", tmp_path / "no-twin", tmp_path)
    killed: list[int] = []

    def kill(event: Event) -> None:
        tried = doomed.attempts()
        working = isinstance(event, TrialProgress) and event.name == "doomed" and event.done > 0
        if working and len(tried) > len(killed):
            killed.append(tried[-1]["pid"])
            os.kill(killed[-1], signal.SIGKILL)

    trials = [doomed, other, bad, deployment("other-deployed", other)]
    events, results = ran(trials, workers_of(scheduler, None), kill)
    assert {name: result.status for name, result in results.items()} == {
        "doomed": "lost", "other": "done", "bad": "failed", "other-deployed": "done",
    }  # fmt: skip
    assert "died" in results["doomed"].reason
    assert "no such file or folder" in results["bad"].reason
    assert len(killed) == 2
    assert results["other-deployed"].values["hardware_runs"] == 4
    assert other.result() == results["other"]
    starts = [e for e in events if isinstance(e, TrialStarted) and e.name == "doomed"]
    assert [e.attempt for e in starts] == [1, 2]


@pytest.mark.timeout(240)
def test_a_stop_reaches_the_cluster_and_leaves_a_checkpoint(
    twin: Path, tmp_path: Path, scheduler: str
) -> None:
    trial = training("long", twin, tmp_path, ENDLESS)
    running = run_pool([trial], workers_of(scheduler, None), "sweep")
    for event in running:
        if isinstance(event, TrialProgress) and event.done > 0:
            break
    running.close()
    assert (trial.out / "checkpoint.safetensors").is_file()
    assert not (trial.out / "run.lock").exists()
    assert trial.result() is None


@pytest.mark.timeout(240)
def test_a_scheduler_that_goes_is_no_stop_by_the_user(
    twin: Path, tmp_path: Path, scheduler: str
) -> None:
    """Its client cancels all that was waited for."""
    trial, workers = training("long", twin, tmp_path, ENDLESS), workers_of(scheduler, None)

    def cancel(event: Event) -> None:
        if isinstance(event, TrialProgress) and event.done > 0:
            workers._client.cancel(list(workers._futures.values()), force=True)  # type: ignore[attr-defined]

    with pytest.raises(TwinrigError, match="is gone, or long was cancelled there") as gone:
        ran([trial], workers, cancel)
    assert gone.value.exit_code == 1
    assert trial.result() is None


def test_a_scheduler_that_is_not_there_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.operations.pool_dask.ANSWERS_WITHIN_S", 0.5)
    with pytest.raises(TwinrigError, match="no Dask scheduler answers"):
        workers_of("tcp://127.0.0.1:9", None)
    with pytest.raises(InputError, match="expected tcp://HOST:PORT"):
        workers_of("nonsense://x", None)
    monkeypatch.setattr(distributed, "Client", MagicMock())  # which takes 20 s and a traceback
    for wrong in ("nonsense", "tcp://10.0.0.1", "tcp://10.0.0.1:port", "ucx://h:1"):
        with pytest.raises(InputError, match="expected tcp://HOST:PORT"):
            workers_of(wrong, None)
    distributed.Client.assert_not_called()


@pytest.mark.timeout(120)
def test_a_scheduler_without_workers_is_said_and_left_at_once(twin: Path, tmp_path: Path) -> None:
    with distributed.LocalCluster(
        n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50, host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address
        running = run_pool([training("alone", twin, tmp_path)], workers_of(address, None), "sweep")
        said = next(event for event in running if isinstance(event, Progress))
        assert f"none running: {address} has no worker (dask worker {address})" in said.note
        began_s = time.monotonic()
        running.close()
    assert time.monotonic() - began_s < STOPS_WITHIN_S / 2
