"""A deployment before its first byte: what it needs, checks and compares. Never imports torch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import code_version, find_file, moved_with, new_id, now_iso, refuse_never_begun
from app.artefacts import sha256_of as file_sha256
from app.device_benches import checked_currents, matched
from app.diagnosis import foreseen_responses, misfit
from app.drift_store import drift_words, latest_drift
from app.recording_reader import read_recording
from app.weights_store import NETWORK_FILE
from models.errors import InputError, RefusedError, raise_problems
from models.paths import file_at, folder_at
from models.recording import Recording
from models.schedule import alternating
from models.schedule import runs as every_run
from models.sequence import PLAYED, FieldSequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.device_benches import Benches
    from instruments.bench import Bench
    from models.network import Network, TwinReference
    from models.schedule import Run
    from models.sequence import DriveWindow

    FloatArray = NDArray[np.float64]

NODES = "nodes"
NOISE_AWARE, DETERMINISTIC, UNTRAINED = "noise-aware", "deterministic twin", "untrained"
AFTER_DRIFT = (
    "Fit the twin further on new repeats (twinrig fit --from) and train again, or deploy all the "
    "same with --despite-drift"
)


def preflight(
    network: Network,
    path: Path,
    benches: Benches,
    *,
    despite_drift: bool = False,
    repeats: int = 1,
) -> list[str]:
    """Check, before a byte is sent, that the network may run on its devices' benches.

    Returns
    -------
    list of str
        What the latest comparisons of its twins, and its magnets' calibrations, say against it;
        only with `despite_drift`.

    Raises
    ------
    InputError
        A twin of the network is missing, or is not the one that it was trained through.
    RefusedError
        A twin no longer matches the device; a device's bench differs from the one that the twin was
        recorded on (every difference), sends other currents for the same fields, or a drive that
        the network could send would break a limit.
    """
    drifted = checked_twins(network, path, despite_drift=despite_drift)
    given = matched(network, path, benches)
    drifted += checked_currents(network, path, given, despite_drift=despite_drift)
    check_limits(network, given, repeats)
    return drifted


def checked_twins(network: Network, path: Path, *, despite_drift: bool) -> list[str]:
    """The part of `preflight` that is about the twins."""
    raise_problems(InputError, str(path), [p for t in network.twins for p in _lost(t, path)])
    drifted = drifts_against(network, path)
    if drifted and not despite_drift:
        raise RefusedError(f"{path}: {' '.join(drifted)} {AFTER_DRIFT}")
    return drifted


def check_limits(network: Network, benches: Sequence[Bench], repeats: int) -> None:
    """The part of `preflight` that is about the drives, on the bench of each device."""
    for number, (device, bench) in enumerate(zip(network.devices, benches, strict=True)):
        layers = [network.layers[k] for k in network.layers_on(number)]
        reached = [FieldSequence(np.array([x.drive_low, x.drive_high])) for x in layers]
        bench.check_sequences(reached, device.window, device.reset)
        if heats(bench):
            foreseen = [FieldSequence(d) for d in _foreseen_drives(network, number, repeats)]
            bench.check_sequences(foreseen, device.window, device.reset)


def heats(bench: Bench) -> bool:
    """Whether the order of runs can matter: a magnet has a limit of I²t (`max_duty_A2s`)."""
    return any(math.isfinite(magnet.limits.max_duty_A2s) for magnet in bench.drives)


def in_order(
    runs: Sequence[Run], drives: FloatArray, bench: Bench, window: DriveWindow, repeats: int
) -> list[tuple[Run, int]]:
    """The runs of a layer and their repeats as they are played: (run, repeat).

    Each repeat of all nodes before the next one, so that a drift is shared alike; within one, where
    a magnet has a limit of I²t, warm and cool drives alternate.

    Parameters
    ----------
    runs
        Of one layer.
    drives
        `(T, nodes)` of the layer.
    """
    ordered = list(runs)
    if heats(bench):
        heat = [float(np.mean(window.field_T(drives[:, run.node]) ** 2)) for run in runs]
        ordered = alternating(runs, heat)
    return [(run, repeat) for repeat in range(repeats) for run in ordered]


def _foreseen_drives(network: Network, device: int, repeats: int) -> list[FloatArray]:
    """Drives of a device's runs by order within a layer, as the twin's mean foresees them."""
    responses, found = foreseen_responses(network), []
    for layer in network.layers_on(device):
        drives = network.drive(layer, responses[:layer])
        heat = np.mean(network.devices[device].window.field_T(drives) ** 2, axis=0)
        runs = [run for run in every_run(network) if run.layer == layer]
        found += [drives[:, run.node] for run in alternating(runs, heat.tolist())] * repeats
    return found


def drifts_against(network: Network, path: Path) -> list[str]:
    """What the latest comparison of each of its twins says, where that no longer matches.

    Raises
    ------
    InputError
        A comparison can't be read.
    """
    said = []
    for twin in network.twins:
        file = twin_file(twin, path)
        latest = latest_drift(file) if file is not None else None
        if latest is not None and latest["changed"]:
            said.append(f"Twin {twin.id} no longer matches. {drift_words(latest)}")
    return list(dict.fromkeys(said))


def of_another(named: Path | None, sha256: object, path: object) -> list[str]:
    """In words, where a run that was begun with `path`, then of this digest, is not of `named`."""
    if named is None or file_sha256(find_file(named, NETWORK_FILE)) == sha256:
        return []
    return [f"was begun with another network ({path}, or with what that held then)"]


def twin_file(twin: TwinReference, network: Path) -> Path | None:
    """A twin's file, None where it is lost; in a folder that moved with its network it is found."""
    file = moved_with(Path(twin.path), network if folder_at(network) else network.parent)
    return file if file_at(file) else None


def _lost(twin: TwinReference, network: Path) -> list[str]:
    """What is wrong with a twin's file."""
    file = twin_file(twin, network)
    if file is None:
        return [f"its twin {twin.id} is missing: {twin.path} (nor is it beside the network); put "
                "it back"]  # fmt: skip
    if file_sha256(file) != twin.sha256:
        return [f"its twin {twin.id} has changed: {file} has another SHA-256; train anew with it"]
    return []


def numbered(name: str, index: int) -> str:
    """Name of a folder of which there is one a device: `runs`, that of a second one `runs-2`."""
    return name if index == 0 else f"{name}-{index + 1}"


def nodes_folder(device: int) -> str:
    """Name of the folder for the nodes that a device plays."""
    return numbered(NODES, device)


def read_nodes(out: Path, network: Network) -> list[Recording]:
    """What was measured of a network's nodes, a recording a device."""
    return [read_recording(out / nodes_folder(k)) for k in range(len(network.devices))]


def blank_nodes(
    network: Network,
    path: Path,
    bench: Bench,
    repeats: int = 1,
    device: int = 0,
    out: Path | None = None,
) -> Recording:
    """Recording of a device's nodes to come, each with so many repeats: all NaN.

    It carries the settings of the bench, and the id of the deployment in `out`.
    """
    known, layers = network.devices[device], network.layers_on(device)
    nodes = sum(network.layers[layer].nodes for layer in layers)
    steps, width = network.steps, len(known.channels)
    file = find_file(path, NETWORK_FILE)
    return Recording(
        response=np.full((nodes, repeats, steps, width), np.nan),
        drive=np.full((nodes, steps), np.nan),
        lengths=np.full(nodes, steps, dtype=np.int64),
        families=(PLAYED,) * nodes,
        order=np.full((nodes, repeats), -1, dtype=np.int64),
        start_s=np.full((nodes, repeats), np.nan),
        channels=known.channels,
        units=known.units,
        window=known.window,
        reset=known.reset,
        settings=bench.settings(),
        identities=bench.identities(),
        status="running",
        meta={
            "id": new_id("dep", out),
            "created": now_iso(),
            "code_version": code_version(),
            "bench": bench.spec.name,
            "limits": bench.spec.limits,
            "driven": [magnet.name for magnet in bench.drives],
            "network": str(file.resolve()),
            "network_sha256": file_sha256(file),
            "layers": [network.layers[layer].nodes for layer in layers],
            "layer_numbers": layers,
            **bench.spec.asked_seed,
        },
    )


def network_of_run(nodes: Path) -> Path:
    """Path of the network that a deployment's nodes belong to; InputError where none is named."""
    refuse_never_begun(nodes.parent, "deployment", nodes.name)
    named = read_recording(nodes).meta.get("network")
    if not isinstance(named, str):
        raise InputError(f"{nodes}: names no network; give it: twinrig deploy NETWORK --resume …")
    return moved_with(Path(named), nodes.parent)


def misfit_of(network: Network, position: int, response: FloatArray) -> float:
    """RMSE of a node's response `(T, C)` from the twin's mean, over what the twin expects of it.

    After the washout, as `app.diagnosis.misfit`; NaN where the twin expects no spread (a
    deterministic one).
    """
    after, width = slice(network.washout, None), response.shape[1]
    error = response[after] - network.node_mean[position, after, :width]
    return float(misfit(error, network.node_std[position, after, :width]))


def misfits_of(network: Network, nodes: Sequence[Recording]) -> FloatArray:
    """Misfit of each node, of several repeats as `misfit_of_runs`.

    `nodes` as `read_nodes` gives them. The twin's spread is that of a single run: the mean of
    several would look better than it is.
    """
    each = [
        misfit_of_runs(network, run.position, nodes[run.device].response[run.row])
        for run in every_run(network)
    ]
    return np.array(each)


def misfit_of_runs(network: Network, position: int, responses: FloatArray) -> float:
    """Root mean square of the misfits of a node's runs `(R, T, C)`."""
    return float(np.sqrt(np.mean([misfit_of(network, position, one) ** 2 for one in responses])))


def layers_of_run(network: Network, nodes: Sequence[Recording]) -> list[FloatArray]:
    """Responses `(T, nodes, C)` of each layer: the mean over a node's repeats.

    `nodes` as `read_nodes` gives them.
    """
    each: list[list[FloatArray]] = [[] for _ in network.layers]
    for run in every_run(network):
        each[run.layer].append(nodes[run.device].response[run.row].mean(axis=0))
    return [np.stack(layer, axis=1) for layer in each]


def label_of(network: Network) -> str:
    """Which kind of network: untrained, deterministic twin, or noise-aware."""
    if network.meta.get("iterations") == 0:
        return UNTRAINED
    return DETERMINISTIC if network.meta.get("deterministic") else NOISE_AWARE
