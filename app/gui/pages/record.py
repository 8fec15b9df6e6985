"""The Record page: what to apply and how often, its cost, and the repeats as they come."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtWidgets import QPushButton

from app.gui.job import JobSpec, Outcome
from app.gui.live_record import LiveRecording, longest_hold
from app.gui.pages.page import Page, Shell
from app.gui.pages.record_plots import RecordPlots
from app.gui.widgets.basic import Choice, FieldEntry, WholeEntry, row
from app.gui.words import count, size
from app.operations.reference import reference_problems
from app.words import duration
from models.errors import TwinrigError
from models.sequence import FAMILIES, DriveWindow, FieldSequence, Reset, make_sequences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.operations.events import Event

BYTES_A_VALUE = 8
NO_BENCH = "no bench connected: time and limits are known once it is"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the form describes, and what it costs; `problem` says why it can't run."""

    sequences: list[FieldSequence]
    window: DriveWindow
    reset: Reset
    repeats: int
    seed: int
    cost: str
    problem: str = ""


class RecordPage(Page):
    """Sequences, repeats, cost; field, response, spread, distribution, drift, step pairs."""

    key, name = "record", "Record"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Record", "repeated responses to field sequences")
        self.live = LiveRecording()
        self.recorded: Path | None = None
        self.plan: Plan | None = None
        self._sequence_rows()
        self._repeat_rows()
        self.plots = RecordPlots(self.theme)
        self.body.addWidget(self.plots, 1)
        self.theme.changed.connect(self._redraw)
        self.fit_button = self.button("Fit a twin", self._fit)
        self.fit_button.hide()
        self.next_button = self.button("›", lambda: self._hop(1))
        self.before_button = self.button("‹", lambda: self._hop(-1))
        for button, words in ((self.before_button, "before"), (self.next_button, "next")):
            button.setToolTip(f"Show the sequence {words} this one")
            button.setAccessibleName(f"Sequence {words} this one")
        self.offer_pause()
        self._take_bench_defaults()

    def _sequence_rows(self) -> None:
        spec_window = self.session.spec.window
        self.coverage = self.form.section("Sequence")
        self.family = Choice(self.theme, [(f, f) for f in FAMILIES], "Family")
        self.family.choose("mixed")
        self.steps = WholeEntry(100, 2, 100_000, "steps", "Steps")
        self.count = WholeEntry(40, 1, 10_000, "", "Sequences")
        self.low, self.high = (
            FieldEntry(0.0, "Field at drive 0"),
            FieldEntry(0.0, "Field at drive 1"),
        )
        self.seed = WholeEntry(1, 0, 2**31 - 1, "", "Seed")
        new = QPushButton("New")
        new.clicked.connect(lambda: self.seed.setValue(self.seed.value() + 1))
        self.form.row("Family", self.family)
        self.form.row("Sequences", self.count)
        self.form.row("Steps", self.steps)
        self.form.row("Field window", row(self.low, self.high))
        self.hold = self.form.fact("Longest hold")
        self.form.row("Seed", row(self.seed, new))
        self.encoding = spec_window.encoding

    def _repeat_rows(self) -> None:
        self.form.section("Repeats")
        self.repeats = WholeEntry(8, 1, 100_000, "", "Repeats")
        self.reset_field = FieldEntry(0.0, "Reset field")
        self.order = Choice(
            self.theme, [("interleaved", True), ("one after another", False)], "Order"
        )
        self.form.row("Repeats", self.repeats)
        self.form.row("Reset field", self.reset_field)
        self.form.row("Order", self.order)
        self.reference = WholeEntry(0, 0, 1000, "steps", "Steps of a reference, 0: none")
        self.stop_at = WholeEntry(0, 0, 1000, "σ", "Drift of the reference that stops, 0: none")
        for entry in (self.reference, self.stop_at):
            entry.setSpecialValueText("none")
        self.form.row("Reference", self.reference)
        self.form.row("Stop at drift", self.stop_at)
        for box in (self.steps, self.count, self.seed, self.repeats, self.reference, self.stop_at):
            box.valueChanged.connect(self.form_changed)
        for entry in (self.low, self.high, self.reset_field):
            entry.sigValueChanging.connect(self.form_changed)
        for choice in (self.family, self.order):
            choice.currentIndexChanged.connect(self.form_changed)

    def _take_bench_defaults(self) -> None:
        spec = self.session.spec
        self.form.subtitle.setText(f"{spec.name}, encoding {spec.window.encoding}")
        self.low.setValue(spec.window.low_T)
        self.high.setValue(spec.window.high_T)
        self.reset_field.setValue(spec.reset.field_T)
        self.show_cost()

    # the form

    def _describe(self) -> Plan:
        """The plan of the form; raises where the form makes none."""
        spec = self.session.spec
        window = dataclasses.replace(
            spec.window, low_T=float(self.low.value()), high_T=float(self.high.value())
        )
        reset = dataclasses.replace(spec.reset, field_T=float(self.reset_field.value()))
        sequences = make_sequences(
            str(self.family.currentData()),
            self.count.value(),
            self.steps.value(),
            self.seed.value(),
        )
        plan = Plan(sequences, window, reset, self.repeats.value(), self.seed.value(), "")
        bench = self.session.bench
        if bench is None:
            return dataclasses.replace(plan, problem=NO_BENCH)
        reference = self.reference.value()
        values = sum(s.steps + reference for s in sequences) * plan.repeats * len(bench.channels)
        seconds = sum(bench.predicted_s(s.steps, s.length) for s in sequences) * plan.repeats
        if reference:
            seconds += bench.predicted_s(reference) * len(sequences) * plan.repeats
        place = " device time" if spec.virtual is not None else ""
        cost = f"{duration(seconds)}{place} · {size(BYTES_A_VALUE * values)}"
        total = len(sequences) * plan.repeats
        wrong = reference_problems(reference, float(self.stop_at.value()), total)
        if wrong:
            return dataclasses.replace(plan, cost=cost, problem="; ".join(wrong))
        try:
            bench.check_sequences(sequences, window, reset, ask=False)  # here nothing may wait
        except TwinrigError as error:
            return dataclasses.replace(plan, cost=cost, problem=str(error))
        return dataclasses.replace(plan, cost=f"{cost} · within limits")

    def show_cost(self) -> None:
        """Preview and cost line; a refusal stands there in words before anything is pressed."""
        if self.running:
            return
        try:
            self.plan = self._describe()
        except TwinrigError as error:
            self.plan = None
            self._say_button(str(error), role="fault")
            return
        drives = [s.drive for s in self.plan.sequences]
        hold = longest_hold(np.concatenate([[*d, np.nan] for d in drives]))
        self.hold.setText(count(hold, "step"))
        if not self.live.done:
            self.plots.preview(drives, self.plan.window)
            self.say(
                "Nothing recorded yet", "the field of the first sequence, as it will be applied"
            )
        if self.plan.problem == NO_BENCH:
            self._say_button(NO_BENCH, role="attention")
        elif self.plan.problem:
            self._say_button(f"refused: {self.plan.problem}", role="fault")
        else:
            self._say_button(self.plan.cost)

    def _say_button(self, cost: str, role: str = "") -> None:
        words = count(self.count.value() * self.repeats.value(), "repeat")
        self.form.primary.setEnabled(not role)
        self.form.primary.say(f"Record {words}", cost, role=role)

    def press(self) -> None:
        """Start the recording that the form describes."""
        self.show_cost()
        plan, bench = self.plan, self.session.bench
        if self.running or plan is None or plan.problem or bench is None:
            return
        out = self.session.library.new_path("rec")
        interleave = bool(self.order.currentData())
        reference, stop_at = self.reference.value(), float(self.stop_at.value())

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            from app.operations.record import record

            return record(
                bench, plan.sequences, plan.repeats, out, seed=plan.seed,
                interleave=interleave, window=plan.window, reset=plan.reset,
                pause=self.session.pause, reference=reference, stop_at_drift=stop_at,
            )  # fmt: skip

        self.shell.run(JobSpec(self.key, "Recording", out.name, start, hardware=True))

    # the run

    def job_started(self) -> None:
        super().job_started()
        self.live, self.recorded = LiveRecording(), None
        self.plots.clear_response()
        self.fit_button.hide()
        if self.session.bench is not None:
            self.plots.set_channels(self.session.bench.channels)

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            self.live.take(event)
            self.wait.take(event)
        live = self.live
        if live.plan is not None:
            self.recorded = Path(live.plan.path)
            left = f"repeat {min(live.done + 1, live.total)} of {live.total}"
            self.form.primary.say(
                f"Recording, {left}", self.at_foot("Stop: field to zero, complete repeats kept"),
                fraction=live.done / max(1, live.total),
            )  # fmt: skip
            drift = f"reference {live.drifted:+.1f} σ · " if np.isfinite(live.drifted) else ""
            self.say(
                f"Recording {self._words()}",
                f"{drift}{left} · sequence {live.sequence + 1} of {live.plan.sequences} running · "
                f"showing sequence {self.plots.shown + 1}",
            )
        if self.isVisible():
            self._redraw()

    def _words(self) -> str:
        plan = self.live.plan
        if plan is None:
            return ""
        return f"{self.family.currentText()}:{plan.sequences}x{plan.steps}@{self.seed.value()}"

    def _redraw(self) -> None:
        self.plots.draw(self.live, running=self.running)

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        live = self.live
        word = {"done": "Recorded", "stopped": "Stopped:"}.get(outcome.status, "Failed:")
        kept = f"{live.done} of {live.total} repeats kept"
        hint = "" if outcome.status == "done" else " · complete repeats are on disk"
        reason = outcome.result.values.get("reason", "") if outcome.result else ""
        if outcome.status == "stopped" and reason:  # it stopped itself
            self.shell.toast(str(reason), "warning")
            hint = f" · {reason}"
        self.say(f"{word} {self._words()}", f"{kept}{hint}")
        self.fit_button.setVisible(live.done > 0)
        self._redraw()
        self.show_cost()

    def _hop(self, by: int) -> None:
        known = sorted(self.live.fields)
        if not known:
            return
        at = known.index(self.plots.shown) if self.plots.shown in known else 0
        self.plots.pinned = known[(at + by) % len(known)]
        self._redraw()

    def _fit(self) -> None:
        if self.recorded is not None:
            self.shell.open_page("twin", self.recorded)

    # settings

    def form_values(self) -> dict[str, Any]:
        return {
            "family": self.family.currentData(), "steps": self.steps.value(),
            "count": self.count.value(), "seed": self.seed.value(), "repeats": self.repeats.value(),
        }  # fmt: skip

    def set_form_values(self, values: dict[str, Any]) -> None:
        self.family.choose(values.get("family"))
        for name in ("steps", "count", "seed", "repeats"):
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
