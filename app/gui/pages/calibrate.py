"""The Calibrate page: ampere to tesla of a magnet by a teslameter, reached from the Bench page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.calibrated_bench import free_name, write_calibrated
from app.calibration_store import FILE_NAME, last_calibration, load_calibration
from app.calibration_words import off_the_last
from app.gui.background import Latest
from app.gui.job import JobSpec, Outcome
from app.gui.live_calibrate import LiveCalibration
from app.gui.pages.calibrate_form import CalibrateForm
from app.gui.pages.calibrate_plots import CalibratePlots
from app.gui.pages.page import Page
from app.gui.words import opened_later
from app.store import read_recording
from app.words import duration, left_words
from instruments.calibration_walk import BRANCHES, chosen
from models.errors import InputError, TwinrigError
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PyQt6.QtGui import QHideEvent

    from app.calibration_store import Stored
    from app.gui.pages.shell import Shell
    from app.operations.events import Event
    from instruments.bench_spec import BenchSpec
    from models.recording import Recording

NO_BENCH = "no bench connected: time and limits are known once it is"
NOT_READY = "tick that the probe is in and all hands are out"


@dataclass(frozen=True)
class Kept:
    """A calibration of the library: `stored` None where it is not complete; `last`: an earlier."""

    folder: Path
    recording: Recording
    stored: Stored | None
    last: Stored | None


def _kept_in(artefact: Path) -> Kept:
    folder = artefact if folder_at(artefact) else artefact.parent
    recording, last = read_recording(folder), None
    stored = load_calibration(folder) if file_at(folder / FILE_NAME) else None
    if stored is not None:
        supply = stored.identities.get(stored.magnet, "")
        last = last_calibration(folder, stored.bench, stored.magnet, supply)
    return Kept(folder, recording, stored, last)


def _calibrated_copy(spec: BenchSpec, calibration: Path, library: Path) -> tuple[Path, Stored]:
    stored = load_calibration(calibration)
    return write_calibrated(spec, stored, free_name(spec, library)), stored


class CalibratePage(Page):
    """The walk at the left; field over current, figures and warnings at the right."""

    key, name = "calibrate", "Calibrate"
    shows_warnings = True

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Calibrate", "ampere to tesla, by a teslameter")
        self.live = LiveCalibration()
        self.calibration: Path | None = None
        self._sizes: tuple[int, ...] = ()  # of the branches of the run
        self.rows = self.remembers = CalibrateForm(
            self.theme, self.form, self.session.spec, self.form_changed
        )
        self.rows.magnet.currentIndexChanged.connect(self._offer)
        self.plots = CalibratePlots(self.theme)
        self.body.addWidget(self.plots, 1)
        self.theme.changed.connect(self._redraw)
        self.use_button = self.button("Use this calibration", self.use)
        self.use_button.setToolTip("Writes a copy of the bench file with what was found")
        self.written: Path | None = None  # the copy of the bench file
        self.open_button = self.button("Open this bench", self.open_written)
        self.open_button.setToolTip("Closes the present bench, safe as always, and opens the copy")
        self._show_use()
        self._reading, self._writing = Latest(), Latest()
        self._reading.done.connect(self._show_kept)
        self._writing.done.connect(self._used)
        self.back_button = self.button("‹ Bench", lambda: shell.open_page("bench"))
        self.say("Not calibrated yet", "from zero up, all the way down, and up again")

    # what the form describes

    def refresh(self) -> None:
        self._offer()
        self.show_cost()

    def bench_changed(self) -> None:
        self.rows.ask_anew()
        super().bench_changed()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self.rows.ask_anew()  # whoever comes back may have a hand in the gap

    def _offer(self) -> None:
        if not self.running:
            self.rows.offer(self.session.library, self._supplies)

    @property
    def _supplies(self) -> dict[str, str]:
        """Who answers as the supply of each magnet; empty while no bench is connected."""
        bench = self.session.bench
        return {} if bench is None else bench.identities()

    def show_cost(self) -> None:
        """Cost line; what is missing stands there before anything is pressed."""
        if self.running:
            return
        self.rows.lock()
        cost, role = self._cost()
        self.form.primary.setEnabled(not role)
        what = "Go on calibrating" if self.rows.going_on else "Calibrate"
        self.form.primary.say(f"{what} magnet {self.rows.names[0]}", cost, role=role)

    def _cost(self) -> tuple[str, str]:
        """What it takes, or why it can't be pressed: `fault` or `attention` is the role then."""
        name, meter = self.rows.names
        try:
            chosen(self.session.spec, name, meter)
        except InputError as error:
            return str(error).rpartition(", calibrate: ")[2], "fault"  # of the bench that is open
        bench, plan, going_on = self.session.bench, self.rows.plan, self.rows.going_on
        if bench is None:
            return NO_BENCH, "attention"
        magnet = bench.magnets[name]
        top_A = self.rows.show_range(magnet)
        first = 0 if going_on is None else going_on.branches
        place = " device time" if self.session.spec.virtual is not None else ""
        cost = f"{duration(plan.seconds(magnet, first))}{place} · ±{top_A:.4g} A"
        try:
            plan.refuse(magnet, first)
        except TwinrigError as error:
            return f"refused: {error}", "fault"
        if not self.rows.ready.isChecked():
            return NOT_READY, "attention"
        return f"{cost} · within limits", ""

    # the run

    def press(self) -> None:
        """Calibrate as the form says, or go on with what was cut short."""
        self.show_cost()
        bench, going_on, plan = self.session.bench, self.rows.going_on, self.rows.plan
        if self.running or bench is None or not self.form.primary.isEnabled():
            return
        out = going_on.path if going_on else self.session.library.new_path("cal")
        magnet, meter = self.rows.names

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            from app.operations.calibrate import calibrate

            resume = going_on is not None
            return calibrate(bench, out, plan=plan, magnet=magnet, teslameter=meter, resume=resume)

        self.shell.run(JobSpec(self.key, "Calibration", out.name, start, hardware=True))

    def _begin(self) -> None:
        """An empty page."""
        self._reading.forget()
        self.live, self.calibration, self.written = LiveCalibration(), None, None
        self._show_use()
        self.plots.clear()

    def _show_use(self) -> None:
        """One button after the other: to write the copy, then to open it."""
        self.use_button.setVisible(self.calibration is not None and self.written is None)
        self.open_button.setVisible(self.written is not None)

    def job_started(self) -> None:
        super().job_started()
        self._begin()
        if (going_on := self.rows.going_on) is not None:
            self.live.load(going_on.kept)
        self.live.bench_says = self.rows.bench_says
        self._sizes = self.rows.sizes
        self.rows.lock(running=True)
        self.form.primary.say("Calibrating", "starting", fraction=0.0)

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            self.live.take(event)
            self.wait.take(event)
        stop = "Stop: field to zero, complete branches kept"
        self.form.primary.say(f"Calibrating, {self.live.words}", stop, fraction=self._share)
        magnet, meter = self.rows.names
        self.say(f"Calibrating magnet {magnet}", f"{self.live.words} · field by {meter}")
        if self.isVisible():
            self._redraw()

    def show_pause(self) -> None:
        if self.running and self.session.pause.requested:
            self.session.pause.clear()
            self.shell.toast(
                "A calibration is not paused: at zero a yoke forgets where it came from. Stop "
                "keeps complete branches, to go on with"
            )

    @property
    def _share(self) -> float:
        return self.live.done / max(1, sum(self._sizes))

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done, for the status line: `Progress` tells of whole branches only."""
        left = self.live.progress.remaining_s if self.live.progress is not None else None
        return self._share, left_words(left)

    def _redraw(self) -> None:
        self.plots.draw(self.live, running=self.running)

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        self.live.cut(self._sizes)
        self.rows.go_on.setChecked(False)
        self.rows.ask_anew()
        if self.live.found is not None and outcome.result is not None:
            self.calibration = Path(str(outcome.result.values["calibration"]))
        self._say_end(outcome)
        self._redraw()
        self.refresh()

    def _say_end(self, outcome: Outcome) -> None:
        found, name = self.live.found, self.rows.names[0]
        self._show_use()
        if found is None:
            word = {"stopped": "Stopped"}.get(outcome.status, "Failed")
            kept = f"{len(self.live.points)} of {len(BRANCHES)} branches kept"
            self.say(f"{word}: magnet {name} is not calibrated", kept)
            return
        far = "far from the bench file" if found.differs(self.live.bench_says) else "as it was"
        words = "read the warnings first" if self.live.warnings else "by both branches"
        self.say(f"Magnet {name}: {1e3 * found.tesla_per_ampere:.5g} mT/A, {far}", words)

    # what was found

    def use(self) -> None:
        """Write a copy of the bench file with this calibration; the bench goes on as it is."""
        if self.calibration is not None:
            self.use_button.hide()
            asked = self.session.spec, self.calibration, self.session.library.folder
            self._writing.ask(lambda: _calibrated_copy(*asked))

    def _used(self, made: tuple[Path, Stored] | None, error: Exception | None) -> None:
        if made is None:
            self._show_use()
            self.shell.toast(f"Use this calibration: {error}", "error")
            return
        spec, (path, stored) = self.session.spec, made
        self.written = path
        self._show_use()
        says, now = stored.bench_tesla_per_ampere, stored.calibration.tesla_per_ampere
        ends_T = (spec.window.low_T, spec.window.high_T)
        then, here = (
            " to ".join(f"{field_T / by:.3g}" for field_T in ends_T) for by in (says, now)
        )
        self.shell.toast(
            f"Wrote {path}. Its field window takes {here} A (before: {then} A). This window goes "
            "on with the old file until you open the new one"
        )

    def open_written(self) -> None:
        """Open the copy; as it is now, for an editor may have had it."""
        if self.written is not None:
            self.shell.open_bench(self.written)

    def choose(self, artefact: Path) -> None:
        """Show a calibration of the library."""
        if self.running:
            self.shell.toast(opened_later(artefact.name), "warning")
            return
        self._begin()
        self._reading.ask(lambda: _kept_in(artefact))

    def _show_kept(self, kept: Kept | None, error: Exception | None) -> None:
        if kept is None:
            self.shell.toast(str(error), "error")
            return
        self.live.load(kept.recording, kept.stored)
        if kept.stored is None:
            branches = f"{len(self.live.points)} of {len(BRANCHES)} branches kept"
            words = f"{kept.recording.status}, {branches}"
            self.say(f"{kept.folder.name} is not complete", words)
        else:
            self._show_stored(kept.folder, kept.stored, kept.last)
        self._redraw()

    def _show_stored(self, folder: Path, stored: Stored, last: Stored | None) -> None:
        """Its figures, what was found before it, and whether this bench could use it."""
        spec, bench = self.session.spec, self.session.bench
        name = stored.magnet
        supply_then = stored.identities.get(name, "")
        if last is not None and last.created < stored.created:
            self.live.show_last(last.calibration, last.created)
        supply = self._supplies.get(name, "")
        of_here = name in spec.magnets and stored.is_of(spec.name, name, supply)
        if of_here and bench is not None:
            self.live.warnings = off_the_last(bench.magnets[name], spec, stored)
        self.calibration = folder / FILE_NAME if of_here else None
        self._show_use()
        found = stored.calibration.tesla_per_ampere
        when = stored.created[:16].replace("T", " ")
        whose = "" if of_here else f" · another rig's: {stored.bench}, {supply_then}"
        self.say(f"Magnet {name}: {1e3 * found:.5g} mT/A", f"{folder.name} · {when} UTC{whose}")

    def set_form_values(self, values: dict[str, Any]) -> None:
        super().set_form_values(values)
        self.show_cost()
