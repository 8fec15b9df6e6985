"""What the Network page shows that stands there: a network, or a sweep or table with its rows.

All of it is found and read beside the window.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.background import Latest
from app.gui.begun import Begun, opened
from app.gui.network_looked import looked, wiring_of
from app.gui.network_run import NetworkRun
from app.gui.words import opened_later
from app.library.kinds import BEGUN
from app.operations.trial import TRIALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.pages.network import NetworkPage
    from app.library.folders import Artefact

OF_SEVERAL = ("sweep", "tab")


class Opener:
    """Finds, reads, shows; from a row's network it knows the way back to the table."""

    def __init__(self, page: NetworkPage) -> None:
        self._page = page
        self._finding = self._loading = ""  # names of what is on its way
        self._left: NetworkRun | None = None  # the table of what is shown
        self._finder, self._loader = Latest(page), Latest(page)
        self._finder.done.connect(self._found)
        self._loader.done.connect(self._loaded)

    def forget(self) -> None:
        """Something new begins: no answer is wanted, and there is nothing to go back to."""
        self._left, self._finding, self._loading = None, "", ""
        self._finder.forget()
        self._loader.forget()

    @property
    def reading(self) -> str:
        """The name of what was asked for, until it is there: the page has the one before."""
        return self._finding or self._loading

    def choose(self, artefact: Path) -> None:
        """Choose a twin, or show a network, a sweep or a table."""
        library = self._page.session.library
        self._finding = artefact.name
        self._page.show_cost()
        self._finder.ask(lambda: library.find(artefact) or artefact)

    def _found(self, found: Artefact | Path | None, error: Exception | None) -> None:
        page, self._finding = self._page, ""
        if error is not None or found is None:
            page.shell.toast(str(error), "error")
        elif isinstance(found, Path):
            page.rows.choose_twin(found)
        elif found.kind == BEGUN:
            page.rows.go_on_with(found.path)
        elif found.kind in ("net", *OF_SEVERAL) and page.running:
            page.shell.toast(opened_later(found.id), "warning")
        elif found.kind == "net":
            self._left = None
            self.show_network(found.path)
        elif found.kind in OF_SEVERAL:
            self._read(found.id, lambda: opened(found.path))
        else:
            page.rows.choose_twin(found.path)
        page.show_cost()

    def show_network(self, path: Path) -> None:
        """Show a finished network."""
        self._read(path.name, lambda: looked(path))

    def _read(self, name: str, task: Callable[[], Any]) -> None:
        """Read what is to be shown."""
        self._loading = name
        self._page.say(self._page.name, f"{name} is read …")
        self._page.show_cost()
        self._loader.ask(task)

    def show_best(self, path: Path) -> None:
        """The picture of the best of the seeds that stand there."""
        self._loader.ask(lambda: (None, looked(path)[1]))

    def show_trial(self, name: str) -> None:
        """Show the network of a row of a table."""
        page = self._page
        if not page.running and page.run.folder is not None:
            self._left = page.run
            self.show_network(page.run.folder / TRIALS / name)

    def back(self) -> None:
        """Show the table again that the network is of."""
        page = self._page
        if self._left is not None and not page.running:
            self._show_several(self._left)

    def _loaded(self, found: Any, error: Exception | None) -> None:
        page, self._loading = self._page, ""
        page.show_cost()
        if error is not None:
            page.shell.toast(str(error), "error")
            page.say("It can't be read", str(error))
        if found is None or page.running:
            return
        if isinstance(found[0], Begun):
            run = NetworkRun.of(found[0], found[0].path)
            run.trials = found[1]
            self._show_several(run)
        elif found[0] is None:
            page.plots.show_network(found[1], *wiring_of(found[1]))
        else:
            page.show_loaded(*found)
            page.back_button.setVisible(self._left is not None)

    def _show_several(self, run: NetworkRun) -> None:
        """A sweep or a table that stands there."""
        page = self._page
        page.run, self._left = run, None
        page.hide_buttons()
        page.show_view(run.view)
        page.redraw()
        page.say_ended("done")
