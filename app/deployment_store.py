"""A deployment on disk: what it leaves, and the reader that notices when that was changed.

Layout: `deployment.json`, `result.nc` (prediction and target over the unseen part, misfit of each
node), `nodes/` (a recording: one sequence a node, in schedule order; of several devices one each,
`nodes-2/`, …). The JSON keeps the SHA-256 of all, so that no part can be exchanged. Never imports
torch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import (
    code_version,
    find_file,
    load_artefact,
    now_iso,
    read_head,
    save_artefact,
)
from app.deployment import label_of, layers_of_run, misfits_of, nodes_folder
from app.diagnosis import FORM as DIAGNOSIS
from app.diagnosis import Diagnosis, layer_medians
from app.disk import RESTORE
from app.netcdf import Variable, read_netcdf, write_netcdf
from app.recording_reader import FILE_NAME as RECORDING_NAME
from app.recording_reader import read_recording, times_continued
from models.errors import InputError, raise_problems
from models.json_form import (
    COUNT,
    IDENTITIES,
    NUMBER,
    SCORE,
    SETTINGS,
    TEXT,
    Form,
    Rows,
    Table,
    faults,
)
from models.network import ORIGIN_UNKNOWN
from models.network_form import ACHIEVED, BASELINES, PREDICTED, TWIN_REFERENCE
from models.paths import file_at
from models.recording import BEYOND_ANY_DEVICE
from models.schemas import DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.network import Network
    from models.recording import Recording

    FloatArray = NDArray[np.float64]

KIND = "deployment"
FILE_NAME = "deployment.json"
RESULT_NAME = "result.nc"
DESPITE_DRIFT = "despite_drift"
"""Key of what was said against the deployment beforehand: its twin no longer matched."""
RESULT_FORM: dict[str, Form] = {
    "path": TEXT, "task": TEXT, "metric": TEXT, "description": TEXT, "measured": ACHIEVED,
    "predicted": PREDICTED, "baselines": BASELINES, "nodes": COUNT, "hardware_runs": COUNT,
    "seconds": NUMBER, "label": TEXT, "layers": Rows(COUNT), "network": TEXT,
    "misfit": Table(
        optional={"layers": Rows(SCORE), "worst": SCORE, "worst_node": COUNT},
    ),
}  # fmt: skip
OPTIONAL: dict[str, Form] = {
    DESPITE_DRIFT: Rows(TEXT), ORIGIN_UNKNOWN: Rows(TEXT), "continued": COUNT, "repeats": COUNT,
    "diagnosis": DIAGNOSIS, "classes": Rows(TEXT),
    "devices": Rows(Table({"nodes": TEXT, "layers": Rows(COUNT)}, optional={"bench": TEXT})),
}  # fmt: skip
"""Not every deployment has them; those before this version have none."""
FORM = Table(
    {
        "id": TEXT, "created": TEXT, "code_version": TEXT, "network_id": TEXT,
        "network_sha256": TEXT, "twins": Rows(TWIN_REFERENCE), "settings": SETTINGS,
        "identities": IDENTITIES, **RESULT_FORM,
    },
    optional=OPTIONAL,
)  # fmt: skip
"""What `deployment.json` must look like; kind, schema, checksum and files are the store's."""
BY_NODE = ("cost", "clipped", "clipped_foreseen")
"""Of a diagnosis; deployments before this version have none."""
SERIES = ("prediction", "target", "forecast_mean", "forecast_low", "forecast_high")


def write_deployment(
    out: Path,
    network: Network,
    nodes: Sequence[Recording],
    prediction: FloatArray,
    seconds: float,
    drifted: Sequence[str] = (),
) -> dict[str, Any]:
    """Write `result.nc` and `deployment.json`; returns the values of the result line.

    Parameters
    ----------
    out
        Folder of the deployment.
    network, nodes
        What ran, and what was measured of every node, a recording a device.
    prediction
        `(answers, n_out)` over the unseen part.
    seconds
        Time that it took, of one that was continued since then.
    drifted
        What the twins' latest comparisons said against it.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    repeats = nodes[0].response.shape[1]
    answered = layers_of_run(network, nodes)
    found = Diagnosis.of(network, answered, misfits_of(network, nodes), repeats)
    measured = network.score(prediction)
    write_netcdf(
        out / RESULT_NAME,
        _variables(network, prediction, found),
        {"title": "Twinrig deployment: a network's forecast on the device", "kind": KIND},
    )
    remarks = [words for one in nodes for words in one.meta.get("remarks", [])]
    void = [words for words in remarks if "was void" in words]
    continued = times_continued(nodes[0])
    first = nodes[0]
    devices = [{"nodes": nodes_folder(k), "layers": network.layers_on(k),
                "bench": str(one.meta.get("bench", ""))}
               for k, one in enumerate(nodes)]  # fmt: skip
    body = {
        "path": str(out / FILE_NAME),
        "task": network.task["name"],
        "metric": network.task["metric"],
        "description": network.task.get("description", ""),
        "measured": measured,
        "predicted": network.predicted,
        "baselines": network.baselines,
        "nodes": network.nodes,
        "hardware_runs": sum(int(one.complete.sum()) for one in nodes) + len(void),
        "seconds": round(seconds, 1),
        "label": label_of(network),
        "layers": [layer.nodes for layer in network.layers],
        "misfit": _summary(network, found.misfits),
        "network": first.meta["network"],
        "repeats": repeats,
        "diagnosis": found.summary(network, measured, repeats),
        "classes": list(network.classes),
        **({DESPITE_DRIFT: list(drifted)} if drifted else {}),
        **({ORIGIN_UNKNOWN: list(unsure)} if (unsure := network.origin_unknown) else {}),
        **({"devices": devices} if len(nodes) > 1 else {}),
        **({"continued": continued} if continued else {}),
    }
    whole = {"kind": KIND, "schema": DEPLOYMENT, **_history(network, first), **body}
    save_artefact(out, FILE_NAME, whole, {}, beside=_beside(len(nodes)))
    return body


def _history(network: Network, first: Recording) -> dict[str, Any]:
    """Whose deployment it is, by the nodes of the first device, and when it was made."""
    return {
        "id": first.meta["id"],
        "created": now_iso(),
        "code_version": code_version(),
        "network_id": network.meta.get("id", ""),
        "network_sha256": first.meta["network_sha256"],
        "twins": [asdict(twin) for twin in network.twins],
        "settings": first.settings,
        "identities": first.identities,
    }


def _beside(devices: int) -> tuple[str, ...]:
    """The files that belong to a deployment on so many devices."""
    return (RESULT_NAME, *(f"{nodes_folder(k)}/{RECORDING_NAME}" for k in range(devices)))


@dataclass(frozen=True)
class Deployment:
    """A finished deployment as it stands on disk.

    Attributes
    ----------
    body
        `deployment.json`, checked.
    arrays
        `result.nc`: the `SERIES` `(T,)` or `(T, n_out)` over the unseen part, `misfit` and `layer`
        `(nodes,)`.
    nodes
        What was measured, a recording a device, one sequence a node.
    """

    body: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    nodes: tuple[Recording, ...]


def load_deployment(path: Path) -> Deployment:
    """Read a finished deployment: its folder, or the `deployment.json` in it.

    Raises
    ------
    InputError
        Missing, cut short, damaged, of another schema, or no deployment; or its result or its nodes
        are not those that it was finished with.
    """
    path = find_file(path, FILE_NAME)
    named = read_head(path, KIND, DEPLOYMENT).get("devices")
    devices = len(named) if isinstance(named, list) else 1
    body, _ = load_artefact(path, FILE_NAME, KIND, DEPLOYMENT, beside=_beside(devices))
    raise_problems(InputError, f"{path}: no complete deployment ({RESTORE})", faults(body, FORM))
    content = read_netcdf(path.parent / RESULT_NAME)
    nodes = tuple(read_recording(path.parent / nodes_folder(k)) for k in range(devices))
    made = Deployment(body, content.variables, nodes)
    raise_problems(InputError, f"{path}: no complete deployment ({RESTORE})", _misfits_of(made))
    return made


def _misfits_of(made: Deployment) -> list[str]:
    count, arrays = made.body["nodes"], made.arrays
    problems = [
        f"{RESULT_NAME} holds no numbers {name}"
        for name in (*SERIES, "misfit", "layer")
        if name not in arrays or arrays[name].dtype.kind not in "fi"
    ]
    if problems:
        return problems
    shape = arrays["target"].shape
    problems += [
        f"{name} has shape {arrays[name].shape}, expected {shape} numbers"
        for name in SERIES
        if arrays[name].shape != shape or not (np.abs(arrays[name]) < BEYOND_ANY_DEVICE).all()
    ]
    if not shape or shape[0] < 1:
        problems.append("its target is empty")
    by_node = [n for n in ("misfit", "layer", *BY_NODE) if n in arrays]
    if any(arrays[n].shape != (count,) or arrays[n].dtype.kind not in "fi" for n in by_node):
        problems.append(f"{', '.join(by_node)} must be of {count} nodes")
    measured = sum(len(one.families) for one in made.nodes)
    if measured != count or sum(made.body["layers"]) != count:
        problems.append(f"its nodes or layers are not those of {count} nodes")
    if not all(one.complete.all() for one in made.nodes):
        problems.append("some of its nodes were never measured")
    return problems


def finished_values(out: Path) -> dict[str, Any] | None:
    """The result of a deployment that is finished already, else None."""
    if not file_at(out / FILE_NAME):
        return None
    body = load_deployment(out).body
    names = (*RESULT_FORM, *(name for name in OPTIONAL if name in body))
    return {**{name: body[name] for name in names}, "path": str(out / FILE_NAME)}


def _summary(network: Network, misfits: FloatArray) -> dict[str, Any]:
    """Median misfit a layer, and the node that is furthest off, by its place from 0."""
    if not np.isfinite(misfits).any():
        return {}
    worst = int(np.nanargmax(misfits))
    return {
        "layers": layer_medians(network, misfits),
        "worst": float(misfits[worst]),
        "worst_node": worst,
    }


def _variables(network: Network, prediction: FloatArray, found: Diagnosis) -> dict[str, Variable]:
    target = network.unseen_targets
    single = target.shape[1] == 1
    dims = ("step",) if single else ("step", "output")
    layers = np.repeat(np.arange(len(network.layers)), [x.nodes for x in network.layers])
    series = {
        "prediction": (prediction, "answer of the device's network"),
        "target": (target, "what was to be answered"),
        "forecast_mean": (network.forecast_mean, "mean answer that the twin foresaw"),
        "forecast_low": (network.forecast_low, "5th percentile of the twin's single passes"),
        "forecast_high": (network.forecast_high, "95th percentile of the twin's single passes"),
    }
    steps = np.arange(len(target), dtype=np.int32)
    return {
        "step": Variable(("step",), steps, {"units": "1"}),
        "node": Variable(("node",), np.arange(network.nodes, dtype=np.int32), {"units": "1"}),
        **{
            name: Variable(
                dims, values[:, 0] if single else values, {"units": "1", "long_name": words}
            )
            for name, (values, words) in series.items()
        },
        "layer": Variable(("node",), layers.astype(np.int32), {"units": "1"}),
        **{
            name: Variable(("node",), values, {"units": "1", "long_name": words})
            for name, (values, words) in {
                "misfit": (found.misfits, "RMSE over what the twin expects"),
                "cost": (found.cost, "score lost against the twin's mean in the node's place"),
                "clipped": (found.clipped, "share of steps at an end of the fitted range"),
                "clipped_foreseen": (found.clipped_foreseen, "the same as the twin foresaw it"),
            }.items()
        },
    }
