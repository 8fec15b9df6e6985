"""What the bench tells the window: connected, read, lost, on the way to safety, safe."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.closing import ClosingWindow
from app.gui.furnishing import read

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.pages.page import Page
    from app.gui.served_rig import ServedRig
    from app.gui.top import TopStrip
    from app.gui.widgets.rail import Rail
    from app.gui.widgets.toast import Toasts

STEP_SAYS_S = 1.0  # so long what a step has said may stand; then what flows now


class BenchWindow(ClosingWindow):
    """The half of the window that answers the bench's signals."""

    top: TopStrip
    rail: Rail
    toasts: Toasts
    pages: dict[str, Page]

    def __init__(self) -> None:
        super().__init__()
        self.pages = {}
        self._seen_s = -math.inf  # when a job's own step, point or look was shown
        self._opening = Latest(self)
        self._opening.done.connect(self._opened)
        self._losses: set[str] = set()  # what was said since the last reading: a night has 40,000
        self._by_hand = ""  # what was told to be done by hand, until the bench is safe
        self.rig: ServedRig | None = None

    def room_for_toasts(self, pixels: int) -> None:
        """Have the strip above every page's primary button so high."""
        for page in self.pages.values():
            page.form.set_room(pixels)

    def toast(self, text: str, level: str = "info", trace: str = "") -> None:
        """Say something in the corner; the window knows how."""
        raise NotImplementedError

    def served_rig(self) -> ServedRig:
        """The rig that is served, or could be."""
        if self.rig is None:
            from app.gui.served_rig import ServedRig

            self.keep_rig(ServedRig())
        assert self.rig is not None, "just kept"
        return self.rig

    def keep_rig(self, rig: ServedRig) -> None:
        """Take over a served rig, also from the window before this one."""
        self.rig = rig
        rig.failed.connect(self._rig_failed)

    def _rig_failed(self, words: str) -> None:
        self.toast(f"The served rig has ended: {words}", "error")

    def open_bench(self, path: Path) -> None:
        """Close this bench, safe as always, and open another bench file in its place.

        A file that is no bench is told here, with this bench still open; it is read in a thread.
        """
        if self._nothing_runs():
            self._opening.ask(partial(_bench_in, path))

    def _opened(self, path: Path | None, error: Exception | None) -> None:
        if path is None:
            self.toast(str(error), "error")
        elif self._nothing_runs():
            self.next_bench = path
            self.shut_down()

    def _nothing_runs(self) -> bool:
        """Whether nothing is under way; said where something is."""
        idle = self.job is None and not self.closing
        if not idle:
            running = self.job.spec.title if self.job else "The window's end"
            by_hand = self.job is not None and self.job.spec.page == "bench"
            do = "ramp it to zero on the Bench page" if by_hand else "stop it, or wait for its end"
            self.toast(f"{running} is under way: {do}", "warning")
        return idle

    def _connect_link(self) -> None:
        self.link.connected.connect(self._connected)
        self.link.failed.connect(self._connect_failed)
        self.link.reading.connect(self._reading)
        self.link.at_work.connect(self._at_work)
        self.link.lost.connect(self._lost)
        self.link.safe.connect(self._made_safe)
        self.link.told.connect(self._told)
        self.link.noted.connect(self._noted)
        self.link.unsafe.connect(self._unsafe)
        self.link.given_up.connect(self._given_up)
        self.link.stuck.connect(self._stuck)
        self.link.closed.connect(self._bench_closed)

    def _connected(self) -> None:
        self.top.bench_connected()
        for page in self.pages.values():
            page.bench_changed()

    def _connect_failed(self, error: BaseException, trace: str) -> None:
        self.top.missing("Not connected", str(error).splitlines()[0])
        self.rail.items["bench"].show_mark("fault")
        self.toast(str(error), "error", trace)
        for page in self.pages.values():
            page.bench_changed()

    def _reading(self, reading: object) -> None:
        self._losses.clear()
        if self.job is None or not self.job.spec.hardware:
            self.top.show_reading(reading)  # type: ignore[arg-type]
            if unsafe := self.session.unsafe:  # another bench than the one that was read
                self.top.forbidden("NOT SAFE", unsafe, "fault")
            self.rail.items["bench"].show_mark("")
            for page in self.pages.values():
                page.take_reading(reading)  # type: ignore[arg-type]

    def _at_work(self, field_T: float, current_A: float) -> None:
        """A job has the bench: on a long way, as to the reset field, no step says what flows."""
        own = self.job is not None and self.job.spec.hardware
        if own and time.monotonic() - self._seen_s > STEP_SAYS_S:
            self.top.show_way(field_T, current_A)
            for page in self.pages.values():
                page.take_way(field_T, current_A)

    def _lost(self, error: BaseException) -> None:
        if unsafe := self.session.unsafe:  # which weighs more than what could not be read
            self.top.missing("NOT SAFE", unsafe, "fault")
        elif not self.link.making_safe:
            self.top.missing("Bench lost", str(error).splitlines()[0])
        self.rail.items["bench"].show_mark("fault")
        for page in self.pages.values():
            page.bench_lost(str(error))
        if (text := f"error: bench: {error}") not in self._losses:
            self._losses.add(text)
            self.log.append(text)

    def _told(self, words: str) -> None:
        """The way to safety goes well."""
        self.log.append(f"info: {words}")
        if self.closing or self.job is not None:
            self.top.waiting("Stopping", words)
            self.top.show_way(*self.session.passing())  # closing reads nothing any more
            self._ends(words)

    def _noted(self, words: str) -> None:
        """What a watchdog says: in the corner once, and in the log each time."""
        line = f"warning: {words}"
        if line in self.log:
            self.log.append(line)
        else:
            self.toast(words, "warning")

    def _unsafe(self, words: str) -> None:
        """A supply can't be reached on the way to safety: said in red, each second."""
        self.top.missing("Not safe yet", words, "fault")
        if (bench := self.pages.get("bench")) is not None:
            bench.bench_lost(words)
        self._ends(words)
        if self.closing:
            self.bar.ask(f"Closing: {words}", [])

    def _ends(self, words: str) -> None:
        """The page of the bench's job says no more that it runs, or is paused."""
        if self.job is not None and self.job.spec.hardware:
            self.pages[self.job.spec.page].made_safe(words)

    def _given_up(self, words: str) -> None:
        """It was not made safe in its time: what to do by hand stays in view until it is."""
        self.top.missing("NOT SAFE", words, "fault")
        self._by_hand, text = words, f"error: {words}"
        if text not in self.log[-2:]:
            self.log.append(text)
        if not self.closing:
            self.bar.ask(f"{words.removesuffix('.')}. The program goes on trying.", [])

    def _made_safe(self, said: list[str]) -> None:
        if not self.closing:
            self.bar.hide()
            if self._by_hand:  # it would go on saying that current may be flowing
                self.toasts.withdraw(self._by_hand)
            self._by_hand = ""
            self.toast("\n".join(said) or "The bench is safe: nothing to do")


def _bench_in(path: Path) -> Path:
    """The path, where it is a bench file; what is wrong with another is raised."""
    read(path)
    return path
