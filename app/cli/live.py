"""Live progress in a terminal: bars with time left, and the running repeat as a braille curve."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from app.cli.plot import braille
from app.cli.words import words_of
from app.operations.events import (
    Event,
    Held,
    NodeStarted,
    Paused,
    PointMeasured,
    Progress,
    ReferenceStarted,
    RepeatStarted,
    Stage,
    StepHeld,
    StepRead,
)
from app.operations.learning_events import FitProgress, FitSamples, TrainProgress
from app.words import duration, left_s

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from rich.console import RenderableType

MEASURED, TWIN = "#D55E00", "#009E73"  # Okabe–Ito, the same meaning in the whole program
PLOT_WIDTH = 60
REDRAW_S = 0.1


class PlottingBars(Bars):
    """Progress bars with lines of a plot above them."""

    plot: tuple[RenderableType, ...] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Give the plot, then the bars."""
        yield from self.plot
        yield self.make_tasks_table(self.tasks)


class LiveProgress:
    """Stages, bars and the running repeat, redrawn a few times a second on standard error."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = PlottingBars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console or Console(stderr=True, highlight=False, markup=False),
            refresh_per_second=8,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._title = ""
        self._values: list[float] = []
        self._points = 1
        self._drawn_s = 0.0
        self._braille = "utf" in (self._bars.console.encoding or "").lower()
        self._bars.start()

    def show(self, event: Event) -> None:
        """Take one event; drawing happens at its own rate."""
        match event:
            case RepeatStarted(sequence, repeat, _, drive, _):
                self._begin(f"sequence {sequence + 1}, repeat {repeat + 1}", len(drive))
            case ReferenceStarted(_, drive, _):
                self._begin("reference", len(drive))
            case NodeStarted(layer, node, drive, _, _):
                self._begin(f"layer {layer + 1}, node {node + 1}", len(drive))
            case Paused(seconds) if seconds:
                self._state(f"paused at zero current for {duration(seconds)}")
            case Held() | StepHeld():
                self._state(words_of(event) or "")
            case PointMeasured(field_T=field_T):
                self._values.append(field_T)
                self._draw_running()
            case StepRead(_, _, _, values):
                self._values.append(float(values[0]))
                self._draw_running()
            case FitSamples(_, sequence, _, real, twin):
                self._draw_samples(sequence, real.mean(axis=0)[:, 0], twin.mean(axis=0)[:, 0])
            case Progress(job, done, total, unit, _, remaining_s, note):
                self._bar(f"{job} ({unit})", done, total, remaining_s, note)
            case FitProgress(iteration, total, loss, _, elapsed_s):
                left = left_s(iteration, total, elapsed_s)
                self._bar("fit (iterations)", iteration, total, left, f"loss {loss:.4g}")
            case TrainProgress(iteration, total, training, _, elapsed_s, _):
                left = left_s(iteration, total, elapsed_s)
                self._bar("train (iterations)", iteration, total, left, f"error {training:.4g}")
            case _:
                self._words(event)

    def _words(self, event: Event) -> None:
        text = words_of(event)
        if text is None:
            return
        if isinstance(event, Stage):
            self._clear()
        self.say(text)

    def say(self, text: str) -> None:
        """Print a sentence above the bars."""
        self._bars.console.print(Text(text))

    def close(self) -> None:
        """Take the bars away and give the terminal back, where it is still there."""
        with suppress(OSError):
            self._bars.stop()

    def _clear(self) -> None:
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks.clear()
        self._bars.plot = ()

    def _state(self, text: str) -> None:
        """What the run waits for, in place of the running repeat."""
        self._bars.plot = (Text(text),)

    def _begin(self, title: str, points: int) -> None:
        self._title, self._values, self._points = title, [], points

    def _draw_running(self) -> None:
        now_s = time.monotonic()
        if self._braille and now_s - self._drawn_s >= REDRAW_S:
            self._drawn_s = now_s
            self._draw(self._title, (self._values, self._points, MEASURED))

    def _draw_samples(self, sequence: int, real: np.ndarray, twin: np.ndarray) -> None:
        if self._braille:
            title = f"sequence {sequence + 1}, held out: device above, twin below"
            self._draw(title, (real, real.size, MEASURED), (twin, twin.size, TWIN))

    def _draw(self, title: str, *curves: tuple[list[float] | np.ndarray, int, str]) -> None:
        lines = [Text(title)]
        for values, points, colour in curves:
            drawn = braille(list(values), points, PLOT_WIDTH)
            lines += [Text("  " + line, style=colour) for line in drawn]
        self._bars.plot = tuple(lines)

    def _bar(self, name: str, done: float, total: float, rest_s: float | None, note: str) -> None:
        left = "" if rest_s is None else f"{duration(max(rest_s, 0.0))} left"
        words = "  ".join(part for part in (left, note) if part)
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, left=words)
        self._bars.update(self._tasks[name], completed=done, total=total, left=words)
