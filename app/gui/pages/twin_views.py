"""What the right side of the Twin page can show, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gui.pages.twin_compared import ComparedPlots, CurvePlots
from app.gui.pages.twin_plots import TwinPlots
from app.gui.pages.twin_validation import ValidationPlots
from app.gui.pages.twin_warnings import WarningLines
from app.gui.twin_asks import BESIDE, CURVE, OBJECTIVES
from app.gui.widgets.channels import EVERY, Channels
from app.gui.widgets.segments import Segments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PyQt6.QtWidgets import QVBoxLayout, QWidget

    from app.gui.theme import Theme
    from app.gui.twin_looked import Looked
    from app.gui.twin_runs import TwinRuns

    FloatArray = NDArray[np.float64]

FITTED, WHERE, COMPARED, GROWN = "fit", "where", "compared", "curve"
NAMES = (("Fit", FITTED), ("Where", WHERE), ("Compared", COMPARED), ("Curve", GROWN))
CHOICE_PX = 312  # four equal parts, where the header has room
OF_KIND = {OBJECTIVES: COMPARED, BESIDE: COMPARED, CURVE: GROWN}


class Views:
    """The fit, where the twin is off, a comparison, a learning curve; which channel is looked at.

    Attributes
    ----------
    channels, units
        Of the device that is shown.
    channel
        The number of the one that is looked at; None: all of many, as maps.
    """

    def __init__(self, theme: Theme, body: QVBoxLayout) -> None:
        self.plots, self.validation = TwinPlots(theme), ValidationPlots(theme)
        self.compared, self.curve = ComparedPlots(theme), CurvePlots(theme)
        self.warnings = WarningLines()
        body.addWidget(self.warnings)
        self._all: dict[str, QWidget] = {
            FITTED: self.plots, WHERE: self.validation, COMPARED: self.compared, GROWN: self.curve,
        }  # fmt: skip
        for name, view in self._all.items():
            body.addWidget(view, 1)  # before: shown without a parent, it would be a window
            view.setVisible(name == FITTED)
        self.choice = Segments(theme, NAMES, "View")
        self.set_narrow(False)
        self.choice.chosen.connect(self._show)
        self._shown_validation: dict[str, Any] | None = None
        self.channels: tuple[str, ...] = ()
        self.units: tuple[str, ...] = ()
        self.channel: int | None = 0
        self.toggle = Channels(theme, "all, as a map")
        self.toggle.hide()
        self.toggle.chosen.connect(self._look_at)
        for panel in (self.plots.device, self.plots.twin):
            panel.heat.picked.connect(self.toggle.choose)

    def set_channels(self, channels: tuple[str, ...], units: tuple[str, ...]) -> None:
        """Name the channels that are shown, and their units."""
        self.channels, self.units = channels, units
        self.toggle.offer(channels)
        self.show_toggle()
        self._look_at(self.toggle.value)

    def _look_at(self, channel: int) -> None:
        self.channel = None if channel == EVERY else channel

    def show_toggle(self) -> None:
        """The choice of a channel is there where there is one, and the view shows channels."""
        self.toggle.setVisible(len(self.channels) > 1 and self.choice.value == FITTED)

    def set_narrow(self, narrow: bool) -> None:
        """Leave the heading beside the choice its room, where there is little."""
        self.choice.setFixedWidth(self.choice.least_px if narrow else CHOICE_PX)

    def _show(self, name: str) -> None:
        for other, view in self._all.items():
            view.setVisible(other == name)
        self.show_toggle()

    def show_kind(self, kind: str) -> None:
        """Show what a kind of work fills; a fit's two views stay where one of them is shown."""
        wanted = OF_KIND.get(kind, FITTED)
        if wanted != FITTED or self.choice.value not in (FITTED, WHERE):
            self.choice.choose(wanted)

    def begin(self, runs: TwinRuns) -> None:
        """Show what the run that begins fills, without the warnings of the one before."""
        self.show_kind(runs.kind)
        self.warnings.show_lines(runs.warnings)

    def show_run(self, kind: str, recording: str, run: str) -> None:
        """Paint the ids."""
        if kind == CURVE:
            self.curve.show_run(run)
        elif kind in OF_KIND:
            self.compared.show_run(run)
        else:
            self.plots.show_run(recording, run)

    def draw_repeats(self, repeats: FloatArray) -> None:
        """Draw a device's repeats `(R, T, C)` of a sequence, without a twin."""
        self.plots.draw_repeats(repeats, self.channel, self.channels, self.units)

    def preview(self, looked: Looked) -> None:
        """Show the first sequence of a recording, before any samples of a twin."""
        if looked.first is None:
            return
        self.set_channels(looked.names, looked.units)
        if len(looked.first):
            self.draw_repeats(looked.first)
        self.plots.show_run(looked.path.name, "")

    def draw(self, runs: TwinRuns, target: float) -> None:
        """Draw what runs, or has run, as it stands; `target` of a learning curve, × floor."""
        live = runs.fit
        self.plots.draw(live, self.channel, self.channels, self.units)
        self.compared.draw(runs.compared)
        self.curve.draw(runs.curve, target)
        self.warnings.show_lines(runs.warnings)
        if self._shown_validation is not live.validation:
            self._shown_validation = live.validation
            self.validation.show_validation(live.validation, noisy=not live.deterministic)
