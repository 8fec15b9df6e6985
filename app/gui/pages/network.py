"""The Network page: a task, a twin, layers; topology, training curve, the score to expect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtWidgets import QLineEdit

from app.gui.job import JobSpec, Outcome
from app.gui.live_train import LiveTraining, sentence
from app.gui.pages.network_plots import NetworkPlots
from app.gui.pages.page import Page, Shell
from app.gui.widgets.basic import Choice, WholeEntry
from app.gui.words import count, score
from app.operations.child import in_child
from app.operations.events import NetworkState, Result, Stage
from app.store import load_network, load_twin
from app.words import duration
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.operations.events import Event
    from models.twin import Twin

TASKS = (("Mackey-Glass", "mackey-glass"),)
LAYERS = re.compile(r"^\s*\d+\s*(,\s*\d+\s*)*$")
MOST_NODES = 4096


class NetworkPage(Page):
    """Twins as nodes, weights between them."""

    key, name = "network", "Network"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Network", "twins as nodes, weights between them")
        self.live = LiveTraining()
        self.network: Path | None = None
        self._twins: dict[Path, Twin] = {}
        self._stage, self._channels = "", 1
        self._rows()
        self.plots = NetworkPlots(self.theme)
        self.body.addWidget(self.plots, 1)
        self.deploy_button = self.button("Deploy", self._deploy)
        self.deploy_button.hide()
        self.theme.changed.connect(self._redraw)

    def _rows(self) -> None:
        self.form.section("Task")
        self.task = Choice(self.theme, TASKS, "Task")
        self.ahead = WholeEntry(5, 1, 50, "steps", "Ahead")
        self.form.row("Task", self.task)
        self.form.row("Ahead", self.ahead)
        self.form.section("Network")
        self.twin = Choice(self.theme, (), "Twin")
        self.layers = QLineEdit("16, 16, 16")
        self.layers.setAccessibleName("Layers")
        self.form.row("Twin", self.twin)
        self.form.row("Layers", self.layers)
        self.noise = self.form.fact("Noise")
        self.form.section("Training")
        self.iterations = WholeEntry(3000, 0, 1_000_000, "", "Iterations")
        self.seed = WholeEntry(1, 0, 2**31 - 1, "", "Seed")
        self.form.row("Iterations", self.iterations)
        self.form.row("Seed", self.seed)
        for box in (self.ahead, self.iterations, self.seed):
            box.valueChanged.connect(self.form_changed)
        self.layers.textChanged.connect(self.form_changed)
        self.twin.currentIndexChanged.connect(self.form_changed)

    # the form

    def refresh(self) -> None:
        found = [a for a in self.session.library.artefacts("twin") if not a.broken]
        self.twin.offer([(a.id, a.path) for a in found])
        self.show_cost()

    def choose(self, artefact: Path) -> None:
        folder = artefact if artefact.is_dir() else artefact.parent
        found = self.session.library.find(folder)
        if found is not None and found.kind == "net" and not self.running:
            self.show_network(folder)
            self.deploy_button.show()
        else:
            self.twin.choose(folder)
        self.show_cost()

    def nodes(self) -> tuple[int, ...] | None:
        """Nodes of each layer; None where the entry reads otherwise."""
        text = self.layers.text()
        if not LAYERS.match(text):
            return None
        layers = tuple(int(part) for part in text.split(","))
        return layers if min(layers) >= 1 and sum(layers) <= MOST_NODES else None

    def _twin(self) -> Twin | None:
        path = self.twin.currentData()
        if path is None:
            return None
        if path not in self._twins:
            try:
                self._twins[path] = load_twin(path)
            except TwinrigError as error:
                self.shell.toast(str(error), "error")
                return None
        return self._twins[path]

    def show_cost(self) -> None:
        if self.running:
            return
        layers, twin = self.nodes(), self._twin()
        ready = layers is not None and twin is not None
        self.form.primary.setEnabled(ready)
        if twin is not None:
            self.noise.setText("none: deterministic twin" if twin.deterministic else "sampled")
        if layers is None:
            self.form.primary.say("Train a network", "layers read like 16, 16, 16", role="fault")
        elif twin is None:
            self.form.primary.say("Train a network", "fit a twin first", role="attention")
        else:
            steps = count(self.iterations.value(), "iteration")
            words = f"{count(sum(layers), 'node')} · {steps} · 1 core"
            self.form.primary.say("Train again" if self.network else "Train a network", words)
        if layers is not None and self.live.state is None:
            self.plots.show_layers(layers)
        if not self.live.iterations and not self.live.predicted:
            self.say("No network yet", "baselines are computed in the same run, beside it")

    # the run

    def press(self) -> None:
        self.show_cost()
        layers, twin = self.nodes(), self.twin.currentData()
        if self.running or layers is None or twin is None:
            return
        out = self.session.library.new_path("net")
        kwargs: dict[str, Any] = {
            "task": f"{self.task.currentData()}:h={self.ahead.value()}", "twins": [twin],
            "layers": list(layers), "out": out, "iterations": self.iterations.value(),
            "seed": self.seed.value(),
        }  # fmt: skip

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            return in_child("app.operations.train.train", kwargs, stop)

        if self.shell.run(JobSpec(self.key, "Training", out.name, start, hardware=False)):
            self.plots.show_run(out.name)

    def job_started(self) -> None:
        super().job_started()
        self.live, self.network, self._stage = LiveTraining(), None, "starting"
        twin = self._twin()
        self._channels = len(twin.channels) if twin is not None else 1
        self.deploy_button.hide()
        self.plots.clear()

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            self.live.take(event)
            if isinstance(event, Stage):
                self._stage = event.name
            elif isinstance(event, Result):
                self.network = Path(str(event.values["path"]))
        live = self.live
        done = live.iterations[-1] if live.iterations else 0
        share = done / live.total if live.total else 0.0
        left = f"{duration(live.left_s)} left · " if live.left_s else ""
        self.form.primary.say("Training", f"{left}Stop keeps a checkpoint", fraction=share)
        where = f" · iteration {done} of {live.total}" if live.total else ""
        self.say(f"Training {self._words()}", f"{self._stage}{where}")
        if self.isVisible():
            self._redraw()

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        live = self.live
        if not live.total or not live.iterations:
            return None
        left = "" if not live.left_s else f"{duration(live.left_s)} left"
        return live.iterations[-1] / live.total, left

    def _words(self) -> str:
        layers = "·".join(str(n) for n in self.nodes() or ())
        return f"{self.task.currentText()} +{self.ahead.value()}, {layers}"

    def _redraw(self) -> None:
        self.plots.draw(self.live, self._channels)

    def job_finished(self, outcome: Outcome) -> None:
        done = outcome.status == "done" and self.network is not None
        super().job_finished(outcome)
        self.deploy_button.setVisible(done)
        if done:
            self._say_trained()
        else:
            word = "Stopped" if outcome.status == "stopped" else "Failed"
            self.say(f"{word}: no network", "a checkpoint is kept where the training had begun")
        self._redraw()

    def _say_trained(self) -> None:
        predicted = self.live.predicted
        value = float(predicted.get("value", np.nan))
        low, high = score(predicted.get("low")), score(predicted.get("high"))
        self.say(
            f"Trained {self._words()}", f"expected on the device: {score(value)} ({low} to {high})"
        )
        self.plots.verdict.setText(sentence(value, self.live.baselines, "Predicted, the network"))

    def show_network(self, path: Path) -> None:
        """Show a finished network: its prediction beside its baselines."""
        network = load_network(path)
        self.network = path
        self.layers.setText(", ".join(str(layer.nodes) for layer in network.layers))
        self.live = LiveTraining(
            baselines=dict(network.baselines), predicted=dict(network.predicted)
        )
        weights = tuple(layer.weights for layer in network.layers)
        self.live.state = NetworkState(weights, network.readout_weights[:, 0], np.empty(0))
        self._channels = len(network.channels)
        self._redraw()
        self._say_trained()

    def _deploy(self) -> None:
        if self.network is not None:
            self.shell.open_page("deploy", self.network)

    # settings

    def form_values(self) -> dict[str, Any]:
        numbers = {n: getattr(self, n).value() for n in ("ahead", "iterations", "seed")}
        return {"layers": self.layers.text(), **numbers}

    def set_form_values(self, values: dict[str, Any]) -> None:
        if isinstance(values.get("layers"), str):
            self.layers.setText(values["layers"])
        for name in ("ahead", "iterations", "seed"):
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
