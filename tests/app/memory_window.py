"""The window fed with very many samples by its own path: how much memory it takes, as a script."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from memory_run import SAMPLES, STEPS, resident_bytes

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtWidgets import QApplication

from app.gui.theme import Theme
from app.gui.window import Window
from app.library.library import Library
from app.operations.events import RepeatRecorded, RepeatStarted, RunPlan, StepRead
from app.session import Session
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Iterator

SEQUENCES = 10
FRAME_STEPS = 20_000  # what a window that is held up for minutes finds in its queue


def record(window: Window, count: int) -> Iterator[int]:
    """The Record page and a recording's events in batches as the job gives them; steps so far."""
    page: Any = window.pages["record"]
    page.job_started()
    repeats = count // STEPS
    path = str(window.session.library.folder / "r")
    shape = (SEQUENCES, repeats // SEQUENCES, STEPS)
    page.take([RunPlan(*shape, ("X", "Y"), ("V", "V"), 1.0, path, "rec-x")])
    drive, rng = np.linspace(0, 1, STEPS), np.random.default_rng(0)
    for number in range(repeats):
        sequence, repeat = number % SEQUENCES, number // SEQUENCES
        response = rng.standard_normal((STEPS, 2))
        steps = [StepRead(i, 0.003, 8.0, response[i].copy()) for i in range(STEPS)]
        page.take([RepeatStarted(sequence, repeat, number, drive, drive / 300), *steps[:50]])
        page.take([*steps[50:], RepeatRecorded(sequence, repeat, number, response, 2.7 * number)])
        yield (number + 1) * STEPS
    assert page.live.done == repeats


def monitor(window: Window, count: int) -> Iterator[int]:
    """The Monitor page and steps of a run that another page has; values in its charts so far."""
    window.open_page("monitor")
    page: Any = window.pages["monitor"]
    rng = np.random.default_rng(0)
    block = rng.standard_normal((FRAME_STEPS, 2))
    steps = [StepRead(i, 1e-3 * i / FRAME_STEPS, 8.0, block[i]) for i in range(FRAME_STEPS)]
    page.watch(steps[:1])
    traces = len(page.live.traces)
    while page.live.store.count * traces < count:
        page.watch(steps)
        page.draw()  # a frame each: its own timer may be late
        yield page.live.store.count * traces


def main(kind: str, count: int) -> None:
    """Feed `count` samples; print resident bytes at even distances."""
    application = QApplication(sys.argv[:1])
    theme = Theme("light")
    theme.apply(application)
    began_s, resident, seen = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        window = Window(Session(read_bench("virtual"), Library(Path(folder))), theme)
        window.show()
        window.open_page("record")
        if kind == "monitor":  # its charts are those of a connected bench
            window.session.connect()
        for page in window.pages.values():
            page.bench_changed()
        for seen in {"record": record, "monitor": monitor}[kind](window, count):
            application.processEvents()
            if seen >= count * len(resident) / SAMPLES:
                resident.append(resident_bytes())
        if window.session.bench is not None:
            window.session.close()
    took_s = round(time.monotonic() - began_s, 1)
    values = {"resident": resident, "seen": seen, "seconds": took_s}
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
