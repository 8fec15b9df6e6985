"""record from the command line on a served rig, timed by hardware, read by other read-outs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from served_rig import served_rig

from app.cli.main import main
from app.recording_reader import read_recording

if TYPE_CHECKING:
    from pathlib import Path

FAST_A_PER_S = 2000.0
KEYS = {
    "sr860": ("", ""),
    "keysight-34465a": (
        'channels = ["X2", "Y2"]\nsamples = 54',
        'channels = ["R1"]\nsamples = 27',
    ),
}


@pytest.mark.parametrize("model", KEYS)
def test_the_same_recording_by_software_and_by_hardware(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    models = ("--models", f"kepco-bop,{model}", "--device", "leaky-integrator")
    found = {}
    for timing in ("software", "hardware"):
        folder = tmp_path / timing
        folder.mkdir()
        with served_rig(folder, 20.0, models, FAST_A_PER_S) as rig:
            text = rig.bench.read_text().replace(*KEYS[model])
            text = text.replace("hold_s = 0.0", "hold_s = 0.005")
            rig.bench.write_text(text.replace("gate_s", f'timing = "{timing}"\ngate_s'))
            out = folder / "recording"
            asked = ["record", "--bench", rig.bench, "--sequences", "mixed:1x30@1"]
            asked += ["--repeats", "2", "--out", out, "--json"]
            assert main([str(each) for each in asked]) == 0
            lines = capsys.readouterr().out.splitlines()
            notes = [json.loads(line).get("text", "") for line in lines]
            assert any("timed by hardware" in note for note in notes) == (timing == "hardware")
            sent = [m["data"].strip() for m in rig.messages(model)]
            assert any(each.startswith(("CAPTURESTART", "INIT")) for each in sent) == (
                timing == "hardware"
            )
        found[timing] = read_recording(out)
    software, hardware = found["software"], found["hardware"]
    assert hardware.complete.all()
    assert hardware.channels == software.channels
    assert hardware.response.shape == software.response.shape
    assert np.abs(hardware.response - software.response).max() < 1e-6  # of 100 µV
