"""kill -9 of `twinrig deploy` on a served rig: no measured node is lost, the magnet is at zero."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr
from kill_runs import Tally, Wire, instants, killed
from network_samples import run, twin_of
from served_rig import served_rig

from app.cli.main import main
from app.operations.train import train
from app.store import read_recording, save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from pathlib import Path

    from kill_runs import Killed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL of POSIX")
TASK = "mackey-glass:train=130,validation=30,test=20,washout=10"
LAYERS = (6, 4)
LONGEST_S = 0.8  # the run takes so long from its plan to its end on a quiet machine


@pytest.mark.parametrize(
    "count",
    [3, pytest.param(200, marks=[pytest.mark.full, pytest.mark.timeout(3600)])],
)
def test_kill_9_at_random_instants_of_a_deployment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    tally = Tally("deploy")
    with served_rig(tmp_path) as rig:
        with Bench.connect(read_bench(rig.bench)) as bench:
            save_twin(tmp_path / "twin", twin_of(bench))
        network = run(train(TASK, [tmp_path / "twin"], LAYERS, tmp_path / "network", iterations=0))[
            1
        ]
        for delay_s, at_once in instants(count, LONGEST_S, seed=count):
            out, wire = tmp_path / "run", Wire(rig)
            end = killed(delay_s, "deploy", network, "--bench", rig.bench, "--out", out)
            if not at_once:
                after_s = wire.safe_after(end.when_s)
                tally.safe_after_s += [] if after_s is None else [after_s]
                tally.before_energised += after_s is None
            check_nodes(out / "nodes", end)
            before = read_recording(out / "nodes")
            capsys.readouterr()
            code = main(["deploy", "--bench", str(rig.bench), "--resume", str(out), "--json"])
            result = json.loads(capsys.readouterr().out.splitlines()[-1])
            assert code == 0, result
            assert result["nodes"] == sum(LAYERS)
            wire.safe_after(end.when_s)
            wire.assert_walked()
            done = read_recording(out / "nodes")
            assert (done.status, done.complete.all()) == ("done", True)
            kept = before.complete
            assert np.array_equal(done.response[kept], before.response[kept], equal_nan=True)
            tally.kills += 1
            tally.at_once += at_once
            tally.announced += len(end.announced("nodemeasured"))
            shutil.rmtree(out)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 (the README's figures)


def check_nodes(nodes: Path, end: Killed) -> None:
    """No announced node is missing or differs by a bit; the status is the truth."""
    recording = read_recording(nodes)
    assert recording.status == "interrupted" or recording.complete.all()
    first = (0, *np.cumsum(LAYERS).tolist())
    with xr.open_dataset(nodes / "recording.nc") as dataset:
        response = dataset["response"].values
        for event, expected in end.announced("nodemeasured"):
            position = first[event["layer"]] + event["node"]
            assert expected.shape == recording.response[position, 0].shape
            assert recording.complete[position, 0]
            assert np.array_equal(recording.response[position, 0], expected)
            assert np.array_equal(response[position, 0], expected)
