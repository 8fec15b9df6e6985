"""Real repeats of an artificial spin-vortex ice: half is fitted, the other half scores.

The measurements may not be handed on (`../shared/data`, see its terms): without them the test is
skipped. One input sequence, 117 repeats, 60 channels, 19 steps; every split is another half.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.recording import Recording
from models.sequence import DriveWindow, Reset
from training.fit import FitSettings, begin_fit
from training.floors import resampled, score
from training.metrics import COVERAGE_SAMPLES
from training.validation import hold_out, score_model

MEASURED = Path(__file__).parents[2].parent / "shared" / "data" / "asvi_repeats.npz"
NAMES = ("mean", "spread", "autocovariance")
MOST = 1.3
LEAST_COVERED, MOST_COVERED = 0.87, 0.92

pytestmark = pytest.mark.skipif(not MEASURED.is_file(), reason=f"{MEASURED} is not here")


def measured() -> Recording:
    response = np.load(MEASURED)["response"].transpose(0, 2, 1)[None].astype(float)
    repeats, steps, channels = response.shape[1:]
    return Recording(
        response,
        np.linspace(0.0, 1.0, steps)[None],
        np.array([steps]),
        ("given",),
        np.arange(repeats)[None],
        np.zeros((1, repeats)),
        tuple(f"c{i}" for i in range(channels)),
        ("1",) * channels,
        DriveWindow("step", 0.0, 1.0),
        Reset(1.0),
    )


def split_scores(recording: Recording, seed: int, iterations: int) -> dict[str, dict[str, float]]:
    """Value and floor of a twin, and value of a bootstrap of the fitted half, on the other."""
    parts = hold_out(recording, seed)
    given = {
        name: (recording.drive, parts.responses(name, recording.response))
        for name in ("training", "validation", "test")
    }
    fit = begin_fit(
        given["training"], given["validation"], FitSettings(iterations=iterations, seed=seed)
    )
    for _ in fit.steps():
        pass
    twin = score_model(fit.best_model(), *given["test"], seed)
    half = np.concatenate([given["training"][1], given["validation"][1]], axis=1)
    memory = score(resampled(half, COVERAGE_SAMPLES, seed), given["test"][1], seed)
    found = {
        name: {
            "twin": float(twin.errors[name]["value"] or 0),
            "floor": float(twin.errors[name]["floor"] or 0),
            "memory": float(memory.errors[name]["value"] or 0),
        }
        for name in NAMES
    }
    covered = twin.coverage["value"]
    found["coverage"] = {"twin": float(covered if covered is not None else np.nan)}
    return found


@pytest.mark.parametrize(
    ("splits", "iterations"),
    [(1, 1500), pytest.param(20, 3000, marks=[pytest.mark.full, pytest.mark.timeout(3600)])],
)
def test_the_twin_of_real_repeats_is_at_their_floor(
    splits: int, iterations: int, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = [split_scores(measured(), seed, iterations) for seed in range(splits)]
    ratios = []
    lines = [f"real spin-vortex ice, {splits} split(s), {iterations} iterations:"]
    for name in NAMES:
        twin, floor, memory = (
            np.mean([one[name][key] for one in scores]) for key in ("twin", "floor", "memory")
        )
        lines.append(
            f"  {name}: {twin:.4f}, floor {floor:.4f}: × {twin / floor:.2f} "
            f"(bootstrap of the fitted half × {memory / floor:.2f})"
        )
        ratios.append((twin / floor, memory / floor))
    covered = np.mean([one["coverage"]["twin"] for one in scores])
    lines.append(f"  coverage of the 90 % interval: {covered:.3f} (a perfect twin 0.891)")
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the README's figures
    assert max(ratio for ratio, _ in ratios) <= MOST
    assert LEAST_COVERED <= covered <= MOST_COVERED
    if splits > 1:  # one split doesn't tell
        assert all(ratio <= memory for ratio, memory in ratios)
