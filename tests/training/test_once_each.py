"""As many measurements of twice as many sequences: what a twin learns of them.

Pairs of repeats against sequences that were measured once each (but the first few, twice: they tell
how large the noise is), by the usual objective of so many, scored at 16 held-out repeats of unseen
drives. What a second repeat tells of the noise a further sequence tells, too: each step is held
against what the twin foretells of it, whatever else was measured there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_four_devices import CASES, EVENLY, MOSTLY_MIXED, NAMES, REPEATS, Case, Recorder

from training.fit import FitSettings, begin_fit
from training.usual import usual_objective
from training.validation import score_model

TWICE = 24  # sequences
ROUND = {"spin-vortex-ice": 640}  # measurements; of the other devices:
FEW_ROUND = 200
OF = {case.device: case for case in CASES}
SCORED = (*NAMES, "coverage")
HOW = ("pairs", "once each")
ALIKE = 1.05  # fits of the same repeats differ by as much


def parts(
    how: str, drive: np.ndarray, response: np.ndarray, twice: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and validation part of as many measurements, of pairs `(S, 2, T, C)`."""
    count = len(drive) // 2 if how == HOW[0] else len(drive) - twice
    drive, response = drive[:count], response[:count].copy()
    if how == HOW[1]:
        response[twice:, 1] = np.nan
    kept = max(min(round(0.08 * count), 32), 2)
    return [(drive[:-kept], response[:-kept]), (drive[-kept:], response[-kept:])]


def scores(
    case: Case, measurements: int, twice: int, iterations: int, unseen: int, seeds: int
) -> dict[str, list[dict[str, float]]]:
    """Errors over their floor and the coverage, of each way and seed."""
    recorder = Recorder(case)
    drive, real = recorder.record(unseen, REPEATS, 1000, EVENLY)
    fitted = recorder.record(measurements, 2, 0, MOSTLY_MIXED)
    order = np.random.default_rng(5).permutation(measurements)
    found: dict[str, list[dict[str, float]]] = {how: [] for how in HOW}
    for how in HOW:
        training, validation = parts(how, *(values[order] for values in fitted), twice)
        chosen = FitSettings(usual_objective(training), iterations=iterations)
        for seed in range(seeds):
            fit = begin_fit(training, validation, replace(chosen, seed=seed))
            for _ in fit.steps():
                pass
            one = score_model(fit.best_model(), drive, real, 0)
            ratios = {name: float(one.errors[name]["ratio"] or np.nan) for name in NAMES}
            found[how].append({**ratios, "coverage": float(one.coverage["value"] or np.nan)})
    return found


def test_both_ways_take_as_many_measurements() -> None:
    drive, response = np.zeros((20, 5)), np.ones((20, 2, 5, 1))
    for how in HOW:
        made = parts(how, drive, response, 4)
        assert sum(np.isfinite(real).all(axis=(2, 3)).sum() for _, real in made) == 20, how
    found = scores(Case("leaky-integrator", 12, 20, 0, 0.0), 12, 2, 30, 8, 1)
    assert found.keys() == set(HOW)
    assert all(np.isfinite([*rows[0].values()]).all() for rows in found.values())


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("device", [*OF])
def test_once_each_a_twin_learns_no_less(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the table of MEASURED.md."""
    torch.set_num_threads(1)
    measurements = ROUND.get(device, FEW_ROUND)
    found = scores(OF[device], measurements, TWICE, iterations=2000, unseen=60, seeds=3)
    middle = {
        how: {name: float(np.median([row[name] for row in rows])) for name in SCORED}
        for how, rows in found.items()
    }
    with capsys.disabled():
        for how, row in middle.items():
            words = ", ".join(f"{name} {row[name]:.3g}" for name in SCORED)
            each = ", ".join(f"{one['crps']:.3f}" for one in found[how])
            print(f"\n{device}, {measurements} measurements, {how}: {words}; CRPS of each {each}")  # noqa: T201
    for name in ("mean", "crps"):
        assert middle[HOW[1]][name] < ALIKE * middle[HOW[0]][name], name
