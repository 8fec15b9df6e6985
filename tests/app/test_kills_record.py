"""kill -9 of `twinrig record` on a served rig: nothing complete is lost, the magnet is at zero."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr
from kill_runs import Tally, Wire, instants, killed
from served_rig import served_rig

from app.cli.main import main
from app.store import read_recording

if TYPE_CHECKING:
    from pathlib import Path

    from kill_runs import Killed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL of POSIX")
LONGEST_S = 1.4  # from its plan to its end the run takes so long where nothing kills it
SEQUENCES = ("--sequences", "mixed:3x20@1", "--repeats", "8", "--seed", "1")


@pytest.mark.parametrize(
    "count",
    [4, pytest.param(200, marks=[pytest.mark.full, pytest.mark.timeout(3600)])],
)
def test_kill_9_at_random_instants_of_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    tally = Tally("record")
    with served_rig(tmp_path) as rig:
        for delay_s, at_once in instants(count, LONGEST_S, seed=count):
            out, wire = tmp_path / "run", Wire(rig)
            run = killed(delay_s, "record", "--bench", rig.bench, *SEQUENCES, "--out", out)
            if not at_once:
                after_s = wire.safe_after(run.when_s)
                tally.safe_after_s += [] if after_s is None else [after_s]
                tally.before_energised += after_s is None
            check_file(out, run)
            before = read_recording(out)
            code = main(["record", "--bench", str(rig.bench), "--resume", str(out), "--json"])
            result = json.loads(capsys.readouterr().out.splitlines()[-1])
            assert (code, result.get("status")) == (0, "done"), result
            wire.safe_after(run.when_s)
            wire.assert_walked()
            done = read_recording(out)
            assert done.complete.all()
            kept = before.complete
            assert np.array_equal(done.response[kept], before.response[kept], equal_nan=True)
            tally.kills += 1
            tally.at_once += at_once
            tally.announced += len(run.announced("repeatrecorded"))
            shutil.rmtree(out)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 (the README's figures)


def check_file(out: Path, run: Killed) -> None:
    """Nothing that was announced is missing or differs by a bit; the status is the truth."""
    recording = read_recording(out)
    ended = any(event["event"] == "result" for event in run.events)
    assert recording.status == "interrupted" or recording.complete.all()
    assert recording.status == "done" or not ended
    with xr.open_dataset(out / "recording.nc") as dataset:
        response = dataset["response"].values
        for event, expected in run.announced("repeatrecorded"):
            s, r = event["sequence"], event["repeat"]
            assert recording.complete[s, r]
            assert expected.shape == recording.response[s, r].shape
            assert np.array_equal(recording.response[s, r], expected)
            assert np.array_equal(response[s, r], expected)
