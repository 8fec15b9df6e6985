"""Measurements that a twin takes where a network will drive it: adaptive against random.

Both plans begin with the same few sequences of all families. A first twin is fitted to them, a
network trained on it. The adaptive plan then records half what that network sends over the
training part of its task, half what an ensemble of twins disagrees about (`record --for-twin
--network`); the random plan goes on with all families alike. What scores is what the same network
really sent to the device in its deployment, the unseen part of its task: no plan has measured any
of it. The first sequences count for both; the deployment, and what scores, for none. The same twins
are scored on sequences of all families, too. Each point is of three fits: the one that is best on
validation, as a user would keep, and, of less luck, the median of each error.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
import pytest
import torch
from budget_plans import (
    HELD_OUT_REPEATS,
    OF_EACH,
    OF_FITS,
    TARGET,
    WORST,
    Size,
    adaptive,
    errors_of,
    fits_of,
    measured,
    of_fits,
)
from network_samples import value_of

from app.deployment_store import load_deployment
from app.operations.adaptive_rounds import ForTwin
from app.operations.deploy import deploy
from app.operations.fit import fit
from app.operations.train import train
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.sequence import SENT, FieldSequence
from training.acquire import pool
from training.acquire_curve import needed
from training.verdict import DECIDING

FIRST_SEED, HELD_OUT_SEED = 800_003, 900_001  # apart from those of the candidates
WHERE = ("what the network sent", "all families")

SMALL = Size(
    (12, 16), (), 0, 3,
    ForTwin(budget=8, target=0.0, steps=6, repeats=2, first=4, scoring=4, members=2,
            iterations=2, pool=8), 1, 2, 4,
)  # fmt: skip
FULL = Size(
    (96, 192, 384, 768, 1536), (), 0, 1500,
    ForTwin(budget=1488, target=0.0, steps=60, repeats=2, first=24, scoring=16,
            scoring_repeats=16, members=3, iterations=400, pool=200, growth=1.0), 6, 3, 96,
)  # fmt: skip
TASK = {
    SMALL: ("mackey-glass:h=5,train=700,validation=200,test=60,washout=20", (2, 2), 2),
    FULL: ("mackey-glass:h=5", (12, 12), 200),
}


def network_of(folder, size, seed):
    """A network of the first sequences' twin."""
    task, layers, iterations = TASK[size]
    twin = value_of(
        fit([folder / "first"], folder / "twin", iterations=size.iterations, seed=seed)
    ).parent
    return value_of(
        train(task, [twin], layers, folder / "network", iterations=iterations, seed=seed)
    )


def windows_of(drives, size, seed):
    """So many of the windows of drives `(nodes, T)`, drawn."""
    steps = size.asked.steps
    cut = [row[k : k + steps] for row in drives for k in range(0, len(row) - steps + 1, steps)]
    order = np.random.default_rng(seed).permutation(len(cut))[: size.held_out]
    return [FieldSequence(np.clip(cut[k], 0.0, 1.0), SENT) for k in order]


def plans(folder, size, seed):
    """(plan, where it is scored) → (measurements, ratios of each fit) at each budget."""
    asked = size.asked
    with Bench.connect(read_bench("virtual")) as bench:
        opening = pool(asked.first, asked.steps, FIRST_SEED + seed)
        first = measured(bench, folder / "first", opening, asked.repeats, seed)
        network = network_of(folder, size, seed)
        value_of(deploy(network, bench, folder / "deployment", despite_drift=True))
        sent = load_deployment(folder / "deployment").nodes[0].drive
        scoring = [
            measured(bench, folder / f"held-out-{k}", sequences, HELD_OUT_REPEATS, seed)
            for k, sequences in enumerate(
                [
                    windows_of(sent, size, seed),
                    pool(size.held_out, asked.steps, HELD_OUT_SEED + seed),
                ]
            )
        ]
        parts = {
            "adaptive": adaptive(
                bench, folder / "adaptive", size, seed, network=str(network.parent)
            ),
            "random": adaptive(
                bench, folder / "random", size, seed, choose="random", iterations=1, members=2
            ),
        }
    curves = {}
    begun = asked.first * asked.repeats
    for name, part in parts.items():
        for budget in (begun, *size.budgets):
            n = (budget - begun) // asked.repeats
            both = [np.concatenate([a, b[:n]]) for a, b in zip(first, part, strict=True)]
            models = fits_of(both, size, seed)
            for where, held_out in zip(WHERE, scoring, strict=True):
                row = (budget, [errors_of(model, held_out, seed) for model in models])
                curves.setdefault((name, where), []).append(row)
    return curves


def test_both_plans_are_scored_at_the_same_budgets_and_on_both(tmp_path):
    curves = plans(tmp_path, SMALL, 0)
    assert len(curves) == 4
    for curve in curves.values():
        assert [n for n, _ in curve] == [8, 12, 16]
        assert all(ratios[WORST] > 1 for _, fits in curve for ratios in fits)
        assert all(len(fits) == SMALL.fits for _, fits in curve)
    for where in WHERE:  # of the first sequences, which both have
        assert curves["adaptive", where][0] == curves["random", where][0]


@pytest.mark.full
@pytest.mark.timeout(14400)
def test_what_each_plan_takes_where_a_network_drives(tmp_path):
    """Virtual nanoring; prints the table of the README."""
    ways, takes = multiprocessing.get_context("spawn"), {}
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=ways, initializer=torch.set_num_threads, initargs=(1,)
    ) as workers:
        folders = [tmp_path / str(seed) for seed in range(FULL.seeds)]
        rows = workers.map(plans, folders, [FULL] * FULL.seeds, range(FULL.seeds))
        for seed, curves in enumerate(rows):
            for (plan, where), curve in curves.items():
                for of, error in product(OF_FITS, (WORST, *DECIDING, OF_EACH)):
                    points = [(n, of_fits(of, error, fits)) for n, fits in curve]
                    found = needed(*zip(*points, strict=True), TARGET)
                    takes.setdefault((of, where, error, plan), []).append(found or np.inf)
                    words = ", ".join(f"{n}: {ratio:.2f}" for n, ratio in points)
                    print(f"{seed}, {plan}, {where}: {of}, {error} {words}; needs {found}")  # noqa: T201
    for what, found in takes.items():
        print(f"{', '.join(what)}: {np.round(found)}, median {np.median(found):.0f}")  # noqa: T201
    medians = {what: np.median(found) for what, found in takes.items()}
    where = WHERE[0]
    # no ratio is steady, worst error and autocovariance are lotteries, and so is the spread of the
    # one fit that is best on validation (in a second run 112.5 and 112.3): README says so
    for of, error in product(OF_FITS, ("mean", "crps")):
        assert medians[of, where, error, "adaptive"] < medians[of, where, error, "random"]
    median = OF_FITS[1], where, "spread"
    assert medians[*median, "adaptive"] < medians[*median, "random"]
