"""The plots of the Deploy page: schedule, running node, forecast, running score, verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.live_deploy import Z90, diagnosis, inside_share, transfer_rows, verdict
from app.gui.network_drive import ahead
from app.gui.pages.deploy_verdict import VerdictBox
from app.gui.scores import error_title, interval, title
from app.gui.widgets.basic import Elided, label, scroll_area
from app.gui.widgets.channels import Channels
from app.gui.widgets.chart_scale import settled
from app.gui.widgets.columns import ColumnTable
from app.gui.widgets.curve_panel import ScorePanel
from app.gui.widgets.legend import Key, Legend
from app.gui.widgets.panel import Panel
from app.gui.widgets.schedule import ScheduleGrid
from app.gui.words import count, joined_words, prefix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.live_deploy import LiveDeployment
    from app.gui.theme import Theme
    from models.network import Network

    FloatArray = NDArray[np.float64]

SHOWN_STEPS = 200
"""A node's run is long: the view keeps this many steps around the running one."""

LEAST_ROW_PX = 112  # of a plot with its header and both labels: below it they lie on each other

BANDS = "bands: foreseen, of other noise on these data; so far, of other stretches of data as long"


class DeployPlots(QWidget):
    """Reads schedule → node → forecast → verdict."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.toggle = Channels(theme)  # for the page's header
        self.toggle.setParent(self)  # without one it would be a window
        self.toggle.hide()
        self.pinned: tuple[int, int] | None = None
        self._node_range: tuple[float, float] | None = None
        self._told: FloatArray | None = None  # the forecast that is drawn
        self.grid = ScheduleGrid(theme)
        self.node = Panel(theme, "Node", x_label="Step")
        self.running_score = ScorePanel(theme, "Running score", "NMSE", "Nodes measured")
        self.forecast = Panel(theme, "Forecast", x_label="Step, unseen part")
        self.table = ColumnTable(
            theme, ("twin", "device", "ratio"), name="Transfer", shares=(0.37, 0.0), spared="ratio"
        )
        self.table.setAccessibleName("Transfer table")
        self.verdict = VerdictBox(theme)
        self._curves()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(scroll_area(self._plots()), 1)
        layout.addWidget(self.verdict)
        for panel in (self.node, self.forecast, self.running_score):
            panel.empty("choose a network")

    def _plots(self) -> QWidget:
        """Schedule, plots and table: they scroll where a low window has too little for them."""
        made = QWidget()
        made.setObjectName("content")  # its ground is the page's
        layout = QVBoxLayout(made)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(self._schedule())
        lower = QGridLayout()
        lower.setHorizontalSpacing(24)
        lower.setVerticalSpacing(10)
        lower.addWidget(self.node, 0, 0)
        lower.addWidget(self.running_score, 0, 1)
        lower.addWidget(self.forecast, 1, 0)
        lower.addWidget(self.table, 1, 1)
        lower.setColumnStretch(0, 64)
        lower.setColumnStretch(1, 36)
        for row in range(2):
            lower.setRowStretch(row, 1)
            lower.setRowMinimumHeight(row, LEAST_ROW_PX)
        layout.addLayout(lower, 1)
        return made

    def _schedule(self) -> QVBoxLayout:
        made = QVBoxLayout()
        made.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(10)
        self.schedule_note = Elided("", "unit")  # a label would ask for more than a low window has
        name = label("Schedule", "panel")
        name.setFixedHeight(24)
        legend = Legend(self.theme)
        legend.show_keys(
            [Key("box", "selected", "measured"), Key("frame", "attention_edge", "above 2 ×"),
             Key("frame", "text1", "running"), Key("frame", "border", "to come")]
        )  # fmt: skip
        head.addWidget(name)
        head.addWidget(self.schedule_note, 1)
        head.addWidget(legend)
        made.addLayout(head)
        made.addWidget(self.grid)
        return made

    def _curves(self) -> None:
        self.node_band = self.node.band("twin")
        self.node_predicted = self.node.curve("twin", 1.6, dashed=True)
        self.node_measured = self.node.curve("measured", 1.8)
        self.node_head = self.node.dots("measured")
        self.running_cursor = self.node.cursor()
        keys = [Key("line", "measured", "measured"), Key("dash", "twin", "foreseen"),
                Key("band", "twin", "90 %")]  # fmt: skip
        self.node.legend.show_keys(keys)
        self.forecast_band = self.forecast.band("twin")
        self.target = self.forecast.curve("text1", 1.2)
        self.forecast_line = self.forecast.curve("measured", 1.8)
        self.forecast.legend.show_keys(
            [Key("line", "text1", "target"), Key("line", "measured", "forecast"),
             Key("band", "twin", "90 %")]
        )  # fmt: skip
        self.score_band = self.running_score.band("twin")
        self.own_band = self.running_score.band("measured")
        self.foreseen_line = self.running_score.curve("twin", 1.6, dashed=True)
        self.score_line = self.running_score.curve("measured", 1.8)
        self.score_head = self.running_score.dots("measured")
        self.running_score.setToolTip(BANDS)

    def show_network(self, network: Network) -> None:
        """A network is chosen: its schedule, prediction, the twin's forecast, baselines."""
        self.pinned = None
        channels = max((device.channel_words for device in network.devices), key=len)
        self.toggle.offer(channels)
        self.toggle.setVisible(len(channels) > 1)
        layers = tuple(layer.nodes for layer in network.layers)
        self.grid.show_layers(layers)
        several = len(network.devices)
        devices = "one device" if several == 1 else f"{several} devices, one at a time"
        self.schedule_note.setText(
            f"{network.nodes} nodes on {devices}, layer by layer · number: misfit over expected"
        )
        for line in (
            self.node_predicted, self.node_measured, self.forecast_line, self.score_line,
            self.foreseen_line,
        ):  # fmt: skip
            line.setData([], [])
        for item in (self.node_head, self.score_head):
            item.setData(x=[], y=[])
        self._node_range = self._told = None
        for band in (self.node_band, self.own_band, self.score_band):
            band.clear()
        self.node.empty("the running node, measured over foreseen")
        self.node.title.setText("Node")
        self.node.unit.setText("")
        self.show_run("")
        for panel in (self.forecast, self.running_score):
            panel.filled()
        self.running_cursor.hide()
        target = network.unseen_targets[:, 0]
        x = np.arange(target.size)
        self.target.setData(x, target)
        self.forecast_band.show(x, network.forecast_low[:, 0], network.forecast_high[:, 0])
        self.forecast.plot.setXRange(max(0, target.size - SHOWN_STEPS), target.size, padding=0)
        steps = ahead(network)
        self.forecast.title.setText(
            f"Forecast, {count(steps, 'step')} ahead" if steps else "Forecast"
        )
        self.forecast.unit.setText("forecast comes at the end")
        self.verdict.scored_by = str(network.task["metric"])
        self.running_score.unit.brief = error_title(self.verdict.scored_by)
        self.running_score.unit.setText(self.running_score.unit.brief)
        self.running_score.show_baselines(network.baselines)
        self.running_score.show_value(network.predicted.get("value"), "twin")
        low, high = network.predicted.get("low"), network.predicted.get("high")
        if low and high:
            ends = np.array([0.0, float(network.nodes)])
            logs = np.log10([low, high])
            self.score_band.show(ends, np.full(2, logs[0]), np.full(2, logs[1]))
            self.foreseen_line.setData(ends, np.full(2, float(network.predicted["value"])))
        self.running_score.plot.setXRange(0, network.nodes, padding=0)
        self.show_transfer(network, "This network", None)

    def show_transfer(self, network: Network, name: str, measured: float | None) -> None:
        """The network foreseen and measured beside its baselines."""
        metric = str(network.task["metric"])
        self.table.name = f"Transfer, {title(metric)}"
        self.table.show_rows(
            transfer_rows(name, network.predicted, network.baselines, measured, metric)
        )

    def show_result(self, network: Network, result: dict[str, Any]) -> None:
        """The verdict, where score was lost, the measured score beside the foreseen."""
        measured = float(result["measured"])
        self.verdict.show_verdict(verdict(result))
        self.verdict.show_where(diagnosis(result))
        self.running_score.show_value(measured, "measured")
        self.show_transfer(network, str(result.get("label") or "This network"), measured)

    def show_run(self, run_id: str) -> None:
        """Paint the run's id."""
        for panel in (self.node, self.forecast, self.running_score):
            panel.show_run(run_id)

    def draw(self, live: LiveDeployment, network: Network, *, running: bool) -> None:
        """Draw the deployment as it stands."""
        for node, misfit in live.misfit.items():
            if node not in self.grid.misfit:
                self.grid.show_measured(node, misfit)
        busy = running and live.node is not None and live.node not in live.misfit
        share = (live.step + 1) / max(1, network.steps)
        self.grid.show_running(live.node if busy else None, share)
        self._draw_node(live, network, busy)
        self.node.settle()
        if live.told is not self._told and live.told is not None and live.scores:
            self._told = live.told
            self._draw_forecast(live.told[:, 0], live, network)
            for panel in (self.forecast, self.running_score):
                panel.settle()

    def _draw_node(self, live: LiveDeployment, network: Network, busy: bool) -> None:
        node = self.pinned if self.pinned in live.responses else live.node
        if node is None or live.plan is None:
            return
        mean, std, measured = live.mean, live.std, live.measured
        complete = node in live.responses and (node == self.pinned or not busy)
        if complete:
            mean, std, measured = live.responses[node]
        device = network.device_of(node[0])
        channel = min(self.toggle.value, measured.shape[1] - 1)
        trace = measured[:, channel]
        expected = None if mean is None else mean[:, channel]
        known = trace if expected is None else expected
        scale = np.abs(known[np.isfinite(known)]).max(initial=0.0)
        factor, unit = prefix(float(scale), device.units[channel])
        x = np.arange(trace.size)
        good = np.isfinite(trace)
        self.node.filled()
        self.node_measured.setData(x[good], factor * trace[good])
        width = None if std is None else Z90 * std[:, channel]
        if expected is not None and width is not None:
            self.node_predicted.setData(x, factor * expected)
            self.node_band.show(x, factor * (expected - width), factor * (expected + width))
        at = live.step if busy and node == live.node else trace.size - 1
        low = min(max(0, at - int(0.6 * SHOWN_STEPS)), max(0, trace.size - SHOWN_STEPS))
        seen = slice(low, min(trace.size, low + SHOWN_STEPS))
        self.node.plot.setXRange(seen.start, seen.stop, padding=0)
        drawn = [trace] if expected is None or width is None else (
            [trace, expected - width, expected + width]
        )  # fmt: skip
        self._scale_node([factor * values[seen] for values in drawn])
        self.running_cursor.setVisible(busy and node == live.node)
        self.running_cursor.setValue(at)
        last = [factor * trace[at]] if 0 <= at < trace.size and np.isfinite(trace[at]) else []
        self.node_head.setData(x=[at] * len(last), y=last)
        inside = inside_share(trace, expected, None if std is None else std[:, channel])
        several = complete and live.plan.repeats > 1  # a mean of runs, and the band of one
        share = "" if inside is None or several else f"{100 * inside:.0f} % in the band"
        name = device.channel_words[channel]
        self.node.title.setText(f"Node {node[0] + 1}.{node[1] + 1:02d}, response {name}")
        self.node.unit.setText(joined_words(unit, share, by=" · "))

    def _scale_node(self, drawn: list[FloatArray]) -> None:
        """Fit the heights to what is seen: a transient before it would flatten it."""
        values = np.concatenate(drawn)
        values = values[np.isfinite(values)]
        if values.size:
            self._node_range = settled(values.min(), values.max(), self._node_range)
            self.node.plot.setYRange(*self._node_range, padding=0)

    def _draw_forecast(self, forecast: FloatArray, live: LiveDeployment, network: Network) -> None:
        self.forecast_line.setData(np.arange(forecast.size), forecast)
        left = network.nodes - live.done
        rest = f", {left} the twin's mean" if left else ""
        self.forecast.unit.setText(f"{live.done} measured{rest} · last {SHOWN_STEPS} steps")
        nodes, values, low, high = (
            np.array(a, dtype=float) for a in zip(*live.scores, strict=True)
        )
        self.score_line.setData(nodes, values)
        self.score_head.setData(x=nodes[-1:], y=np.log10(np.maximum(values[-1:], 1e-12)))
        metric = self.verdict.scored_by
        told = {"value": values[-1], "low": low[-1], "high": high[-1]}
        self.running_score.unit.setText(f"{error_title(metric)} {interval(told, metric)}")
        good = low > 0
        self.own_band.show(nodes[good], np.log10(low[good]), np.log10(high[good]))
        self.running_score.show_value(float(values[-1]), "measured")
        self.running_score.fit_range([float(v) for v in (*values, *low[good], *high[good])])
