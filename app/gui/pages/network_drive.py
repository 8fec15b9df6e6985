"""The Network page's drives: what nodes are sent over what their twins were fitted on, as field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.gui.background import Latest
from app.gui.network_drive import DriveAsk, Looked, ask_of, axis, heading, look
from app.gui.network_run import OF_SEVERAL
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.gui.network_run import NetworkRun
    from app.gui.pages.network_plots import NetworkPlots
    from app.gui.theme import Theme

    FloatArray = NDArray[np.float64]

IN_RANGE = (
    "In range: the share of the unseen part's drives that no end of the range holds that the "
    "twin was fitted on. The rest would leave it."
)


class DrivePanel(Panel):
    """Shares of drives: a blue line of what is sent, grey bars of what was fitted."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Drive sent", "", x_label="Field")
        self.looked = Looked()
        self._trained: FloatArray = np.empty(0)
        self.fitted_bars = self.bars("text3", 90)
        self.sent_line = self.curve("field", 1.8, steps=True)
        self.legend.show_keys([Key("line", "field", "sent"), Key("box", "track", "fitted")])
        self.empty("what the nodes are sent")

    @property
    def shares(self) -> FloatArray:
        """Shares `(BINS,)` sent: of the unseen part where they are known, else while training."""
        sent = self.looked.sent
        return self._trained if sent is None else sent.shares

    def show_trained(self, histogram: FloatArray) -> None:
        """Drives of the last stretch trained on: `(layers, bins)` of drive 0…1, empty: none."""
        total = histogram.sum(axis=0) if histogram.ndim == 2 else histogram
        self._trained = total / max(float(total.sum()), 1e-12) if total.size else np.empty(0)
        self._draw()

    def show_looked(self, looked: Looked) -> None:
        """What has been read of a network and its twins."""
        self.looked = looked
        self._draw()

    def _draw(self) -> None:
        edges, words = axis(self.looked.window)
        shares, fitted = self.shares, self.looked.fitted
        self.x_label.setText(words)
        self.unit.setText(heading(self.looked, training=bool(shares.size)))
        for widget in (self.title, self.view):  # the unit's own is what of it is cut
            widget.setToolTip("\n".join([*self.looked.why, IN_RANGE]))
        wide = float(edges[1] - edges[0])
        self.fitted_bars.setOpts(
            x=(edges[:-1] + edges[1:]) / 2 if fitted.size else [], height=fitted, width=0.9 * wide
        )
        if shares.size:
            x = np.concatenate([edges[:1], np.linspace(edges[0], edges[-1], shares.size + 1),
                                edges[-1:]])  # fmt: skip
            self.sent_line.setData(x, np.concatenate([[0.0], shares, [0.0]]))
        else:
            self.sent_line.clear()
        if not (shares.size or fitted.size):
            self.empty("what the nodes are sent")
            return
        self.filled()
        most = max(shares.max(initial=0.0), fitted.max(initial=0.0))
        self.plot.setXRange(edges[0], edges[-1], padding=0.02)
        self.plot.setYRange(0.0, 1.08 * most, padding=0)


class DriveLook:
    """Reads, beside the window, what belongs beside the run that is shown; once for each."""

    def __init__(self, plots: NetworkPlots) -> None:
        self._plots = plots
        self.asked: DriveAsk | None = None
        self._latest = Latest(plots)
        self._latest.done.connect(self._told)

    def show(self, run: NetworkRun, chosen: Sequence[Path]) -> None:
        """Look at a run, or with none at the twins that the form chooses."""
        ask = ask_of(run, chosen)
        if ask == self.asked or run.view in OF_SEVERAL:
            return
        if self.asked is None or not self._same_twins(ask):
            self._plots.show_looked(Looked())
        self.asked = ask
        self._latest.ask(lambda: look(ask))

    def _same_twins(self, ask: DriveAsk) -> bool:
        """Whether what is drawn stays true until the answer: a training that becomes a network."""
        return self.asked is not None and bool(self.asked.twins) and ask.network is not None

    def _told(self, looked: Looked | None, error: Exception | None) -> None:
        if looked is not None:
            self._plots.show_looked(looked)
        else:
            self._plots.show_looked(Looked(why=(str(error),)))
