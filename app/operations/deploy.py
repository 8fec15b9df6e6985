"""Run a network on the one device, time-multiplexed: layer by layer, node by node.

The drives of a layer come from the measured responses of the layer before; the read-out is the
trained one and is never refitted here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.deployment import (
    blank_nodes,
    heats,
    in_order,
    layers_of_run,
    misfit_of,
    network_of_run,
    preflight,
)
from app.deployment_store import finished_values, write_deployment
from app.operations.calibration_notes import calibration_notes
from app.operations.events import (
    Forecast,
    NodeMeasured,
    NodeStarted,
    Note,
    Progress,
    Result,
    RunPlan,
    ScoreSoFar,
)
from app.operations.run_control import Control, repeat_under
from app.operations.runs import WayOut, energised
from app.operations.step_timing import timing_notes, timing_values
from app.running_score import running_score
from app.store import RecordingWriter, load_network, new_directory, now_iso, read_recording
from models import schedule
from models.errors import InputError, RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network

    FloatArray = NDArray[np.float64]

NODES = "nodes"


def deploy(
    network: Path | None,
    bench: Bench,
    out: Path,
    *,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    despite_drift: bool = False,
    repeats: int | None = None,
) -> Generator[Event, None, Path]:
    """Measure every node of a network on the bench's device; returns its `deployment.json`.

    Parameters
    ----------
    network
        Its folder or `network.json`; may be None with `resume`.
    bench
        Connected; nothing energised. It is made safe at the end, however the run ends.
    out
        A new folder, or with `resume` that of a deployment that ended early: nodes that are
        complete are not measured again.
    pause
        Looked at before each node; None: nobody asks for one.
    retries
        How often a void node is run again before the run ends.
    despite_drift
        Run also where the latest comparison says that a twin no longer matches; the deployment
        says so.
    repeats
        Runs of each node, whose responses are averaged before the next layer; None: one, with
        `resume` as many as it was begun with.

    Raises
    ------
    InputError
        A network that can't be read, its twin missing or changed, `out` in use.
    RefusedError
        The twin no longer matches, the bench differs from the one that it was recorded on, or a
        drive would break a limit: nothing is energised and nothing created.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    out, begin_s = Path(out), time.monotonic()
    if resume and (done := finished_values(out)) is not None:
        yield Result(done)
        return out / "deployment.json"
    path = network_of_run(out / NODES) if network is None else Path(network)
    loaded = load_network(path)
    if repeats is not None and repeats < 1:
        raise InputError(f"deploy: {repeats} repeats of each node: 1 at least")
    drifted = preflight(loaded, path, bench, despite_drift=despite_drift, repeats=repeats or 1)
    header = blank_nodes(loaded, path, bench, repeats or 1)
    writer = _resumed(header.meta, out, repeats) if resume else _begun(header, out)
    control = Control(bench, writer.remark, writer.beat, pause, retries)
    run = _Run(loaded, bench, writer, control)
    way_out = WayOut(bench, control.sealing(writer.finish), writer.remark)
    try:
        with way_out:
            yield run.plan()
            yield Note(run.order_words())
            for words in drifted:
                yield Note(f"deployed despite drift: {words}", "warning")
            yield from calibration_notes(bench, out, writer.remark)
            prediction = yield from run.layers()
            bench.check_settings()
    except TwinrigError:
        if not way_out.closing:
            yield from way_out.notes()
            yield Result(run.values_so_far(way_out))
        raise
    yield from way_out.notes()
    yield run.forecast(prediction)
    values = write_deployment(
        out, path, loaded, writer.recording, prediction, time.monotonic() - begin_s, drifted
    )
    for words in values["diagnosis"]["words"]:
        yield Note(words)
    yield from timing_notes(writer.recording, bench)
    yield Result({**values, **timing_values(writer.recording, bench)})
    return out / "deployment.json"


def _begun(header: Any, out: Path) -> RecordingWriter:
    return RecordingWriter(new_directory(out) / NODES, header)


def _resumed(meta: dict[str, Any], out: Path, repeats: int | None) -> RecordingWriter:
    """The nodes' recording to go on with; refused where it is that of another network."""
    if not (out / NODES).is_dir():
        raise InputError(f"{out}: nothing to go on with, no deployment was begun there")
    so_far = read_recording(out / NODES)
    problems = [
        f"was begun with another network ({so_far.meta.get('network')}, {key} differs)"
        for key in ("network_sha256",)
        if so_far.meta.get(key) != meta[key]
    ]
    was = so_far.response.shape[1]
    if repeats is not None and repeats != was:
        problems.append(f"was begun with {was} repeats of each node, now {repeats} are asked for")
    raise_problems(RefusedError, f"{out} can't be continued", problems)
    writer, _ = RecordingWriter.resume(out / NODES)
    writer.remark(f"continued {now_iso()} after it was {so_far.status}")
    return writer


class _Run:
    """One deployment between its first and last byte."""

    def __init__(
        self, network: Network, bench: Bench, writer: RecordingWriter, control: Control
    ) -> None:
        self.network, self.bench, self.writer = network, bench, writer
        self.control = control
        self.schedule = schedule.runs(network)
        self.repeats = writer.recording.response.shape[1]
        self.begin_s = time.monotonic()

    @property
    def pending(self) -> int:
        """Runs that are not complete yet."""
        return int((self.writer.recording.order < 0).sum())

    def order_words(self) -> str:
        """In which order the nodes are run, and why, in a sentence."""
        each = f", each {self.repeats} times, averaged before the next layer" * (self.repeats > 1)
        order = (
            "warm and cool drives of a layer in turn, since a magnet has a limit of I²t"
            if heats(self.bench)
            else "node by node: no magnet of this bench has a limit of I²t, so that no order is "
            "cooler than another"
        )
        return (
            f"every node has runs of its own{each}: noise that nodes share would add up, "
            f"independent noise averages; {order}"
        )

    def plan(self) -> RunPlan:
        """What is about to happen, with its predicted device time."""
        steps, recording = self.network.steps, self.writer.recording
        return RunPlan(
            len(self.schedule),
            self.repeats,
            steps,
            recording.channels,
            recording.units,
            self.pending * self.bench.predicted_s(steps),
            str(self.writer.path),
            str(recording.meta.get("id", "")),
        )

    def layers(self) -> Generator[Event, None, FloatArray]:
        """Every layer in turn; returns the answers of the unseen part `(answers, n_out)`."""
        network, responses = self.network, list[np.ndarray[Any, np.dtype[np.float64]]]()
        if self.pending:
            yield from energised(self.bench, self.writer.remark)
        origin_s = self.bench.clock.now_s() - self._start_of_next()
        recording = self.writer.recording
        for layer in range(len(network.layers)):
            drives = network.drive(layer, responses)
            runs = [run for run in self.schedule if run.layer == layer]
            for run in runs:
                # header and journal can't know it: it rests on what the layer before measured
                recording.drive[run.position] = drives[:, run.node]
            order = in_order(runs, drives, self.bench, network.window, self.repeats)
            for run, repeat in order:
                if recording.order[run.position, repeat] < 0:
                    yield from self._node(run, repeat, drives[:, run.node], origin_s)
            responses.append(layers_of_run(network, recording)[layer])
        return network.answer(responses)

    def _node(
        self, run: schedule.Run, repeat: int, drive: FloatArray, origin_s: float
    ) -> Iterator[Event]:
        network, position, recording = self.network, run.position, self.writer.recording
        mean, std = network.node_mean[position], network.node_std[position]
        yield from self.control.paused()
        yield NodeStarted(run.layer, run.node, drive, mean, std)
        began_s, response = yield from repeat_under(
            self.control, drive, network.window, network.reset
        )
        times, place = self.control.times.since(origin_s), int(recording.complete.sum())
        self.writer.append(position, repeat, place, began_s - origin_s, response, times)
        misfit = misfit_of(network, position, response)
        averaged = recording.response[position, recording.order[position] >= 0].mean(axis=0)
        yield NodeMeasured(run.layer, run.node, averaged, misfit)
        so_far = running_score(network, recording)
        yield ScoreSoFar(
            so_far.nodes, so_far.value, so_far.low, so_far.high, so_far.prediction
        )  # fmt: skip
        left, total = self.pending, recording.order.size
        done, elapsed_s = total - left, time.monotonic() - self.begin_s
        measured = done - self._had
        left_s = (elapsed_s - self.control.waited_s) / measured * left if measured else None
        unit = "nodes" if self.repeats == 1 else "runs"
        words = so_far.words(network.task["metric"])
        yield Progress("deploy", done, total, unit, elapsed_s, left_s, words)

    def _start_of_next(self) -> float:
        """Where the run's time goes on, in s: 0, or behind the last node of a continued run."""
        recording = self.writer.recording
        self._had = int(recording.complete.sum())
        if not self._had:
            return 0.0
        last_s = float(np.nanmax(recording.start_s))
        return last_s + float(self.bench.predicted_s(self.network.steps))

    def values_so_far(self, way_out: WayOut) -> dict[str, Any]:
        """The result of a deployment that ended early."""
        return {
            "path": str(self.writer.folder),
            "status": way_out.status,
            "task": self.network.task["name"],
            "metric": self.network.task["metric"],
            "nodes": self.network.nodes,
            "recorded": int(self.writer.recording.complete.sum()),
            "seconds": round(time.monotonic() - self.begin_s, 3),
            **({"reason": way_out.reason} if way_out.reason else {}),
        }

    def forecast(self, prediction: FloatArray) -> Forecast:
        """Prediction over target on the unseen part, of the first output."""
        network = self.network
        target = network.unseen_targets
        low, high = network.forecast_low, network.forecast_high
        return Forecast(target[:, 0], prediction[:, 0], low[:, 0], high[:, 0])
