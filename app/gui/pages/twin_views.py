"""What the right side of the Twin page can show, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gui.pages.twin_compared import ComparedPlots, CurvePlots
from app.gui.pages.twin_plots import TwinPlots
from app.gui.pages.twin_validation import ValidationPlots
from app.gui.twin_asks import BESIDE, CURVE, OBJECTIVES
from app.gui.widgets.segments import Segments

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QVBoxLayout, QWidget

    from app.gui.live_fit import LiveFit
    from app.gui.theme import Theme

FITTED, WHERE, COMPARED, GROWN = "fit", "where", "compared", "curve"
NAMES = (("Fit", FITTED), ("Where", WHERE), ("Compared", COMPARED), ("Curve", GROWN))
CHOICE_PX = 312  # four equal parts, where the header has room
OF_KIND = {OBJECTIVES: COMPARED, BESIDE: COMPARED, CURVE: GROWN}


class Views:
    """The fit, where the twin is off, a comparison, a learning curve."""

    def __init__(self, theme: Theme, body: QVBoxLayout) -> None:
        self.plots, self.validation = TwinPlots(theme), ValidationPlots(theme)
        self.compared, self.curve = ComparedPlots(theme), CurvePlots(theme)
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

    def set_narrow(self, narrow: bool) -> None:
        """Leave the heading beside the choice its room, where there is little."""
        self.choice.setFixedWidth(self.choice.least_px if narrow else CHOICE_PX)

    def _show(self, name: str) -> None:
        for other, view in self._all.items():
            view.setVisible(other == name)

    def show_kind(self, kind: str) -> None:
        """Show what a kind of work fills; a fit's two views stay where one of them is shown."""
        wanted = OF_KIND.get(kind, FITTED)
        if wanted != FITTED or self.choice.value not in (FITTED, WHERE):
            self.choice.choose(wanted)

    def show_run(self, kind: str, recording: str, run: str) -> None:
        """Paint the ids."""
        if kind == CURVE:
            self.curve.show_run(run)
        elif kind in OF_KIND:
            self.compared.show_run(run)
        else:
            self.plots.show_run(recording, run)

    def draw_fit(
        self,
        live: LiveFit,
        channel: int | None,
        channels: tuple[str, ...],
        units: tuple[str, ...],
    ) -> None:
        """Draw a fit as it stands: one channel, or all (None)."""
        self.plots.draw(live, channel, channels, units)
        if self._shown_validation is not live.validation:
            self._shown_validation = live.validation
            self.validation.show_validation(live.validation, noisy=not live.deterministic)
