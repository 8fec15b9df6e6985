"""The Twin page: which recordings, how to fit, and how near the twin is to what can be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.background import Reading
from app.gui.begun_fits import begun_of_twins
from app.gui.job import JobSpec, Outcome
from app.gui.live_fit import LiveFit, fitted_earlier
from app.gui.pages.page import Page
from app.gui.pages.twin_device import DeviceLook
from app.gui.pages.twin_form import TwinForm
from app.gui.pages.twin_open import TwinOpener
from app.gui.pages.twin_recordings import RecordingTicks
from app.gui.pages.twin_views import Views
from app.gui.pages.twin_weakest import Weakest
from app.gui.twin_asks import (
    FIT,
    KEEP_NOTHING,
    SCORE,
    CurveAsk,
    ResumeAsk,
    ResumeCurveAsk,
    ScoreAsk,
)
from app.gui.twin_drift import DriftPart
from app.gui.twin_looked import complaint
from app.gui.twin_runs import TwinRuns
from app.operations.child import in_child
from app.operations.events import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PyQt6.QtGui import QResizeEvent

    from app.gui.pages.shell import Shell
    from app.operations.events import Event
    from models.twin import Twin

NARROW_PX = 1000  # of the page: below it the choice of a view leaves the heading its room
LOW_PX = 760  # of the page: below it recordings have one line each


class TwinPage(Page):
    """Recordings ticked at the left; at the right device beside twin, or twins side by side."""

    key, name, of_library = "twin", "Twin", True
    shows_warnings = True

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Twin", "neural SDE of the device and its noise")
        self.runs = TwinRuns()
        self.twin: Path | None = None
        self._library, self.opener = Reading(), TwinOpener(self)
        self._library.done.connect(self._offer)
        self.opener.read.connect(self._show)
        self.recordings = RecordingTicks(self.theme, self.form, shell.toast)
        self.rows = self.remembers = TwinForm(self.theme, self.form)
        self.objective, self.iterations = self.rows.fit.objective, self.rows.fit.iterations
        self.weakest = Weakest(
            self.theme, self.form, shell, lambda: self.rows.longest_hold(self.twin)
        )
        self.drift = DriftPart(self, lambda: self.chosen)
        self.body.addWidget(self.drift.note)
        self.views = Views(self.theme, self.body)
        self.plots, self.validation = self.views.plots, self.views.validation
        self._header_buttons()
        self.device_look = DeviceLook(self)
        self.recordings.changed.connect(self._recordings_changed)
        self.rows.changed.connect(self.form_changed)
        self.rows.kind.chosen.connect(self._follow_kind)
        self.target = self.rows.curve.target.value()  # of the curve that is shown
        self.theme.changed.connect(self._redraw)
        self.show_cost()

    def _header_buttons(self) -> None:
        for choice in (self.views.choice, self.views.toggle):
            self._buttons.insertWidget(0, choice)
        self.views.toggle.chosen.connect(self._channel_chosen)
        self.import_button = self.button("Import", lambda: self.shell.open_page("import_data"))
        self.import_button.setToolTip("Measured repeats from a file become a recording")
        self.train_button = self.button(
            "Train a network", lambda: self.shell.open_page("network", self.twin)
        )
        self.train_button.hide()

    @property
    def live(self) -> LiveFit:
        """The fit that runs, or that is shown."""
        return self.runs.fit

    # recordings

    def refresh(self) -> None:
        library = self.session.library
        self.recordings.refresh(library)
        self._library.ask(lambda: (library.checked("twin"), *begun_of_twins(library)))

    def _offer(self, found: Any, error: Exception | None) -> None:
        if found is None:  # what was offered, and is chosen, stays
            self.shell.toast(str(error), "error")
        else:
            self.rows.offer_twins(*found)

    def choose(self, artefact: Path) -> None:
        self.opener.choose(artefact)

    @property
    def chosen(self) -> list[Path]:
        """Folders of the ticked recordings."""
        return self.recordings.chosen

    @property
    def ticks(self) -> dict[Path, Any]:
        """Its tick, of each recording offered."""
        return self.recordings.ticks

    def _recordings_changed(self) -> None:
        self.show_cost()
        if not self.running and not self.live.iterations and self.twin is None:
            self._preview_first()
            if self.recordings.looked and self.runs.asked is None:  # else it says how that ended
                self.say("Not fitted yet", "the first sequence of the first recording ticked")

    def _preview_first(self) -> None:
        for looked in (self.recordings.looked or [])[:1]:
            self.views.preview(looked)

    def show_cost(self) -> None:
        reading = self.opener.reading
        for button in (self.train_button, self.weakest.button):
            button.setEnabled(not reading)
        self.drift.button.setEnabled(not (reading or self.running))
        if self.running:
            return
        ask, looked = self.rows.ask(), self.recordings.looked
        again = self.twin is not None and self.runs.are_of(ask, self.chosen)
        words, cost = self.rows.words(ask, looked, again=again)
        if reading:
            self.form.primary.setEnabled(False)
            self.form.primary.say(words, f"{reading} is read …")
            return
        if isinstance(ask, ResumeAsk):  # its checkpoint knows all else
            self.form.primary.setEnabled(True)
            self.form.primary.say(words, cost)
            return
        lost = self.rows.lost or ask.problem(len(self.chosen))
        problem, role = self.recordings.lacking or lost, "attention"
        if not problem and looked is None:
            self.form.primary.setEnabled(True)
            self.form.primary.say(words, "recordings are read …")
            return
        if not problem:
            noiseless = ask.kind == FIT and self.objective.currentData() == "mean"
            like = self.rows.fits_like()
            head = None if like is None else like.head
            problem, role = complaint(looked or (), deterministic=noiseless, like=head)
        refused = bool(problem) and (role == "fault" or bool(lost))
        self.form.primary.setEnabled(not refused)
        self.form.primary.say(words, problem or cost, role=role if problem else "")
        if not (self.chosen or self.twin or self.live.iterations or self.runs.asked):
            self.say("No twin shown", "tick recordings, then fit; or open one in the Library")

    def _follow_kind(self, _: str) -> None:
        if not self.running:
            self.views.show_kind(self.rows.ask().kind)

    def _channel_chosen(self, _: int) -> None:
        self._redraw()
        self._recordings_changed()

    # the run

    def press(self) -> None:
        self.show_cost()
        ask, paths = self.rows.ask(), self.chosen
        if self.running or ask.problem(len(paths)) or not self.form.primary.isEnabled():
            return
        new = self.session.library.new_path
        begun = ask.folder if isinstance(ask, ResumeAsk) else None
        out = begun or (new(ask.prefix) if ask.prefix else paths[0])
        arguments = ask.arguments(paths, out)

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            nothing = ask.kind in KEEP_NOTHING
            return in_child(ask.operation, arguments, stop, keeps_nothing=nothing)

        runs = self.runs
        before, runs.asked, runs.folder = (runs.asked, runs.folder), ask, out
        if self.shell.run(JobSpec(self.key, ask.title, out.name, start, hardware=False)):
            runs.recordings = paths
            self.opener.look_at(ask, paths)
            shown = ask.twin if isinstance(ask, ScoreAsk) and ask.twin is not None else out
            self.views.show_run(ask.kind, "" if begun else paths[0].name, shown.name)
        else:
            runs.asked, runs.folder = before

    def job_started(self) -> None:
        super().job_started()
        self.show_cost()  # what can't be pressed while it runs
        if self.drift.running:
            self.drift.begun()
            return
        self.runs.begin()
        if isinstance(self.runs.asked, (CurveAsk, ResumeCurveAsk)):
            self.target = self.runs.asked.target
        self.views.begin(self.runs)
        if self.runs.alone:
            self.twin = None
            self._show_parts(None)
            self.plots.clear()
            if not isinstance(self.runs.asked, ResumeAsk):  # whose recordings are to be looked up
                self._preview_first()
        if self.runs.kind == SCORE:
            self.plots.loss.empty("not of a score")
        self._tell()  # the first event takes seconds where much is imported

    def take(self, events: Sequence[Event]) -> None:
        if self.drift.running:
            self.drift.take(events)
            return
        for event in events:
            self.runs.take(event)
            if isinstance(event, Result) and self.runs.alone:
                self.live.coverage = event.values.get("coverage") or {}
                self.twin = Path(str(event.values["path"]))
                self.runs.scored_on = str(event.values.get("scored_on", ""))
        if not self.views.channels and self.live.real is not None:  # its recording is being read
            width = self.live.real.shape[-1]
            self.views.set_channels(tuple(str(k + 1) for k in range(width)), ("",) * width)
        self._tell()
        if self.isVisible():
            self._redraw()

    def _tell(self) -> None:
        """Say what runs and how far it is, in the header and on the button."""
        self.form.primary.say(*self.runs.foot, fraction=(self.progress or (0.0, ""))[0])
        self.say(*self.runs.header)

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        return None if self.drift.running else self.runs.progress

    def _redraw(self) -> None:
        self.views.draw(self.runs, self.target)

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        if self.drift.running:
            self.drift.finished()
            self.show_cost()
            return
        done = outcome.status == "done"
        self.runs.other.running = ""  # of one that was stopped or failed, too
        if self.runs.alone:
            self._show_parts(self.twin if done else None)
        if self.runs.alone and done:
            heading, words = self.runs.done_words
            self.say(heading, f"{words} · {self.live.verdict}")
        else:
            self.say(*self.runs.ended(outcome.status))
        self._redraw()
        self.show_cost()

    def _show_parts(self, twin: Path | None) -> None:
        """What goes with a twin that is shown."""
        self.drift.show(twin)
        self.weakest.show(self.live.validation if twin is not None else None)
        self.train_button.setVisible(twin is not None)
        self.import_button.setVisible(twin is None)

    def _show(self, path: Path, twin: Twin) -> None:
        """Show the scores that a finished twin carries."""
        self.runs.fit, self.runs.asked, self.twin = fitted_earlier(twin), None, path
        self.runs.warnings = []
        self.rows.offer_score(path)
        self.views.set_channels(twin.channel_words, tuple(twin.units))
        self._show_parts(path)
        self.views.show_kind(FIT)
        self.plots.show_kept()
        self._redraw()
        self.say("Twin fitted", f"{twin.meta.get('id', path)} · {self.live.verdict}")
        self.show_cost()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        low = self.height() < LOW_PX
        self.form.set_gap(4 if low else 8)
        self.recordings.set_low(low)
        self.views.set_narrow(self.width() < NARROW_PX)

    # settings

    def set_form_values(self, values: dict[str, Any]) -> None:
        super().set_form_values(values)
        if values.get("recordings") == []:
            self.recordings.untick()
