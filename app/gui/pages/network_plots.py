"""The plots of the Network page, drawn from a `LiveTraining` or from `LiveTrials`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.live_train import score_rows
from app.gui.network_picture import Picture, node_name, node_words
from app.gui.pages.network_drive import DrivePanel
from app.gui.scores import error_title, interval, title
from app.gui.widgets.basic import Elided, label
from app.gui.widgets.curve_panel import ScorePanel
from app.gui.widgets.legend import Key, Legend
from app.gui.widgets.tables import ScoreTable
from app.gui.widgets.topology import Topology
from app.gui.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PyQt6.QtWidgets import QLabel

    from app.gui.live_train import LiveTraining
    from app.gui.live_trials import LiveTrials
    from app.gui.network_drive import Looked, Sent
    from app.gui.theme import Theme
    from models.network import Network


MOST_SEEDS = 8  # lines of a curve: more can't be told apart
BAND = Key("band", "twin", "90 %")
ONE_KEYS = Key("line", "text3", "train"), Key("dash", "twin", "validation")
SEEDS_KEYS = Key("line", "twin", "seeds"), Key("dash", "twin", "best by validation")


class NetworkPlots(QWidget):
    """Topology, training curve; foreseen score beside baselines, drive sent; the sentence."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._plots()

    def _plots(self) -> None:
        theme = self.theme
        self.topology = Topology(theme)
        self.picture: Picture | None = None
        self.topology.chosen.connect(lambda *_: self._say_node())
        self.curve = ScorePanel(theme, "Training", "NMSE", "Iteration")
        self.seed_lines = [self.curve.curve("twin", 1) for _ in range(MOST_SEEDS)]
        self.training_line = self.curve.curve("repeat", 1)
        self.validation_line = self.curve.curve("twin", 1.8, dashed=True)
        self.head = self.curve.dots("twin")
        self.foreseen = self.curve.band("twin")
        self.curve.legend.show_keys(ONE_KEYS)
        self.table = ScoreTable(theme, "NMSE, unseen part")
        self.drive = DrivePanel(theme)
        self.curve.empty("baselines first, then the training")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(12)
        self.topology_note, self.topology_keys, first = _titled(theme, "Topology", self.topology)
        self.table_note, _, second = _titled(theme, "Foreseen on the device", self.table)
        self._show_keys("twins")
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

    def _show_keys(self, shaded: str) -> None:
        """The topology's legend; `shaded`: what a node's shade says."""
        self.topology_keys.show_keys(
            [Key("line", "text1", "positive"), Key("line", "negative", "negative"),
             Key("dot", "twin", shaded)]
        )  # fmt: skip

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Nodes without weights, as the form describes them."""
        self.picture = None
        self._show_keys("twins")
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
        self.foreseen.clear()
        self.table.show_rows([])
        self.drive.show_trained(np.empty(0))
        self.curve.show_baselines({})
        self.curve.show_value(None, "twin")

    def show_metric(self, metric: str) -> None:
        """Say by which metric: a curve falls with the error, a table tells accuracies as such."""
        self.curve.unit.setText(error_title(metric))
        self.curve.title.setToolTip(f"{error_title(metric)} on the twin, by iteration")
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
            picture = self.picture
            if picture is None or picture.weights is not state.weights:
                self._show_picture(
                    Picture(state.weights, state.readout, channels, sources, widths), "strongest"
                )
                self.drive.show_trained(np.asarray(state.drive_histogram, dtype=float))
        self._draw_curve(live)
        if live.predicted or live.baselines:
            self.table.show_rows(
                score_rows("This network", live.predicted, live.baselines, live.metric)
            )
            words = interval(live.predicted, live.metric) if "low" in live.predicted else ""
            self.table_note.setText(f"90 %: {words}" if words else "")

    def show_network(
        self, network: Network, sources: Sequence[Sequence[int]], widths: Mapping[int, int]
    ) -> None:
        """The picture of a finished network."""
        weights = tuple(layer.weights for layer in network.layers)
        channels = len(network.used(len(network.layers) - 1))
        self._show_picture(
            Picture(weights, network.readout_weights[:, 0], channels, sources, widths),
            "the best: strongest",
        )

    def _show_picture(self, picture: Picture, words: str) -> None:
        self.picture = picture
        self.topology.show_picture(picture)
        self.topology_note.setText(
            f"{words} {len(picture.edges)} of {picture.weights_in_all} weights"
        )
        self._shade()
        self._say_node()

    def show_looked(self, looked: Looked) -> None:
        """What has been read of the network that is shown, and of its twins."""
        self.drive.show_looked(looked)
        self.topology.show_output(looked.output)
        self._shade()
        self._say_node()

    def _sent(self) -> Sent | None:
        """What the network of the picture sends, where that is known."""
        sent, picture = self.drive.looked.sent, self.picture
        fits = sent is not None and picture is not None and sent.nodes == picture.layers
        return sent if fits else None

    def _shade(self) -> None:
        sent, picture = self._sent(), self.picture
        if picture is not None:
            self.topology.show_shades(picture.strengths if sent is None else sent.used)
            self._show_keys("by weight" if sent is None else "by range used")

    def _say_node(self) -> None:
        """What is known of the node that is looked at."""
        node, picture = self.topology.selected, self.picture
        if node is None:
            return
        if picture is None:
            self.topology.show_node((node_name(*node), ["not trained"]), ())
            return
        joins, sent = picture.joins(*node), self._sent()
        drive = "" if sent is None else sent.words(*node)
        self.topology.show_node(node_words(*node, joins, drive), joins.edges)

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
            self._say_axis(kept=True)
            self.curve.show_baselines(live.baselines)
            value = None if best is None else best.predicted.get("value")
            self.curve.show_value(value, "twin")
            self.curve.fit_range(scores)
            total = max(t.total for t in every)
            self._draw_foreseen({} if best is None else best.predicted, total, SEEDS_KEYS)
            self.curve.plot.setXRange(0, total, padding=0)

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
        self._draw_foreseen(live.predicted, live.total or 1, ONE_KEYS)
        self.curve.plot.setXRange(0, live.total or 1, padding=0)
        self._say_axis(kept=bool(live.total) or not live.predicted, begun=bool(live.total))

    def _say_axis(self, *, kept: bool, begun: bool = True) -> None:
        """Iterations below the curve; of a network that is opened, or before the first, none."""
        self.curve.x_label.setText("Iteration" if kept else "curve not kept")
        self.curve.show_values("bottom", kept and begun)

    def _draw_foreseen(
        self, predicted: Mapping[str, float], total: float, keys: tuple[Key, ...]
    ) -> None:
        """The foreseen 90 % interval over all iterations, once it is known."""
        low, high = predicted.get("low", 0.0), predicted.get("high", 0.0)
        if low > 0 and high > 0:
            ends = np.log10([[low, low], [high, high]])
            self.foreseen.show([0, total], *ends)
            keys = (*keys, BAND)
        else:
            self.foreseen.clear()
        self.curve.legend.show_keys(keys)


def _titled(theme: Theme, title: str, body: QWidget) -> tuple[QLabel, Legend, QWidget]:
    """A painted widget under a panel's header; returns the grey note, its legend and the whole."""
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    head = QHBoxLayout()
    head.setSpacing(10)
    note = Elided("", "unit")  # a label would take the room of the plots beside it
    name = label(title, "panel")
    name.setFixedHeight(28)
    legend = Legend(theme)
    head.addWidget(name)
    head.addWidget(note, 1)
    head.addWidget(legend)
    layout.addLayout(head)
    layout.addWidget(body, 1)
    return note, legend, made
