"""The window from start to usable beside a bare PyQt6 + pyqtgraph window, same run, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ASKED = 1.5
"""Issue 7: the first usable window over a bare one; of the frame, the first start, the form."""
RECORD_COMPLETE_AT_MOST = 2.7
"""With the Record page's six plots, of which the bare window has one, behind its form."""
ROUNDS = 21
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
    """What one start tells; with bytecode, as installed programs and libraries have it."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "TWINRIG_CONFIG": str(folder / "config"),
        "TWINRIG_LIBRARY": str(folder / "library"),
    }
    done = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, env=environment, text=True
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[0])
    return told


def test_the_first_start_is_complete_within_one_and_a_half_bare_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In turns, the median of the rounds' ratios; where that is too much, of twice as many rounds.

    The fastest of each came at different paces on a machine whose pace halves within seconds. The
    median of 7 rounds was 1.30 to 1.55 of one program's form, of 21 mostly 1.33 to 1.41, once 1.50.
    """
    taken: list[tuple[float, ...]] = []
    compiled = (("-c", BARE), FIRST, PAGE)
    for arguments in compiled:
        seconds(tmp_path, *arguments)
    for _ in range(2):
        for _ in range(ROUNDS):
            window, start, page = (seconds(tmp_path, *arguments) for arguments in compiled)
            own = (start["framed"], start["complete"], page["seconds"], page["complete"])
            taken.append((window["framed"], *own))
        ratios = [median(row[k] / row[0] for row in taken) for k in range(1, 5)]
        if max(ratios[:3]) <= ASKED and ratios[3] <= RECORD_COMPLETE_AT_MOST:
            break
    least, frame, first, form, record = (median(row[k] for row in taken) for k in range(5))
    with capsys.disabled():
        print(  # noqa: T201 - a benchmark reports its seconds
            f"\nbare window {least:.2f} s; first frame that answers {frame:.2f} s, "
            f"ratio {ratios[0]:.2f}; first start complete {first:.2f} s, {ratios[1]:.2f}; "
            f"Record page's form answers {form:.2f} s, {ratios[2]:.2f}; "
            f"its plots are there {record:.2f} s, {ratios[3]:.2f}"
        )
    assert max(ratios[:3]) <= ASKED
    assert ratios[3] <= RECORD_COMPLETE_AT_MOST
