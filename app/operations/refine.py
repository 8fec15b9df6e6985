"""Closed-loop refinement: measure what the network really sends, refit its twin, retrain it.

A round (`app.operations.refine_round`) has a folder of its own: pieces of the drives that the nodes
send over the training part are recorded (few repeats), a few more with many repeats score the twin
before and after and are never fitted, the twin is fitted further with half of each batch new, and
the network trained further through it. Of several devices each is recorded on what its own nodes
send, one after another, and every twin fitted further. The rigs are in their safe state while the
processor works.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import new_id, now_iso
from app.operations.child import in_child
from app.operations.refine_round import Round, Rounds
from app.operations.transfer_parts import bettered, with_parent
from app.weights_store import NETWORK_FILE, load_network, save_network
from models.errors import InputError, raise_problems
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.device_benches import Benches
    from app.operations.events import Event
    from app.operations.transfer_parts import Apart
    from instruments.clock import Pause

KIND = "refine"
LEAST = {"rounds": 1, "pieces": 3, "repeats": 4, "scoring": 2, "scoring_repeats": 4,
         "fit_iterations": 1, "train_iterations": 1, "piece_steps": 2}  # fmt: skip


@dataclass(frozen=True)
class Refinement:
    """What a refinement is asked for; the defaults are the recipe that was measured to help.

    Attributes
    ----------
    rounds
        How often all of it is done.
    pieces, repeats
        Pieces of drives that are recorded to fit, of each device, and repeats.
    scoring, scoring_repeats
        Pieces that only score, of each device, and repeats.
    fit_iterations, fit_rate
        Of each twin's fit, and its learning rate.
    train_iterations
        Of the network's training; it goes on at 4e-3.
    piece_steps
        Of a piece; None: as many as the sequences that its twin was fitted on have.
    """

    rounds: int = 2
    pieces: int = 144
    repeats: int = 4
    scoring: int = 12
    scoring_repeats: int = 16
    fit_iterations: int = 2500
    fit_rate: float = 1.5e-3
    train_iterations: int = 800
    piece_steps: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {value} must be at least {least}"
            for name, least in LEAST.items()
            if (value := getattr(self, name)) is not None and value < least
        ]
        raise_problems(InputError, KIND, problems)


def refine(
    network: Path | None,
    bench: Benches,
    out: Path,
    asked: Refinement | None = None,
    *,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    despite_drift: bool = False,
    apart: Apart = in_child,
) -> Generator[Event, None, Path]:
    """Refine a network round by round; returns the `network.json` of the last round, in `out`.

    Parameters
    ----------
    network
        Its folder or `network.json`; None with `resume`.
    bench
        As of `app.operations.deploy.deploy`; each is made safe after each recording, however it
        ends.
    out
        A new folder: `round-1`, … with drives, recordings, twins and network of each, and the last
        network; with `resume` that of one that ended early: what is complete stays.
    asked
        None: the recipe's, or with `resume` what it was begun with.
    pause, retries, despite_drift, apart
        As of `app.operations.recalibrate.recalibrate`.

    Raises
    ------
    InputError
        The network, its task, its twins or their recordings can't be read; `out` in use.
    RefusedError
        The network may not run on these benches, or a drive would break a limit.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    out, told = Path(out), dict[str, dict[str, Any]]()

    def work(plan: dict[str, Any]) -> Generator[Event, None, dict[str, Any]]:
        rounds = Rounds(plan, bench, (pause, retries), apart)
        return (yield from _every_round(rounds, out, told))

    return (
        yield from bettered(
            KIND, network, bench, out, asdict(asked or Refinement()), work, resume=resume,
            despite_drift=despite_drift, so_far=lambda: {"rounds": told},
        )
    )  # fmt: skip


def _every_round(
    rounds: Rounds, out: Path, told: dict[str, dict[str, Any]]
) -> Generator[Event, None, dict[str, Any]]:
    """Every round in turn, each told as it is over; returns the result's values."""
    plan, asked = rounds.plan, Refinement(**rounds.plan["asked"])
    network = Path(plan["network"])
    first = load_network(network)
    for number in range(1, asked.rounds + 1):
        one = Round(rounds, asked, out / f"round-{number}", network, number)
        told[f"round {number}"] = yield from one.events()
        network = one.made
    last = load_network(network)
    runs = sum(row["hardware_runs"] for row in told.values())
    before = int(first.meta.get("hardware_runs", 0))
    meta = {
        **last.meta, "id": new_id("net", out), "created": now_iso(),
        "parents": with_parent(last, plan),
        "refined": {"rounds": told, "from": first.meta.get("id", "")},
        "hardware_runs": before + runs,
    }  # fmt: skip
    path = out / NETWORK_FILE
    if not file_at(path):
        path = save_network(out, replace(last, meta=meta))
    return {
        "path": str(path), "status": "done", "task": last.task["name"],
        "metric": last.task["metric"], "predicted": last.predicted,
        "predicted_before": first.predicted, "rounds": told, "hardware_runs": runs,
        "baselines": last.baselines,
    }  # fmt: skip
