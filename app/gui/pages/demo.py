"""The page of the demo: the whole thread on a virtual rig of its own, stage by stage, a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.background import Reading
from app.gui.job import JobSpec, Outcome
from app.gui.live_demo import TITLE, DemoAsk, LiveDemo, begun_demos
from app.gui.pages.library_report import show_file
from app.gui.pages.page import Page
from app.gui.widgets.basic import Choice, label
from app.gui.widgets.columns import ColumnTable
from app.gui.widgets.number_entry import WholeEntry
from app.gui.widgets.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gui.pages.shell import Shell
    from app.operations.events import Event

WHAT = (
    "Records a virtual nanoring array, fits its twin, trains a network through the twin, runs it "
    "on the device, and beside it a network without noise and an untrained one. This window's "
    "bench is left alone; everything is in the library afterwards."
)
EMPTY = "Its stages appear here as they run; the report opens at the end."
NEW = "nothing, a new one"
TABLE_PX = 620
SIZES = (("Quick", True), ("Whole", False))
NOTES = {True: "no promise of quality", False: "the README's figures"}


class DemoPage(Page):
    """Size and seed at the left; the stages at the right."""

    key, name = "demo", "Demo"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Demo", "the whole thread, to be looked at")
        self.live = LiveDemo()
        self.out: Path | None = None
        self.form.section("What it does")
        self.form.widget(label(WHAT, "note", wrap=True))
        self.size_note = self.form.section("Demo")
        self.size_choice = Segments(self.theme, SIZES, "Size")
        self.seed = WholeEntry(0, 0, 2**31 - 1, "", "Seed")
        self.which = Choice(self.theme, ((NEW, None),), "Demo to go on with")
        self.form.widget(self.size_choice)
        self.form.row("Seed", self.seed)
        self.form.row("Go on with", self.which)
        self.copy_button.hide()
        self.report_button = self.button("Open the report", self.open_report)
        self.report_button.hide()
        self.note = label(EMPTY, "note", wrap=True)
        self.table = ColumnTable(self.theme, (), name="stage", shares=(0.7, 0.3))
        self.table.setAccessibleName("Stages")
        self.table.setMaximumWidth(TABLE_PX)
        self.table.hide()
        self.body.addWidget(self.note)
        self.body.addWidget(self.table, 100)
        self.body.addStretch(1)
        self._library = Reading()
        self._library.done.connect(self._offer)
        self.size_choice.chosen.connect(self.form_changed)
        self.which.currentIndexChanged.connect(self.form_changed)
        self.say("No demo yet", "it needs no rig")
        self.show_cost()

    def refresh(self) -> None:
        library = self.session.library
        self._library.ask(lambda: begun_demos(library))

    def _offer(self, found: list[Path] | None, _error: Exception | None) -> None:
        self.which.offer([(NEW, None), *((one.name, one) for one in found or ())])
        self.show_cost()

    def ask(self) -> DemoAsk:
        """What the form asks for."""
        return DemoAsk(self.size_choice.value, self.seed.value(), self.which.currentData())

    def show_cost(self) -> None:
        if self.running:
            return
        ask = self.ask()
        self.size_note.setText(NOTES[ask.quick] if ask.begun is None else "as it was begun")
        for control in (self.size_choice, self.seed):
            control.setEnabled(ask.begun is None)
        self.form.primary.say(*ask.words())

    def press(self) -> None:
        if self.running:
            return
        ask, before = self.ask(), (self.live, self.out)
        out = ask.begun or self.session.library.new_path("demo")
        self.live, self.out = LiveDemo(), out
        spec = JobSpec(self.key, TITLE, out.name, lambda stop: ask.start(out, stop), hardware=False)
        if not self.shell.run(spec):
            self.live, self.out = before

    def job_started(self) -> None:
        super().job_started()
        self.report_button.hide()
        self._draw()

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            self.live.take(event)
        left = f"{self.live.left} · " if self.live.left else ""
        self.form.primary.say(TITLE, f"{left}Stop keeps what is done", fraction=self.live.done)
        if self.live.stages:
            self.say(self.live.stages[self.live.running].capitalize(), self.live.note)
        self._draw()

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        return self.live.done, self.live.left

    def _draw(self) -> None:
        rows = self.live.rows()
        self.table.show_rows(rows)
        self.table.setMaximumHeight(self.table.HEAD_PX + self.table.ROW_PX * len(rows) + 4)
        self.table.setVisible(bool(rows))
        self.note.setVisible(not rows)

    def job_finished(self, outcome: Outcome) -> None:
        super().job_finished(outcome)
        self.say(*self.live.ended(outcome.status))
        self._draw()
        self.show_cost()
        if outcome.status == "done":
            self.report_button.show()
            self.open_report()

    def open_report(self) -> None:
        """Show the report as the system does."""
        if "report" in self.live.result:
            show_file(self.shell, Path(str(self.live.result["report"])))

    # settings

    def form_values(self) -> dict[str, Any]:
        return {"quick": self.size_choice.value, "seed": self.seed.value()}

    def set_form_values(self, values: dict[str, Any]) -> None:
        self.size_choice.choose(values.get("quick"))
        if isinstance(values.get("seed"), int):
            self.seed.setValue(values["seed"])
