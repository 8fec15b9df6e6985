"""The usual objective beside the one that comes near it, for equal minutes on two devices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_four_devices import CHANNELS, MOSTLY_MIXED, Case, Recorder

from app.cli import main
from app.operations.compare_twins import FILE_NAME, compare_twins
from training.usual import usual_objective

if TYPE_CHECKING:
    from pathlib import Path

MINUTES, SEEDS = 2.0, 3
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
def test_the_usual_objective_is_no_worse_than_the_other_one(
    case: Case, repeats: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Smallest CRPS on unseen sequences within equal minutes, or level with it."""
    drive, response = Recorder(case).record(case.sequences, repeats, 0, MOSTLY_MIXED)
    np.savez(tmp_path / "data.npz", drive=drive, response=response)
    recording = tmp_path / "recording"
    assert main(["import", str(tmp_path / "data.npz"), "--map", *MAP, "--out", str(recording)]) == 0
    both = ("energy", "innovations-energy")
    asked = {"objectives": both, "minutes": MINUTES, "seeds": SEEDS}
    for _ in compare_twins([recording], tmp_path / "out", **asked):
        pass
    summary = json.loads((tmp_path / "out" / FILE_NAME).read_text())["summary"]
    with capsys.disabled():
        for name, row in summary.items():
            ratios = [
                f"{row[e]['ratio']:.3f}" for e in ("mean", "spread", "autocovariance", "crps")
            ]
            print(f"\n{case.device}, {name}: {' / '.join(ratios)}; {row['coverage']['value']:.3f}")  # noqa: T201
    crps = {name: summary[name]["crps"]["ratio"] for name in both}
    assert crps[usual_objective((drive, response))] < 1.01 * min(crps.values())
