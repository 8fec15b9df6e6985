"""What a network sends its nodes beside what their twins were fitted on; read in a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from app.gui.words import prefix
from models.errors import TwinrigError
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.gui.network_run import NetworkRun
    from models.network import Network
    from models.sequence import DriveWindow

    FloatArray = NDArray[np.float64]

BINS = 20  # as many as a training tells of its drives
UNKNOWN = "fitted: unknown"


def _none() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True)
class DriveAsk:
    """Whose drives are wanted: a network's (`sent` False: of its twins alone), or some twins'."""

    network: Path | None = None
    twins: tuple[Path, ...] = ()
    sent: bool = True


@dataclass(frozen=True)
class Sent:
    """Drives of the unseen part, as the twins foresee it.

    `shares` `(BINS,)` of 0…1; of each layer's nodes `low`, `high`, the fitted range's `span`, and
    `at_end`, the share of steps that is held at an end of it.
    """

    shares: FloatArray
    low: tuple[FloatArray, ...]
    high: tuple[FloatArray, ...]
    span: tuple[float, ...]
    at_end: tuple[FloatArray, ...]
    windows: tuple[DriveWindow, ...]

    @property
    def in_range(self) -> float:
        """Share of all drives that no end of the fitted range holds."""
        return 1.0 - float(np.concatenate(self.at_end).mean())

    @property
    def nodes(self) -> tuple[int, ...]:
        """Nodes of each layer."""
        return tuple(len(low) for low in self.low)

    @property
    def used(self) -> tuple[FloatArray, ...]:
        """Share of the fitted range that each node uses."""
        each = zip(self.low, self.high, self.span, strict=True)
        return tuple((high - low) / max(span, 1e-12) for low, high, span in each)

    def words(self, layer: int, node: int) -> str:
        """The range of a node's drive as field."""
        ends = np.array([self.low[layer][node], self.high[layer][node]])
        (low, high), unit = in_unit(self.windows[layer].field_T(ends))
        held = 100 * float(self.at_end[layer][node])
        return f"drive {low:.3g} to {high:.3g} {unit}" + (f", {held:.0f} % held" * (held >= 0.5))


@dataclass(frozen=True)
class Looked:
    """What was found.

    `fitted` `(BINS,)`: shares of the drives that the twins were fitted on; empty: unknown.
    `window`: how they become field; None where devices have different ones. `why`: a sentence for
    each thing that was not found. `output`: what the network answers.
    """

    fitted: FloatArray = field(default_factory=_none)
    window: DriveWindow | None = None
    sent: Sent | None = None
    why: tuple[str, ...] = ()
    output: str = "y"


def ask_of(run: NetworkRun, chosen: Sequence[Path]) -> DriveAsk:
    """Whose drives belong beside a run: its network's, else its twins', else those of the form."""
    asked = run.asked
    if run.network is not None:
        return DriveAsk(run.network)
    if (origin := getattr(asked, "origin", None)) is not None:
        return DriveAsk(origin, sent=False)
    if asked is None:
        return DriveAsk(twins=tuple(chosen))
    twin = getattr(asked, "twin", None)
    return DriveAsk() if twin is None else DriveAsk(
        twins=(twin, *getattr(asked, "next_layers", ()))
    )  # fmt: skip


def look(ask: DriveAsk) -> Looked:
    """Read a network and the recordings of its twins. Reads the disk: beside the window only."""
    from app.deployment import twin_file
    from app.store import load_network

    if ask.network is None:
        return fitted_of(ask.twins)
    network = load_network(ask.network)
    files = [twin_file(twin, ask.network) for twin in network.twins]
    found = fitted_of([file for file in dict.fromkeys(files) if file is not None])
    lost = [
        f"the twin {t.id} is missing" for t, f in zip(network.twins, files, strict=True) if not f
    ]
    windows = {device.window for device in network.devices}
    return Looked(
        _none() if lost else found.fitted,
        windows.pop() if len(windows) == 1 else None,
        sent_by(network) if ask.sent else None,
        (*lost, *found.why),
        output(network),
    )


def ahead(network: Network) -> int:
    """How many steps ahead it foretells; 0 where its task is none of that."""
    steps = network.task["options"].get("h", 0)
    return steps if isinstance(steps, int) else 0


def output(network: Network) -> str:
    """What it answers, as a formula: `y(t+5)`."""
    return f"y(t+{ahead(network)})" if ahead(network) else "y"


def sent_by(network: Network) -> Sent:
    """The drives of a network's unseen part under its twins' mean responses.

    How often they are held at an end is told with the twins' noise, as a deployment tells it.
    """
    from app.diagnosis import clipped_foreseen, foreseen_responses

    responses = foreseen_responses(network)
    drives = [
        network.drive(k, responses[:k])[network.washout :] for k in range(len(network.layers))
    ]
    counts = np.sum([np.histogram(drive, BINS, (0.0, 1.0))[0] for drive in drives], axis=0)
    ends = np.cumsum([layer.nodes for layer in network.layers])[:-1]
    return Sent(
        counts / max(float(counts.sum()), 1.0),
        tuple(drive.min(axis=0) for drive in drives),
        tuple(drive.max(axis=0) for drive in drives),
        tuple(layer.drive_high - layer.drive_low for layer in network.layers),
        tuple(np.split(clipped_foreseen(network), ends)),
        tuple(network.device_of(k).window for k in range(len(drives))),
    )


def fitted_of(twins: Sequence[Path]) -> Looked:
    """The drives that twins were fitted on, each twin's as much; unknown where a recording is lost.

    Sequences that a fit held out are not among them.
    """
    from app.operations.fitted_on import fitted_on
    from app.store import load_twin

    shares, windows, why = np.zeros(BINS), set(), []
    for path in dict.fromkeys(twins):
        try:
            twin, folder = load_twin(path), path if folder_at(path) else path.parent
            windows.add(twin.window)
            made = fitted_on(twin, folder)
        except TwinrigError as error:
            why.append(str(error))
            continue
        why += made.missing
        counts = np.zeros(BINS)
        for old in made.found:
            held = np.isin(np.arange(len(old.recording.drive)), old.sequences)
            drive = old.recording.drive[~held] if not held.all() else old.recording.drive
            counts += np.histogram(drive[np.isfinite(drive)], BINS, (0.0, 1.0))[0]
        if not made.found:
            why.append(f"{twin.meta.get('id') or folder.name} names no recording that is there")
        shares += counts / max(counts.sum(), 1.0)
    window = windows.pop() if len(windows) == 1 else None
    total = float(shares.sum())
    return Looked(shares / total if total and not why else _none(), window, None, tuple(why))


def in_unit(field_T: FloatArray) -> tuple[FloatArray, str]:
    """Field in a unit that suits it."""
    factor, unit = prefix(float(np.abs(field_T).max(initial=0.0)), "T")
    return factor * field_T, unit


def axis(window: DriveWindow | None) -> tuple[FloatArray, str]:
    """Edges `(BINS + 1,)` of the histogram's bins and the axis' words: field, or drive."""
    edges = np.linspace(0.0, 1.0, BINS + 1)
    if window is None:
        return edges, "Drive"
    shown, unit = in_unit(window.field_T(edges))
    return shown, f"Field, {unit}"


def heading(looked: Looked, *, training: bool) -> str:
    """What stands beside the title: the share that no end holds, and whether the rest is known."""
    parts = []
    if looked.sent is not None:
        parts.append(f"{100 * looked.sent.in_range:.1f} % in range")
    elif training:
        parts.append("as trained so far")
    if not looked.fitted.size:
        parts.append(UNKNOWN)
    return " · ".join(parts)
