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
IN_VIEW = {
    "monitor": "the Monitor page in view, a million points",
    "busy": "the Record page in view, a million points in a window beside it",
}


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
    idle = told["idle"]
    assert told["recorded_throughout"]
    for state in ("monitor", "busy"):
        seen = told[state]
        with capsys.disabled():
            print(  # noqa: T201 - a benchmark reports its figures
                f"\nevent-loop gaps in ms over {seconds:g} s: idle p99 {idle['p99']}, p99.9 "
                f"{idle['p999']}, longest {idle['max']}; recording, fitting and plotting, "
                f"{IN_VIEW[state]}: p99 {seen['p99']}, p99.9 {seen['p999']}, longest {seen['max']}"
            )
        assert seen["p99"] <= P99_MS
        if seen["turns"] >= 2000:  # fewer hold no p99.9
            assert seen["p999"] <= P999_MS
    assert told["frames_per_s"] >= 30.0
