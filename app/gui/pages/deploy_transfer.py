"""The Deploy page's three buttons below the verdict: recalibrate, refine, polish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.deploy_asks import on_all
from app.gui.job import JobSpec
from app.gui.live_deploy import Verdict
from app.gui.live_transfer import RECALIBRATE, LiveTransfer, Transfer
from app.gui.network_looked import piece_steps
from app.gui.preflight import TIME
from app.operations.events import NodeMeasured, NodeStarted, StepRead
from app.words import joined_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.device_benches import Benches
    from app.gui.begun_bench import BegunRun
    from app.gui.job import Outcome
    from app.gui.pages.deploy import DeployPage
    from app.operations.events import Event


class TransferPart:
    """Asks for one of the three and follows it; `live` None: what runs, or ran, is a deployment."""

    def __init__(self, page: DeployPage) -> None:
        self._page = page
        self.live: LiveTransfer | None = None
        self._after: Verdict | None = None  # to stand there once the new network is read
        self._running: tuple[int, int] | None = None  # node of a recalibration
        self._steps = 1
        self._looked: tuple[Path | None, int | None] = (None, None)  # a network, and of its pieces
        self._looker = Latest(page)
        self._looker.done.connect(self._pieces_known)
        self._box = page.plots.verdict
        for verb, button in self._box.buttons.items():
            button.clicked.connect(lambda _=False, v=verb: self.press(v))

    def show(self) -> None:
        """The buttons with their costs; pressed where nothing runs and the pre-flight allows it."""
        page = self._page
        network, bench, path = page.network, page.session.bench, page.path
        if network is not None and path is not None and self._looked[0] != path:
            self._looked = (path, None)
            self._looker.ask(lambda: (path, piece_steps(network, path)))
        unready = page.running or page.earlier.reading or page.choice.fault
        ready = bool(page.checks) and not (unready or network is None or bench is None)
        bad = [c for c in page.checks if c.level == "fault" and c.name != TIME]
        refused = f"refused: {bad[0].name}, {bad[0].value}" if bad else ""
        for verb, button in self._box.buttons.items():
            asked = self._asked(verb)
            problem = asked.problem() or refused
            can = ready and not problem
            if button is page.focusWidget() and not can:
                page.setFocus()  # else it goes to the window's first button: the menu
            button.setEnabled(can)
            if network is not None:
                cost = asked.cost(network, bench, self._looked[1])
                button.say(button.text(), cost[0])  # for both there is no room
                button.setToolTip(problem or " · ".join(cost))

    def _pieces_known(self, found: tuple[Path, int | None] | None, _: Exception | None) -> None:
        if found is not None and found[0] == self._looked[0]:
            self._looked = found
            self.show()

    def _asked(self, verb: str) -> Transfer:
        rows = self._page.rows
        rounds, passes = rows.rounds.value(), rows.passes.value()
        return Transfer(verb, rounds, passes, rows.despite.isChecked(), rows.more.text())

    def press(self, verb: str) -> None:
        """Recalibrate, refine or polish the network that is chosen."""
        page, asked = self._page, self._asked(verb)
        bench, path = page.session.bench, page.path
        if page.running or bench is None or path is None or page.network is None:
            return
        out, pause = page.session.library.new_path("net"), page.session.pause
        self._run(asked, out, lambda all_: asked.start(path, all_, out, pause))

    def go_on(self, begun: BegunRun) -> None:
        """Go on with one that ended early."""
        page, despite = self._page, self._page.rows.despite.isChecked()
        pause = page.session.pause
        asked = Transfer(begun.verb, despite_drift=despite)
        self._run(asked, begun.path, lambda all_: asked.go_on(all_, begun.path, pause))

    def _run(
        self, asked: Transfer, out: Path, operation: Callable[[Benches], Iterator[Event]]
    ) -> None:
        session, further = self._page.session, self._page.rows.further
        bench = session.bench
        if bench is None:
            return
        before, self.live = self.live, LiveTransfer(asked)
        spec = JobSpec(
            self._page.key, asked.title, out.name,
            lambda _: on_all(session, bench, further, operation), True,
        )  # fmt: skip
        if not self._page.shell.run(spec):
            self.live = before

    def started(self) -> bool:
        """The page's job begins; whether it is one of the three."""
        self.show()
        page = self._page
        if self.live is not None:
            # a recalibration runs each node of the network once, the others run something else
            page.plots.grid.show_layers(
                page.plots.grid.layers, counted=self.live.asked.verb == RECALIBRATE
            )
            self._box.show_verdict(Verdict(self.live.asked.title, "begins"))
            self._say(self.live)  # the first event takes seconds where much is imported
        return self.live is not None

    def take(self, events: Sequence[Event]) -> bool:
        """Take the events of a frame; whether they are those of one of the three."""
        live, page = self.live, self._page
        if live is None:
            return False
        for event in events:
            live.take(event)
            page.wait.take(event)
            self._follow(event)
        self._say(live)
        self._box.show_verdict(Verdict(f"{live.asked.title}: {live.stage}", live.note))
        return True

    def _follow(self, event: Event) -> None:
        """Where a node is run that is one of the network's, in the schedule."""
        grid = self._page.plots.grid
        if isinstance(event, NodeStarted):
            self._running, self._steps = (event.layer, event.node), len(event.drive)
            grid.show_running(self._running)
        elif isinstance(event, StepRead) and self._running is not None:
            grid.show_running(self._running, (event.step + 1) / self._steps)
        elif isinstance(event, NodeMeasured):
            self._running = None
            grid.show_running(None)
            grid.show_measured((event.layer, event.node), event.misfit)

    def _say(self, live: LiveTransfer) -> None:
        """What runs and how far it is, in the header and on the button."""
        page = self._page
        foot = page.at_foot("Stop: field to zero, what is done is kept")
        page.form.primary.say(live.asked.title, foot, fraction=live.share)
        words = joined_words(page.wait.words, live.words, by=" · ")
        page.say(f"{live.asked.title} {page.choice.currentText()}", words)

    def ended(self, outcome: Outcome) -> bool:
        """Say what came of it: the new network is the one to deploy next."""
        self.show()
        live, page = self.live, self._page
        if live is None:
            return False
        status = outcome.status
        said = Verdict(*live.ended(status, outcome.error or ""))
        self._box.show_verdict(said)
        self._running = None
        page.plots.grid.show_layers(page.plots.grid.layers)
        if page.network is not None:
            page.plots.draw(page.live, page.network, running=False)
            if page.live.result:
                page.show_verdict(page.network)  # what was measured of it holds as before
        page.say(said.heading, said.text)
        if status == "done" and "path" in live.result:
            self._after = said
            page.choose(Path(str(live.result["path"])))
        self.live = None
        return True

    def loaded(self) -> None:
        """Another network is shown: where it came of one of the three, that is still to be read."""
        if self._after is not None:
            self._box.show_verdict(self._after)
        self._after = None
