"""The Record page: what to apply and how often, its cost, and the repeats as they come."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QTimer

from app.gui.live_record import LiveRecording
from app.gui.pages.record_form import RecordForm
from app.gui.pages.record_queue_part import QueuePart
from app.gui.pages.record_view import RecordView
from app.gui.record_foresight import Foresight, may_begin
from app.gui.record_run import RecordRun
from app.gui.record_saved import NewDesign
from app.gui.record_words import Between, ended_words, running_words
from app.gui.words import BEING_READ
from app.operations.events import RunPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QResizeEvent

    from app.gui.job import Outcome
    from app.gui.pages.shell import Shell
    from app.gui.record_design import Plan
    from app.gui.record_resume import Unfinished
    from app.operations.events import Event
    from instruments.bench_reading import BenchReading

    AnyDesign = NewDesign | Unfinished

RESPONSE_OFTEN = (0, 1, 0, 2)  # parts of the plots, one a turn of the event loop
REST_MS = 150  # without news: the parts of the plots whose turn has not come, as on a slow rig
LOW_PX = 700  # of the page: below it the form's rows stand closer, and the queue is folded
NOTHING = "nothing is unfinished in this library"
RESUMED = "a recording that goes on is not queued"
OF_FIT = "of a fit, no end is foreseen"


class RecordPage(RecordView):
    """Form, cost and queue; field, response, spread, distribution, drift, step pairs."""

    key, name, of_library = "record", "Record", True

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Record", "repeated responses to field sequences")
        self.recorded: Path | None = None
        self.design: AnyDesign | None = None
        self._parts, self._rest = cycle(RESPONSE_OFTEN), QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._redraw)
        self._barred = ""  # why no current may flow now, as the bench was last read
        self._between = Between()
        self._foresight = Foresight(self.session)
        self._foresight.looked.connect(self._planned)
        self._rows()
        name = self.session.spec.name
        self.queue = QueuePart(self.theme, self.form, self._begin, self._present, shell.toast, name)
        self._place_plots()
        self.theme.changed.connect(self._redraw)
        self._header_buttons()
        self.rows.take_defaults(self.session.spec)
        spec = self.session.spec
        device_time = ", device time" if spec.virtual is not None else ""
        self.form.subtitle.setText(f"encoding {spec.window.encoding}{device_time}")
        self.show_cost()

    def _rows(self) -> None:
        self.rows = rows = RecordForm(self.theme, self.form)
        self.family, self.count = rows.family, rows.count
        self.steps, self.seed = rows.steps, rows.seed
        self.low, self.high, self.repeats = rows.low, rows.high, rows.repeats
        self.reference, self.stop_at = rows.reference, rows.stop_at
        rows.changed.connect(self.form_changed)

    def _header_buttons(self) -> None:
        self.fit_button = self.button("Fit a twin", self._fit)
        self.fit_button.hide()
        self.offer_pause()
        self._view_buttons()

    # the form

    def refresh(self) -> None:
        but = self.run.resumed if self.running and self.run is not None else None
        self.rows.look_up(self.session.library, but)
        if self.rows.kind.value == "file" and not self.running:
            self.show_cost()  # the file may be another by now
        self.mark.look()

    def show_cost(self) -> None:
        """Preview and cost line; a refusal stands there in words before anything is pressed."""
        self.design, self.plan = self.rows.design(), None
        if self.design is None:
            self._foresight.forget()
            self._without_preview()
            self._say_button(BEING_READ if self.rows.unread else NOTHING, "attention")
        elif not self._foresight.look(self.design):
            self._say_button("is looked at …", "attention")

    def _planned(self, plan: Plan | None, error: Exception | None) -> None:
        self.plan = plan
        self.rows.told(plan)
        if plan is None:
            self._without_preview()
            self._say_button(str(error), "fault")
            return
        if self.showing_next:
            if self.whole:
                self.plots.preview(plan, self.plots.shown)
            self._say_preview()
        self._say_button(plan.cost, plan.level)

    def _say_button(self, cost: str, role: str = "") -> None:
        verb = self.design.verb if self.design is not None else ""
        if not self.running:
            if self._barred and not role:
                cost, role = self._barred, "attention"
            self.form.primary.setEnabled(not role)
            self.form.primary.say(f"Record {verb}" if verb else "Go on", cost, role=role)
            return
        if self.design is not None and not isinstance(self.design, NewDesign):
            cost, role = RESUMED, "attention"
        queueable = isinstance(self.design, NewDesign) and not role
        self.form.primary.setEnabled(queueable)
        self.form.primary.say(f"Queue {verb}", self.at_foot(f"next · {cost}"), role=role)

    def take_reading(self, reading: BenchReading) -> None:
        self._bar("no current is allowed now" if reading.forbids else "")

    def bench_lost(self, words: str) -> None:
        self._bar("the bench can't be read now")

    def _bar(self, words: str) -> None:
        """Keep why a press would be refused, and say it as soon as that changes."""
        if words != self._barred:
            self._barred = words
            self.show_cost()

    def press(self) -> None:
        """Start the recording that the form describes; while one runs: queue it."""
        if self.running:
            self.queue.add_and_go()
            return
        self.show_cost()
        problem = self.plan.problem if self.plan is not None else ""
        if self.design is not None and may_begin(self.design, self.plan) and not problem:
            self._begin(self.design)

    def _present(self) -> tuple[NewDesign, Plan | None] | None:
        """What the form asks for, to be queued; words where it can't be."""
        self.show_cost()
        design, plan = self.design, self.plan
        if isinstance(design, NewDesign) and may_begin(design, plan):
            return design, plan
        words = self.form.primary.cost if isinstance(design, NewDesign) else RESUMED
        self.shell.toast(f"Not queued: {words}", "warning")
        return None

    def _begin(self, design: AnyDesign) -> bool:
        bench = self.session.bench
        if self.running or bench is None:
            self.shell.toast("No recording: no bench is connected", "warning")
            return False
        before, self.run = self.run, RecordRun(design, self.session)
        if not self.shell.run(self.run.job(self.key, bench)):
            self.run = before
            return False
        return True

    # the run

    def job_started(self) -> None:
        super().job_started()
        self.live, self.recorded, self._between = LiveRecording(), None, Between()
        self.plots.clear_response()
        self.fit_button.hide()
        self.mark.of_run(None)
        self.view.choose(False)
        self.view.show()
        self.say(f"Recording {self._words()}", "is prepared …")
        self.queue.running = True
        self.queue.show()
        self._say_button("", "")
        self.show_cost()
        if self.session.bench is not None:
            self.plots.set_channels(self.session.bench.channels)

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, RunPlan):
                self._begin_live(event)
            self.live.take(event)
            self.wait.take(event)
            self._between.take(event)
        if self.live.plan is not None:
            self._say_running()
        if self.isVisible():
            self._redraw(next(self._parts))
            self._rest.start(REST_MS)

    def _begin_live(self, plan: RunPlan) -> None:
        """A run, or the next round of one for a twin, begins."""
        if self.live.plan is not None:
            self.live = LiveRecording()
            self.plots.clear_response()
        self.plots.set_channels(plan.channel_words)
        self.recorded = Path(plan.path)
        run = self.run
        if run is None:
            return
        if not self.showing_next:
            self._show_plan_of_run()
        if run.earlier is not None:
            self.live.load(*run.earlier)
            run.earlier = None
        self.mark.of_run(None if run.in_rounds else self.recorded)

    def _say_running(self) -> None:
        if not self.showing_next:
            between = self._between.words if self.run and self.run.in_rounds else ""
            words = running_words(self.live, self.plots.shown, self.wait.words, between)
            self.say(f"Recording {self._words()}", words)
        if self.plan is not None:
            self._say_button(self.plan.cost, self.plan.level)

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share of a fit between two rounds, for the status line: repeats are at their end then."""
        return (self._between.share, OF_FIT) if self._between.fits else None

    def _words(self) -> str:
        return self.run.design.name if self.run is not None else ""

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        live = self.live
        word = {"done": "Recorded", "stopped": "Stopped:"}.get(outcome.status, "Failed:")
        reason = outcome.result.values.get("reason", "") if outcome.result else ""
        if outcome.status == "stopped" and reason:  # it stopped itself
            self.shell.toast(str(reason), "warning")
        self._outcome = outcome
        self._ended = f"{word} {self._words()}", ended_words(live, outcome)
        self.say(*self._ended)
        self.fit_button.setVisible(live.done > 0)
        self.view.setVisible(live.plan is not None)
        self._redraw()
        self.queue.ended(outcome)
        self.show_cost()

    def choose(self, artefact: Path) -> None:
        """A file of sequences is what is recorded next."""
        if artefact.suffix == ".json":
            self.set_form_values({"kind": "file", "file": str(artefact)})
            self.form_changed()

    def _fit(self) -> None:
        if self.recorded is not None:
            self.shell.open_page("twin", self.recorded)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        low = self.height() < LOW_PX
        self.form.set_gap(4 if low else 8)
        self.queue.list.set_low(low)

    # settings

    def form_values(self) -> dict[str, Any]:
        return {**self.rows.values(), "queue": self.queue.queue.to_json()}

    def set_form_values(self, values: dict[str, Any]) -> None:
        self.rows.set_values(values)
        if "queue" in values:
            self.queue.queue.load(values["queue"])
            self.queue.show()
