"""What the Deploy page is handed: looked at, and read, beside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.deployed import deployed, is_deployment
from app.gui.words import opened_later
from app.library.unfinished import is_begun
from app.weights_store import NETWORK_FILE
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.live_deploy import LiveDeployment
    from app.gui.pages.deploy import DeployPage
    from models.network import Network

    Earlier = tuple[Path, Network, LiveDeployment]


class EarlierPart:
    """Looks at the one that was asked for last, while nothing runs.

    `reading`: its name until it is there; the page still has the one before, not to be pressed.
    """

    def __init__(self, page: DeployPage) -> None:
        self._page = page
        self.reading = ""
        self._reader = Latest(page)
        self._reader.done.connect(self._read)

    def choose(self, artefact: Path) -> None:
        """Show a network, a finished deployment, or what ended early."""
        page = self._page
        if page.running:
            page.shell.toast(opened_later(artefact.name), "warning")
            return
        self.reading = artefact.name
        page.show_cost()
        page.say("Deploy", f"{artefact.name} is read …")
        self._reader.ask(lambda: _looked_at(artefact))

    def _read(
        self, found: tuple[Path, bool, Earlier | None] | None, error: Exception | None
    ) -> None:
        page, self.reading = self._page, ""
        if page.running:
            return
        if found is None:
            page.shell.toast(str(error), "error")
            page.show_cost()
            return
        folder, begun, earlier = found
        if earlier is not None:
            page.show_earlier(*earlier)
        else:
            page.open_network(folder, begun=begun)


def _looked_at(artefact: Path) -> tuple[Path, bool, Earlier | None]:
    """The folder, whether something ended early in it, the finished deployment that it holds."""
    folder = artefact if folder_at(artefact) else artefact.parent
    if is_deployment(folder):
        return folder, False, deployed(folder)
    return folder, not file_at(folder / NETWORK_FILE) and is_begun(folder), None
