"""Run a network on its devices, time-multiplexed: layer by layer, node by node.

The drives of a layer come from the measured responses of the layers before; the read-out is the
trained one and is never refitted here. One device plays at a time: a bench is energised when the
first of its layers in turn begins, and made safe before another one plays.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.deployment import (
    NODES,
    check_limits,
    checked_twins,
    heats,
    in_order,
    layers_of_run,
    network_of_run,
    of_another,
)
from app.deployment_store import finished_values, load_deployment, write_deployment
from app.device_benches import checked_currents, matched
from app.device_words import layers_words
from app.operations.deploy_place import Place, begun, so_far, writers_in
from app.operations.events import Note, Progress, Result, RunPlan, ScoreSoFar
from app.operations.learning_events import Forecast
from app.operations.step_timing import timing_notes, timing_values
from app.operations.turns import Turns
from app.running_score import running_score
from app.store import load_network
from app.words import by_memory, counted
from models import schedule
from models.errors import InputError, RefusedError, TwinrigError, raise_problems
from models.sequence import refuse_more_steps

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.device_benches import Benches
    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network
    from models.recording import Recording

    FloatArray = NDArray[np.float64]

__all__ = ["NODES", "deploy"]


def deploy(
    network: Path | None,
    bench: Benches,
    out: Path,
    *,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    despite_drift: bool = False,
    repeats: int | None = None,
    max_hours: float | None = None,
) -> Generator[Event, None, Path]:
    """Measure every node of a network on its device; returns its `deployment.json`.

    Parameters
    ----------
    network
        Its folder or `network.json`; may be None with `resume`.
    bench
        Connected; nothing energised. Of a network of several devices the bench of each, in any
        order. Each is made safe at the end, however the run ends.
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
    max_hours
        Refused where what is still to be measured would take longer on the device; None: no limit.

    Raises
    ------
    InputError
        A network that can't be read, its twin missing or changed, `out` in use.
    RefusedError
        A twin no longer matches, a magnet was calibrated anew, a device's bench is not among those
        given, a guard or a supply forbids current now, a drive would break a limit, or it would
        take longer than `max_hours`: nothing is energised and nothing created.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    out, begin_s = Path(out), time.monotonic()
    if resume and (done := finished_values(out)) is not None:
        _refuse_another(out, done, network, repeats)
        yield Result(done)
        return out / "deployment.json"
    path = network_of_run(out / NODES) if network is None else Path(network)
    loaded = load_network(path)
    if repeats is not None and repeats < 1:
        raise InputError(f"deploy: {repeats} repeats of each node: 1 at least")
    nodes = sum(layer.nodes for layer in loaded.layers)
    refuse_more_steps(nodes, nodes * (loaded.steps + 1), repeats or 1, "deploy")
    drifted = checked_twins(loaded, path, despite_drift=despite_drift)
    benches = matched(loaded, path, bench)
    drifted += checked_currents(loaded, path, benches, despite_drift=despite_drift)
    known = so_far(loaded, path, out, benches, repeats) if resume else []
    many = known[0].response.shape[1] if known else repeats or 1
    check_limits(loaded, benches, many)
    if max_hours is not None:
        schedule.refuse_longer(_pending_s(loaded, benches, known, many), max_hours)
    for each in benches:
        each.refuse_forbidden()
    writers = writers_in(out, known) if resume else begun(loaded, path, out, benches, many)
    pairs = enumerate(zip(benches, writers, strict=True))
    run = _Run(loaded, [Place(loaded, k, *pair, pause, retries) for k, pair in pairs])
    try:
        with run.turns.ways_out():
            yield from run.words(out, drifted)
            prediction = yield from run.layers()
            run.turns.check_settings()
    except TwinrigError:
        if not run.turns.closing:
            yield from run.turns.notes()
            yield Result(run.values_so_far())
        raise
    yield from run.turns.notes()
    yield run.forecast(prediction)
    seconds = time.monotonic() - begin_s
    values = write_deployment(out, loaded, run.recordings, prediction, seconds, drifted)
    yield from _told(run, values)
    return out / "deployment.json"


def _told(run: _Run, values: dict[str, Any]) -> Iterator[Event]:
    """What came of it: where score was lost, how evenly the steps came, the result."""
    yield from map(Note, values["diagnosis"]["words"])
    yield from run.timing_notes()
    first = run.places[0]
    yield Result({**values, **timing_values(first.writer, first.bench)})


def _refuse_another(
    out: Path, done: Mapping[str, Any], network: Path | None, repeats: int | None
) -> None:
    """Raise RefusedError where a finished deployment is of another network or other repeats."""
    had, sha256 = done.get("repeats", 1), load_deployment(out).body["network_sha256"]
    problems = of_another(network, sha256, done["network"])
    if repeats not in (None, had):
        problems.append(f"has {counted(had, 'repeat')} of each node, not {repeats}")
    raise_problems(RefusedError, f"{out} is finished", problems)


def _pending_s(
    network: Network, benches: Sequence[Bench], known: Sequence[Recording], repeats: int
) -> list[float]:
    """Device time of each run that is still to be measured."""
    found = list[float]()
    for run in schedule.runs(network):
        left = int((known[run.device].order[run.row] < 0).sum()) if known else repeats
        found += [benches[run.device].predicted_s(network.steps)] * left
    return found


class _Run:
    """One deployment between its first and last byte."""

    def __init__(self, network: Network, places: Sequence[Place]) -> None:
        self.network, self.places, self.turns = network, places, Turns(places)
        self.schedule = schedule.runs(network)
        self.repeats = places[0].recording.response.shape[1]
        self.begin_s = time.monotonic()

    @property
    def recordings(self) -> list[Recording]:
        """The runs so far, a recording a device."""
        return [place.recording for place in self.places]

    @property
    def pending(self) -> int:
        """Runs that are not complete yet."""
        return sum(place.pending for place in self.places)

    def words(self, out: Path, drifted: Sequence[str]) -> Iterator[Event]:
        """All that is said before anything is energised."""
        yield self.plan()
        yield Note(self.order_words())
        for words in drifted:
            yield Note(f"deployed all the same: {words}", "warning")
        for words in self.network.origin_unknown:
            yield Note(by_memory("the network", words), "warning")
        for place in self.places:
            yield from place.notes(out)

    def order_words(self) -> str:
        """In which order the nodes are run, and why, in a sentence."""
        each = f", each {self.repeats} times, averaged before the next layer" * (self.repeats > 1)
        order = (
            "warm and cool drives of a layer in turn, since a magnet has a limit of I²t"
            if any(heats(place.bench) for place in self.places)
            else "node by node: no magnet of this bench has a limit of I²t, so that no order is "
            "cooler than another"
        )
        played = [
            f"{layers_words(self.network.layers_on(number))} on {place.bench.spec.name!r}"
            for number, place in enumerate(self.places)
        ]
        where = f"; {', '.join(played)}, one bench at a time" * (len(played) > 1)
        return (
            f"every node has runs of its own{each}: noise that nodes share would add up, "
            f"independent noise averages; {order}{where}"
        )

    def plan(self) -> RunPlan:
        """What is about to happen, with its predicted device time; channels of the first device."""
        steps, first = self.network.steps, self.places[0]
        return RunPlan(
            len(self.schedule),
            self.repeats,
            steps,
            first.recording.channels,
            first.recording.units,
            sum(place.pending * place.bench.predicted_s(steps) for place in self.places),
            str(first.path),
            str(first.recording.meta.get("id", "")),
            first.recording.channel_words,
        )

    def layers(self) -> Generator[Event, None, FloatArray]:
        """Every layer in turn; returns the answers of the unseen part `(answers, n_out)`."""
        network = self.network
        responses: list[FloatArray] = []
        for layer in range(len(network.layers)):
            place = self.places[network.layers[layer].device]
            drives = network.drive(layer, responses)
            runs = [run for run in self.schedule if run.layer == layer]
            for run in runs:
                # header and journal can't know it: it rests on what the layer before measured
                place.recording.drive[run.row] = drives[:, run.node]
            order = in_order(runs, drives, place.bench, place.device.window, self.repeats)
            for run, repeat in order:
                if place.lacks(run, repeat):
                    yield from self.turns.to(place)
                    yield from place.node(run, repeat, drives[:, run.node])
                    yield from self._progress()
            responses.append(layers_of_run(network, self.recordings)[layer])
        return network.answer(responses)

    def _progress(self) -> Iterator[Event]:
        """How far it is, and the score by what is measured."""
        told = running_score(self.network, self.recordings)
        metric = str(self.network.task["metric"])
        yield ScoreSoFar(told.nodes, told.value, told.low, told.high, told.prediction, metric)
        left, total = self.pending, sum(one.order.size for one in self.recordings)
        done, elapsed_s = total - left, time.monotonic() - self.begin_s
        measured = done - sum(place.had for place in self.places)
        waited_s = sum(place.control.waited_s for place in self.places)
        left_s = (elapsed_s - waited_s) / measured * left if measured else None
        unit = "nodes" if self.repeats == 1 else "runs"
        words = told.words(metric)
        yield Progress("deploy", done, total, unit, elapsed_s, left_s, words)

    def timing_notes(self) -> Iterator[Note]:
        """How evenly the steps came; of several benches each by its name."""
        for place in self.places:
            yield from self.turns.named(place, timing_notes(place.writer, place.bench))

    def values_so_far(self) -> dict[str, Any]:
        """The result of a deployment that ended early."""
        return {
            "path": str(self.places[0].path.parent),
            "task": self.network.task["name"],
            "metric": self.network.task["metric"],
            "nodes": self.network.nodes,
            "recorded": sum(int(one.complete.sum()) for one in self.recordings),
            "seconds": round(time.monotonic() - self.begin_s, 3),
            **self.turns.ended(),
        }

    def forecast(self, prediction: FloatArray) -> Forecast:
        """Prediction over target on the unseen part, of the first output."""
        network = self.network
        target = network.unseen_targets
        low, high = network.forecast_low, network.forecast_high
        return Forecast(target[:, 0], prediction[:, 0], low[:, 0], high[:, 0])
