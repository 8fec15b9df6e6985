"""One device of a deployment on its bench: its nodes' runs, and what is on disk of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.artefacts import refuse_never_begun
from app.deployment import blank_nodes, misfit_of, nodes_folder, of_another
from app.operations.events import NodeMeasured, NodeStarted
from app.operations.record_begin import slopes
from app.operations.turns import Turn, opened
from app.store import RecordingWriter, new_directory, read_recording
from app.words import counted
from models.errors import RefusedError, raise_problems
from models.paths import folder_at
from models.recording import Recording
from models.slopes import slopes_apart, slopes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network
    from models.schedule import Run

    FloatArray = NDArray[np.float64]


class Place(Turn):
    """A device's nodes while they are measured."""

    def __init__(
        self,
        network: Network,
        number: int,
        bench: Bench,
        writer: RecordingWriter,
        pause: Pause | None,
        retries: int,
    ) -> None:
        super().__init__(network.devices[number], bench, writer, pause, retries)
        self.network = network

    def lacks(self, run: Run, repeat: int = 0) -> bool:
        """Whether a run is still to be measured."""
        return bool(self.recording.order[run.row, repeat] < 0)

    def node(self, run: Run, repeat: int, drive: FloatArray) -> Iterator[Event]:
        """Measure a run: reset and sequence, on disk when it is over."""
        network, position, recording = self.network, run.position, self.recording
        width = len(self.device.channels)
        mean, std = (x[position, :, :width] for x in (network.node_mean, network.node_std))
        yield from self.control.paused()
        yield NodeStarted(run.layer, run.node, drive, mean, std)
        response = yield from self.measured(run.row, repeat, drive)
        misfit = misfit_of(network, position, response)
        averaged = recording.response[run.row, recording.order[run.row] >= 0].mean(axis=0)
        yield NodeMeasured(run.layer, run.node, averaged, misfit)


def begun(
    network: Network, path: Path, out: Path, benches: Sequence[Bench], repeats: int
) -> list[RecordingWriter]:
    """The recordings of a new deployment, one a device, in a new folder."""
    new_directory(out)
    blank = [blank_nodes(network, path, bench, repeats, k, out) for k, bench in enumerate(benches)]
    return writers_in(out, blank)


def so_far(
    network: Network, path: Path, out: Path, benches: Sequence[Bench], repeats: int | None
) -> list[Recording]:
    """What a deployment to go on with has measured, one recording a device.

    Raises
    ------
    InputError
        None was begun there.
    RefusedError
        It is of another network, of other repeats, or of other currents for the same fields.
    """
    refuse_never_begun(out, "deployment", nodes_folder(0))
    found, problems = list[Recording](), list[str]()
    for k, bench in enumerate(benches):
        folder = out / nodes_folder(k)
        was = found[0].response.shape[1] if found else repeats or 1
        blank = blank_nodes(network, path, bench, was, k)
        one = read_recording(folder) if folder_at(folder) else blank  # cut off before it was made
        found.append(one)
        problems += of_another(path, one.meta.get("network_sha256"), one.meta.get("network"))
        problems += slopes_apart(slopes_of(one.meta), slopes(bench))
    was = found[0].response.shape[1]
    if repeats is not None and repeats != was:
        begun_with = counted(was, "repeat")
        problems.append(f"was begun with {begun_with} of each node, now {repeats} are asked for")
    raise_problems(RefusedError, f"{out} can't be continued", list(dict.fromkeys(problems)))
    return found


def writers_in(out: Path, recordings: Sequence[Recording]) -> list[RecordingWriter]:
    """Writers of a deployment's recordings, one a device: begun with these, or gone on with."""
    return opened([(out / nodes_folder(k), one) for k, one in enumerate(recordings)])
