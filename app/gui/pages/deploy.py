"""The Deploy page: one click from a trained network to the device, and the honest verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.job import JobSpec, Outcome
from app.gui.live_deploy import LiveDeployment, criterion, verdict
from app.gui.live_train import score_rows
from app.gui.pages.deploy_plots import DeployPlots
from app.gui.pages.page import Page, Shell
from app.gui.preflight import DRIFT, deployment_bytes, preflight
from app.gui.widgets.basic import Choice, Segments, Tick
from app.gui.widgets.checks import Check, CheckList
from app.gui.widgets.tables import ScoreRow
from app.gui.words import count, score, size
from app.store import load_network
from app.words import duration
from models import schedule
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.operations.events import Event
    from models.network import Network


class DeployPage(Page):
    """Schedule, running node, forecast, score; the pass criterion before the result."""

    key, name = "deploy", "Deploy"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Deploy", "one click from a trained network to the device")
        self.live = LiveDeployment()
        self.network: Network | None = None
        self.deployed: Path | None = None
        self.checks: list[Check] = []
        self._path: Path | None = None
        self._background = Latest()
        self._background.done.connect(self._checked)
        self.form.section("Network")
        self.choice = Choice(self.theme, (), "Network")
        self.choice.currentIndexChanged.connect(self._chosen)
        self.form.row("Network", self.choice)
        self.task = self.form.fact("Task")
        self.predicted = self.form.fact("Predicted")
        self.form.section("Schedule")
        self.steps = self.form.fact("Steps a node")
        self.runs = self.form.fact("Runs")
        self.summary = self.form.section("Pre-flight")
        self.list = CheckList(self.theme)
        self.form.widget(self.list)
        self.despite = Tick(self.theme, "Deploy despite drift")
        self.despite.toggled.connect(self.form_changed)
        self.despite.hide()
        self.form.widget(self.despite)
        self.plots = DeployPlots(self.theme)
        self.plots.grid.chosen.connect(self._pin)
        self.body.addWidget(self.plots, 1)
        self.toggle = Segments(self.theme, (), "Channel")
        self.toggle.chosen.connect(self._choose_channel)
        self.toggle.hide()
        self._buttons.insertWidget(0, self.toggle)
        self.offer_pause()
        self.theme.changed.connect(self._redraw)

    # the form

    def refresh(self) -> None:
        found = [a for a in self.session.library.artefacts("net") if not a.broken]
        self.choice.offer([(a.id, a.path) for a in found])
        self._chosen()

    def choose(self, artefact: Path) -> None:
        self.choice.choose(artefact if artefact.is_dir() else artefact.parent)
        self._chosen()

    def _chosen(self, *_: object) -> None:
        if self.running:
            return
        path = self.choice.currentData()
        if path is not None and path != self._path:
            try:
                self.network, self._path = load_network(path), path
            except TwinrigError as error:
                self.network, self._path = None, None
                self.shell.toast(str(error), "error")
            self.live = LiveDeployment()
            self.despite.setChecked(False)  # of another network it was never said
            if self.network is not None:
                self._show_network(self.network)
        self.show_cost()

    def _show_network(self, network: Network) -> None:
        predicted = network.predicted
        low, high = score(predicted.get("low")), score(predicted.get("high"))
        self.task.setText(str(network.task.get("description") or network.task.get("name")))
        self.predicted.setText(f"{score(predicted.get('value'))} ({low} to {high})")
        self.steps.setText(f"{network.steps}, first {network.washout} unscored")
        self.runs.setText(f"{network.nodes}, each after a reset")
        self.plots.show_network(network)
        self.plots.verdict.show_verdict(criterion(predicted, network.nodes), None)
        self.toggle.offer([(name, k) for k, name in enumerate(network.channels)][:8])
        self.toggle.setVisible(len(network.channels) > 1)
        self.toggle.setFixedWidth(36 * min(8, len(network.channels)))

    def show_cost(self) -> None:
        """Pre-flight and cost; the instruments are asked in a thread."""
        if self.running:
            return
        network, bench = self.network, self.session.bench
        if network is None:
            self.form.primary.setEnabled(False)
            self.form.primary.say("Deploy", "train a network first", role="attention")
            self.say("Nothing to deploy yet", "train a network; it appears here by itself")
            return
        if not self.live.result:
            self.say(
                "Ready to deploy", f"{self.choice.currentText()} onto {self.session.spec.name}"
            )
        if bench is None:
            self.form.primary.setEnabled(False)
            self.form.primary.say("Deploy", "no bench connected", role="attention")
            return
        self.form.primary.setEnabled(False)
        self.form.primary.say(f"Deploy {count(network.nodes, 'node')}", "pre-flight check …")
        folder, path = self.session.library.folder, self._path or Path()
        despite = self.despite.isChecked()
        self._background.ask(
            lambda: self.session.with_bench(
                lambda b: preflight(network, path, b, folder, despite_drift=despite)
            )
        )

    def _checked(self, checks: list[Check] | None, error: Exception | None) -> None:
        network, bench = self.network, self.session.bench
        if self.running or network is None or bench is None:
            return
        self.checks = checks or [Check("Bench", str(error), "fault")]
        self.list.show_checks(self.checks)
        self.despite.setVisible(any(c.name == DRIFT for c in self.checks))
        bad = [c for c in self.checks if c.level == "fault"]
        passed = sum(c.level == "ok" for c in self.checks)
        noted = f" · {count(len(bad), 'fault')}" if bad else ""
        self.summary.setText(f"{passed} pass{noted}")
        seconds = schedule.predicted_s(schedule.runs(network), bench.predicted_s(network.steps))
        cost = f"{duration(seconds)} device time · {size(deployment_bytes(network))}"
        again = " again" if self.live.result else ""
        words = f"Deploy {count(network.nodes, 'node')}{again}"
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
        out = self.session.library.new_path("dep")
        despite = self.despite.isChecked()

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            from app.operations.deploy import deploy

            return deploy(
                self._path or Path(), bench, out, pause=self.session.pause, despite_drift=despite
            )

        self.shell.run(JobSpec(self.key, "Deploying", out.name, start, hardware=True))

    def job_started(self) -> None:
        super().job_started()
        self.live, self.deployed = LiveDeployment(), None
        if self.network is not None:
            self._show_network(self.network)

    def take(self, events: Sequence[Event]) -> None:
        live, network = self.live, self.network
        if network is None:
            return
        for event in events:
            live.take(event, network)
            self.wait.take(event)
        at = f"node {min(live.done + 1, network.nodes)} of {network.nodes}"
        self.form.primary.say(
            f"Deploying, {at}", self.at_foot("Stop: field to zero, measured nodes kept"),
            fraction=live.done / max(1, network.nodes),
        )  # fmt: skip
        step = f"step {live.step + 1} of {network.steps}"
        self.say(f"Deploying {self.choice.currentText()}", f"{at} · {step}")
        if live.plan is not None:
            self.plots.show_run(live.plan.run_id)
        if self.isVisible():
            self._redraw()

    def _redraw(self) -> None:
        if self.network is not None:
            self.plots.draw(self.live, self.network, running=self.running)

    def _pin(self, layer: int, node: int) -> None:
        at = (layer, node)
        self.plots.pinned = None if self.plots.pinned == at else at
        self._redraw()

    def _choose_channel(self, channel: int) -> None:
        self.plots.channel = channel
        self._redraw()

    def job_finished(self, outcome: Outcome) -> None:
        live, network = self.live, self.network
        done = outcome.status == "done" and "measured" in live.result
        super().job_finished(outcome)
        if done and network is not None:
            self.deployed = Path(str(live.result["path"]))
            self._show_verdict(network)
        elif network is not None:
            word = "Stopped" if outcome.status == "stopped" else "Failed"
            self.say(
                f"{word}: {live.done} of {network.nodes} nodes measured", "no verdict without all"
            )
        self._redraw()

    def _show_verdict(self, network: Network) -> None:
        result = self.live.result
        measured = float(result["measured"])
        self.plots.verdict.show_verdict(verdict(result), measured)
        self.plots.running_score.show_value(measured, "measured")
        rows = score_rows(
            "Twin, predicted", network.predicted, dict(result.get("baselines") or {}), word=""
        )
        value = network.predicted.get("value")
        ratio = f"× {measured / value:.2f}" if value else ""
        device = ScoreRow("Device, measured", measured, None, None, ratio, True, "measured")
        self.plots.table.show_rows([device, *rows])
        runs = result.get("hardware_runs", "—")
        self.say(
            f"{self.choice.currentText()} on the device",
            f"{network.nodes} nodes · {runs} runs · {duration(result.get('seconds'))}",
        )
