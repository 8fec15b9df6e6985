"""The window from start to usable beside a bare PyQt6 + pyqtgraph window, same run, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FRAME_AT_MOST = 1.5
"""Issue 7: the first frame that answers (strip, rail, Stop, menu) over a bare window's."""
FIRST_START_AT_MOST = 2.5
"""The whole first start, with the page that offers a bench: measured 1.7 to 2.0 on two cores."""
RECORD_AT_MOST = 4.0
"""With the Record page and its six plots, of which the bare window has one: measured about 3."""
ROUNDS = 5
BARE = """
import time
began = time.perf_counter()
import json, sys
import pyqtgraph as pg
from PyQt6 import QtCore, QtWidgets
app = QtWidgets.QApplication(sys.argv)
window = QtWidgets.QMainWindow()
window.setCentralWidget(pg.PlotWidget())
window.resize(1440, 900)
window.show()
def tell():
    window.repaint()
    print(json.dumps({"framed": time.perf_counter() - began}))
    app.quit()
QtCore.QTimer.singleShot(0, tell)
app.exec()
"""
PAGE = ("-m", "app", "--smoke", "--bench", "virtual")
FIRST = ("-m", "app", "--smoke")


def seconds(folder: Path, *arguments: str) -> dict[str, float]:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "TWINRIG_CONFIG": str(folder / "config"),
        "TWINRIG_LIBRARY": str(folder / "library"),
    }
    done = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, env=environment, text=True
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[0])
    return told


def test_the_first_frame_comes_within_one_and_a_half_bare_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In turns, the fastest of each: what else the machine does meets all three alike."""
    bare, frame, first, record = [], [], [], []
    for _ in range(ROUNDS):
        bare.append(seconds(tmp_path, "-c", BARE)["framed"])
        started = seconds(tmp_path, *FIRST)
        frame.append(started["framed"])
        first.append(started["seconds"])
        record.append(seconds(tmp_path, *PAGE)["seconds"])
    least = min(bare)
    ratios = [min(values) / least for values in (frame, first, record)]
    with capsys.disabled():
        print(  # noqa: T201 - a benchmark reports its seconds
            f"\nbare window {least:.2f} s; first frame that answers {min(frame):.2f} s, "
            f"ratio {ratios[0]:.2f}; first start complete {min(first):.2f} s, {ratios[1]:.2f}; "
            f"with the Record page {min(record):.2f} s, {ratios[2]:.2f}"
        )
    assert ratios[0] <= FRAME_AT_MOST
    assert ratios[1] <= FIRST_START_AT_MOST
    assert ratios[2] <= RECORD_AT_MOST
