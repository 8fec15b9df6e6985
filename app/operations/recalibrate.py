"""Recalibrate a network's read-out from one short run on the device, over known data.

The stretch is deployed as any network is (`app.operations.deploy`), one run a node. What the device
answered corrects the read-out as far as it pays; the layers stay, and the unseen part is not run.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import sha256_of
from app.deployment import layers_of_run, nodes_folder, read_nodes
from app.device_benches import each_of
from app.operations.child import in_child
from app.operations.deploy import deploy
from app.operations.events import Note, Stage
from app.operations.transfer_parts import bettered, with_parent, within
from app.weights_store import NETWORK_FILE, load_network
from app.words import signed
from models.paths import file_at, folder_at
from training.recalibrate import recalibrate as corrected
from training.recalibrate import refuse_few

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.device_benches import Benches
    from app.operations.events import Event
    from app.operations.transfer_parts import Apart
    from instruments.clock import Pause
    from models.network import Network
    from models.recording import Recording
    from training.recalibrate import Recalibrated

KIND = "recalibrate"
TORCH = "app.operations.transfer_torch"
STEPS = 600  # judgement: a few hundred answers decide about a hundred columns
APART_STEPS = 20  # between what corrects and what judges: neighbours of a series are alike
STRETCH, RUN = "stretch", "run"


def recalibrate(
    network: Path | None,
    bench: Benches,
    out: Path,
    *,
    steps: int = STEPS,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    despite_drift: bool = False,
    apart: Apart = in_child,
) -> Generator[Event, None, Path]:
    """Run a stretch of known data and correct the read-out by it; returns the new `network.json`.

    Parameters
    ----------
    network
        Its folder or `network.json`; None with `resume`.
    bench
        As of `deploy`.
    out
        A new folder: `stretch` (what is run), `run` (its deployment), and the new network; with
        `resume` that of one that ended early: nodes that are complete are not measured again.
    steps
        The last ones of the training and validation part; the washout comes on top.
    pause, retries, despite_drift
        As of `deploy`.
    apart
        Where torch runs.

    Raises
    ------
    InputError
        The network or its task can't be read, the part is shorter, `out` in use.
    RefusedError
        As of `deploy`.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    out, told = Path(out), dict[str, Any]()
    if not resume:  # before a folder is made
        every = load_network(Path(network or "")).answer_every
        refuse_few(max(1, steps // every), APART_STEPS // every)

    def work(plan: dict[str, Any]) -> Generator[Event, None, dict[str, Any]]:
        yield from _stretch_run(plan, bench, out, told, (pause, retries), apart)
        yield Stage("correct the read-out", 3, 3)
        return (yield from _corrected(plan, bench, out, told, apart))

    return (
        yield from bettered(
            KIND, network, bench, out, {"steps": steps}, work, resume=resume,
            despite_drift=despite_drift, so_far=lambda: _reason(told),
        )
    )  # fmt: skip


def _stretch_run(
    plan: dict[str, Any],
    bench: Benches,
    out: Path,
    told: dict[str, Any],
    control: tuple[Pause | None, int],
    apart: Apart,
) -> Generator[Event, None, None]:
    """The stretch as a network of its own, then its deployment: both only where not there yet."""
    yield Stage("choose a stretch of known data", 1, 3)
    if not file_at(out / STRETCH / NETWORK_FILE):
        asked = {"network": Path(plan["network"]), "out": out / STRETCH, **plan["asked"]}
        yield from apart(f"{TORCH}.stretch", asked, lambda: _is_stopped(bench))
    part = load_network(out / STRETCH)
    refuse_few(len(part.unseen_targets), APART_STEPS // part.answer_every)
    yield Stage("run it on the device, one run a node", 2, 3)
    pause, retries = control
    events = deploy(
        out / STRETCH, bench, out / RUN, resume=folder_at(out / RUN / nodes_folder(0)), pause=pause,
        retries=retries, despite_drift=bool(plan["despite_drift"]),
    )  # fmt: skip
    yield from within(events, told)


def _corrected(
    plan: dict[str, Any], bench: Benches, out: Path, told: dict[str, Any], apart: Apart
) -> Generator[Event, None, dict[str, Any]]:
    """Correct the read-out by what was measured, and foresee what it will score."""
    part = load_network(out / STRETCH)
    nodes = read_nodes(out / RUN, part)
    found = correction_of(part, nodes)
    words = words_of(found)
    yield Note(words, "info" if found.real else "warning")
    origin = load_network(Path(plan["network"]))
    cross = {"before": found.before, "after": found.after}
    runs = int(told["hardware_runs"])
    so_far = int(origin.meta.get("hardware_runs", 0))
    meta = {
        "recalibrated": {
            **{k: v for k, v in asdict(found).items() if k not in ("weights", "bias")},
            "real": found.real, "run": str(out / RUN), "hardware_runs": runs,
        },
        "hardware_runs": so_far + runs,
        "parents": [
            *with_parent(origin, plan),
            {"id": str(nodes[0].meta.get("id", "")), "path": str(out / RUN / "deployment.json"),
             "sha256": sha256_of(out / RUN / "deployment.json")},
        ],
    }  # fmt: skip
    asked = {
        "network": Path(plan["network"]), "out": out, "weights": found.weights,
        "bias": found.bias, "meta": meta,
    }  # fmt: skip
    made: dict[str, Any] = yield from apart(f"{TORCH}.foreseen", asked, lambda: _is_stopped(bench))
    return {
        "path": made["path"], "status": "done", "task": origin.task["name"],
        "metric": origin.task["metric"], "predicted": made["predicted"],
        "predicted_before": origin.predicted, "cross_validated": cross, "gain": words,
        "gain_is_real": found.real, "ridge": found.ridge, "hardware_runs": runs,
        "baselines": made["baselines"],
    }  # fmt: skip


def _is_stopped(bench: Benches) -> bool:
    return any(one.stop.requested for one in each_of(bench))


def correction_of(network: Network, nodes: Sequence[Recording]) -> Recalibrated:
    """The correction of a network's read-out by its run over known data (`read_nodes`)."""
    responses = layers_of_run(network, nodes)
    rows = network.rows(network.features(network.inputs, responses))[network.unscored :]
    return corrected(
        rows, network.unseen_targets, network.readout_weights, network.readout_bias,
        str(network.task["metric"]), gap=APART_STEPS // network.answer_every,
    )  # fmt: skip


def words_of(found: Recalibrated) -> str:
    """Whether the cross-validated gain is real or none, in a sentence."""
    error = 100 * found.error
    seen = (
        f"squared error {signed(-100 * found.gain)} ± {error:.1f} % on blocks that it has not seen"
    )
    if found.real:
        return f"the gain is real: {seen}; the read-out is corrected"
    return f"no gain beyond chance: {seen}; the trained read-out stays"


def _reason(told: dict[str, Any]) -> dict[str, Any]:
    names = ("reason", "recorded")
    return {name: told[name] for name in names if name in told and np.size(told[name])}
