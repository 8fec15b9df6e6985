"""Beside a twin that is opened: its device's repeats of a sequence that the fit held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.background import Latest
from app.gui.twin_looked import held_out

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.pages.twin import TwinPage
    from app.gui.twin_looked import HeldOut
    from models.twin import Twin


class DeviceLook:
    """Reads them beside the window, and draws them as long as nothing else is shown."""

    def __init__(self, page: TwinPage) -> None:
        self._page = page
        self._found: HeldOut | None = None
        self._latest = Latest(page)
        self._latest.done.connect(self._told)
        page.opener.read.connect(self.look)
        page.views.toggle.chosen.connect(lambda _: self.draw())

    def look(self, path: Path, twin: Twin) -> None:
        """Read what belongs to a twin that is shown now."""
        self._found = None
        self._page.plots.device.empty("the device's repeats are read …")
        self._latest.ask(lambda: held_out(path, twin))

    def _told(self, found: HeldOut | None, error: Exception | None) -> None:
        self._found = found
        if self._shown:
            self.draw()
            if error is not None:
                self._page.plots.device.empty(str(error))

    @property
    def _shown(self) -> bool:
        """Whether the page still shows a twin that was opened, and no fit."""
        page = self._page
        return page.twin is not None and not page.running and page.live.real is None

    def draw(self) -> None:
        """Draw the channel that is chosen."""
        page, found = self._page, self._found
        if found is None or not self._shown or found.twin != page.twin:
            return
        page.views.draw_repeats(found.repeats)
        page.plots.show_run(found.recording, found.twin.name)
        page.plots.device.title.setToolTip(f"Sequence {found.sequence + 1}, held out of the fit")
