"""A deployment that is finished, as the Deploy page shows it again; read beside the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.artefacts import sha256_of
from app.deployment import misfits_of
from app.deployment_store import FILE_NAME, load_deployment
from app.gui.live_deploy import LiveDeployment
from app.operations.events import NodeMeasured, NodeStarted, Result, RunPlan, ScoreSoFar
from app.running_score import running_score
from app.store import load_network
from app.weights_store import NETWORK_FILE
from models.errors import InputError
from models.paths import file_at
from models.schedule import runs

if TYPE_CHECKING:
    from app.deployment_store import Deployment
    from models.network import Network


def is_deployment(folder: Path) -> bool:
    """Whether a finished deployment stands there."""
    return file_at(folder / FILE_NAME)


def deployed(folder: Path) -> tuple[Path, Network, LiveDeployment]:
    """The network's folder, the network, and everything that was measured of it.

    Raises
    ------
    InputError
        The deployment is damaged, or its network is gone or another one now.
    """
    made = load_deployment(folder)
    path = _network_of(made, folder)
    network, live = load_network(path), LiveDeployment(complete=True)
    nodes, misfits = made.nodes, misfits_of(network, made.nodes)
    first = nodes[0]
    live.take(
        RunPlan(network.nodes, first.response.shape[1], network.steps, first.channels, first.units,
                0.0, str(folder / FILE_NAME), str(made.body["id"])),
        network,
    )  # fmt: skip
    for run in runs(network):
        response, drive = nodes[run.device].response[run.row], nodes[run.device].drive[run.row]
        mean, std = (x[run.position, :, : response.shape[2]]
                     for x in (network.node_mean, network.node_std))  # fmt: skip
        live.take(NodeStarted(run.layer, run.node, drive, mean, std), network)
        misfit = float(misfits[run.position])
        live.take(NodeMeasured(run.layer, run.node, response.mean(axis=0), misfit), network)
    told = running_score(network, nodes)
    metric = str(network.task["metric"])
    score = ScoreSoFar(told.nodes, told.value, told.low, told.high, told.prediction, metric)
    live.take(score, network)
    live.take(Result({**made.body, "path": str(folder / FILE_NAME)}), network)
    return path, network, live


def _network_of(made: Deployment, folder: Path) -> Path:
    """The folder of its network, where it was, or beside the deployment that moved with it."""
    there = Path(str(made.body["network"])).parent
    for path in (there, folder.parent / there.name):
        file = path / NETWORK_FILE
        if file_at(file) and sha256_of(file) == made.body["network_sha256"]:
            return path
    raise InputError(
        f"{folder.name}: its network {made.body['network_id']} is not at {there} nor beside it, or "
        "is another one now; its report shows what was measured"
    )
