"""The Deploy page: one click from a trained network to the device, and the honest verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.background import Latest, Reading
from app.gui.begun_bench import DEPLOY, begun_runs
from app.gui.deploy_asks import TITLE
from app.gui.deploy_lack import Asked, Lack
from app.gui.job import JobSpec, Outcome
from app.gui.live_deploy import LiveDeployment, criterion
from app.gui.network_looked import looked
from app.gui.offered import items_of
from app.gui.pages.deploy_earlier import EarlierPart
from app.gui.pages.deploy_form import DeployForm
from app.gui.pages.deploy_plots import DeployPlots
from app.gui.pages.deploy_transfer import TransferPart
from app.gui.pages.page import Page
from app.gui.widgets.checks import Check
from app.gui.words import count
from app.words import joined_words, left_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PyQt6.QtGui import QResizeEvent

    from app.gui.begun_bench import BegunRun
    from app.gui.pages.shell import Shell
    from app.library.folders import Artefact
    from app.operations.events import Event
    from models.network import Network


LOW_PX = 760  # of the page: below it the form's rows stand closer, words give way to plots


class DeployPage(Page):
    """Schedule, running node, forecast, score; the pass criterion before the result."""

    key, name, of_library = "deploy", "Deploy", True

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Deploy", "one click from a trained network to the device")
        self.live = LiveDeployment()
        self.network: Network | None = None
        self.deployed: Path | None = None
        self.checks: list[Check] = []
        self.path: Path | None = None
        self._unread = ""  # why the network that is chosen can't be read
        self._background, self._library, self._loader = Latest(), Reading(), Latest()
        self._background.done.connect(self._checked)
        self._library.done.connect(self._offer)
        self._loader.done.connect(self._loaded)
        self.rows = self.remembers = rows = DeployForm(self.theme, self.form)
        self.choice, self.despite, self.list = rows.choice, rows.despite, rows.list
        self.choice.currentIndexChanged.connect(self._chosen)
        rows.changed.connect(self.form_changed)
        rows.which.currentIndexChanged.connect(self._chosen)
        self.plots = DeployPlots(self.theme)
        self.plots.grid.chosen.connect(self._pin)
        self.transfers, self.earlier = TransferPart(self), EarlierPart(self)
        self.body.addWidget(self.plots, 1)
        self.plots.toggle.chosen.connect(self._redraw)
        self._buttons.insertWidget(0, self.plots.toggle)
        self.library_button = self.button(
            "Show in Library", lambda: self.shell.open_page("library", self.deployed)
        )
        self.library_button.setToolTip("Its lineage, notes and report")
        self.library_button.hide()
        self.offer_pause("Pause after node", after="run of a node")
        self.theme.changed.connect(self._redraw)
        self.show_cost()

    # the form

    def refresh(self) -> None:
        library = self.session.library
        self._library.ask(lambda: (library.checked("net"), begun_runs(library)))

    def _offer(
        self, found: tuple[list[Artefact], list[BegunRun]] | None, error: Exception | None
    ) -> None:
        if found is None:  # what was offered, and is chosen, stays
            self.shell.toast(str(error), "error")
            self.show_cost()
            return
        networks, unfinished = found
        self.rows.offer(items_of(networks))
        self.rows.offer_unfinished(unfinished)
        self._chosen()

    def choose(self, artefact: Path) -> None:
        """A network to deploy, a deployment with what was measured, or one that goes on."""
        self.earlier.choose(artefact)

    def open_network(self, folder: Path, *, begun: bool) -> None:
        """Choose a network, or what ended early in a folder."""
        self.rows.go_on_with(folder if begun else None)
        if not begun:
            self.rows.choose(folder)
            self._chosen()

    def _chosen(self, *_: object) -> None:
        if self.running:
            return
        if (begun := self.rows.goes_on) is not None:
            self.rows.choose(begun.network)
        path = self.choice.currentData()
        if path is not None and (path != self.path or self._unread):
            self._turn_to(path)
            self.network, self.live = None, LiveDeployment()
            self._loader.ask(lambda: looked(path))
        self.show_cost()

    def _turn_to(self, path: Path) -> None:
        """The network that all is asked of from now on."""
        if path != self.path:
            self.path, self._unread = path, ""
            self.despite.setChecked(False)  # of another network it was never said

    def _loaded(self, found: tuple[Path, Network] | None, error: Exception | None) -> None:
        if error is not None:
            if str(error) != self._unread:  # not each time that the page is opened
                self.shell.toast(str(error), "error")
            self._unread = str(error)
            self.say("This network can't be read", str(error))
            self.show_cost()
        elif found is not None and found[0] == self.path and not self.running:
            self.network, self._unread = found[1], ""
            self._show_network(found[1])
            self.transfers.loaded()
            self.show_cost()

    def _show_network(self, network: Network) -> None:
        predicted, metric = network.predicted, str(network.task["metric"])
        self.library_button.hide()
        self.rows.show_network(network, self.session.spec)
        self.plots.show_network(network)
        self.plots.verdict.show_verdict(criterion(predicted, network.nodes, metric))

    def show_cost(self) -> None:
        """Pre-flight and cost; the instruments are asked in a thread."""
        if self.running:
            return
        network, text = self.network, self.choice.currentText()
        self.checks = []  # not known yet
        self.transfers.show()
        self.form.primary.setEnabled(False)
        lack = Asked(
            self.earlier.reading, self.path, network is not None, self._unread, text,
            self.choice.fault, not self._library.is_first,
        ).lack  # fmt: skip
        ready = ("Ready to deploy", f"{text} onto {self.session.spec.name}")
        header = ready if lack is None else lack.header
        if header is not None and self.live.plan is None:  # else it tells how that run has ended
            self.say(*header)
        if lack is None and self.session.bench is None:
            lack = Lack("no bench connected", "attention")
        if lack is not None:
            self._background.forget()
            self.form.primary.say("Deploy", lack.cost, role=lack.role)
        elif network is not None:
            self._check(network)

    def _check(self, network: Network) -> None:
        """Have the pre-flight checks made, of the network as the form asks for it."""
        self.form.primary.say(f"Deploy {count(network.nodes, 'node')}", "pre-flight check …")
        folder, ask = self.session.library.folder, self.rows.ask(self.path or Path())
        self._background.ask(
            lambda: self.session.with_bench(lambda b: ask.checks(network, b, folder))
        )

    def _checked(self, checks: list[Check] | None, error: Exception | None) -> None:
        network, bench = self.network, self.session.bench
        if self.running or network is None or bench is None:
            return
        self.checks = checks or [Check("Bench", str(error), "fault")]
        self.rows.show_checks(self.checks)
        self.transfers.show()
        bad = [c for c in self.checks if c.level == "fault"]
        ask = self.rows.ask(self.path or Path())
        words, cost = ask.words(network, bench)
        if self.live.result and ask.begun is None:
            words += " again"
        self.form.primary.setEnabled(not bad)
        if bad:
            self.form.primary.say(words, f"refused: {bad[0].name}, {bad[0].value}", role="fault")
        else:
            self.form.primary.say(words, f"{cost} · within limits")

    # the run

    def press(self) -> None:
        network, bench = self.network, self.session.bench
        if self.running or network is None or bench is None or not self.form.primary.isEnabled():
            return
        self._background.forget()
        begun = self.rows.goes_on
        if begun is not None and begun.verb != DEPLOY:
            self.transfers.go_on(begun)
            return
        out = self.session.library.new_path("dep") if begun is None else begun.path
        ask, session = self.rows.ask(self.path or Path()), self.session

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            return ask.start(session, bench, out)

        self.shell.run(JobSpec(self.key, TITLE, out.name, start, hardware=True))

    def job_started(self) -> None:
        super().job_started()
        self.rows.lock(running=True)
        if self.transfers.started():
            return
        self.live, self.deployed = LiveDeployment(), None
        if self.network is not None:
            begun = self.rows.goes_on
            self.live.had(self.network, {} if begun is None else begun.measured)
            self._show_network(self.network)

    def take(self, events: Sequence[Event]) -> None:
        live, network = self.live, self.network
        if network is None or self.transfers.take(events):
            return
        for event in events:
            live.take(event, network)
            self.wait.take(event)
        at = live.at(network.nodes)
        self.form.primary.say(
            f"Deploying, {at}", self.at_foot("Stop: field to zero, measured nodes kept"),
            fraction=live.share(network.nodes),
        )  # fmt: skip
        step = f"step {live.step + 1} of {network.steps}"
        words = joined_words(self.wait.words, at, step, by=" · ")
        self.say(f"Deploying {self.choice.currentText()}", words)
        if live.plan is not None:
            self.plots.show_run(live.plan.run_id)
        if self.isVisible():
            self._redraw()

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left of a training or a fit within a refinement."""
        live = self.transfers.live
        return None if live is None else (live.share, left_words(live.left_s))

    def _redraw(self, *_: object) -> None:
        if self.network is not None:
            self.plots.draw(self.live, self.network, running=self.running)

    def _pin(self, layer: int, node: int) -> None:
        at = (layer, node)
        self.plots.pinned = None if self.plots.pinned == at else at
        self._redraw()

    def job_finished(self, outcome: Outcome) -> None:
        live, network = self.live, self.network
        done = outcome.status == "done" and "measured" in live.result
        super().job_finished(outcome)
        self.rows.lock(running=False)
        if outcome.status == "done":
            self.rows.go_on_with(None)  # that one is whole
        self.show_cost()  # a press before the next look would begin what nobody looked at
        if self.transfers.ended(outcome):
            return
        if done and network is not None:
            self.deployed = Path(str(live.result["path"]))
            self.show_verdict(network)
        elif network is not None:
            self.say(*live.ended(outcome.status, network.nodes))
        self._redraw()

    def show_earlier(self, path: Path, network: Network, live: LiveDeployment) -> None:
        """Show what a finished deployment has measured, and its network to be deployed again."""
        self._loader.forget()
        self.rows.go_on_with(None)
        self._turn_to(path)
        self.network, self.live = network, live
        self._unread, self.deployed = "", Path(str(live.result["path"]))
        self.rows.choose(path)
        self._show_network(network)
        self.plots.show_run(self.deployed.parent.name)
        self._redraw()
        self.show_verdict(network)
        self.show_cost()

    def show_verdict(self, network: Network) -> None:
        """What came of it: the score, whether it transferred, where score was lost."""
        self.library_button.show()
        self.plots.show_result(network, self.live.result)
        self.say(f"{self.choice.currentText()} on the device", self.live.done_words(network.nodes))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        for part in (self.rows, self.plots.verdict):
            part.set_low(self.height() < LOW_PX)
