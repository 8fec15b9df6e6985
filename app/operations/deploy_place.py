"""One device of a network on its bench: its runs on disk, and the way from one bench to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.deployment import blank_nodes, misfit_of, nodes_folder
from app.operations.calibration_notes import calibration_notes
from app.operations.events import NodeMeasured, NodeStarted, Note
from app.operations.run_control import Control, repeat_under
from app.operations.runs import WayOut, energised
from app.operations.safely import made_safe
from app.store import RecordingWriter, new_directory, now_iso, read_recording
from models.errors import InputError, RefusedError, raise_problems
from models.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network
    from models.schedule import Run

    FloatArray = NDArray[np.float64]


class Place:
    """A device's nodes while they are measured.

    Attributes
    ----------
    bench
        Plays them; energised only while it does.
    control, way_out
        Of this bench alone; the way out seals this recording.
    had
        Runs that were complete when it was opened.
    """

    def __init__(
        self,
        network: Network,
        device: int,
        bench: Bench,
        writer: RecordingWriter,
        pause: Pause | None,
        retries: int,
    ) -> None:
        self.network, self.device, self.bench = network, network.devices[device], bench
        self._writer = writer
        self.control = Control(bench, writer.remark, writer.beat, pause, retries)
        self.way_out = WayOut(bench, self.control.sealing(writer.finish), writer.remark)
        self.had = int(self.recording.complete.sum())
        self._origin_s: float | None = None

    @property
    def recording(self) -> Recording:
        """The runs so far."""
        return self._writer.recording

    @property
    def path(self) -> Path:
        """Of the recording's file."""
        return self._writer.path

    @property
    def pending(self) -> int:
        """Runs that are not complete yet."""
        return int((self.recording.order < 0).sum())

    def lacks(self, run: Run, repeat: int = 0) -> bool:
        """Whether a run is still to be measured."""
        return bool(self.recording.order[run.row, repeat] < 0)

    def notes(self, out: Path) -> Iterator[Note]:
        """What a calibration says against the bench."""
        yield from calibration_notes(self.bench, out, self._writer.remark)

    def enter(self) -> Iterator[Note]:
        """Energise the bench."""
        yield from energised(self.bench, self._writer.remark)
        if self._origin_s is None:
            self._origin_s = self.bench.clock.now_s() - self._start_of_next()

    def leave(self) -> Iterator[Note]:
        """Make the bench safe while another one plays."""
        for words in made_safe(self.bench):
            yield Note(words)

    def node(self, run: Run, repeat: int, drive: FloatArray) -> Iterator[Event]:
        """Measure a run: reset and sequence, on disk when it is over."""
        network, position, recording = self.network, run.position, self.recording
        width = len(self.device.channels)
        mean, std = (x[position, :, :width] for x in (network.node_mean, network.node_std))
        yield from self.control.paused()
        yield NodeStarted(run.layer, run.node, drive, mean, std)
        began_s, response = yield from repeat_under(
            self.control, drive, self.device.window, self.device.reset
        )
        if self._origin_s is None:
            raise AssertionError("a run on a bench that was never energised")
        times, place = self.control.times.since(self._origin_s), int(recording.complete.sum())
        self._writer.append(run.row, repeat, place, began_s - self._origin_s, response, times)
        misfit = misfit_of(network, position, response)
        averaged = recording.response[run.row, recording.order[run.row] >= 0].mean(axis=0)
        yield NodeMeasured(run.layer, run.node, averaged, misfit)

    def _start_of_next(self) -> float:
        """Where the run's time goes on, in s: 0, or behind the last node of a continued run."""
        if not self.had:
            return 0.0
        last_s = float(np.nanmax(self.recording.start_s))
        return last_s + float(self.bench.predicted_s(self.network.steps))


def begun(
    network: Network, path: Path, out: Path, benches: Sequence[Bench], repeats: int
) -> list[RecordingWriter]:
    """The recordings of a new deployment, one a device, in a new folder."""
    new_directory(out)
    blank = [blank_nodes(network, path, bench, repeats, k) for k, bench in enumerate(benches)]
    return _opened(out, blank)


def so_far(
    network: Network, path: Path, out: Path, benches: Sequence[Bench], repeats: int | None
) -> list[Recording]:
    """What a deployment to go on with has measured, one recording a device.

    Raises
    ------
    InputError
        None was begun there.
    RefusedError
        It is of another network, or of other repeats.
    """
    if not (out / nodes_folder(0)).is_dir():
        raise InputError(f"{out}: nothing to go on with, no deployment was begun there")
    found, problems = list[Recording](), list[str]()
    for k, bench in enumerate(benches):
        folder = out / nodes_folder(k)
        was = found[0].response.shape[1] if found else repeats or 1
        blank = blank_nodes(network, path, bench, was, k)
        one = read_recording(folder) if folder.is_dir() else blank  # cut off before it was made
        found.append(one)
        key = "network_sha256"
        if one.meta.get(key) != blank.meta[key]:
            named = one.meta.get("network")
            problems.append(f"was begun with another network ({named}, {key} differs)")
    was = found[0].response.shape[1]
    if repeats is not None and repeats != was:
        problems.append(f"was begun with {was} repeats of each node, now {repeats} are asked for")
    raise_problems(RefusedError, f"{out} can't be continued", list(dict.fromkeys(problems)))
    return found


def resumed(out: Path, known: Sequence[Recording]) -> list[RecordingWriter]:
    """The recordings of `so_far` to go on with."""
    return _opened(out, known)


def _opened(out: Path, recordings: Sequence[Recording]) -> list[RecordingWriter]:
    """A writer of each, new or gone on with; where one can't be had, none stays open."""
    writers: list[RecordingWriter] = []
    try:
        for k, recording in enumerate(recordings):
            folder = out / nodes_folder(k)
            if folder.is_dir():
                writer, _ = RecordingWriter.resume(folder)
                writers.append(writer)
                writer.remark(f"continued {now_iso()} after it was {recording.status}")
            else:
                writers.append(RecordingWriter(folder, recording))
    except BaseException:
        for writer in writers:
            writer.finish("stopped")
        raise
    return writers


def ended_words(places: Sequence[Place]) -> dict[str, Any]:
    """Status and reason of a deployment that ended early, of all its ways out."""
    every = [place.way_out for place in places]
    failed = [way_out for way_out in every if way_out.status == "failed"]
    reasons = list(dict.fromkeys(way_out.reason for way_out in every if way_out.reason))
    return {
        "status": (failed or every)[0].status,
        **({"reason": "; ".join(reasons)} if reasons else {}),
    }
