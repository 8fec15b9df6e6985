"""What members do for a network where little was measured: score on the device, and as foreseen.

Recordings of the quick demo's size, of 80 repeats, and of a spectrum; on each a twin of one fit and
one of four members, with as many iterations in all; networks through each, deployed on the device
that was recorded.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch
from network_samples import value_of

from app.deployment_store import load_deployment
from app.operations.demo_stages import MOSTLY_MIXED, of_all_families
from app.operations.deploy import deploy
from app.operations.fit import fit
from app.operations.record import record
from app.operations.train import train
from app.store import load_twin, read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.sequence import make_sequences
from models.simulated import module_of
from training.validation import score_model
from training.verdict import DECIDING

if TYPE_CHECKING:
    from pathlib import Path

SCORING_SEED = 50


@dataclass(frozen=True)
class Size:
    """Of the recording that is fitted and of what scores its twins; of fits and networks."""

    sequences: int
    repeats: int
    steps: int
    scoring: int
    iterations: int
    layers: tuple[int, ...]
    train_iterations: int
    task: str
    networks: int
    taps: tuple[int, ...] = (0,)
    bench: str = "virtual"
    seeds: int = 5


SMALL = Size(
    12, 2, 20, 4, 8, (2, 2), 2, "mackey-glass:h=5,train=700,validation=200,test=60,washout=20", 1
)
QUICK = Size(
    200, 2, 60, 100, 4000, (12, 12, 12), 300, "mackey-glass:h=5,test=500", 2, (0, 3, 6)
)  # the demo's
FEW = Size(
    20, 4, 100, 100, 4000, (8, 8), 600,
    "mackey-glass:train=1500,validation=300,test=300,washout=60", 2,
)  # fmt: skip
ICE = Size(
    320, 2, 200, 24, 6000, (6, 6), 300,
    "mackey-glass:train=1500,validation=300,test=300,washout=60", 2, (0, 3, 6),
    bench="virtual-spin-vortex-ice", seeds=1,
)  # fmt: skip


class Found(NamedTuple):
    """Of one network: score on the device, what was foreseen, and that of AR-18."""

    measured: float
    value: float
    low: float
    high: float
    regression: float

    @property
    def inside(self) -> bool:
        return self.low <= self.measured <= self.high


def rows(folder: Path, size: Size, seed: int) -> dict[int, tuple[list[Found], dict[str, float]]]:
    """By members: the networks, and the twin's errors over their floor with its coverage."""
    spec = read_bench(size.bench)
    assert spec.virtual is not None
    virtual = replace(spec.virtual, seed=seed, accelerate=float("inf"))
    made = {}
    with Bench.connect(replace(spec, virtual=virtual)) as bench:
        fitted = of_all_families(size.sequences, size.steps, seed, MOSTLY_MIXED)
        value_of(record(bench, fitted, size.repeats, folder / "fitted", seed=seed))
        unseen = make_sequences("mixed", size.scoring, size.steps, SCORING_SEED + seed)
        value_of(record(bench, unseen, 16, folder / "unseen", seed=seed))
        scoring = read_recording(folder / "unseen")
        for members in (1, 4):
            twin = folder / f"twin-{members}"
            asked = {"iterations": size.iterations, "members": members, "seed": seed}
            value_of(fit([folder / "fitted"], twin, **asked))
            model = module_of(load_twin(twin))
            scores = score_model(model, scoring.drive, scoring.response, seed)
            errors = {name: float(scores.errors[name]["ratio"] or np.nan) for name in DECIDING}
            errors["coverage"] = float(scores.coverage["value"] or np.nan)
            found = []
            for k in range(size.networks):
                network, out = folder / f"net-{members}-{k}", folder / f"dep-{members}-{k}"
                options = {"taps": list(size.taps), "readout_taps": list(size.taps)}
                how = {"iterations": size.train_iterations, "seed": seed + 10 * k}
                value_of(train(size.task, [twin], size.layers, network, options=options, **how))
                value_of(deploy(network, bench, out))
                body = load_deployment(out).body
                regression = body["baselines"]["ar-18"]
                found.append(Found(body["measured"], **body["predicted"], regression=regression))
            made[members] = found, errors
    return made


def test_both_twins_give_as_many_networks(tmp_path: Path) -> None:
    made = rows(tmp_path, SMALL, 0)
    assert {members: len(found) for members, (found, _) in made.items()} == {1: 1, 4: 1}
    assert [load_twin(tmp_path / f"twin-{k}").members for k in made] == [1, 4]
    assert all(found[0].measured > 0 for found, _ in made.values())


class Table(NamedTuple):
    """By members: geometric mean of the measured scores, and the networks."""

    means: dict[int, float]
    networks: dict[int, list[Found]]

    def inside(self, members: int) -> int:
        return sum(net.inside for net in self.networks[members])


def table(size: Size, folder: Path, capsys: pytest.CaptureFixture[str]) -> Table:
    """Networks of every seed; prints the table of the README."""
    seeds = range(size.seeds)
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads, initargs=(1,),
    ) as workers:  # fmt: skip
        folders = [folder / str(seed) for seed in seeds]
        found = list(workers.map(rows, folders, [size] * len(seeds), seeds))
    made, lines = Table({}, {}), list[str]()
    for members in (1, 4):
        nets = made.networks[members] = [net for row in found for net in row[members][0]]
        mean = made.means[members] = float(np.exp(np.mean([np.log(net.measured) for net in nets])))
        lost = np.exp(np.mean([np.log(net.measured / net.value) for net in nets]))
        scores = {
            name: np.mean([row[members][1][name] for row in found])
            for name in (*DECIDING, "coverage")
        }
        lines += [
            f"{size.sequences} × {size.repeats}, members {members}: device {mean:.5f} "
            f"(geometric mean of {len(nets)}), "
            f"× {lost:.2f} of what was foreseen, {made.inside(members)} inside; twins "
            + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()),
            "   " + "; ".join(f"{net.value:.5f} → {net.measured:.5f}" for net in nets),
        ]
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the README's figures
    return made


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("size", [pytest.param(QUICK, id="quick"), pytest.param(FEW, id="few")])
def test_members_lose_less_on_the_device_and_foresee_it(
    size: Size, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = table(size, tmp_path, capsys)
    assert made.means[4] < made.means[1]
    assert made.inside(4) > made.inside(1)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_networks_of_sixty_channels_are_ahead_of_regression_and_as_foreseen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = table(ICE, tmp_path, capsys)
    assert made.means[4] < made.means[1]
    assert made.inside(4) == len(made.networks[4])
    assert all(net.measured < net.regression for net in made.networks[4])
