"""Every objective for equal minutes on two devices: the usual one is no worse than any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_four_devices import CHANNELS, MOSTLY_MIXED, NAMES, Case, Recorder

from app.cli.main import main
from app.operations.compare_twins import FILE_NAME, compare_twins
from training.usual import usual_objective

if TYPE_CHECKING:
    from pathlib import Path

MINUTES, SEEDS = 2.0, 3
OBJECTIVES = ("energy", "innovations-energy", "innovations", "one-step", "published")
MAP = ("response=response:sequence,repeat,step,channel", "drive=drive:sequence,step")
CASES = (
    (Case("spin-vortex-ice", 640, 40, 0, 0.0, CHANNELS), 8),
    (Case("duffing", 320, 100, 0, 0.0, 1), 16),
)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("case", "repeats"), [pytest.param(*case, id=case[0].device) for case in CASES]
)
def test_the_usual_objective_is_no_worse_than_any_other(
    case: Case, repeats: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Smallest CRPS on unseen sequences within equal minutes, or level with it."""
    drive, response = Recorder(case).record(case.sequences, repeats, 0, MOSTLY_MIXED)
    np.savez(tmp_path / "data.npz", drive=drive, response=response)
    recording = tmp_path / "recording"
    assert main(["import", str(tmp_path / "data.npz"), "--map", *MAP, "--out", str(recording)]) == 0
    asked = {"objectives": OBJECTIVES, "minutes": MINUTES, "seeds": SEEDS}
    for _ in compare_twins([recording], tmp_path / "out", **asked):
        pass
    summary = json.loads((tmp_path / "out" / FILE_NAME).read_text())["summary"]
    ratios = {name: {e: row[e]["ratio"] for e in NAMES} for name, row in summary.items()}
    with capsys.disabled():
        for name, row in ratios.items():
            words = " / ".join(f"{ratio:.3f}" for ratio in row.values())
            covered = summary[name]["coverage"]["value"]
            print(f"\n{case.device}, {name}: {words}; {covered:.3f}")  # noqa: T201
    usual = ratios[usual_objective((drive, response))]
    assert usual["crps"] < 1.01 * min(row["crps"] for row in ratios.values())
    assert all(usual[e] < ratios["published"][e] for e in NAMES)
