"""How the window runs one job: its events to the page, its progress to strip, rail and status."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal

from app.gui.bench_window import BenchWindow
from app.gui.closing import KEEP
from app.gui.words import minus
from app.words import left_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gui.job import Job, JobSpec, Outcome
    from app.gui.pages.page import Page
    from app.gui.task_bar import TaskBar
    from app.gui.widgets.status import StatusLine
    from app.operations.events import Event


class RunningWindow(BenchWindow):
    """The half of the window that has the job.

    Signals: `job_began(page)`, and `job_ended(page, status)` once the page has shown its end.
    """

    job_began = pyqtSignal(str)
    job_ended = pyqtSignal(str, str)
    status: StatusLine
    task_bar: TaskBar

    def run(self, spec: JobSpec) -> bool:
        """Run a page's operation; one at a time."""
        from app.gui.job import Job  # the events' classes: 15 ms of the window's start

        if not self._nothing_runs():
            return False
        if spec.hardware and self.session.unsafe:
            self.toast(f"The bench is not safe yet: {self.session.unsafe}", "error")
            return False
        interrupt = self.session.request_stop if spec.hardware else _nothing
        self.session.clear_stop()
        guard = self.session.job(spec.title, hardware=spec.hardware)
        self.job = Job(spec, interrupt, guard)
        self.job.events.connect(self._take)
        self.job.finished.connect(self._finished)
        self.status.say(f"{spec.title}, starting", fraction=0.0)
        self.status.say_right("", spec.run_id)
        self.pages[spec.page].job_started()
        self.job.start()
        self.job_began.emit(spec.page)
        return True

    def stop(self) -> None:
        """Stop: first the job's own way down; again, or while idle: make the bench safe at once."""
        if not self.furnished:
            return  # nothing is connected yet
        job = self.job
        if job is not None and not job.stop_asked:
            job.stop()
            self.status.say(f"{job.spec.title}, stopping", fraction=self.status.fraction)
            if job.spec.hardware:
                self.top.waiting("Stopping", "field to zero, then output off")
            return
        self.link.make_safe()

    def pause(self) -> None:
        """Pause the bench's job after its repeat, or let it go on; nothing without one."""
        job = self.job
        if job is None or not job.spec.hardware or job.stop_asked:
            return
        self.session.pause.toggle()
        self.pages[job.spec.page].show_pause()

    def _take(self, events: list[Event]) -> None:
        job = self.job
        if job is None:
            return
        page = self.pages[job.spec.page]
        heard = self._of_bench(job, events)
        if not job.stop_asked:
            self._show_newest(job, heard)
            self._show_another(job, events)
        for event in events:
            self._say(page, event)
        page.take(events)
        for other in self.pages.values():
            if other is not page:
                other.watch(heard)
        if not job.stop_asked:
            self._show_page(job, page, events)

    def _of_bench(self, job: Job, events: Sequence[Event]) -> Sequence[Event]:
        """Those events that are not of another bench: a demo has one of its own.

        Strip and Monitor show this window's bench: another one's field must not stand there.
        """
        from app.operations.events import StepRead

        own = ("", self.session.spec.name) if job.spec.hardware else ()
        return [e for e in events if not isinstance(e, StepRead) or e.bench in own]

    def _show_newest(self, job: Job, events: Sequence[Event]) -> None:
        """The newest step, point and progress of this frame, on strip, rail and status line."""
        from app.operations.bench_read import BenchRead
        from app.operations.events import PointMeasured, Progress, StepRead

        newest = {type(event): event for event in events}
        step, point, progress = (newest.get(kind) for kind in (StepRead, PointMeasured, Progress))
        if not newest.keys().isdisjoint((StepRead, PointMeasured, BenchRead)):
            self._seen_s = time.monotonic()
        if isinstance(look := newest.get(BenchRead), BenchRead):
            self.top.show_reading(look)
            self.status.say(minus(f"{job.spec.title}, {1e3 * look.field_T:.4g} mT"))
        if isinstance(step, StepRead):
            self.top.show_step(step.field_T, step.current_A, step.values)
        if isinstance(point, PointMeasured):
            self.top.show_point(point)
        if isinstance(progress, Progress):
            share = progress.done / progress.total if progress.total else 0.0
            left = left_words(progress.remaining_s)
            words = f"{job.spec.title}, {progress.done:g} of {progress.total:g} {progress.unit}"
            self.status.say(words, fraction=share, left=left)
            self._show_share(job, share)

    def _show_another(self, job: Job, events: Sequence[Event]) -> None:
        """That another bench of this job is on now: the strip's values are of the window's own."""
        from app.operations.events import StepRead

        benches = [event.bench for event in events if isinstance(event, StepRead)]
        if job.spec.hardware and benches and benches[-1] not in ("", self.session.spec.name):
            self.top.forbidden("Another bench is on", benches[-1])

    def _say(self, page: Page, event: Event) -> None:
        from app.operations.events import Note, RunPlan

        if isinstance(event, RunPlan):
            self.status.say_right("every complete repeat is on disk")
        elif isinstance(event, Note) and (
            event.level == "info"
            or (event.level == "warning" and page.shows_warnings and page.isVisible())
        ):
            self.log.append(f"{event.level}: {event.text}")
        elif isinstance(event, Note):
            self.toast(event.text, event.level)

    def _show_page(self, job: Job, page: Page, events: list[Event]) -> None:
        """What the page says of its run: why it waits, and how far it is by its own count."""
        from app.operations.events import Progress

        if page.wait.words:
            if page.wait.at_zero:
                self.top.show_rest()
            if page.wait.reason:
                self.top.forbidden("Held", page.wait.reason)
                self.task_bar.hold()
            self.status.say(f"{job.spec.title}, {page.wait.words}", fraction=self.status.fraction)
        elif page.progress is not None and not any(isinstance(e, Progress) for e in events):
            share, left = page.progress
            self.status.say(job.spec.title, fraction=share, left=left)
            self._show_share(job, share)

    def _show_share(self, job: Job, share: float) -> None:
        self.rail.item(job.spec.page).show_mark(f"{100 * share:.0f} %")
        self.task_bar.progress(share)

    def _finished(self, outcome: Outcome) -> None:
        job, self.job = self.job, None
        if job is None:
            return
        self.session.clear_stop()
        if self.closing:  # before anything is shown: what fails there must not keep the bench
            self._close_bench()
        elif job.spec.hardware and self.session.unsafe:
            self._given_up(self.session.unsafe)
            self.link.make_safe()
        self._show_end(job, outcome)
        if self.job is None:
            self.bar.take_back(KEEP)  # nothing runs that closing would stop
        job.deleteLater()

    def _show_end(self, job: Job, outcome: Outcome) -> None:
        self.top.idle()
        failed = outcome.status == "failed"
        self.rail.item(job.spec.page).show_mark("fault" if failed else "")
        word = {"done": "done", "stopped": "stopped"}.get(outcome.status, "failed")
        self.status.say(f"{job.spec.title}, {word}")
        self.task_bar.end(f"{job.spec.title}, {word}")
        self.status.say_right("")
        try:
            self.pages[job.spec.page].job_finished(outcome)
            for key, page in self.pages.items():
                if key != job.spec.page:
                    page.refresh_in_view()
        except Exception as error:
            self.toast(f"{error}", "error", traceback.format_exc())
        if failed and outcome.error is not None:
            self.toast(f"{job.spec.title}: {outcome.error}", "error", outcome.trace)
        self.job_ended.emit(job.spec.page, outcome.status)


def _nothing() -> None:
    """A child process needs no interrupt: its generator is closed at the next event."""
