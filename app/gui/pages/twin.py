"""The Twin page: which recordings, how to fit, and how near the twin is to what can be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.fit_complaints import Complaints
from app.gui.job import JobSpec, Outcome
from app.gui.live_fit import LiveFit, fitted_earlier
from app.gui.pages.page import Page, Shell
from app.gui.pages.twin_plots import TwinPlots
from app.gui.pages.twin_validation import ValidationPlots
from app.gui.twin_drift import DriftPart
from app.gui.widgets.basic import Choice, Segments, Tick, WholeEntry, label
from app.gui.words import count
from app.operations.child import in_child
from app.operations.events import Result
from app.store import load_twin, read_recording
from app.words import duration
from models.errors import TwinrigError
from models.twin import HIDDEN, LATENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.operations.events import Event
    from models.recording import Recording

MOST_SHOWN = 6
OBJECTIVES = (
    ("energy distance", "energy"),
    ("CRPS, step by step", "crps"),
    ("innovations, then energy", "innovations-energy"),
    ("innovations likelihood", "innovations"),
    ("one-step likelihood", "one-step"),
    ("mean only", "mean"),
)


class TwinPage(Page):
    """Recordings ticked at the left; device beside twin at the right."""

    key, name = "twin", "Twin"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Twin", "neural SDE of the device and its noise")
        self.live = LiveFit()
        self.shown_validation: dict[str, Any] | None = None
        self.twin: Path | None = None
        self.channels: tuple[str, ...] = ()
        self.units: tuple[str, ...] = ()
        self.channel = 0
        self.ticks: dict[Path, Tick] = {}
        self._recordings: dict[Path, Recording] = {}
        self.complaints = Complaints()
        self.chosen_note = self.form.section("Recordings")
        self.empty = label("None yet: record some on the Record page.", "note", wrap=True)
        self.form.widget(self.empty)
        self._fit_rows()
        self.drift = DriftPart(self, lambda: self.chosen)
        self.body.addWidget(self.drift.note)
        self.plots = TwinPlots(self.theme)
        self.body.addWidget(self.plots, 1)
        self.validation = ValidationPlots(self.theme)
        self.validation.hide()
        self.body.addWidget(self.validation, 1)
        self.view = Segments(self.theme, (("Fit", False), ("Where off", True)), "View")
        self.view.setFixedWidth(176)
        self.view.chosen.connect(self._choose_view)
        self._buttons.insertWidget(0, self.view)
        self.toggle = Segments(self.theme, (), "Channel")
        self.toggle.hide()
        self.toggle.chosen.connect(self._choose_channel)
        self._buttons.insertWidget(0, self.toggle)
        self.import_button = self.button("Import", lambda: shell.open_page("import_data"))
        self.import_button.setToolTip("Measured repeats from a file become a recording")
        self.train_button = self.button("Train a network", self._train)
        self.train_button.hide()
        self.theme.changed.connect(self._redraw)

    def _fit_rows(self) -> None:
        self.form.section("Fit")
        self.objective = Choice(self.theme, OBJECTIVES, "Objective")
        self.latent = WholeEntry(LATENT, 1, 64, "", "Latent state")
        self.hidden = WholeEntry(HIDDEN, 4, 1024, "", "Hidden units")
        self.iterations = WholeEntry(12_000, 1, 1_000_000, "", "Iterations")
        self.seed = WholeEntry(1, 0, 2**31 - 1, "", "Seed")
        self.form.row("Objective", self.objective)
        self.form.row("Latent state", self.latent)
        self.form.row("Hidden units", self.hidden)
        self.form.row("Iterations", self.iterations)
        self.form.row("Seed", self.seed)
        self.objective.currentIndexChanged.connect(self.form_changed)
        for box in (self.latent, self.hidden, self.iterations, self.seed):
            box.valueChanged.connect(self.form_changed)

    # recordings

    def refresh(self) -> None:
        self._recordings = {}  # one that was still running has more repeats now
        self.complaints.forget()
        found = self.session.library.artefacts("rec")
        wanted = {path for path, tick in self.ticks.items() if tick.isChecked()}
        shown = [a for k, a in enumerate(found) if k < MOST_SHOWN or a.path in wanted]
        if [a.path for a in shown] != list(self.ticks):
            for tick in self.ticks.values():
                tick.deleteLater()
            self.ticks = {}
            first = self.form.position_of(self.empty) + 1
            for at, artefact in enumerate(shown):
                tick = Tick(self.theme, artefact.id, artefact.broken or artefact.when)
                tick.setChecked(artefact.path in wanted)
                tick.setEnabled(not artefact.broken)
                tick.toggled.connect(self.form_changed)
                self.form.insert(first + at, tick)
                self.ticks[artefact.path] = tick
        self.empty.setVisible(not shown)
        self.show_cost()

    def choose(self, artefact: Path) -> None:
        found = self.session.library.find(artefact)
        if found is not None and found.kind == "twin" and not self.running:
            self.show_twin(artefact)
            self.train_button.show()
            return
        for path, tick in self.ticks.items():
            if path == artefact or path == artefact.parent:
                tick.setChecked(True)
        self.show_cost()

    @property
    def chosen(self) -> list[Path]:
        """Folders of the ticked recordings."""
        return [path for path, tick in self.ticks.items() if tick.isChecked()]

    def _read(self, path: Path) -> Recording | None:
        if path not in self._recordings:
            try:
                self._recordings[path] = read_recording(path)
            except TwinrigError as error:
                self.shell.toast(str(error), "error")
                self.ticks[path].setChecked(False)
                return None
        return self._recordings[path]

    def show_cost(self) -> None:
        if self.running:
            return
        read = [r for r in (self._read(path) for path in self.chosen) if r is not None]
        sequences = sum(r.response.shape[0] for r in read)
        self.chosen_note.setText(count(sequences, "sequence") if read else "")
        self.form.primary.setEnabled(bool(read))
        if not read:
            self.form.primary.say("Fit a twin", "tick at least one recording", role="attention")
            if not self.live.iterations:
                self.say("No twin yet", "tick recordings, then fit")
            return
        again = "Fit again" if self.twin else "Fit a twin"
        noisy = self.objective.currentData() != "mean"
        words, role = self.complaints.of(read, deterministic=not noisy)
        cost = f"{count(self.iterations.value(), 'iteration')} in a process of its own, 1 core"
        self.form.primary.setEnabled(role != "fault")
        self.form.primary.say(again, words or cost, role=role)
        if not self.live.iterations:
            self._preview(self.chosen[0], read[0])

    def _preview(self, path: Path, recording: Recording) -> None:
        self._set_channels(recording.channels, recording.units)
        kept = recording.complete[0]
        length = int(recording.lengths[0])
        real = recording.response[0, kept, :length, self.channel]
        if len(real):
            self.plots.draw_repeats(real, self.channels[self.channel], self.units[self.channel])
        self.plots.show_run(path.name, "")
        self.say("Not fitted yet", "the first sequence of the first recording ticked")

    def _set_channels(self, channels: tuple[str, ...], units: tuple[str, ...]) -> None:
        self.channels, self.units = channels, units
        self.toggle.offer([(name, k) for k, name in enumerate(channels)][:8])
        self.toggle.setVisible(len(channels) > 1)
        self.toggle.setFixedWidth(36 * min(8, max(1, len(channels))))
        self.channel = min(self.channel, len(channels) - 1)

    def _choose_view(self, where: bool) -> None:
        self.plots.setVisible(not where)
        self.validation.setVisible(where)

    def _choose_channel(self, channel: int) -> None:
        self.channel = channel
        self._redraw()
        self.form_changed()

    # the run

    def press(self) -> None:
        self.show_cost()
        paths = self.chosen
        if self.running or not paths:
            return
        out = self.session.library.new_path("twin")
        objective = str(self.objective.currentData())
        kwargs: dict[str, Any] = {
            "recordings": paths, "out": out, "objective": objective,
            "deterministic": objective == "mean", "iterations": self.iterations.value(),
            "seed": self.seed.value(), "latent": self.latent.value(),
            "hidden": self.hidden.value(),
        }  # fmt: skip

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            return in_child("app.operations.fit.fit", kwargs, stop)

        if self.shell.run(JobSpec(self.key, "Fitting", out.name, start, hardware=False)):
            self.plots.show_run(paths[0].name, out.name)

    def job_started(self) -> None:
        super().job_started()
        if self.drift.running:
            return
        self.live, self.twin = LiveFit(), None
        self.drift.show(None)
        self.train_button.hide()
        self.plots.clear()
        recording = self._read(self.chosen[0])
        if recording is not None:
            self._set_channels(recording.channels, recording.units)

    def take(self, events: Sequence[Event]) -> None:
        if self.drift.running:
            self.drift.take(events)
            return
        for event in events:
            self.live.take(event)
            if isinstance(event, Result):
                self.live.coverage = event.values.get("coverage") or {}
                self.twin = Path(str(event.values["path"]))
        live = self.live
        done = live.iterations[-1] if live.iterations else 0
        share = done / live.total if live.total else 0.0
        words = (
            f"iteration {done} of {live.total}" if live.total else "starting, reading recordings"
        )
        left = f"{duration(live.left_s)} left · " if live.left_s is not None else ""
        self.form.primary.say("Fitting", f"{left}Stop keeps a checkpoint", fraction=min(share, 1.0))
        self.say(
            "Fitting a twin", f"{words} · samples of sequence {live.sequence + 1}, not fitted on"
        )
        if self.isVisible():
            self._redraw()

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        live = self.live
        if not live.total or self.drift.running:
            return None
        left = "" if live.left_s is None else f"{duration(live.left_s)} left"
        return live.iterations[-1] / live.total, left

    def _redraw(self) -> None:
        if self.channels:
            self.plots.draw(self.live, self.channel, self.channels, self.units)
        if self.shown_validation is not self.live.validation:
            self.shown_validation = self.live.validation
            self.validation.show_validation(self.shown_validation)

    def job_finished(self, outcome: Outcome) -> None:
        done = outcome.status == "done" and self.twin is not None
        super().job_finished(outcome)
        if self.drift.running:
            self.drift.finished()
            return
        self.drift.show(self.twin if done else None)
        self.train_button.setVisible(done)
        if done:
            self._say_scored(f"Fitted in {duration(self.live.elapsed_s)}")
        else:
            word = "Stopped" if outcome.status == "stopped" else "Failed"
            self.say(f"{word}: no twin", "a checkpoint is kept where the fit had begun")
        self._redraw()

    def _say_scored(self, words: str) -> None:
        self.say("Twin fitted", f"{words} · {self.live.verdict}")

    def _train(self) -> None:
        if self.twin is not None:
            self.shell.open_page("network", self.twin)

    def show_twin(self, path: Path) -> None:
        """Show the scores that a finished twin carries."""
        twin = load_twin(path)
        self.live, self.twin = fitted_earlier(twin), path
        self._set_channels(tuple(twin.channels), tuple(twin.units))
        self.drift.show(path)
        self._redraw()
        self._say_scored(str(twin.meta.get("id", path)))

    # settings

    def form_values(self) -> dict[str, Any]:
        return {
            "objective": self.objective.currentData(),
            **{n: getattr(self, n).value() for n in ("latent", "hidden", "iterations", "seed")},
        }

    def set_form_values(self, values: dict[str, Any]) -> None:
        self.objective.choose(values.get("objective"))
        for name in ("latent", "hidden", "iterations", "seed"):
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
