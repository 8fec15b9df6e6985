"""The form of the Deploy page: the network, its schedule, what may follow, the pre-flight list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLineEdit, QSizePolicy

from app.gui.deploy_asks import DeployAsk
from app.gui.live_transfer import REFINES
from app.gui.pages.bench_entry import BenchEntry
from app.gui.preflight import CURRENTS, DRIFT
from app.gui.scores import parts
from app.gui.widgets.basic import Choice, Elided, Tick, label, row
from app.gui.widgets.checks import Check, CheckList
from app.gui.widgets.number_entry import NumberEntry, WholeEntry
from app.gui.words import count
from training.polish_settings import LEAST_PASSES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.gui.begun_bench import BegunRun
    from app.gui.offered import Item
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from instruments.bench_spec import BenchSpec
    from models.network import Network

WHOLE = ("repeats", "rounds", "passes")
LOW_ROW_PX, ROW_PX = 20, 32


class DeployForm(QObject):
    """Rows of the page's form; `changed` when a value has changed."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self._form, self._low = form, False
        form.section("Network")
        self.choice = Choice(theme, (), "Network")
        form.row("Network", self.choice)
        self.task = form.fact("Task")
        self.predicted, self.interval = label(), Elided(role="note")
        self.predicted.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        form.row("Foreseen", row(self.predicted, self.interval, gap=6))
        form.section("Schedule")
        self.steps = form.fact("Steps a node")
        self.repeats = WholeEntry(1, 1, 1000, "", "Runs a node, averaged")
        self.repeats.setToolTip("Averaged before the next layer; nodes never share a noisy run")
        self.hours = NumberEntry(0.0, 0.0, 10_000.0, "h", "Hours at most")
        self.hours.setSpecialValueText("no limit")
        self.hours.setToolTip("Refused where what is to be measured would take longer")
        form.row("Runs, at most", row(self.repeats, self.hours))
        self.rounds = WholeEntry(2, 1, 20, "", "Rounds of a refinement")
        self.passes = WholeEntry(12, LEAST_PASSES, 10_000, "", "Passes of a polishing")
        form.row("Rounds, passes", row(self.rounds, self.passes))
        self.benches = BenchEntry()
        self._benches = form.row("Other benches", self.benches)
        self._benches.hide()
        self.more = QLineEdit()
        self.more.setAccessibleName("Further options of what may follow")
        self.more.setPlaceholderText("pieces=144 steps=600")
        self.more.setToolTip(
            f"NAME=VALUE with spaces between; of a refinement {', '.join(REFINES)}; of a "
            "recalibration steps; of a polishing rate; of each retries"
        )
        form.row("More options", self.more)
        self.unfinished: list[BegunRun] = []
        self.which = Choice(theme, (), "What ended early")
        self._wanted: Path | None = None
        self._which = form.row("Go on with", self.which)
        self._which.hide()
        self.summary = form.section("Pre-flight")
        self.list = CheckList(theme)
        self.list.setAccessibleName("Pre-flight")
        form.widget(self.list)
        self.despite = Tick(theme, "Deploy despite drift")
        self.despite.toggled.connect(self._tell)
        self.despite.hide()
        form.widget(self.despite)
        for entry in (*(getattr(self, name) for name in WHOLE), self.hours):
            entry.valueChanged.connect(self._tell)
        for text in (self.more, self.benches):
            text.textChanged.connect(self._tell)
        self.which.currentIndexChanged.connect(self._tell)

    def offer_unfinished(self, found: Sequence[BegunRun]) -> None:
        """What ended early; the row is there only where something did."""
        self.unfinished = list(found)
        self.which.offer([("nothing, a new run", None), *((one.words, one) for one in found)])
        self._which.setVisible(bool(found))
        if self._wanted is not None:
            self.go_on_with(self._wanted)
        self._space()

    def go_on_with(self, begun: Path | None) -> None:
        """Choose what ended early in a folder; where the library has not told it yet, once it has.

        None, or a folder in which nothing ended early: a new run.
        """
        names = [one.path for one in self.unfinished]
        self.which.setCurrentIndex(1 + names.index(begun) if begun in names else 0)
        self._wanted = None if begun in names else begun

    @property
    def goes_on(self) -> BegunRun | None:
        """The one that is chosen to go on; None: a new run."""
        chosen = self.which.currentData()
        return chosen if chosen in self.unfinished else None

    @property
    def further(self) -> tuple[str, ...]:
        """Bench files of the devices that the window's bench isn't."""
        return self.benches.further

    def ask(self, network: Path) -> DeployAsk:
        """A deployment as the form has it."""
        return DeployAsk(
            network, self.repeats.value(), self.despite.isChecked(), self.hours.value(),
            self.further, self.goes_on,
        )  # fmt: skip

    def _tell(self, *_: Any) -> None:
        self.changed.emit()

    def offer(self, items: Sequence[Item]) -> None:
        """Networks of the library; one that was handed over stays chosen."""
        chosen = self.choice.currentData()
        self.choice.offer(items, keep=True)
        if chosen is not None and self.choice.currentData() != chosen:
            self.choose(chosen)

    def choose(self, folder: Path) -> None:
        """Choose a network, also one that the library has not told yet."""
        self.choice.take(folder)

    def show_network(self, network: Network, here: BenchSpec) -> None:
        """Its facts, and on which benches its other devices may be; `here`: the window's."""
        self.benches.offer(network.devices, here)
        self._benches.setVisible(len(network.devices) > 1)
        self._space()
        self.task.setText(str(network.task.get("description") or network.task.get("name")))
        metric = str(network.task["metric"])  # the dash, for the column is narrow
        value, within = parts(network.predicted, metric, "–")
        self.predicted.setText(value)
        self.interval.setText(within)
        self.steps.setText(f"{network.steps}, first {network.washout} unscored")

    def show_checks(self, checks: Sequence[Check]) -> None:
        """The pre-flight list, and how many passed."""
        self.list.show_checks(checks)
        self.despite.setVisible(any(check.name in (DRIFT, CURRENTS) for check in checks))
        levels = [check.level for check in checks]
        said = [f"{levels.count('ok')} pass"]
        if levels.count("attention"):
            said.append(f"{levels.count('attention')} to note")
        if levels.count("fault"):
            said.append(count(levels.count("fault"), "fault"))
        self.summary.setText(" · ".join(said))

    def lock(self, *, running: bool) -> None:
        """What runs goes by the name that is chosen."""
        for choice in (self.choice, self.which):
            choice.setEnabled(not running)

    def set_low(self, low: bool) -> None:
        """Closer rows, where there is little height."""
        self._low = low
        self._form.set_gap(2 if low else 8)
        self._space()

    def _space(self) -> None:
        """Lines of the pre-flight list: lower where one row more stands above them."""
        more = bool(self.unfinished) + (not self._benches.isHidden())
        self.list.set_row_px(LOW_ROW_PX - 2 * more if self._low else ROW_PX - 4 * more)

    def values(self) -> dict[str, Any]:
        """What comes back at the next start."""
        made = {n: getattr(self, n).value() for n in (*WHOLE, "hours")}
        return {"more": self.more.text(), **made}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        if isinstance(values.get("more"), str):
            self.more.setText(values["more"])
        if isinstance(values.get("hours"), float):
            self.hours.setValue(values["hours"])
        for name in WHOLE:
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
