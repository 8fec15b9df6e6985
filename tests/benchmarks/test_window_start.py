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
ROUNDS = 7
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
    """In turns, the median of the rounds' ratios.

    The fastest of each came at different paces on a machine whose pace halves within seconds: the
    form's ratio was 1.47 to 1.58 in three runs, by the median 1.41 to 1.45.
    """
    bare, frame, first, form, record = [], [], [], [], []
    for round_number in range(1 + ROUNDS):
        window = seconds(tmp_path, "-c", BARE)
        start = seconds(tmp_path, *FIRST)
        page = seconds(tmp_path, *PAGE)
        if round_number:  # the one before compiles
            bare.append(window["framed"])
            frame.append(start["framed"])
            first.append(start["complete"])
            form.append(page["seconds"])
            record.append(page["complete"])
    least = median(bare)
    ratios = [
        median(value / alone for value, alone in zip(values, bare, strict=True))
        for values in (frame, first, form, record)
    ]
    with capsys.disabled():
        print(  # noqa: T201 - a benchmark reports its seconds
            f"\nbare window {least:.2f} s; first frame that answers {median(frame):.2f} s, "
            f"ratio {ratios[0]:.2f}; first start complete {median(first):.2f} s, {ratios[1]:.2f}; "
            f"Record page's form answers {median(form):.2f} s, {ratios[2]:.2f}; "
            f"its plots are there {median(record):.2f} s, {ratios[3]:.2f}"
        )
    assert max(ratios[:3]) <= ASKED
    assert ratios[3] <= RECORD_COMPLETE_AT_MOST
