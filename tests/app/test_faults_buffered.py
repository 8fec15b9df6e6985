"""A link that fails while a read-out's buffer is fetched voids one repeat, which is run again."""

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

FETCHED = {"sr860": "CAPTUREGET?", "keysight-34465a": "R?"}
BURST = ('channels = ["X2", "Y2"]\nsamples = 54', 'channels = ["R1"]\nsamples = 27')


def recorded(folder: Path, model: str, *more: str | Path) -> list[str]:
    """Record three repeats on a served rig; what was sent to the read-out."""
    folder.mkdir()
    models = ("--models", f"kepco-bop,{model}", "--device", "leaky-integrator")
    with served_rig(folder, 50.0, [*models, *more], 2000.0) as rig:
        text = rig.bench.read_text().replace(*BURST)
        rig.bench.write_text(text.replace("gate_s", 'timing = "hardware"\ngate_s', 1))
        asked = ["record", "--bench", rig.bench, "--sequences", "mixed:1x20@1", "--repeats", "3"]
        assert main([*map(str, asked), "--out", str(folder / "recording"), "--json"]) == 0
        return [message["data"].strip() for message in rig.messages(model)]


@pytest.mark.parametrize("model", FETCHED)
@pytest.mark.parametrize("kind", ["truncated", "dropped"])
def test_the_repeat_is_run_once_more_and_the_recording_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, kind: str
) -> None:
    sent = recorded(tmp_path / "plain", model)
    at = next(number for number, each in enumerate(sent) if each.startswith(FETCHED[model]))
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"instrument": model, "at": at, "kind": kind}]))
    capsys.readouterr()
    recorded(tmp_path / "faulty", model, "--faults", script)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    voided = [event["text"] for event in events if "once more" in str(event.get("text"))]
    assert len(voided) == 1
    assert FETCHED[model] in voided[0]
    plain, faulty = (read_recording(tmp_path / each / "recording") for each in ("plain", "faulty"))
    assert faulty.complete.all()
    assert faulty.response.shape == plain.response.shape
    assert np.isfinite(faulty.response).all()
