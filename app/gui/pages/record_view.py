"""What is looked at on the Record page: the run or the next design, a sequence, a repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.live_record import LiveRecording
from app.gui.pages.plotted import PlottedPage
from app.gui.pages.record_mark import MarkPart, run_or_next
from app.gui.record_words import ended_words, preview_words

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QPushButton

    from app.gui.job import Outcome
    from app.gui.pages.record_plots import RecordPlots
    from app.gui.pages.shell import Shell
    from app.gui.record_design import Plan
    from app.gui.record_run import RecordRun

OF_ROUNDS = "chosen anew for each round"


class RecordView(PlottedPage["RecordPlots"]):
    """The plots and the header's choice of what they show."""

    plots_module = "app.gui.pages.record_plots"

    def __init__(self, shell: Shell, title: str, subtitle: str) -> None:
        super().__init__(shell, title, subtitle)
        self.live = LiveRecording()
        self.plan: Plan | None = None
        self.run: RecordRun | None = None
        self._outcome: Outcome | None = None
        self._ended = ("", "")

    def _view_buttons(self) -> None:
        """Mark a repeat; run or next: left of the buttons that are there."""
        self.mark = MarkPart()
        self.mark.marked.connect(self._marked)
        self.mark.failed.connect(lambda error: self.shell.toast(str(error), "error"))
        self.mark.chosen.connect(self._chosen)
        self._buttons.insertWidget(0, self.mark)
        self.view = run_or_next(self.theme)
        self.view.chosen.connect(self._choose_view)
        self._buttons.insertWidget(0, self.view)

    def _make_plots(self) -> RecordPlots:
        from app.gui.pages.record_plots import RecordPlots

        plots = RecordPlots(self.theme)
        plots.changed.connect(self._redraw)
        plots.drift.picked.connect(self.mark.choose)
        plots.before.clicked.connect(lambda: self._hop(-1))
        plots.next.clicked.connect(lambda: self._hop(1))
        return plots

    def _plots_there(self) -> None:
        if self.plan is not None and self.showing_next:
            self.plots.preview(self.plan)

    @property
    def next_button(self) -> QPushButton:
        """In the header of the field's plot."""
        return self.plots.next

    def _say_running(self) -> None:
        """What the run does, in the header."""

    def _say_preview(self) -> None:
        if self.plan is not None and self.plan.coverage is not None:
            shown = self.plots.shown if self.whole else 0
            self.say(self._heading_of_next, preview_words(self.plan, shown))

    @property
    def _heading_of_next(self) -> str:
        before = self.live.plan is not None or self._ended[0]
        return "Next recording" if before else "Nothing recorded yet"

    def _without_preview(self) -> None:
        """The form asks for nothing that has a plan: another one's must not stand there."""
        if self.showing_next:
            if self.whole:
                self.plots.clear_preview()
            self.say(self._heading_of_next)

    def _redraw(self, part: int | None = None) -> None:
        self.mark.follow(self.live, running=self.running)
        if not self.showing_next:
            self.plots.draw(self.live, running=self.running, part=part)

    @property
    def showing_next(self) -> bool:
        """Whether the plots show what the form asks for, and not a run."""
        return (self.live.plan is None and not self.running) or bool(self.view.value)

    def _choose_view(self, _next: bool) -> None:
        self.plots.clear_response()
        if self.showing_next:
            self.show_cost()
            return
        self._show_plan_of_run()
        if self.running:
            self._say_running()
        else:
            self.say(*self._ended)
        self._redraw()

    def _show_plan_of_run(self) -> None:
        """Where the steps of the run go, as far as a plan tells: each round has its own."""
        if self.run is None or self.run.plan is None:
            return
        if self.run.in_rounds:
            self.plots.clear_preview(OF_ROUNDS)
        else:
            self.plots.preview(self.run.plan)

    def _hop(self, by: int) -> None:
        if self.showing_next:
            if self.plan is not None and self.plan.sequences:
                self.plots.preview(self.plan, self.plots.shown + by)
                self._say_preview()
            return
        known = sorted(self.live.fields)
        if known:
            at = known.index(self.plots.shown) if self.plots.shown in known else 0
            self.plots.chosen, self.plots.pinned = -1, known[(at + by) % len(known)]
            self.mark.let_go()
            self._redraw()

    def _chosen(self, position: int) -> None:
        self.plots.chosen = position
        self._redraw()

    def _marked(self, bad: frozenset[int]) -> None:
        self.live.bad = bad
        self._redraw()
        if not self.running:
            self._ended = self._ended[0], ended_words(self.live, self._outcome)
            if not self.showing_next:
                self.say(*self._ended)
