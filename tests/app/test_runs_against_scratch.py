"""Hardware runs, recordings included, against physics-aware training from scratch.

Twinrig's way: record, fit, train through the twin's noise, deploy once. The other: the same nodes,
untrained, polished on the device from the start, with ten times as many runs. It is given more than
its due: the twin that gives its gradient costs it no recordings, its read-out starts from that
twin, and its deployment isn't counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from network_samples import run

from app.operations.deploy import deploy
from app.operations.fit import fit
from app.operations.polish import polish
from app.operations.record import record
from app.operations.train import train
from app.operations.transfer_parts import in_here
from app.store import load_network
from models.sequence import make_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench

TIMES = 10


@dataclass(frozen=True)
class Sizes:
    """How large a race is."""

    layers: tuple[int, ...]
    task: str
    sequences: int
    repeats: int
    steps: int
    fit_iterations: int
    train_iterations: int
    members: int = 1
    passes: int | None = None  # of the polishing; None: as many as ten times the runs give


@dataclass(frozen=True)
class Race:
    """Runs and scores on the device of both ways."""

    runs: int
    score: float
    scratch_runs: int
    scratch_score: float
    untrained_score: float


TINY = Sizes(
    (2, 2), "mackey-glass:train=700,validation=200,test=60,washout=20", 5, 4, 40, 30, 10, passes=3
)
FULL = Sizes(
    (8, 8), "mackey-glass:train=1500,validation=300,test=300,washout=60", 20, 4, 300, 4000, 600, 4
)


def race(bench: Bench, folder: Path, sizes: Sizes) -> Race:
    """Both ways to a network of the same nodes, one seed, on one bench."""
    sequences = make_sequences("mixed", sizes.sequences, sizes.steps, 0)
    list(record(bench, sequences, sizes.repeats, folder / "recording"))
    fitted = {"iterations": sizes.fit_iterations, "members": sizes.members}
    list(fit([folder / "recording"], folder / "twin", **fitted))
    for name, iterations in (("network", sizes.train_iterations), ("untrained", 0)):
        events = train(
            sizes.task, [folder / "twin"], sizes.layers, folder / name, iterations=iterations
        )
        run(events)
    measured = {
        name: run(deploy(folder / name, bench, folder / f"{name}-deployed"))[0][-1].values
        for name in ("network", "untrained")
    }
    recorded = sizes.sequences * sizes.repeats
    runs = recorded + int(measured["network"]["hardware_runs"])
    nodes = sum(sizes.layers)
    allowed = sizes.passes * nodes if sizes.passes else TIMES * runs
    events, _ = run(polish(folder / "untrained", bench, folder / "scratch", allowed, apart=in_here))
    scratch = run(deploy(folder / "scratch", bench, folder / "scratch-deployed"))[0][-1].values
    made = Race(
        runs, measured["network"]["measured"], int(events[-1].values["hardware_runs"]),
        scratch["measured"], measured["untrained"]["measured"],
    )  # fmt: skip
    print(  # noqa: T201
        f"{sizes.task}, {'×'.join(map(str, sizes.layers))} nodes, recorded sequences of "
        f"{sizes.steps} steps: noise-aware {made.score:.4f} "
        f"with {made.runs} runs ({recorded} recorded); from scratch on the device "
        f"{made.scratch_score:.4f} with {made.scratch_runs} (untrained {made.untrained_score:.4f})"
    )
    return made


def test_both_ways_are_run_and_counted(bench: Bench, tmp_path: Path) -> None:
    made = race(bench, tmp_path, TINY)
    assert made.runs == 5 * 4 + 4
    assert made.scratch_runs == 3 * 4
    scratch = load_network(tmp_path / "scratch")
    assert scratch.meta["hardware_runs"] == 12
    untrained = load_network(tmp_path / "untrained").meta["id"]
    assert [p["id"] for p in scratch.meta["parents"]] == [scratch.twins[0].id, untrained]


@pytest.mark.full
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("steps", [100, 300])  # 300: about as long as what a deployment plays
def test_ten_times_the_runs_from_scratch_come_to_no_better_score(
    bench: Bench, tmp_path: Path, steps: int
) -> None:
    made = race(bench, tmp_path, replace(FULL, steps=steps))
    assert made.scratch_runs >= TIMES * made.runs - 16
    assert made.score <= made.scratch_score
