"""The Record page fed with a long recording's events: how much memory it takes, as a script."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from memory_run import SAMPLES, STEPS, resident_bytes

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def main(count: int) -> None:
    """Feed `count` steps in batches as the link gives them; print resident bytes."""
    from PyQt6.QtWidgets import QApplication

    from app.gui.theme import Theme
    from app.gui.window import Window
    from app.operations.events import RepeatRecorded, RepeatStarted, RunPlan, StepRead
    from app.session import Library, Session
    from instruments.bench_file import read_bench

    application = QApplication(sys.argv[:1])
    theme = Theme("light")
    theme.apply(application)
    began_s, resident = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        window = Window(Session(read_bench("virtual"), Library(Path(folder))), theme)
        window.show()
        page = window.pages["record"]
        window.open_page("record")
        page.job_started()
        repeats = count // STEPS
        page.take(
            [RunPlan(10, repeats // 10, STEPS, ("X", "Y"), ("V", "V"), 1.0, f"{folder}/r", "rec-x")]
        )
        drive, rng = np.linspace(0, 1, STEPS), np.random.default_rng(0)
        for number in range(repeats):
            sequence, repeat = number % 10, number // 10
            response = rng.standard_normal((STEPS, 2))
            steps = [StepRead(i, 0.003, 8.0, response[i].copy()) for i in range(STEPS)]
            page.take([RepeatStarted(sequence, repeat, number, drive, drive / 300), *steps[:50]])
            page.take(
                [*steps[50:], RepeatRecorded(sequence, repeat, number, response, 2.7 * number)]
            )
            application.processEvents()
            if number % max(repeats // SAMPLES, 1) == 0:
                resident.append(resident_bytes())
        window.close()
    took_s = round(time.monotonic() - began_s, 1)
    values = {"resident": resident, "seen": count, "seconds": took_s}
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
