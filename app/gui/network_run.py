"""What the Network page runs, ran last or has opened, and how far it is, in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.advice import training_advice
from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.gui.live_train import LiveTraining, sentence
from app.gui.live_trials import LiveTrials
from app.gui.network_asks import ONE, SOFTWARE, SWEEP, TABLE, task_words
from app.gui.scores import interval
from app.operations.events import Result, Stage
from app.operations.learning_events import NetworkState
from app.words import by_memory, left_words
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gui.begun import Begun
    from app.gui.network_asks import SoftwareAsk, TrainAsk
    from app.gui.sweep_asks import SweepAsk
    from app.gui.table_asks import TableAsk
    from app.operations.events import Event
    from models.network import Network

    Ask = TrainAsk | TableAsk | SweepAsk | Begun
    Asked = Ask | SoftwareAsk

OF_SEVERAL = (TABLE, SWEEP)
KEPT = "what is done is kept: Go on takes it up again"


@dataclass
class NetworkRun:
    """One training, seeds, a table or a sweep.

    Attributes
    ----------
    asked
        What it was asked for; None: nothing was, or a network is shown that stands there.
    folder
        Where it goes.
    network
        `network.json`, or folder, of a network that is shown; None: there is none.
    layers
        Nodes of each, as `layers_text` has them.
    whole
        Plan of a table, grid of a sweep.
    origin_unknown
        Of a network that is shown, as `Network.origin_unknown`.
    """

    asked: Asked | None = None
    folder: Path | None = None
    network: Path | None = None
    live: LiveTraining = field(default_factory=LiveTraining)
    trials: LiveTrials = field(default_factory=LiveTrials)
    stage: str = "starting"
    task: str = ""
    layers: str = ""
    whole: Any = None
    origin_unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: Asked, folder: Path | None) -> NetworkRun:
        """One that begins."""
        made = cls(asked, folder, task=asked.task, layers=asked.layers_shown)
        if asked.view in OF_SEVERAL:
            made.whole = asked.plan() if asked.view == TABLE else asked.grid()  # type: ignore[union-attr]
        return made

    @classmethod
    def of_network(cls, path: Path, network: Network) -> NetworkRun:
        """A network that stands there."""
        live = LiveTraining(
            baselines=dict(network.baselines), predicted=dict(network.predicted),
            metric=str(network.task["metric"]), advice=training_advice(
                network.past, network.predicted.get("value", np.nan), network.baselines
            ),
        )  # fmt: skip
        weights = tuple(layer.weights for layer in network.layers)
        live.state = NetworkState(weights, network.readout_weights[:, 0], np.empty(0))
        beside = (network.meta.get("options") or {}).get("parallel") or ()
        layers = layers_text([layer.nodes for layer in network.layers], beside)
        task = str(network.meta.get("task") or network.task["name"])
        return cls(
            None, None, path, live, task=task, layers=layers, origin_unknown=network.origin_unknown
        )

    @property
    def view(self) -> str:
        """What shows it."""
        return self.asked.view if self.asked is not None else ONE

    @property
    def title(self) -> str:
        """What goes on."""
        return self.asked.title if self.asked is not None else ""

    @property
    def heading(self) -> str:
        """What goes on, and on what."""
        return f"{self.title} {'on ' * self._software}{self.words}"

    @property
    def _software(self) -> bool:
        """Whether software alone is scored, which writes nothing."""
        return self.asked is not None and self.asked.kind == SOFTWARE

    @property
    def words(self) -> str:
        """Task and layers."""
        parts = task_words(self.task), self.layers.replace(",", "·")
        return ", ".join(part for part in parts if part)

    @property
    def empty(self) -> bool:
        """Whether nothing was asked, and there is nothing to show."""
        live = self.live
        told = live.iterations or live.predicted or live.baselines or self.trials.trials
        return self.asked is None and not told

    def take(self, events: Sequence[Event]) -> None:
        """Take the events of a frame."""
        for event in events:
            self.live.take(event)
            self.trials.take(event)
            if isinstance(event, Stage):
                self.stage = event.name
            elif isinstance(event, Result):
                path = event.values.get("path")
                self.network = None if path is None else Path(str(path))

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left, for the status line."""
        if self.view != ONE:
            return self.trials.share, left_words(self.trials.left_s)
        live = self.live
        if not live.total or not live.iterations:
            return None
        return live.iterations[-1] / live.total, left_words(live.left_s or None)

    @property
    def foot(self) -> str:
        """Time left, and what Stop would do."""
        left = (self.progress or (0.0, ""))[1]
        kept = "Stop keeps a checkpoint" if self.view == ONE else "Stop keeps what is done"
        kept = "Stop: nothing is kept" if self._software else kept
        return f"{left} · {kept}" if left else kept

    @property
    def where(self) -> str:
        """Where it is."""
        if self.view != ONE:
            live = self.trials
            running = sum(t.status == "running" for t in live.trials.values())
            return f"{live.ended} of {live.total} done, {running} running" if live.total else "…"
        done = self.live.iterations[-1] if self.live.iterations else 0
        return f"{self.stage} · iteration {done} of {self.live.total}" if self.live.total else (
            self.stage
        )  # fmt: skip

    def ended(self, status: str) -> tuple[str, str]:
        """Heading and what stands below it, of what has ended as `status`."""
        word = {"stopped": "Stopped", "failed": "Failed"}.get(status, "")
        if self.view in OF_SEVERAL:
            done = sum(trial.status == "done" for trial in self.trials.trials.values())
            if word:
                return f"{word}: {self.words}", f"{done} done; {self._kept}"
            missing = len(self.trials.trials) - done
            verb = "Compared" if self.view == TABLE else "Swept"
            said = str(self.trials.result.get("report") or f"{done} networks trained")
            without = f", {missing} of {missing + done} failed" if missing else ""
            return f"{verb} {self.words}{without}", said
        if self._software:
            return f"{word or 'Software'} on {self.words}", "no device, no network: what to beat"
        if word or self.network is None:
            return f"{word or 'Ended'}: no network", self._kept
        expected = interval(self.live.predicted, self.live.metric)
        return f"Trained {self.words}", f"expected on the device: {expected}"

    @property
    def _kept(self) -> str:
        """What is left of what ended early."""
        pattern = CHECKPOINT if self.view == ONE else "*"
        there = self.folder is not None and any(self.folder.glob(pattern))
        return KEPT if there else "it ended before there was anything to keep"

    @property
    def verdict(self) -> str:
        """What is foreseen of a network beside its baselines."""
        value = float(self.live.predicted.get("value", np.nan))
        beside, foreseen = self.live.baselines, self.live.predicted
        said = sentence(value, beside, "Foreseen, the network", foreseen)
        told = [said, self.live.advice] if self.live.advice else [said]
        return "\n".join([*told, *(by_memory("It", one) for one in self.origin_unknown)])
