"""What may follow a deployment: recalibration, refinement, polishing, and how far it is; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.gui.scores import interval, said
from app.operations.events import FitProgress, Note, Progress, Result, Stage, TrainProgress
from app.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network

RECALIBRATE, REFINE, POLISH = "recalibrate", "refine", "polish"
TITLES = {RECALIBRATE: "Recalibrating", REFINE: "Refining", POLISH: "Polishing"}
NAMES = {RECALIBRATE: "Recalibrate", REFINE: "Refine", POLISH: "Polish"}
LEAST_PASSES = 3  # one to validate before, one to train, one to validate after


@dataclass(frozen=True)
class Transfer:
    """One of the three, as it is asked for; `passes` of all nodes on the device when polishing."""

    verb: str
    rounds: int = 2
    passes: int = 12
    despite_drift: bool = False

    @property
    def title(self) -> str:
        """What goes on, in words."""
        return TITLES[self.verb]

    def cost(self, network: Network, bench: Bench | None) -> str:
        """What it takes of the device."""
        if self.verb == REFINE:
            from app.operations.refine import Refinement

            asked = Refinement(rounds=self.rounds)
            each = asked.pieces * asked.repeats + asked.scoring * asked.scoring_repeats
            return f"{self.rounds * each} runs"
        if self.verb == POLISH:
            return f"{self.passes * network.nodes} runs"
        from app.operations.recalibrate import STEPS

        if bench is None:
            return f"{network.nodes} runs"
        seconds = network.nodes * bench.predicted_s(STEPS + network.washout)
        return duration(seconds)

    def start(self, network: Path, bench: Bench, out: Path, pause: Pause) -> Iterator[Event]:
        """The operation's events; torch runs in a child of its own."""
        common: dict[str, Any] = {"pause": pause, "despite_drift": self.despite_drift}
        if self.verb == REFINE:
            from app.operations.refine import Refinement, refine

            return refine(network, bench, out, asked=Refinement(rounds=self.rounds), **common)
        if self.verb == POLISH:
            from app.operations.polish import polish
            from app.store import load_network

            runs = self.passes * load_network(network).nodes  # read in the job's own thread
            return polish(network, bench, out, runs, **common)
        from app.operations.recalibrate import recalibrate

        return recalibrate(network, bench, out, **common)


@dataclass
class LiveTransfer:
    """One of the three so far; `result` is empty before its end."""

    asked: Transfer
    stage: str = "begins"
    note: str = ""
    share: float = 0.0
    left_s: float | None = None
    told: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take one event; those that it doesn't show are left alone."""
        if isinstance(event, Stage):
            self.stage, self.told = event.name, ""
            self.share, self.left_s = 0.0, None
        elif isinstance(event, Progress):
            self.share, self.left_s = event.done / max(1.0, event.total), event.remaining_s
            self.told = f"{event.done:g} of {event.total:g} {event.unit}"
            self.told += f" · {event.note}" if event.note else ""
        elif isinstance(event, (FitProgress, TrainProgress)):
            self.share = event.iteration / max(1, event.total)
            self.told = f"iteration {event.iteration} of {event.total}"
        elif isinstance(event, Note):
            self.note = event.text
        elif isinstance(event, Result):
            self.result = dict(event.values)

    @property
    def words(self) -> str:
        """Where it is."""
        return f"{self.stage} · {self.told}" if self.told else self.stage

    def ended(self, status: str) -> tuple[str, str]:
        """Heading and sentences, once it has ended as `status`: a gain that is none says so."""
        result, metric = self.result, str(self.result.get("metric", "nmse"))
        verb = {RECALIBRATE: "Recalibrated", REFINE: "Refined", POLISH: "Polished"}[self.asked.verb]
        if status != "done" or "predicted" not in result:
            word = "Stopped" if status == "stopped" else "Failed"
            why = str(result.get("reason", ""))
            return f"{word} while {self.asked.title.lower()}", f"what was measured is kept. {why}"
        before, after = result.get("predicted_before", {}), result["predicted"]
        parts = [f"foreseen {interval(before, metric)} before, {interval(after, metric)} after"]
        if self.asked.verb == RECALIBRATE:
            parts.insert(0, str(result.get("gain", "")))
        if self.asked.verb == POLISH and result.get("validation") is not None:
            parts.insert(0, f"validated on the device at {said(result['validation'], metric)}")
        better = after.get("value", 0.0) < before.get("value", 0.0)
        gained = result.get("gain_is_real", better)
        parts.append(f"{result.get('hardware_runs', '—')} hardware runs")
        heading = f"{verb}: deploy it to see" if gained else f"{verb}, without a gain"
        return heading, "; ".join(part for part in parts if part) + "."
