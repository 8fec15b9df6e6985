"""A finished deployment that is opened: read beside the window, shown on the Deploy page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.deployed import deployed, is_deployment

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.live_deploy import LiveDeployment
    from app.gui.pages.deploy import DeployPage
    from models.network import Network


class EarlierPart:
    """Reads the one that was asked for last, while nothing runs."""

    def __init__(self, page: DeployPage) -> None:
        self._page = page
        self._reader = Latest(page)
        self._reader.done.connect(self._read)

    def choose(self, folder: Path) -> bool:
        """Read the deployment of a folder; False where it holds none."""
        self._reader.forget()
        page = self._page
        if not is_deployment(folder):
            return False
        page.say("Deployment", f"{folder.name} is read …")
        self._reader.ask(lambda: deployed(folder))
        return True

    def _read(
        self, found: tuple[Path, Network, LiveDeployment] | None, error: Exception | None
    ) -> None:
        page = self._page
        if page.running:
            return
        if found is None:
            page.shell.toast(str(error), "error")
            page.show_cost()
        else:
            page.show_earlier(*found)
