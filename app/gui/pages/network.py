"""The Network page: a task, a twin, layers; topology, training curve, the score to expect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.background import Latest
from app.gui.job import JobSpec, Outcome
from app.gui.live_train import LiveTraining, sentence
from app.gui.live_trials import LiveTrials, table_so_far
from app.gui.network_asks import TABLE, Ask, TableAsk
from app.gui.network_looked import looked, wiring_of
from app.gui.pages.network_form import NetworkForm
from app.gui.pages.network_plots import KindsView, NetworkPlots
from app.gui.pages.network_tasks import TaskLook
from app.gui.pages.page import Page, Shell
from app.gui.scores import interval
from app.operations.events import NetworkState, Result, Stage
from app.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QResizeEvent

    from app.operations.compare_networks_table import Table
    from app.operations.events import Event
    from app.session import Artefact
    from models.network import Network

LOW_PX = 760  # of the page: below it the form's rows stand closer


class NetworkPage(Page):
    """Twins as nodes, weights between them."""

    key, name = "network", "Network"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Network", "twins as nodes, weights between them")
        self.live, self.trials = LiveTraining(), LiveTrials()
        self.network: Path | None = None
        self.asked: Ask | None = None  # what runs, or ran last
        self.table: Table | None = None
        self._plan: Any = None
        self._heads: dict[Path, Artefact] = {}
        self._stage, self._channels = "", 1
        self._sources: tuple[tuple[int, ...], ...] = ()
        self._widths: dict[int, int] | None = None
        self._library, self._loader = Latest(), Latest()
        self._library.done.connect(self._offer)
        self._loader.done.connect(self._loaded)
        self.rows = NetworkForm(self.theme, self.form)
        self.twin, self.layers, self.iterations = (
            self.rows.twin, self.rows.layers, self.rows.iterations,
        )  # fmt: skip
        self.plots, self.kinds = NetworkPlots(self.theme), KindsView(self.theme)
        self.body.addWidget(self.plots, 1)
        self.body.addWidget(self.kinds, 1)
        self.kinds.hide()
        self.deploy_button = self.button("Deploy", self._deploy)
        self.deploy_button.hide()
        self.rows.changed.connect(self.form_changed)
        self.rows.kind.chosen.connect(self._show_kind)
        self.theme.changed.connect(self._redraw)
        self.tasks = TaskLook(self.rows, shell)
        self.tasks.changed.connect(self.show_cost)
        self.show_cost()

    # the form

    def refresh(self) -> None:
        self._library.ask(lambda: self.session.library.artefacts("twin"))

    def _offer(self, found: list[Artefact] | None, error: Exception | None) -> None:
        if error is not None:
            self.shell.toast(str(error), "error")
        good = [artefact for artefact in found or () if not artefact.broken]
        self._heads = {artefact.path: artefact for artefact in good}
        self.rows.offer_twins(good)
        self.rows.offer_places(self.session)
        self.show_cost()

    def choose(self, artefact: Path) -> None:
        folder = artefact if artefact.is_dir() else artefact.parent
        found = self.session.library.find(folder)
        if found is not None and found.kind == "net" and not self.running:
            self.show_network(folder)
        else:
            self.rows.choose_twin(folder)
        self.show_cost()

    def nodes(self) -> tuple[int, ...] | None:
        """Nodes of each layer; None where the entry reads otherwise."""
        return self.rows.nodes()

    def ask(self) -> Ask | None:
        """What the form asks for; None where a twin or the layers are missing."""
        return self.rows.ask(self.session, self.shell.bench_file)

    def show_cost(self) -> None:
        if self.running:
            return
        ask, twin = self.ask(), self.twin.currentData()
        self._say_twin(twin)
        wrong, role = self._missing(), "attention"
        if ask is not None and not wrong:
            wrong, role = ask.problem() or self.tasks.wrong(), "fault"
        verb, cost = ask.words(self.network is not None) if ask is not None else ("Train", "")
        self.form.primary.setEnabled(ask is not None and not wrong)
        self.form.primary.say(verb, wrong or cost, role=role if wrong else "")
        layers = self.nodes()
        if layers is not None and self.live.state is None:
            self.plots.show_layers(layers)
        if not self.live.iterations and not self.live.predicted and not self.trials.trials:
            self.say("No network yet", "baselines are computed in the same run, beside it")

    def _missing(self) -> str:
        if self.nodes() is None:
            return "layers read like 16, 16, 16"
        return "fit a twin first" if self.twin.currentData() is None else ""

    def _say_twin(self, twin: Path | None) -> None:
        known = self._heads.get(twin) if twin is not None else None
        if known is not None:
            noiseless = bool(known.head.get("deterministic"))
            self.rows.note.setText("deterministic twin: no noise" if noiseless else "noise sampled")
            self._channels = max(1, len(known.head.get("channels") or ()))

    # the run

    def press(self) -> None:
        self.show_cost()
        ask = self.ask()
        if self.running or ask is None or not self.form.primary.isEnabled():
            return
        out = self.session.library.new_path(ask.prefix)
        before, self.asked = self.asked, ask
        self._plan = ask.plan() if isinstance(ask, TableAsk) else None
        spec = JobSpec(self.key, ask.title, out.name, lambda stop: ask.start(out, stop),
                       hardware=ask.hardware)  # fmt: skip
        if self.shell.run(spec):
            self.plots.show_run(out.name)
        else:
            self.asked = before

    def job_started(self) -> None:
        super().job_started()
        self.live, self.trials, self.network = LiveTraining(), LiveTrials(), None
        self.table, self._stage, self._widths = None, "starting", None
        if self.asked is not None:
            self._sources = self.asked.layout.blocks(len(self.asked.layers))
        self.deploy_button.hide()
        self.plots.clear()
        self._show_kind(self.asked.kind if self.asked is not None else "")

    def _show_kind(self, kind: str) -> None:
        if self.running and self.asked is not None:
            kind = self.asked.kind
        self.kinds.setVisible(kind == TABLE)
        self.plots.setVisible(kind != TABLE)

    @property
    def _many(self) -> bool:
        """Whether what runs, or ran last, is a pool of trainings."""
        return self.asked is not None and (self.asked.kind == TABLE or self.asked.seeds > 1)

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            self.live.take(event)
            self.trials.take(event)
            if isinstance(event, Stage):
                self._stage = event.name
            elif isinstance(event, Result):
                self.network = Path(str(event.values["path"]))
        share, left = self.progress or (0.0, "")
        kept = "Stop keeps what is done" if self._many else "Stop keeps a checkpoint"
        title = self.asked.title if self.asked is not None else ""
        self.form.primary.say(title, f"{left} · {kept}" if left else kept, fraction=share)
        self.say(f"{title} {self._words()}", self._where())
        if self.isVisible():
            self._redraw()

    def _where(self) -> str:
        if self._many:
            live = self.trials
            running = sum(t.status == "running" for t in live.trials.values())
            return f"{live.ended} of {live.total} done, {running} running" if live.total else "…"
        done = self.live.iterations[-1] if self.live.iterations else 0
        where = f" · iteration {done} of {self.live.total}" if self.live.total else ""
        return f"{self._stage}{where}"

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        if self._many:
            left_s = self.trials.left_s
            return self.trials.share, "" if left_s is None else f"{duration(left_s)} left"
        live = self.live
        if not live.total or not live.iterations:
            return None
        left = "" if not live.left_s else f"{duration(live.left_s)} left"
        return live.iterations[-1] / live.total, left

    def _words(self) -> str:
        asked = self.asked
        layers = asked.layers if asked is not None else self.nodes() or ()
        task = asked.task if asked is not None else self.rows.task_text
        return f"{task}, {'·'.join(str(n) for n in layers)}"

    def _redraw(self) -> None:
        if self.asked is not None and self.asked.kind == TABLE:
            if self._plan is not None:
                self.table = table_so_far(self._plan, self.trials)
            self.kinds.draw(self.table, self.trials)
        elif self._many:
            self.plots.draw_seeds(self.trials)
        else:
            self.plots.draw(self.live, self._channels, self._sources, self._widths)

    def job_finished(self, outcome: Outcome) -> None:
        done = outcome.status == "done" and self.network is not None
        super().job_finished(outcome)
        table = self.asked is not None and self.asked.kind == TABLE
        self._redraw()
        self.deploy_button.setVisible(done and not table)
        if done and table:
            self.network = None
            self.say(f"Compared {self._words()}", str(self.trials.result.get("report", "")))
        elif done:
            self._say_trained()
            if self._many and self.network is not None:
                best = self.network.parent
                self._loader.ask(lambda: looked(best))
        else:
            word = "Stopped" if outcome.status == "stopped" else "Failed"
            self.say(f"{word}: no network", "a checkpoint is kept where the training had begun")

    def _say_trained(self) -> None:
        live = self.live
        value = float(live.predicted.get("value", np.nan))
        self.say(
            f"Trained {self._words()}",
            f"expected on the device: {interval(live.predicted, live.metric)}",
        )
        self.plots.verdict.setText(sentence(value, live.baselines, "Predicted, the network"))

    def show_network(self, path: Path) -> None:
        """Show a finished network, its prediction beside its baselines; read beside the window."""
        self.network, self.asked = path, None
        self.say("Network", f"{path.name} is read …")
        self._loader.ask(lambda: looked(path))

    def _loaded(self, found: tuple[Path, Network] | None, error: Exception | None) -> None:
        if error is not None:
            self.network = None
            self.shell.toast(str(error), "error")
        if found is None or self.running:
            return
        path, network = found
        if self._many:  # the best of the seeds that stand there: its picture only
            self.plots.show_network(network, *wiring_of(network))
            return
        self.network, self.asked, self.trials = path, None, LiveTrials()
        self.layers.setText(", ".join(str(layer.nodes) for layer in network.layers))
        self.live = LiveTraining(
            baselines=dict(network.baselines), predicted=dict(network.predicted),
            metric=str(network.task["metric"]),
        )  # fmt: skip
        weights = tuple(layer.weights for layer in network.layers)
        self.live.state = NetworkState(weights, network.readout_weights[:, 0], np.empty(0))
        self._channels = len(network.channels)
        self._sources, self._widths = wiring_of(network)
        self.deploy_button.show()
        self._show_kind("")
        self._redraw()
        self._say_trained()

    def _deploy(self) -> None:
        if self.network is not None:
            self.shell.open_page("deploy", self.network)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.form.set_gap(4 if self.height() < LOW_PX else 8)

    # settings

    def form_values(self) -> dict[str, Any]:
        return self.rows.values()

    def set_form_values(self, values: dict[str, Any]) -> None:
        self.rows.set_values(values)
