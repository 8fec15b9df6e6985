"""The plots of the Network page, drawn from a `LiveTraining` or from `LiveTrials`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.live_train import score_rows
from app.gui.scores import error_title, interval, title
from app.gui.widgets.basic import label
from app.gui.widgets.curve_panel import ScorePanel
from app.gui.widgets.legend import Key, Legend
from app.gui.widgets.panel import Panel
from app.gui.widgets.tables import ScoreTable
from app.gui.widgets.topology import Topology
from app.gui.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.gui.live_train import LiveTraining
    from app.gui.live_trials import LiveTrials
    from app.gui.theme import Theme
    from models.network import Network


MOST_SEEDS = 8  # lines of a curve: more can't be told apart


class NetworkPlots(QWidget):
    """Topology, training curve; predicted score beside baselines, drive sent; the sentence."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._plots()

    def _plots(self) -> None:
        theme = self.theme
        self.topology = Topology(theme)
        self.curve = ScorePanel(theme, "Training", "NMSE on the twin", "Iteration")
        self.seed_lines = [self.curve.curve("twin", 1) for _ in range(MOST_SEEDS)]
        self.training_line = self.curve.curve("repeat", 1)
        self.validation_line = self.curve.curve("twin", 1.8, dashed=True)
        self.head = self.curve.dots("twin")
        self.curve.legend.show_keys(
            [Key("line", "text3", "training"), Key("dash", "twin", "validation")]
        )
        self.table = ScoreTable(theme, "NMSE, unseen part")
        self.drive = Panel(theme, "Drive sent", "share by drive 0…1", x_label="Drive")
        self.drive_bars = self.drive.bars("field")
        self.curve.empty("baselines first, then the training")
        self.drive.empty("what the nodes are sent")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(12)
        keys = [Key("line", "text1", "positive"), Key("line", "negative", "negative"),
                Key("dot", "twin", "twin")]  # fmt: skip
        self.topology_note, first = _titled(theme, "Topology", self.topology, keys)
        self.table_note, second = _titled(theme, "Predicted on the device", self.table, [])
        grid.addWidget(first, 0, 0)
        grid.addWidget(self.curve, 0, 1)
        grid.addWidget(second, 1, 0)
        grid.addWidget(self.drive, 1, 1)
        grid.setColumnStretch(0, 62)
        grid.setColumnStretch(1, 38)
        grid.setRowStretch(0, 58)
        grid.setRowStretch(1, 42)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(12)
        outer.addLayout(grid, 1)
        self.verdict = label("", wrap=True)
        outer.addWidget(self.verdict)

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Nodes without weights, as the form describes them."""
        self.topology.show_layers(layers)
        self.topology_note.setText(f"{count(sum(layers), 'node')}, not trained")

    def show_run(self, run_id: str) -> None:
        """Paint the run's id."""
        for panel in (self.curve, self.drive):
            panel.show_run(run_id)

    def clear(self) -> None:
        """Nothing trained yet."""
        self.verdict.setText("")
        for line in (self.training_line, self.validation_line, *self.seed_lines):
            line.setData([], [])
        self.head.setData(x=[], y=[])
        self.table.show_rows([])
        self.curve.show_baselines({})
        self.curve.show_value(None, "twin")

    def show_metric(self, metric: str) -> None:
        """Say by which metric: a curve falls with the error, a table tells accuracies as such."""
        self.curve.unit.setText(f"{error_title(metric)} on the twin")
        self.table.head = f"{title(metric)}, unseen part"

    def draw(
        self,
        live: LiveTraining,
        channels: int,
        sources: Sequence[Sequence[int]] = (),
        widths: Mapping[int, int] | None = None,
    ) -> None:
        """Draw the training as it stands; `channels` of the device, `sources` of each layer."""
        self.show_metric(live.metric)
        if live.state is not None:
            state = live.state
            self.topology.show_weights(state.weights, state.readout, channels, sources, widths)
            shown, every = len(self.topology.edges), self.topology.weights_in_all
            self.topology_note.setText(f"strongest {shown} of {every} weights")
            self._draw_drive(np.asarray(state.drive_histogram, dtype=float))
        self._draw_curve(live)
        if live.predicted or live.baselines:
            self.table.show_rows(
                score_rows("This network", live.predicted, live.baselines, metric=live.metric)
            )
            words = interval(live.predicted, live.metric) if "low" in live.predicted else ""
            self.table_note.setText(f"90 %: {words}" if words else "")

    def show_network(
        self, network: Network, sources: Sequence[Sequence[int]], widths: Mapping[int, int]
    ) -> None:
        """The picture of a finished network."""
        weights = tuple(layer.weights for layer in network.layers)
        self.topology.show_weights(
            weights,
            network.readout_weights[:, 0],
            len(network.used(len(network.layers) - 1)),
            sources,
            widths,
        )
        shown, every = len(self.topology.edges), self.topology.weights_in_all
        self.topology_note.setText(f"the best: strongest {shown} of {every} weights")

    def draw_seeds(self, live: LiveTrials) -> None:
        """Draw seeds side by side, the best by validation dashed."""
        self.show_metric(live.metric)
        self.table.show_rows(live.seed_rows())
        said = f"{live.ended} of {live.total} seeds trained" if live.total else "begins"
        self.table_note.setText(said)
        best, every = live.best, list(live.trials.values())[-MOST_SEEDS:]
        for line, trial in zip(self.seed_lines, every, strict=False):
            drawn = [] if trial is best else trial.scores
            line.setData([x for x, _ in drawn], [y for _, y in drawn])
        chosen = best.scores if best is not None else []
        self.validation_line.setData([x for x, _ in chosen], [y for _, y in chosen])
        scores = [y for trial in every for _, y in trial.scores]
        if scores:
            self.curve.filled()
            self.curve.show_baselines(live.baselines)
            value = None if best is None else best.predicted.get("value")
            self.curve.show_value(value, "twin")
            self.curve.fit_range(scores)
            self.curve.plot.setXRange(0, max(t.total for t in every), padding=0)
        self.curve.legend.show_keys(
            [Key("line", "twin", "seeds"), Key("dash", "twin", "best by validation")]
        )

    def _draw_curve(self, live: LiveTraining) -> None:
        x, y = np.asarray(live.iterations, dtype=float), np.asarray(live.training, dtype=float)
        good = y > 0
        self.training_line.setData(x[good], y[good])
        valid = np.asarray(live.validation, dtype=float)
        seen = np.isfinite(valid) & (valid > 0)
        self.validation_line.setData(x[seen], valid[seen])
        if seen.any():
            self.head.setData(x=x[seen][-1:], y=np.log10(valid[seen][-1:]))
        if live.baselines or len(x):
            self.curve.filled()
        self.curve.show_baselines(live.baselines)
        value = live.predicted.get("value", live.latest)
        self.curve.show_value(value, "twin")
        self.curve.fit_range([*y[good], *valid[seen]])
        if live.total:
            self.curve.plot.setXRange(0, live.total, padding=0)

    def _draw_drive(self, histogram: Any) -> None:
        total = histogram.sum(axis=0) if histogram.ndim == 2 else histogram
        if not total.size:
            return
        self.drive.filled()
        share = total / max(float(total.sum()), 1e-12)
        centres = (np.arange(share.size) + 0.5) / share.size
        self.drive_bars.setOpts(x=centres, height=share, width=0.9 / max(share.size, 1))
        self.drive.plot.setXRange(0, 1, padding=0.02)


def _titled(theme: Any, title: str, body: QWidget, keys: list[Key]) -> tuple[Any, QWidget]:
    """A painted widget under a panel's header; returns the grey note and the whole."""
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    head = QHBoxLayout()
    head.setSpacing(10)
    note = label("", "unit")
    name = label(title, "panel")
    name.setFixedHeight(28)
    legend = Legend(theme)
    legend.show_keys(keys)
    head.addWidget(name)
    head.addWidget(note)
    head.addStretch(1)
    head.addWidget(legend)
    layout.addLayout(head)
    layout.addWidget(body, 1)
    return note, made
