"""Physics-aware polishing: a network trained forwards on the device, backwards through its twin.

A pass plays one piece of known data, from the reset, on every node: so many hardware runs as there
are nodes. All of them are kept in `runs` (those of a second device in `runs-2`), a recording of one
sequence a run. The rig stays energised between passes (the processor needs a moment only) and is
made safe on every way out; of several devices one is energised at a time, in each pass anew.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.deployment import blank_nodes, numbered
from app.device_benches import matched
from app.operations.child import in_child
from app.operations.events import Note, Progress, Result, RunPlan
from app.operations.polish_talk import (
    DrivesAsked,
    PassesDone,
    PassesPlanned,
    PassScored,
    both_ends,
    closed,
    sent,
)
from app.operations.polish_words import NO_GAIN, chosen_words
from app.operations.transfer_parts import bettered, with_parent
from app.operations.turns import Turn, Turns, opened
from app.shown_score import shown
from app.store import load_network
from models.errors import InputError, TwinrigError
from models.recording import Recording, stacked
from models.schedule import runs as runs_of
from models.sequence import MOST_STEPS, FieldSequence
from training.polish_settings import PolishSettings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from app.device_benches import Benches
    from app.operations.events import Event
    from app.operations.polish_talk import Answers
    from app.operations.transfer_parts import Apart
    from instruments.clock import Pause
    from models.network import Network

    FloatArray = NDArray[np.float64]

KIND = "polish"
TORCH = "app.operations.polish_torch"
RUNS = "runs"
RATE = 4e-3  # as a network that is trained further
SCRATCH_RATE = 1e-2  # of one that was never trained


def polish(
    network: Path | None,
    bench: Benches,
    out: Path,
    runs: int = 0,
    *,
    rate: float | None = None,
    seed: int = 0,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    despite_drift: bool = False,
    apart: Apart = in_child,
) -> Generator[Event, None, Path]:
    """Polish a network within so many hardware runs; returns the best `network.json`.

    The best by validation on the device, which may be the one that it began with. An untrained
    network is trained from scratch in this way.

    Parameters
    ----------
    network
        Its folder or `network.json`; None with `resume`.
    bench
        As of `app.operations.deploy.deploy`.
    out
        A new folder: `runs` and the network; with `resume` that of one that ended early: it goes on
        with the next node.
    runs
        At most, those over the validation part included: a run is one reset and one sequence.
    rate
        Learning rate; None: 4e-3, of an untrained network 1e-2.
    seed
        Of the pieces.
    pause, retries, despite_drift, apart
        As of `app.operations.recalibrate.recalibrate`.

    Raises
    ------
    InputError
        Too few runs, or more than a rig ever plays; the network or its task can't be read, `out`
        in use.
    RefusedError
        The network may not run on this bench.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    out = Path(out)
    if not resume:
        loaded = load_network(Path(network or ""))
        _refuse_few(runs, 3 * loaded.nodes)
        _refuse_many(runs, loaded.answer_every)

    def work(plan: dict[str, Any]) -> Generator[Event, None, dict[str, Any]]:
        return (yield from _Run(plan, bench, out, (pause, retries)).events(apart))

    return (
        yield from bettered(
            KIND, network, bench, out, {"runs": runs, "rate": rate, "seed": seed}, work,
            resume=resume, despite_drift=despite_drift,
        )
    )  # fmt: skip


def _refuse_few(runs: int, least: int) -> None:
    if runs < least:
        raise InputError(
            f"polish: {runs} runs are too few, {least} at least: one pass of all nodes to "
            "validate before, one to train, one to validate after"
        )


def _refuse_many(runs: int, window: int) -> None:
    """Raise InputError where a rig never plays so many: all are laid out before the first."""
    steps = -(-(PolishSettings.masked + PolishSettings.steps) // window) * window
    if runs * (steps + 1) > MOST_STEPS:
        raise InputError(
            f"polish: {runs} runs of {steps} steps and a reset are {runs * (steps + 1)} steps; at "
            f"most {MOST_STEPS}, a month of a rig: ask for {MOST_STEPS // (steps + 1)} --runs or "
            "fewer"
        )


class _Run:
    """One polishing between its first and last byte."""

    def __init__(
        self, plan: dict[str, Any], bench: Benches, out: Path, control: tuple[Pause | None, int]
    ) -> None:
        self.plan, self.out, self.control = plan, out, control
        self.path = Path(plan["network"])
        self.network: Network = load_network(self.path)
        self.benches = matched(self.network, self.path, bench)
        self.schedule = runs_of(self.network)
        self.begin_s = time.monotonic()

    def events(self, apart: Apart) -> Generator[Event, None, dict[str, Any]]:
        """Everything in order; returns the result's values."""
        ours, theirs = both_ends(in_child=apart is in_child)
        asked = self.plan["asked"]
        given = SCRATCH_RATE if self.network.meta.get("iterations") == 0 else RATE
        before = int(self.network.meta.get("hardware_runs", 0))
        meta = {
            "hardware_runs": before + self._runs_of(asked["runs"]),
            "parents": with_parent(self.network, self.plan),
        }
        kwargs = {
            "network": self.path, "out": self.out, "runs": asked["runs"],
            "rate": asked["rate"] or given, "seed": asked["seed"], "answers": theirs, "meta": meta,
        }  # fmt: skip
        with ExitStack() as stack:
            events = apart(f"{TORCH}.polish", kwargs, self._is_stopped)
            stack.enter_context(closing(events))
            stack.callback(closed, theirs)
            stack.callback(closed, ours)  # first of all: who waits for an answer goes
            planned = yield from self._planned(events)
            if apart is in_child:
                closed(theirs)  # the child has its own by now
            yield from self._on_rig(events, ours, planned)
            remarks = [r for one in self.recordings for r in one.meta.get("remarks", [])]
            void = sum("was void" in words for words in remarks)
            sent(ours, void)
            made: dict[str, Any] = yield from events
        metric = self.network.task["metric"]
        none = made["validation"] >= made["validation_before"]  # the first pass is one of them
        yield Note(NO_GAIN, "warning") if none else Note(chosen_words(made, metric))
        return {
            "path": made["path"], "status": "done", "task": self.network.task["name"],
            "metric": metric, "predicted": made["predicted"],
            "predicted_before": self.network.predicted, "validation": made["validation"],
            "validation_before": made["validation_before"],
            "validation_passes": made["validation_passes"], "nodes": self.network.nodes,
            "passes": len(planned.lengths),
            "hardware_runs": len(planned.lengths) * self.network.nodes + void,
            "recorded_runs": made["recorded_runs"], "baselines": made["baselines"],
            **({"gain": NO_GAIN, "gain_is_real": False} if none else {}),
        }  # fmt: skip

    @property
    def recordings(self) -> list[Recording]:
        """The runs so far, a recording a device."""
        return [turn.recording for turn in self.turns.each]

    def _is_stopped(self) -> bool:
        return any(bench.stop.requested for bench in self.benches)

    def _runs_of(self, runs: int) -> int:
        return runs // self.network.nodes * self.network.nodes

    @staticmethod
    def _planned(events: Generator[Event, None, Any]) -> Generator[Event, None, PassesPlanned]:
        for event in events:
            if isinstance(event, PassesPlanned):
                return event
            yield event
        raise TwinrigError("polish: ended before it planned anything")

    def _on_rig(
        self, events: Generator[Event, None, Any], answers: Answers, planned: PassesPlanned
    ) -> Iterator[Event]:
        """All that the rigs are needed for; they are safe behind this."""
        self.first = planned.done
        places = [(self.out / numbered(RUNS, k), self._blank(k, planned.lengths))
                  for k in range(len(self.benches))]  # fmt: skip
        parts = zip(self.network.devices, self.benches, opened(places), strict=True)
        self.turns = Turns([Turn(*part, *self.control) for part in parts])
        try:
            with self.turns.ways_out():
                yield self._plan(planned)
                for turn in self.turns.each:
                    yield from turn.notes(self.out)
                yield from self._passes(events, answers)
                self.turns.check_settings()
        except TwinrigError:
            if not self.turns.closing:
                yield from self.turns.notes()
                recorded = sum(int(one.complete.sum()) for one in self.recordings)
                yield Result({"path": str(self.out), "recorded": recorded, **self.turns.ended()})
            raise
        yield from self.turns.notes()

    def _passes(self, events: Generator[Event, None, Any], answers: Answers) -> Iterator[Event]:
        """Play what is asked for, until nothing is any more."""
        for event in events:
            if isinstance(event, PassesDone):
                return
            if isinstance(event, DrivesAsked):
                sent(answers, (yield from self._layer(event)))
            else:
                yield event
            if isinstance(event, PassScored):
                yield self._progress(event)

    def _layer(self, asked: DrivesAsked) -> Generator[Event, None, FloatArray]:
        """Run a layer's nodes, each once; returns their responses `(T, nodes, C)`."""
        number = self.network.layers[asked.layer].device
        turn, responses, steps = self.turns.each[number], [], len(asked.drives)
        nodes_a_pass = sum(run.device == number for run in self.schedule)
        for run in (run for run in self.schedule if run.layer == asked.layer):
            row = asked.index * nodes_a_pass + run.row
            drive = np.ascontiguousarray(asked.drives[:, run.node])
            turn.recording.drive[row, :steps] = drive
            if turn.recording.order[row, 0] < 0:
                for note in self.turns.to(turn):
                    if asked.index == self.first or note.level != "info":  # the same each pass
                        yield note
                yield from turn.control.paused()
                yield from turn.measured(row, 0, drive)
            responses.append(turn.recording.response[row, 0, :steps])
        return np.stack(responses, axis=1)

    def _progress(self, scored: PassScored) -> Progress:
        """How far it is, and what the last pass scored."""
        elapsed_s, done = time.monotonic() - self.begin_s, scored.index + 1
        waited_s = sum(turn.control.waited_s for turn in self.turns.each)
        left_s = (elapsed_s - waited_s) / (done - self.first) * (scored.total - done)
        seen = {"metric": self.network.task["metric"], scored.kind: scored.score}
        words = f"{scored.kind} {shown(seen)[scored.kind]:.4g} on the device"
        nodes = self.network.nodes
        return Progress(KIND, done * nodes, scored.total * nodes, "runs", elapsed_s, left_s, words)

    def _blank(self, device: int, lengths: Sequence[int]) -> Recording:
        """A device's runs to come; what they play is only known as they begin."""
        one = blank_nodes(self.network, self.path, self.benches[device], device=device)
        each = [length for length in lengths for _ in range(len(one.lengths))]
        blank = stacked([FieldSequence(np.zeros(length), KIND) for length in each])
        blank["drive"] = np.full_like(blank["drive"], np.nan)
        count, steps = blank["drive"].shape
        return Recording(
            np.full((count, 1, steps, len(one.channels)), np.nan),
            order=np.full((count, 1), -1, dtype=np.int64), start_s=np.full((count, 1), np.nan),
            channels=one.channels, units=one.units, window=one.window, reset=one.reset,
            settings=one.settings, identities=one.identities, status="running", meta=one.meta,
            **blank,
        )  # fmt: skip

    def _plan(self, planned: PassesPlanned) -> RunPlan:
        """What is about to happen, with its predicted device time; channels of the first device."""
        first, left = self.turns.each[0], planned.lengths[planned.done :]
        return RunPlan(
            len(planned.lengths) * self.network.nodes, 1, int(max(planned.lengths)),
            first.recording.channels, first.recording.units,
            sum(self.benches[run.device].predicted_s(n) for n in left for run in self.schedule),
            str(first.path), str(first.recording.meta.get("id", "")),
            first.recording.channel_words,
        )  # fmt: skip
