"""Physics-aware polishing: a network trained forwards on the device, backwards through its twin.

A pass plays one piece of known data, from the reset, on every node: so many hardware runs as there
are nodes. All of them are kept in `runs`, a recording of one sequence a run. The rig stays
energised between passes (the processor needs a moment only) and is made safe on every way out.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.deployment import blank_nodes
from app.operations.calibration_notes import calibration_notes
from app.operations.child import in_child
from app.operations.events import Progress, Result, RunPlan
from app.operations.polish_talk import (
    DrivesAsked,
    PassesDone,
    PassesPlanned,
    PassScored,
    both_ends,
    closed,
)
from app.operations.run_control import Control, repeat_under
from app.operations.runs import WayOut, energised
from app.operations.transfer_parts import bettered, with_parent
from app.store import RecordingWriter, load_network, now_iso
from models.errors import InputError, TwinrigError
from models.recording import Recording, stacked
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from app.operations.events import Event
    from app.operations.polish_talk import Answers
    from app.operations.transfer_parts import Apart
    from instruments.bench import Bench
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
    bench: Bench,
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
        Connected; nothing energised. It is made safe at the end, however the run ends.
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
        Too few runs, the network or its task can't be read, `out` in use.
    RefusedError
        The network may not run on this bench.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    out = Path(out)
    if not resume:
        _refuse_few(runs, 3 * load_network(Path(network or "")).nodes)

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


class _Run:
    """One polishing between its first and last byte."""

    def __init__(
        self, plan: dict[str, Any], bench: Bench, out: Path, control: tuple[Pause | None, int]
    ) -> None:
        self.plan, self.bench, self.out = plan, bench, out
        self.network: Network = load_network(Path(plan["network"]))
        self.device = self.network.devices[0]  # the only one: `begin_plan` sees to it
        self.pause, self.retries = control
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
            "network": Path(self.plan["network"]), "out": self.out, "runs": asked["runs"],
            "rate": asked["rate"] or given, "seed": asked["seed"], "answers": theirs, "meta": meta,
        }  # fmt: skip
        stop = self.bench.stop
        with ExitStack() as stack:
            events = apart(f"{TORCH}.polish", kwargs, lambda: bool(stop.requested))
            stack.enter_context(closing(events))
            stack.callback(closed, theirs)
            stack.callback(closed, ours)  # first of all: who waits for an answer goes
            planned = yield from self._planned(events)
            if apart is in_child:
                closed(theirs)  # the child has its own by now
            yield from self._on_rig(events, ours, planned)
            made: dict[str, Any] = yield from events
        void = sum("was void" in r for r in self.writer.recording.meta.get("remarks", []))
        return {
            "path": made["path"], "status": "done", "task": self.network.task["name"],
            "metric": self.network.task["metric"], "predicted": made["predicted"],
            "predicted_before": self.network.predicted, "validation": made["validation"],
            "validation_before": made["validation_before"], "nodes": self.network.nodes,
            "passes": len(planned.lengths),
            "hardware_runs": len(planned.lengths) * self.network.nodes + void,
            "recorded_runs": made["recorded_runs"], "baselines": made["baselines"],
        }  # fmt: skip

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
        """All that the rig is needed for; it is safe behind this."""
        bench = self.bench
        self.writer = self._resumed() if (self.out / RUNS).is_dir() else self._begun(planned)
        writer = self.writer
        self.control = Control(bench, writer.remark, writer.beat, self.pause, self.retries)
        way_out = WayOut(bench, self.control.sealing(writer.finish), writer.remark)
        try:
            with way_out:
                yield self._plan(planned)
                yield from calibration_notes(bench, self.out, writer.remark)
                if planned.done < len(planned.lengths):
                    yield from energised(bench, writer.remark)
                self.origin_s = bench.clock.now_s() - self._start_of_next()
                for event in events:
                    if isinstance(event, PassesDone):
                        break
                    if isinstance(event, DrivesAsked):
                        answers.send((yield from self._layer(event)))
                    else:
                        yield event
                    if isinstance(event, PassScored):
                        yield self._progress(event)
                bench.check_settings()
        except TwinrigError:
            if not way_out.closing:
                yield from way_out.notes()
                reason = {"reason": way_out.reason} if way_out.reason else {}
                recorded = int(writer.recording.complete.sum())
                values = {"path": str(self.out), "status": way_out.status, "recorded": recorded}
                yield Result({**values, **reason})
            raise
        yield from way_out.notes()

    def _layer(self, asked: DrivesAsked) -> Generator[Event, None, FloatArray]:
        """Run a layer's nodes, each once; returns their responses `(T, nodes, C)`."""
        recording, responses = self.writer.recording, []
        first = asked.index * self.network.nodes
        first += sum(layer.nodes for layer in self.network.layers[: asked.layer])
        steps = len(asked.drives)
        for node in range(asked.drives.shape[1]):
            position, drive = first + node, np.ascontiguousarray(asked.drives[:, node])
            recording.drive[position, :steps] = drive
            if recording.order[position, 0] < 0:
                yield from self.control.paused()
                began_s, response = yield from repeat_under(
                    self.control, drive, self.device.window, self.device.reset
                )
                times = self.control.times.since(self.origin_s)
                self.writer.append(position, 0, position, began_s - self.origin_s, response, times)
            responses.append(recording.response[position, 0, :steps])
        return np.stack(responses, axis=1)

    def _progress(self, scored: PassScored) -> Progress:
        """How far it is, and what the last pass scored."""
        elapsed_s, done = time.monotonic() - self.begin_s, scored.index + 1
        left_s = (elapsed_s - self.control.waited_s) / done * (scored.total - done)
        words = f"{scored.kind} {scored.score:.4g} on the device"
        nodes = self.network.nodes
        return Progress(KIND, done * nodes, scored.total * nodes, "runs", elapsed_s, left_s, words)

    def _begun(self, planned: PassesPlanned) -> RecordingWriter:
        """The writer of all runs to come; what they play is only known as they begin."""
        lengths = [length for length in planned.lengths for _ in range(self.network.nodes)]
        blank = stacked([FieldSequence(np.zeros(length), KIND) for length in lengths])
        blank["drive"] = np.full_like(blank["drive"], np.nan)
        one = blank_nodes(self.network, Path(self.plan["network"]), self.bench)
        count, steps = blank["drive"].shape
        header = Recording(
            np.full((count, 1, steps, len(one.channels)), np.nan),
            order=np.full((count, 1), -1, dtype=np.int64), start_s=np.full((count, 1), np.nan),
            channels=one.channels, units=one.units, window=one.window, reset=one.reset,
            settings=one.settings, identities=one.identities, status="running", meta=one.meta,
            **blank,
        )  # fmt: skip
        return RecordingWriter(self.out / RUNS, header)

    def _resumed(self) -> RecordingWriter:
        writer, so_far = RecordingWriter.resume(self.out / RUNS)
        writer.remark(f"continued {now_iso()} after it was {so_far.status}")
        return writer

    def _start_of_next(self) -> float:
        """Where the run's time goes on, in s: 0, or behind the last run of a continued one."""
        recording = self.writer.recording
        if not recording.complete.any():
            return 0.0
        steps = int(recording.lengths.max())
        return float(np.nanmax(recording.start_s)) + float(self.bench.predicted_s(steps))

    def _plan(self, planned: PassesPlanned) -> RunPlan:
        """What is about to happen, with its predicted device time."""
        recording, nodes = self.writer.recording, self.network.nodes
        left = planned.lengths[planned.done :]
        return RunPlan(
            len(recording.lengths), 1, int(recording.lengths.max()), recording.channels,
            recording.units, nodes * sum(self.bench.predicted_s(steps) for steps in left),
            str(self.writer.path), str(recording.meta.get("id", "")),
        )  # fmt: skip
