"""What four members are to a twin of few sequences, on other devices than the nanoring.

One fit and four members with as many iterations in all, by the usual objective of so many, on the
same repeats, scored at 16 held-out repeats of unseen drives. (What it is to a network:
`tests/app/test_members_figures.py`.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_four_devices import CASES, EVENLY, MOSTLY_MIXED, NAMES, REPEATS, Case, Recorder

from training.fit import FitSettings, begin_fit
from training.fit_settings import MEMBERS_OF_FEW
from training.usual import as_usual
from training.validation import score_model

SIZES = ((20, 4), (60, 2), (200, 2))  # sequences × repeats
OF = {case.device: case for case in CASES}
SCORED = (*NAMES, "coverage")


def scores(
    case: Case, size: tuple[int, int], members: int, *, iterations: int, unseen: int
) -> dict[str, float]:
    """Errors over their floor, and the coverage."""
    recorder = Recorder(case)
    drive, real = recorder.record(unseen, REPEATS, 1000, EVENLY)
    fitted = recorder.record(*size, 0, MOSTLY_MIXED)
    chosen = np.random.default_rng(5).permutation(size[0])
    kept, training = np.split(chosen, [max(min(round(0.08 * size[0]), 32), 2)])
    parts = [(fitted[0][part], fitted[1][part]) for part in (training, kept)]
    chosen = as_usual(FitSettings(iterations=iterations), parts[0])
    fit = begin_fit(*parts, replace(chosen, members=members))
    for _ in fit.steps():
        pass
    found = score_model(fit.best_model(), drive, real, 0)
    ratios = {name: float(found.errors[name]["ratio"] or np.nan) for name in NAMES}
    return {**ratios, "coverage": float(found.coverage["value"] or np.nan)}


def test_one_fit_and_four_members_are_scored_alike() -> None:
    case = Case("leaky-integrator", 12, 20, 0, 0.0)
    one, four = (scores(case, (12, 2), k, iterations=40, unseen=8) for k in (1, MEMBERS_OF_FEW))
    assert one.keys() == four.keys() == set(SCORED)
    assert np.isfinite([*one.values(), *four.values()]).all()
    assert one != four


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("device", ["leaky-integrator", "duffing", "spin-vortex-ice"])
def test_members_bring_few_sequences_nearer_to_the_device(
    device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prints the table of the README."""
    for size in SIZES:
        by = {
            members: scores(OF[device], size, members, iterations=4000, unseen=60)
            for members in (1, MEMBERS_OF_FEW)
        }
        with capsys.disabled():
            for members, row in by.items():
                words = ", ".join(f"{name} {row[name]:.3g}" for name in SCORED)
                print(f"\n{device}, {size[0]} × {size[1]}, {members} members: {words}")  # noqa: T201
        assert by[MEMBERS_OF_FEW]["crps"] < by[1]["crps"]
        assert by[MEMBERS_OF_FEW]["mean"] < by[1]["mean"]
