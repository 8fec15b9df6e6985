"""The window answers while it records, fits in a child process and plots a million points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

P99_MS, P999_MS = 20.0, 50.0
"""Issue 7."""


@pytest.mark.full
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", [4.0, 60.0])
def test_the_event_loop_keeps_turning(seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("window_gaps.py")), str(seconds)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    idle, busy = told["idle"], told["busy"]
    with capsys.disabled():
        print(  # noqa: T201 - a benchmark reports its figures
            f"\nevent-loop gaps in ms over {seconds:g} s: idle p99 {idle['p99']}, p99.9 "
            f"{idle['p999']}, longest {idle['max']}; recording, fitting and plotting p99 "
            f"{busy['p99']}, p99.9 {busy['p999']}, longest {busy['max']}; "
            f"{told['frames_per_s']} frames a second"
        )
    assert told["recorded_throughout"]
    assert busy["p99"] <= P99_MS
    if busy["turns"] >= 2000:  # fewer hold no p99.9
        assert busy["p999"] <= P999_MS
