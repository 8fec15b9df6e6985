"""Gaps of the window's event loop: idle, then recording, fitting and plotting at once; a script.

Twice: with the Monitor page in view, whose charts hold a million points, as a user has it; and with
the Record page in view and eight charts of a million points in a window beside it, which is more
than the program ever draws at once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_MS, FRAME_MS = 1, 33
TRACES, POINTS = 8, 125_000  # a million points in all
RATE_HZ = 1000.0
SPAN_S = 600.0  # of the Monitor's choices
FORM = {"count": 8, "steps": 40, "repeats": 8}
LONG_FORM = {"count": 20, "steps": 100, "repeats": 400}


class Gaps:
    """Seconds between turns of the event loop, seen by a timer of one millisecond."""

    def __init__(self) -> None:
        from PyQt6.QtCore import Qt, QTimer

        self.seen_s: list[float] = []
        self._last_s = time.perf_counter()
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._tick)
        self.timer.start(TICK_MS)

    def _tick(self) -> None:
        now_s = time.perf_counter()
        self.seen_s.append(now_s - self._last_s)
        self._last_s = now_s

    def figures(self) -> dict[str, float]:
        """p99, p99.9 and the longest, in milliseconds; what was seen begins anew."""
        seen, self.seen_s = 1e3 * np.array(self.seen_s), []
        return {
            "p99": round(float(np.quantile(seen, 0.99)), 2),
            "p999": round(float(np.quantile(seen, 0.999)), 2),
            "max": round(float(seen.max()), 2),
            "turns": len(seen),
        }


class Plotting:
    """The Monitor's charts with eight traces of 125,000 points; every frame adds and draws."""

    def __init__(self, theme: Any) -> None:
        from PyQt6.QtCore import QTimer

        from app.gui.widgets.chart import Chart
        from app.gui.widgets.strip_charts import StripCharts
        from app.trace_store import TraceStore

        self.store, self.charts = TraceStore(TRACES), StripCharts(theme)
        rng = np.random.default_rng(0)
        self.values = np.cumsum(rng.standard_normal((TRACES, POINTS)), axis=1)
        self.pushed = POINTS
        self.store.push(np.arange(POINTS) / RATE_HZ, self.values)
        charts = [Chart(k, f"trace {k}", "V", "measured") for k in range(TRACES)]
        self.charts.show_charts(charts)
        self.frames = 0
        self.charts.resize(1000, 700)
        self.charts.show()
        self.timer = QTimer()
        self.timer.timeout.connect(self._frame)
        self.timer.start(FRAME_MS)

    def _frame(self) -> None:
        self.frames += 1
        times = np.arange(self.pushed, self.pushed + FRAME_MS)
        self.pushed += FRAME_MS
        fresh = self.values[:, times % POINTS]
        self.store.push(times / RATE_HZ, fresh)
        self.charts.show_frame(self.store, 0.0, float(times[-1]) / RATE_HZ, fresh[:, -1])


def fill_monitor(page: Any) -> None:
    """A past of a million points in all for the page's traces, all of it in view."""
    live = page.live
    traces = len(live.traces)
    times_s = time.monotonic() - np.linspace(SPAN_S, 0.0, TRACES * POINTS // traces)
    walks = np.random.default_rng(0).standard_normal((traces, times_s.size)).cumsum(axis=1)
    live.store.push(times_s, walks)
    page.fields.set_values({"hidden": []})
    page.span.choose(SPAN_S)
    page.draw()
    if page.charts.points < 1000 * traces // 2:
        raise SystemExit(f"the charts draw {page.charts.points} points only")


def fit_until(recording: Path, out: Path, ended: Callable[[], bool]) -> None:
    """The real fit in its child process, as the Twin page runs it, until told."""
    from app.operations.child import in_child
    from models.errors import StoppedError

    values = {"recordings": [recording], "out": out, "iterations": 1_000_000}
    with suppress(StoppedError):
        for _ in in_child("app.operations.fit.fit", values, ended):
            pass


def main(seconds: float) -> None:
    """Measure; prints a JSON object."""
    from PyQt6.QtWidgets import QApplication

    from app.gui.start import SWITCH_S
    from app.gui.theme import Theme
    from app.gui.window import Window
    from app.library.library import Library
    from app.session import Session
    from instruments.bench_file import read_bench

    sys.setswitchinterval(SWITCH_S)
    application = QApplication(sys.argv[:1])
    theme = Theme("light")
    theme.apply(application)

    def until(done: Callable[[], bool]) -> None:
        while not done():
            application.processEvents()
            time.sleep(0.001)

    def run_for(some_s: float) -> None:
        from PyQt6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(int(1e3 * some_s), loop.quit)
        loop.exec()

    with tempfile.TemporaryDirectory() as folder:
        window = Window(Session(read_bench("virtual"), Library(Path(folder) / "lib")), theme)
        window.show()
        window.link.connect_bench()
        page: Any = window.pages["record"]
        until(lambda: page.form.primary.isEnabled())
        page.set_form_values(FORM)
        page.show_cost()
        until(lambda: page.form.primary.isEnabled())
        page.press()
        until(lambda: window.job is None)
        gaps = Gaps()
        run_for(0.5)
        gaps.figures()
        run_for(seconds)
        idle = gaps.figures()
        over, first = threading.Event(), page.recorded
        page.set_form_values(LONG_FORM)
        page.show_cost()
        until(lambda: page.form.primary.isEnabled())
        page.press()
        if window.job is None:
            raise SystemExit(f"the recording did not start: {page.form.primary.cost}")
        fitting = threading.Thread(
            target=fit_until, args=(first, Path(folder) / "fit", over.is_set)
        )
        fitting.start()
        plotting = Plotting(theme)
        run_for(6.0)  # what the child imports first is no fit yet
        gaps.figures()
        plotting.frames = 0
        run_for(seconds)
        busy = gaps.figures()
        rate = round(plotting.frames / seconds, 1)
        plotting.timer.stop()
        plotting.charts.hide()
        window.open_page("monitor")
        fill_monitor(window.pages["monitor"])
        run_for(1.0)
        gaps.figures()
        run_for(seconds)
        monitor = gaps.figures()
        recording = window.job is not None
        over.set()
        window.shut_down()
        until(lambda: not window.isVisible())
        fitting.join()
    said = {
        "idle": idle, "monitor": monitor, "busy": busy, "frames_per_s": rate,
        "recorded_throughout": recording,
    }  # fmt: skip
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
