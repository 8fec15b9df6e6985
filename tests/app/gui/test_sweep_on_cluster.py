"""A sweep from the window whose trials run on a Dask cluster; a scheduler that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.operations.learning_events import TrialStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.operations.events import Event

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

WAIT_MS = 240_000
SMALL = "train=300,validation=100,test=60,washout=20"
CLUSTER = """
import sys
import distributed
if __name__ == "__main__":
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True,
                                  dashboard_address=None, silence_logs=50, host="127.0.0.1") as c:
        print(c.scheduler_address, *(worker.pid for worker in c.workers.values()), flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def cluster(tmp_path) -> Iterator[tuple[str, str]]:
    """Address of a scheduler and process of its worker: the window's has none of their threads."""
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert process.stdout is not None
    scheduler, worker = process.stdout.readline().split()
    yield scheduler, worker
    process.communicate("\n", timeout=60)


@pytest.fixture
def page(network_page):
    return network_page


def swept(page, qtbot, workers: str) -> list[TrialStarted]:
    """Press for a sweep; where its trials began, once it is over."""
    page.set_form_values({"options": SMALL, "iterations": 3, "layers": "2; 3", "kind": "sweep",
                          "workers": workers})  # fmt: skip
    page.show_cost()
    qtbot.waitUntil(lambda: page.tasks.wrong() == "" and page.form.primary.isEnabled(),
                    timeout=WAIT_MS)  # fmt: skip
    assert page.form.primary.cost.endswith(f"on {workers}")
    page.form.primary.click()
    seen: list[Event] = []
    page.shell.job.events.connect(seen.extend)
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
    return [event for event in seen if isinstance(event, TrialStarted)]


@pytest.mark.timeout(600)
def test_its_trials_run_there_and_are_shown(page, qtbot, cluster) -> None:
    scheduler, worker = cluster
    assert scheduler.startswith("tcp://")
    begun = swept(page, qtbot, scheduler)
    assert len(begun) == 2
    assert all(worker in event.where.split() for event in begun), begun
    ended = page.run.trials.trials
    assert len(ended) == 2
    assert {trial.status for trial in ended.values()} == {"done"}, "\n".join(page.shell.log)
    assert page.several["sweep"].table.rows[0].word == "best"


@pytest.mark.timeout(600)
def test_a_scheduler_that_is_not_there_is_said(page, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("app.operations.pool_dask.ANSWERS_WITHIN_S", 2)
    swept(page, qtbot, "tcp://127.0.0.1:9")
    assert "no Dask scheduler answers" in "\n".join(page.shell.log)
    qtbot.waitUntil(lambda: page.heading.text().startswith("Failed"), timeout=WAIT_MS)
