"""Measurements that the random plan, the adaptive plan and the published recipe take.

Every plan is scored by the same fits on what it has measured so far (its own twins choose only) and
on the same held-out sequences of all families: of three, as the ensemble has members, the one that
is best on validation, as a user would keep. One alone is a lottery: on 48 sequences one in four has
several times the device's spread somewhere. A measurement is one repeat of one sequence; the
held-out ones, the same for all, are not counted. The published recipe is random steps with 100
repeats of each pattern; its 999 patterns are far beyond what is needed here, so it is read off at
the number at which it reaches the same error.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from app.operations.adaptive_rounds import ForTwin
from app.operations.record import record
from app.operations.record_for_twin import record_for_twin
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.sequence import make_sequences
from training.acquire_curve import needed, worst_ratio
from training.acquire_ensemble import divided
from training.fit import FitSettings, begin_fit
from training.validation import score_model

TARGET = 1.5
PUBLISHED_REPEATS = 100


@dataclass(frozen=True)
class Size:
    """`budgets`: measurements at which a plan is scored; `published`: patterns instead."""

    budgets: tuple[int, ...]
    published: tuple[int, ...]
    published_repeats: int
    iterations: int
    asked: ForTwin
    seeds: int
    fits: int


SMALL = Size(
    (8, 12), (2, 3), 4, 3,
    ForTwin(budget=12, target=0.0, steps=6, repeats=2, first=4, scoring=4, members=2,
            iterations=2, pool=8), 1, 2,
)  # fmt: skip
FULL = Size(
    (48, 96, 192, 384, 768, 1536), (4, 8, 16, 32), PUBLISHED_REPEATS, 1500,
    ForTwin(budget=1536, target=0.0, steps=60, repeats=2, first=24, scoring=16, members=3,
            iterations=400, pool=200, growth=1.0), 4, 3,
)  # fmt: skip


def ratio_of(part, scoring, size, seed):
    """The worst error over its floor of the twin that drives and repeats give."""
    loops = [
        begin_fit(*divided(*part), FitSettings(iterations=size.iterations, seed=10 * seed + k))
        for k in range(size.fits)
    ]
    for loop in loops:
        for _ in loop.steps():
            pass
    best = min(loops, key=lambda loop: loop.best_validation)
    return worst_ratio(score_model(best.best_model(), *scoring, seed).errors)


def adaptive(bench, out, size, seed, **changes):
    """Drives, repeats and scoring part of one run to its budget."""
    asked = replace(size.asked, seed=seed, **changes)
    for _ in record_for_twin(bench, out, asked):
        pass
    r = read_recording(out)
    scoring = r.complete.sum(axis=1) > asked.repeats
    fitted = ~scoring
    return (
        (r.drive[fitted], r.response[fitted][:, : asked.repeats]),
        (r.drive[scoring], r.response[scoring]),
    )


def plain(bench, out, size, seed, count, repeats):
    """Random steps, the same number of repeats of each."""
    sequences = make_sequences("steps", count, size.asked.steps, 7000 + seed)
    for _ in record(bench, sequences, repeats, out, seed=seed):
        pass
    r = read_recording(out)
    return r.drive, r.response


def plans(folder, size, seed):
    """Plan → (measurements, worst ratio) at each budget."""
    with Bench.connect(read_bench("virtual")) as bench:
        mine, scoring = adaptive(bench, folder / "adaptive", size, seed)
        random, _ = adaptive(
            bench, folder / "random", size, seed, choose="random", iterations=1, members=2
        )
        most = size.budgets[-1] // size.asked.repeats
        steps = plain(bench, folder / "steps", size, seed, most, size.asked.repeats)
        recipe = plain(
            bench, folder / "recipe", size, seed, size.published[-1], size.published_repeats
        )
    counts = [n // size.asked.repeats for n in size.budgets]
    curves = {}
    for name, part, sequences, repeats in (
        ("adaptive", mine, counts, size.asked.repeats),
        ("random, all families", random, counts, size.asked.repeats),
        ("random steps", steps, counts, size.asked.repeats),
        ("published recipe", recipe, size.published, size.published_repeats),
    ):
        curves[name] = [
            (n * repeats, ratio_of((part[0][:n], part[1][:n]), scoring, size, seed))
            for n in sequences
        ]
    return curves


def test_every_plan_is_scored_at_the_same_budgets(tmp_path):
    curves = plans(tmp_path, SMALL, 0)
    assert [n for n, _ in curves["adaptive"]] == [8, 12]
    assert [n for n, _ in curves["published recipe"]] == [8, 12]
    assert all(ratio > 1 for curve in curves.values() for _, ratio in curve)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_what_each_plan_takes_to_come_within_half_of_the_floor(tmp_path):
    """Virtual nanoring; prints the table of the README."""
    takes = {}
    ways = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=ways, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        folders = [tmp_path / str(seed) for seed in range(FULL.seeds)]
        rows = list(pool.map(plans, folders, [FULL] * FULL.seeds, range(FULL.seeds)))
    for seed, curves in enumerate(rows):
        for name, curve in curves.items():
            found = needed(*zip(*curve, strict=True), TARGET)
            takes.setdefault(name, []).append(np.inf if found is None else found)
            points = ", ".join(f"{n}: {ratio:.2f}" for n, ratio in curve)
            print(f"seed {seed}, {name}: worst error over floor {points}; needs {found}")  # noqa: T201
    for name, found in takes.items():
        print(f"{name}: median of {np.median(found):.0f} measurements for ≤ {TARGET} × floor")  # noqa: T201
    assert np.isfinite(np.median(takes["adaptive"]))
    assert np.median(takes["adaptive"]) < np.median(takes["published recipe"])
