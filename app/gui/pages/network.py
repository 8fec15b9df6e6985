"""The Network page: a task, a twin, layers; topology, training curve, the score to expect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.background import Reading
from app.gui.begun import Begun, begun
from app.gui.job import JobSpec, Outcome
from app.gui.network_asks import BEGUN, ONE, SEEDS, SWEEP, TABLE, SoftwareAsk
from app.gui.network_looked import devices_of, wiring_of
from app.gui.network_run import OF_SEVERAL, NetworkRun
from app.gui.pages.network_drive import DriveLook
from app.gui.pages.network_form import NetworkForm
from app.gui.pages.network_open import Opener
from app.gui.pages.network_plots import NetworkPlots
from app.gui.pages.network_reads import asked, each_twin, every_layout, missing, words_of
from app.gui.pages.network_several import KindsView, SweepView
from app.gui.pages.network_tasks import TaskLook
from app.gui.pages.page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QResizeEvent

    from app.gui.live_train import LiveTraining
    from app.gui.network_run import Ask, Asked
    from app.gui.pages.shell import Shell
    from app.library.folders import Artefact
    from app.library.library import Library
    from app.operations.events import Event
    from models.network import Network

KINDS_SAID = {BEGUN: "Go on", SWEEP: "Sweep", TABLE: "Compare"}
LOW_PX = 760  # of the page: below it the form's rows stand closer


class NetworkPage(Page):
    """Twins as nodes, weights between them."""

    key, name, of_library = "network", "Network", True

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Network", "twins as nodes, weights between them")
        self.run = NetworkRun()
        self._heads: dict[Path, Artefact] = {}
        self._channels = 1
        self._sources: tuple[tuple[int, ...], ...] = ()
        self._widths: dict[int, int] | None = None
        self._library = Reading()
        self._library.done.connect(self._offer)
        self.rows = self.remembers = NetworkForm(self.theme, self.form)
        self.twin, self.layers, self.iterations = (
            self.rows.twin, self.rows.layers, self.rows.iterations,
        )  # fmt: skip
        self.plots = NetworkPlots(self.theme)
        self.drives = DriveLook(self.plots)
        self.body.addWidget(self.plots, 1)
        self.several: dict[str, KindsView | SweepView] = {
            TABLE: KindsView(self.theme), SWEEP: SweepView(self.theme),
        }  # fmt: skip
        self.opener = Opener(self)
        for view in self.several.values():
            self.body.addWidget(view, 1)
            view.chosen.connect(self.opener.show_trial)
            view.hide()
        self.deploy_button = self.button("Deploy", self._deploy)
        self.back_button = self.button("Back to the table", self.opener.back)
        self.software_button = self.button("Software alone", self._software)
        self.software_button.setToolTip("What methods without a device get on this task")
        self.hide_buttons()
        self.rows.changed.connect(self.form_changed)
        self.rows.kind.chosen.connect(self._show_kind)
        self.theme.changed.connect(self.redraw)
        self.tasks = TaskLook(self.rows, shell)
        self.tasks.changed.connect(self.show_cost)
        self.show_cost()

    # the form

    def refresh(self) -> None:
        self.rows.offer_places(self.session)  # at once: Run again chooses among them
        self.tasks.look_again()
        self._library.ask(lambda: _offered(self.session.library))

    def _offer(self, found: Any, error: Exception | None) -> None:
        if found is None:  # what was offered, and is chosen, stays
            self.shell.toast(str(error), "error")
            self.show_cost()
            return
        twins, networks, unfinished = found
        self._heads = {artefact.path: artefact for artefact in twins}
        self.rows.offer_twins(twins)
        self.rows.offer_networks(networks, unfinished)
        self.show_cost()

    def choose(self, artefact: Path) -> None:
        self.opener.choose(artefact)

    def nodes(self) -> tuple[int, ...] | None:
        """Nodes of each layer, of a sweep's first network; None where the entry reads otherwise."""
        layouts = every_layout(self.rows)
        return layouts[0][0] if layouts else None

    def ask(self) -> Ask | None:
        """What the form asks for; None where a twin or the layers are missing."""
        layers = self.nodes()
        if layers is not None:
            self.rows.layer_twins.show_layers(len(layers))
        devices = devices_of(each_twin(self.rows), self.rows.twin_heads)
        self.rows.show_devices(devices, self.session.spec)
        return asked(self.rows, self.session, self.shell.bench_file)

    def show_cost(self) -> None:
        if self.running:
            return
        ask, twin, reading = self.ask(), self.twin.currentData(), self.opener.reading
        for button in (self.deploy_button, self.back_button):
            button.setEnabled(not reading)
        self._say_twin(twin)
        self.drives.show(self.run, each_twin(self.rows))
        wrong, role = missing(self.rows, unread=self._library.is_first), "attention"
        if ask is not None and not wrong:
            own = ask.kind == BEGUN or self.rows.begins_with is not None
            of_task = "" if own else self.tasks.wrong()
            wrong, role = ask.problem() or of_task, "fault"
        verb, cost = KINDS_SAID.get(self.rows.kind.value, "Train"), ""
        if ask is not None:
            again = self.network is not None and ask == self.run.asked
            verb, cost = words_of(self.rows, ask, again=again)
        if reading:
            self.form.primary.setEnabled(False)
            self.form.primary.say(verb, f"{reading} is read …")
            return
        self.form.primary.setEnabled(ask is not None and not wrong)
        self.form.primary.say(verb, wrong or cost, role=role if wrong else "")
        layers = self.nodes()
        if layers is not None and self.live.state is None and self.network is None:
            self.plots.show_layers(layers)
        if self.run.empty:
            self.say("No network shown", "train one, or open one in the Library")

    def _say_twin(self, twin: Path | None) -> None:
        known = self._heads.get(twin) if twin is not None else None
        words = ""
        if known is not None:
            noiseless = bool(known.head.get("deterministic"))
            words = "deterministic twin: no noise" if noiseless else "noise sampled"
            self._channels = max(1, len(known.head.get("channels") or ()))
        self.rows.note.setText(words)

    # the run

    @property
    def live(self) -> LiveTraining:
        """The training that runs, or that is shown."""
        return self.run.live

    @property
    def network(self) -> Path | None:
        """The network that is shown."""
        return self.run.network

    def press(self) -> None:
        self.show_cost()
        ask = self.ask()
        if self.running or ask is None or not self.form.primary.isEnabled():
            return
        self._begin(ask, ask.path if isinstance(ask, Begun) else self._new_folder(ask.prefix))

    def _begin(self, ask: Asked, out: Path) -> None:
        before, self.run = self.run, NetworkRun.of(ask, out)
        spec = JobSpec(self.key, ask.title, out.name, lambda stop: ask.start(out, stop),
                       hardware=ask.hardware)  # fmt: skip
        if self.shell.run(spec):
            self.plots.show_run(out.name)
        else:
            self.run = before

    def _software(self) -> None:
        if not self.running and not self.tasks.wrong():
            self._begin(SoftwareAsk(self.rows.task_texts[0]), Path("baselines"))

    def _new_folder(self, prefix: str) -> Path:
        """Where it goes: the library, or for a sweep where the form says."""
        path, elsewhere = self.session.library.new_path(prefix), self.rows.results.text().strip()
        return Path(elsewhere) / path.name if prefix == SWEEP and elsewhere else path

    def job_started(self) -> None:
        super().job_started()
        self._widths = None
        if self.run.asked is not None:
            self._sources = self.run.asked.blocks
        self.opener.forget()
        self.hide_buttons()
        self.plots.clear()
        self.show_view(self.run.view)
        self._tell()  # the first event takes seconds where much is imported

    def hide_buttons(self) -> None:
        """Nothing is shown that could be deployed, or gone back from."""
        for button in (self.deploy_button, self.back_button):
            button.hide()

    def _show_kind(self, kind: str) -> None:
        """What is asked for next, where nothing else is shown."""
        if not self.running:
            self.show_view(kind if self.run.empty else self.run.view)

    def show_view(self, view: str) -> None:
        """Show one view in place of the others."""
        for name, several in self.several.items():
            several.setVisible(view == name)
        self.plots.setVisible(view not in OF_SEVERAL)

    def take(self, events: Sequence[Event]) -> None:
        self.run.take(events)
        self._tell()
        if self.isVisible():
            self.redraw()

    def _tell(self) -> None:
        """Say what runs and how far it is, in the header and on the button."""
        share = (self.progress or (0.0, ""))[0]
        self.form.primary.say(self.run.title, self.run.foot, fraction=share)
        self.say(self.run.heading, self.run.where)

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        return self.run.progress

    def redraw(self) -> None:
        """Draw what runs, ran last, or was opened."""
        view = self.run.view
        self.drives.show(self.run, each_twin(self.rows))
        if view in OF_SEVERAL:
            self.several[view].draw(self.run.whole, self.run.trials)
        elif view == SEEDS:
            self.plots.draw_seeds(self.run.trials)
        else:
            self.plots.draw(self.live, self._channels, self._sources, self._widths)

    def job_finished(self, outcome: Outcome) -> None:
        run = self.run
        if outcome.status != "done" or run.view in OF_SEVERAL:
            run.network = None
        run.trials.end()
        run.trials.error = "" if outcome.error is None else str(outcome.error)
        super().job_finished(outcome)
        self.redraw()
        self.say_ended(outcome.status)
        self.deploy_button.setVisible(run.network is not None)
        if run.view == SEEDS and run.network is not None:
            self.opener.show_best(run.network.parent)

    def say_ended(self, status: str) -> None:
        """What has become of it."""
        self.say(*self.run.ended(status))
        self.plots.verdict.setText(self.run.verdict if self.network is not None else "")

    def show_loaded(self, path: Path, network: Network) -> None:
        """Show a network that has been read."""
        self.run = NetworkRun.of_network(path, network)
        if self.rows.kind.value not in OF_SEVERAL:  # a grid that was typed stays
            self.layers.setText(self.run.layers.replace(",", ", "))
        self._channels = len(network.used(len(network.layers) - 1))
        self._sources, self._widths = wiring_of(network)
        self.deploy_button.show()
        self.show_view(ONE)
        self.redraw()
        self.say_ended("done")

    def show_network(self, path: Path) -> None:
        """Show a finished network, its prediction beside its baselines; read beside the window."""
        self.opener.show_network(path)

    def _deploy(self) -> None:
        if self.network is not None:
            self.shell.open_page("deploy", self.network)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.form.set_gap(2 if self.height() < LOW_PX else 8)


def _offered(library: Library) -> tuple[list[Artefact], list[Artefact], list[Begun]]:
    """Twins and networks of a library, and what ended early in it."""
    return library.checked("twin"), library.checked("net"), begun(library)
