"""kill -9 of a recording behind a GPIB adapter: the watchdog reaches the magnet through it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from kill_runs import Wire, killed
from served_rig import served_rig

from app.cli.main import main
from app.store import read_recording

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL of POSIX")
SEQUENCES = ("--sequences", "mixed:3x20@1", "--repeats", "8", "--seed", "1")
SAFE_WITHIN_S = 5.0


@pytest.mark.parametrize("delay_s", [0.9, pytest.param(0.5, marks=pytest.mark.full)])
def test_a_killed_recording_behind_an_adapter_leaves_the_magnet_at_zero_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], delay_s: float
) -> None:
    behind = ("--prologix", "kepco-bop,sr830")
    with served_rig(tmp_path, more=behind) as rig:
        assert "[board.gpib]" in rig.bench.read_text()
        out, wire = tmp_path / "run", Wire(rig)
        run = killed(delay_s, "record", "--bench", rig.bench, *SEQUENCES, "--out", out)
        after_s = wire.safe_after(run.when_s)
        assert after_s is None or after_s < SAFE_WITHIN_S
        before = read_recording(out)
        assert main(["record", "--bench", str(rig.bench), "--resume", str(out), "--json"]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "done"
        wire.assert_walked()
    done = read_recording(out)
    assert done.complete.all()
    kept = before.complete
    assert np.array_equal(done.response[kept], before.response[kept], equal_nan=True)
