"""What may follow a deployment: recalibration, refinement, polishing, and how far it is; no Qt."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.gui.scores import interval, said
from app.gui.words import about
from app.operations.events import Note, Progress, Result, Stage
from app.operations.learning_events import FitProgress, TrainProgress
from app.operations.sweep_grid import options_of
from models.errors import InputError, RefusedError, raise_problems
from training.polish_settings import LEAST_PASSES, TRAINING, VALIDATION, PolishSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.device_benches import Benches
    from app.operations.events import Event
    from app.operations.refine import Refinement
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network

RECALIBRATE, REFINE, POLISH = "recalibrate", "refine", "polish"
TITLES = {RECALIBRATE: "Recalibrating", REFINE: "Refining", POLISH: "Polishing"}
NAMES = {RECALIBRATE: "Recalibrate", REFINE: "Refine", POLISH: "Polish"}
BEGINS = "begins"
RATE = "rate"
REFINES = ("pieces", "repeats", "scoring", "scoring_repeats", "fit_iterations", "fit_rate",
           "train_iterations", "piece_steps")  # fmt: skip
KEPT = "what was measured is kept, choose it under Go on with"
OWN_OPTIONS = ("steps", RATE, "retries")
OF = {RECALIBRATE: ("steps", "retries"), POLISH: (RATE, "retries")}


@dataclass(frozen=True)
class Transfer:
    """One of the three, as it is asked for; `passes` of all nodes on the device when polishing.

    `more`: further options as the command line has them, `pieces=24 steps=300`.
    """

    verb: str
    rounds: int = 2
    passes: int = 12
    despite_drift: bool = False
    more: str = ""

    @property
    def title(self) -> str:
        """What goes on, in words."""
        return TITLES[self.verb]

    def options(self) -> dict[str, Any]:
        """Those of `more` that are of this one; its name → value.

        Raises
        ------
        InputError
            An option that none of the three has, or a value that doesn't fit.
        """
        try:
            found = options_of(shlex.split(self.more))
        except ValueError as fault:
            raise InputError(f"options {self.more!r}: {fault}") from fault
        known = [*OWN_OPTIONS, *REFINES]
        problems = [f"option {name!r} is none of {', '.join(known)}" for name in found
                    if name not in known]  # fmt: skip
        problems += [
            f"{name}: {said[-1]!r} is no number above zero that fits"
            for name, said in found.items()
            if name in known and not _fits(name, said[-1])
        ]
        raise_problems(InputError, "more options", problems)
        own = (*REFINES, "retries") if self.verb == REFINE else OF[self.verb]
        return {name: said[-1] for name, said in found.items() if name in own}

    def problem(self) -> str:
        """What is wrong with it; empty where nothing is."""
        try:
            if self.verb == REFINE:
                self.refinement()
            self.options()
        except InputError as error:
            return str(error)
        return ""

    def refinement(self) -> Refinement:
        """What a refinement is asked for; InputError where it makes no sense."""
        from app.operations.refine import Refinement

        asked = {name: value for name, value in self.options().items() if name in REFINES}
        return Refinement(rounds=self.rounds, **asked)

    def cost(
        self, network: Network, bench: Bench | None, piece_steps: int | None = None
    ) -> tuple[str, ...]:
        """What it takes of the device: time, where it can be foreseen, and runs; or what is wrong.

        `piece_steps`: of the sequences that its twins were fitted on, where that is known.
        """
        if problem := self.problem():
            return (problem,)
        if self.verb == REFINE:
            asked = self.refinement()
            each = asked.pieces * asked.repeats + asked.scoring * asked.scoring_repeats
            runs = self.rounds * each * len(network.devices)
            steps = asked.piece_steps or piece_steps
            lengths = {} if steps is None else {steps: runs}
        elif self.verb == POLISH:
            lengths = self._polished(network)
            runs = self.passes * network.nodes
        else:
            from app.operations.recalibrate import STEPS

            runs = network.nodes
            lengths = {int(self.options().get("steps", STEPS)) + network.washout: runs}
        told = (f"{runs} runs",)
        if bench is None or not lengths:
            return told
        seconds = sum(many * bench.predicted_s(steps) for steps, many in lengths.items())
        return about(seconds), *told

    def _polished(self, network: Network) -> dict[int, int]:
        """Runs of each number of steps; to validate takes about as many as the unseen part."""
        settings = PolishSettings(max(self.passes, LEAST_PASSES))
        steps = {TRAINING: settings.masked + settings.steps, VALIDATION: network.steps}
        passes = Counter(steps[settings.kind(index)] for index in range(settings.passes))
        return {length: many * network.nodes for length, many in passes.items()}

    def start(self, network: Path, bench: Benches, out: Path, pause: Pause) -> Iterator[Event]:
        """The operation's events; torch runs in a child of its own."""
        options = self.options()
        common: dict[str, Any] = {"pause": pause, "despite_drift": self.despite_drift}
        common |= {name: value for name, value in options.items() if name not in REFINES}
        if self.verb == REFINE:
            from app.operations.refine import refine

            return refine(network, bench, out, asked=self.refinement(), **common)
        if self.verb == POLISH:
            from app.operations.polish import polish
            from app.store import load_network

            runs = self.passes * load_network(network).nodes  # read in the job's own thread
            return polish(network, bench, out, runs, **common)
        from app.operations.recalibrate import recalibrate

        return recalibrate(network, bench, out, **common)

    def go_on(self, bench: Benches, out: Path, pause: Pause) -> Iterator[Event]:
        """The events of one that ended early, from what is complete in its folder."""
        common: dict[str, Any] = {"pause": pause, "despite_drift": self.despite_drift}
        if self.verb == REFINE:
            from app.operations.refine import refine

            return refine(None, bench, out, resume=True, **common)
        if self.verb == POLISH:
            from app.operations.polish import polish

            return polish(None, bench, out, resume=True, **common)
        from app.operations.recalibrate import recalibrate

        return recalibrate(None, bench, out, resume=True, **common)


def _fits(name: str, value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return whole or (name in (RATE, "fit_rate") and isinstance(value, float) and value > 0)


@dataclass
class LiveTransfer:
    """One of the three so far; `result` is empty before its end."""

    asked: Transfer
    stage: str = BEGINS
    note: str = ""
    share: float = 0.0
    left_s: float | None = None
    told: str = ""
    worked: bool = False  # something was measured or computed, which is kept
    result: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take one event; those that it doesn't show are left alone."""
        if isinstance(event, Stage):
            self.stage, self.told = event.name, ""
            self.share, self.left_s = 0.0, None
        elif isinstance(event, Progress):
            self.share, self.left_s = event.done / max(1.0, event.total), event.remaining_s
            self.worked = True
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
        if self.told and self.stage == BEGINS:
            return self.told
        return f"{self.stage} · {self.told}" if self.told else self.stage

    def ended(self, status: str, error: BaseException | str = "") -> tuple[str, str]:
        """Heading and sentences, once it has ended as `status`: a gain that is none says so.

        `error`: why it failed, where no result says it; of one that is refused before it has
        measured anything nothing is kept.
        """
        result, metric = self.result, str(self.result.get("metric", "nmse"))
        verb = {RECALIBRATE: "Recalibrated", REFINE: "Refined", POLISH: "Polished"}[self.asked.verb]
        if status != "done" or "predicted" not in result:
            if isinstance(error, (RefusedError, InputError)) and not self.worked:
                return f"Not {verb.lower()}: refused", str(error)
            word = "Stopped" if status == "stopped" else "Failed"
            why = str(result.get("reason", "")) or str(error)
            return f"{word} while {self.asked.title.lower()}", f"{KEPT}. {why}".rstrip()
        before, after = result.get("predicted_before", {}), result["predicted"]
        parts = [f"foreseen {interval(before, metric)} before, {interval(after, metric)} after"]
        if self.asked.verb == RECALIBRATE:
            parts.insert(0, str(result.get("gain", "")))
        if self.asked.verb == POLISH and result.get("validation") is not None:
            score = said(result["validation"], metric)
            best = "the best of its passes, a little too good"
            parts.insert(0, f"validated on the device at {score} ({best})")
        better = after.get("value", 0.0) < before.get("value", 0.0)
        gained = result.get("gain_is_real", better)
        parts.append(f"{result.get('hardware_runs', '—')} hardware runs")
        heading = f"{verb}: deploy it to see" if gained else f"{verb}, without a gain"
        return heading, "; ".join(part for part in parts if part) + "."
