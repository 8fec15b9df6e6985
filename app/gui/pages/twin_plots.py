"""The plots of the Twin page, drawn from a `LiveFit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.fit_rows import candidate_rows
from app.gui.live_record import spread
from app.gui.pages.twin_ensemble import Ensemble
from app.gui.pages.twin_steps import SequenceSteps
from app.gui.widgets.basic import Elided, label, set_role
from app.gui.widgets.columns import ColumnTable
from app.gui.widgets.error_table import ErrorTable
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel
from app.gui.words import prefix
from app.map_levels import levels_of
from models.channel_words import unit_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.gui.live_fit import LiveFit
    from app.gui.theme import Theme

    FloatArray = NDArray[np.float64]


TURN = (
    "Up to the line the mean is fitted alone: training's loss there is of another objective than "
    "validation's, and than what follows. Where innovations come before the energy score it jumps "
    "once more, as that takes over."
)
ASSUMED = "Energy scores are in units of {}, assumed: no fitted sequence has two repeats."
ERRORS_NOTE = "held out, over the half-split floor · 90 % bootstrap"


class TwinPlots(QWidget):
    """Device, twin; spread, autocorrelation; errors, PIT, loss."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.device = Ensemble(theme, "Device", "measured", dashed=False, noun="repeats")
        self.twin = Ensemble(theme, "Twin", "twin", dashed=True, noun="samples")
        self._drawn: tuple[LiveFit, int | None, Any, Any] | None = None
        self._mapped: tuple[FloatArray | None, FloatArray | None] = (None, None)
        self.steps = SequenceSteps(self.device, self._draw_again)
        self.spread = Panel(theme, "Spread", x_label="Step")
        self.correlation = Panel(theme, "Autocorrelation", "of the noise", x_label="Lag, steps")
        self.pit = Panel(theme, "PIT", "all channels", x_label="PIT")
        self.loss = Panel(theme, "Loss", x_label="Iteration")
        self.loss.x_label.setToolTip(TURN)
        self.errors = ErrorTable(theme)
        self.errors.setAccessibleName("Errors over their floors")
        self.search = ColumnTable(
            theme, ("round", "score", "time"), name="structure", shares=(0.46, 0.23)
        )
        self.search.setAccessibleName("Structures searched")
        self.panels = (self.device, self.twin, self.spread, self.correlation, self.pit, self.loss)
        self._curves()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        last = QHBoxLayout()
        last.setSpacing(24)
        last.addWidget(self.pit, 42)
        last.addWidget(self.loss, 58)  # its legend is wider
        grid.addWidget(self.device, 0, 0)
        grid.addWidget(self.twin, 0, 1)
        grid.addWidget(self.spread, 1, 0)
        grid.addWidget(self.correlation, 1, 1)
        grid.addWidget(self._table(), 2, 0)
        grid.addLayout(last, 2, 1)
        for column in range(2):
            grid.setColumnStretch(column, 1)
        for row, stretch in enumerate((38, 28, 34)):
            grid.setRowStretch(row, stretch)
        self.clear()

    def _table(self) -> QWidget:
        made = QWidget()
        layout = QVBoxLayout(made)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = label("Errors", "panel")
        head.setFixedHeight(28)
        self.errors_note = Elided("", "unit")
        top = QWidget()
        line = QHBoxLayout(top)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        line.addWidget(head)
        line.addWidget(self.errors_note, 1)
        layout.addWidget(top)
        for table in (self.errors, self.search):
            layout.addWidget(table, 1)
        self.errors_head = head
        return made

    def _curves(self) -> None:
        self.spread_device = self.spread.curve("measured", 1.5)
        self.spread_twin = self.spread.curve("twin", 1.6, dashed=True)
        self.lag_band = self.correlation.band("measured")
        self.lag_device = self.correlation.curve("measured", 1.6)
        self.lag_twin = self.correlation.curve("twin", 1.6, dashed=True)
        self.pit_band = self.pit.band("repeat")
        self.pit_bars = self.pit.bars("twin", 130)
        self.pit_level = self.pit.level()
        self.turn = self.loss.cursor()
        self.training = self.loss.curve("repeat", 1)
        self.validation = self.loss.curve("twin", 1.6, dashed=True)
        keys = [Key("line", "measured", "device"), Key("dash", "twin", "twin")]
        self.spread.legend.show_keys(keys)
        self.correlation.legend.show_keys([*keys, Key("band", "measured", "half-split")])
        self.loss.legend.show_keys(
            [Key("dash", "twin", "validation"), Key("line", "text3", "train")]
        )

    def show_run(self, recording: str, twin: str) -> None:
        """Paint the ids."""
        self.device.show_run(recording)
        self.twin.show_run(twin)
        self.loss.show_run(twin)

    def clear(self) -> None:
        """Nothing fitted yet."""
        self._drawn = None
        self.steps.show(None)
        self.device.empty("repeats of the recording that is ticked")
        self.spread.empty("spread of repeats and of samples")
        self.twin.empty("samples appear here every few seconds of a fit")
        self.loss.empty("while fitting")
        self._show_no_noise("after the fit")
        self._clear_ensembles()
        for item in (self.training, self.validation):
            item.setData([], [])
        self.turn.hide()
        self.errors.show_rows([])
        self._show_search(None)

    def _show_search(self, live: LiveFit | None) -> None:
        """The structures in place of the errors, as long as there are no errors."""
        searched = live is not None and bool(live.candidates) and not live.errors
        self.search.setVisible(searched)
        self.errors.setVisible(not searched)
        self.errors_head.setText("Structures" if searched else "Errors")
        scored = live is not None and bool(live.errors)
        note = "lower is better · 40 % of the time" if searched else ERRORS_NOTE
        self.errors_note.setText(live.verdict if live is not None and scored else note)
        at_floor = live is None or not scored or live.at_floor
        set_role(self.errors_note, "unit" if at_floor else "attention")
        if live is not None and searched:
            self.search.show_rows(candidate_rows(live.candidates))

    def show_kept(self) -> None:
        """A twin that was fitted earlier: what it doesn't keep."""
        self.twin.empty("a twin keeps no samples: Score draws new ones")
        self.loss.empty("not kept")
        self.turn.hide()
        self._clear_ensembles()
        for item in (self.training, self.validation):
            item.setData([], [])

    def _clear_ensembles(self) -> None:
        for panel in (self.device, self.twin):
            panel.heat.hide()
            panel.clear_traces()
            panel.unit.setText("")
        for line in (self.spread_device, self.spread_twin):
            line.setData([], [])
        self.spread.x_label.setText("Step")

    def draw(self, live: LiveFit, channel: int | None, channels: Any, units: Any) -> None:
        """Draw the fit as it stands: one channel, or all as maps (None)."""
        self._drawn = live, channel, channels, units
        self.steps.show(live.held_out)
        real, twin = live.beside
        if real is not None and twin is not None and real.size:
            self.device.title.setToolTip("")  # which sequence of a twin that was opened
            if channel is None:
                self._draw_maps(real, twin, unit_of_all(units))
            else:
                self._draw_ensembles(real[:, :, channel], twin[:, :, channel],
                                     str(channels[channel]), str(units[channel]))  # fmt: skip
        self._draw_loss(live)
        self._show_search(live)
        self.errors.show_rows(live.rows)
        if live.deterministic:
            self._show_no_noise("the twin has no noise")
        else:
            self._draw_details(live.details)

    def _draw_again(self) -> None:
        """Another held-out sequence was chosen."""
        if self._drawn is not None:
            self.draw(*self._drawn)

    def draw_repeats(
        self, real: FloatArray, channel: int | None, channels: Any, units: Any
    ) -> None:
        """Before a fit: the repeats `(R, T, C)` that it will see, of a channel or as a map."""
        if channel is None:
            self._draw_maps(real, None, unit_of_all(units))
            return
        traces, unit = real[:, :, channel], str(units[channel])
        factor, unit = prefix(float(np.abs(traces).max(initial=0.0)), unit)
        self.device.show_traces(traces * factor, unit, str(channels[channel]))
        if len(traces) > 1:
            self._draw_spreads([spread(traces * factor), np.empty(0)], unit, "Step")

    def _draw_maps(self, real: FloatArray, twin: FloatArray | None, unit: str) -> None:
        """Means `(R, T, C)` by step and channel on one scale, spreads by channel.

        Nothing is done where they are shown already: a fit is drawn with each of its events, and
        its samples come every few seconds.
        """
        if self.device.heat.shown and self._mapped[0] is real and self._mapped[1] is twin:
            return
        self._mapped = real, twin
        factor, unit = prefix(float(np.abs(real).max(initial=0.0)), unit)
        levels = levels_of(factor * real.mean(axis=0))
        by_channel = []
        for panel, ensemble in ((self.device, real), (self.twin, twin)):
            shown = np.empty((0, *real.shape[1:])) if ensemble is None else factor * ensemble
            if len(shown):
                panel.show_map(shown, unit, levels)
            by_channel.append(spread(shown).mean(axis=0) if len(shown) > 1 else np.empty(0))
        self._draw_spreads(by_channel, unit, "Channel, mean over steps")

    def _draw_spreads(self, both: Sequence[FloatArray], unit: str, along: str) -> None:
        """Of device and twin, empty where there is none, along steps or channels."""
        first = int(along != "Step")  # channels count from 1, as on the maps
        for line, known in zip((self.spread_device, self.spread_twin), both, strict=True):
            line.setData(np.arange(first, first + len(known)), known)
            if len(known):
                self.spread.filled()
                self.spread.plot.setXRange(first, first + len(known) - 1, padding=0)
        self.spread.unit.setText(unit)
        self.spread.x_label.setText(along)

    def _draw_ensembles(self, real: FloatArray, twin: FloatArray, channel: str, unit: str) -> None:
        factor, unit = prefix(float(np.abs(real).max(initial=0.0)), unit)
        real, twin = real * factor, twin * factor
        self.device.show_traces(real, unit, channel)
        self.twin.show_traces(twin, unit, channel)
        low, high = float(min(real.min(), twin.min())), float(max(real.max(), twin.max()))
        for panel in (self.device, self.twin):
            panel.plot.setYRange(low, high, padding=0.06)
        # of fewer than two no spread: that of another sequence is none of this one's
        self._draw_spreads([spread(e) for e in (real, twin)], unit, "Step")

    def _draw_loss(self, live: LiveFit) -> None:
        if live.iterations:
            self.loss.filled()
        self.loss.unit.setText(f"in {live.loss_unit}, assumed" if live.loss_unit else "")
        self.turn.setVisible(live.turn is not None)
        words = []
        if live.turn is not None:
            self.turn.setValue(live.turn)
            words = [f"Up to iteration {live.turn} the mean alone is fitted, then the noise too."]
        if live.loss_unit:
            words.append(ASSUMED.format(live.loss_unit))
        if words:
            for widget in (self.loss.title, self.loss.view):
                widget.setToolTip(" ".join(words))
        self.training.setData(live.iterations, live.losses)
        good = np.isfinite(live.validations)  # none yet: those of the short fit before are not its
        x, y = np.asarray(live.iterations, dtype=float), np.asarray(live.validations)
        self.validation.setData(x[good], y[good])

    def _show_no_noise(self, words: str) -> None:
        """Neither autocorrelation nor PIT, in words why."""
        self.correlation.empty(words)
        self.pit.empty(words)
        self.lag_device.clear()
        self.lag_twin.clear()
        self.lag_band.clear()
        self.pit_bars.setOpts(x=[], height=[])
        self.pit_band.clear()
        self.pit.legend.show_keys([])
        self.pit_level.hide()

    def _draw_details(self, details: dict[str, Any]) -> None:
        self._show_no_noise("after the fit")
        real, twin = (_mean_of(details, f"autocorrelation_{k}") for k in ("real", "twin"))
        low, high = (_mean_of(details, f"autocorrelation_{k}") for k in ("low", "high"))
        if real is not None and twin is not None:
            self.correlation.filled()
            lags = np.arange(1, len(real) + 1)
            self.lag_device.setData(np.r_[0, lags], np.r_[1.0, real])
            self.lag_twin.setData(np.r_[0, lags], np.r_[1.0, twin])
            if low is not None and high is not None:
                self.lag_band.show(lags, low, high)
        pit = details.get("pit")
        if pit is not None and len(np.asarray(pit)):
            self.pit.filled()
            heights, width = np.asarray(pit, dtype=float), 1 / len(pit)
            heights = heights / max(float(heights.mean()), 1e-12)
            centres = (np.arange(len(heights)) + 0.5) * width
            self.pit_bars.setOpts(x=centres, height=heights, width=0.9 * width)
            self.pit_level.setValue(1.0)
            self.pit_level.show()
            self._draw_chance(details)

    def _draw_chance(self, details: dict[str, Any]) -> None:
        """Within what a perfect twin's bars would lie; older twins keep none of it."""
        low, high = (details.get(f"pit_{end}") for end in ("low", "high"))
        self.pit.unit.setText("flat is right")
        if low is None or high is None:
            return
        edges = np.repeat(np.linspace(0.0, 1.0, len(low) + 1), 2)[1:-1]
        self.pit_band.show(edges, np.repeat(low, 2), np.repeat(high, 2))
        self.pit.legend.show_keys([Key("band", "repeat", "perfect")])


def _mean_of(details: dict[str, Any], name: str) -> FloatArray | None:
    """An array by lag, its channels averaged; None where it is missing."""
    found = details.get(name)
    if found is None:
        return None
    array = np.asarray(found, dtype=float)
    return array if array.ndim == 1 else array.reshape(len(array), -1).mean(axis=1)
