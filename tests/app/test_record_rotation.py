"""A turned field as a user records it: components as channels, refusals, safe ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.cli.main import main
from app.operations.events import Paused, RepeatRecorded, StepRead
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.clock import Pause
from models.errors import RefusedError, StoppedError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
name = "two axes"
[virtual]
device = "leaky-integrator"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 400.0
[magnet.y]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5026::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 400.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::virtual-sr830::5025::SOCKET"
channels = ["X"]
[drive]
encoding = "rotation"
points_per_rotation = 8
low_T = 0.001
high_T = 0.003
hold_s = 0.02
gate_s = 0.027027027
[reset]
field_T = 0.0034
hold_s = 0.02
"""
SEQUENCES = [FieldSequence(np.array([0.0, 0.5, 1.0]))]
COMPONENTS = ("X.1f.x", "X.1f.y", "X.2f.x", "X.2f.y")


def both_off(bench: Bench) -> bool:
    with bench.stop.shield():
        states = bench.state().values()
    return all(not state.output_on and abs(state.setpoint_A) < 1e-6 for state in states)


def test_the_components_are_recorded_and_both_supplies_end_safe(tmp_path: Path) -> None:
    with Bench.connect(parse_bench(TEXT, "b.toml")) as bench:
        list(record(bench, SEQUENCES, 2, tmp_path / "r"))
        assert both_off(bench)
    recording = read_recording(tmp_path / "r")
    assert recording.status == "done"
    assert recording.channels == COMPONENTS
    assert recording.units == ("V",) * 4
    assert recording.window.encoding == "rotation"
    assert recording.settings["rotation of x and y"]["points_per_rotation"] == 8
    assert np.isfinite(recording.response).all()
    # the leaky integrator sees the cosine axis: it answers once a turn, the more the larger it is
    once = np.hypot(*recording.response[0, :, :, :2].mean(axis=0).T)
    assert (once > 0).all()


def test_other_points_a_turn_are_another_recording(tmp_path: Path) -> None:
    with Bench.connect(parse_bench(TEXT, "b.toml")) as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r")
        next(event for event in events if isinstance(event, StepRead))
        events.close()
        assert both_off(bench)
    other = TEXT.replace("rotation = 8", "rotation = 9")
    with (
        Bench.connect(parse_bench(other, "b.toml")) as bench,
        pytest.raises(RefusedError, match="points_per_rotation was 8, now 9"),
    ):
        list(record(bench, SEQUENCES, 2, tmp_path / "r", resume=True))


def test_stopped_within_a_turn_both_are_safe(tmp_path: Path) -> None:
    with Bench.connect(parse_bench(TEXT, "b.toml")) as bench:
        real, readings = bench._readers[0].read, 0

        def read() -> Any:
            nonlocal readings
            readings += 1
            if readings == 11:  # the reset's turn has eight
                bench.stop.request()
            return real()

        bench._readers[0].read = read  # type: ignore[method-assign]
        with pytest.raises(StoppedError):
            list(record(bench, SEQUENCES, 2, tmp_path / "r"))
        assert both_off(bench)
    assert read_recording(tmp_path / "r").status == "stopped"


def test_a_turn_beyond_the_ramp_is_refused_with_exit_4_and_nothing_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, log = tmp_path / "b.toml", tmp_path / "wire.log"
    bench.write_text(TEXT.replace("400.0", "100.0"))
    out = tmp_path / "r"
    options = ["--sequences", "mixed:2x5", "--repeats", "2", "--out", str(out)]
    assert main(["record", "--bench", str(bench), *options, "--wire-log", str(log), "--json"]) == 4
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "more points_per_rotation" in json.dumps(said)
    assert not out.exists()
    assert "OUTP ON" not in log.read_text()
    assert "CURR " not in log.read_text()


def test_live_values_are_those_of_the_read_outs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = tmp_path / "b.toml"
    bench.write_text(TEXT)
    assert main(["monitor", "--bench", str(bench), "--seconds", "0.1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["channels"] == ["X"]


def test_in_a_pause_both_stand_at_zero(tmp_path: Path) -> None:
    pause, paused = Pause(), 0
    with Bench.connect(parse_bench(TEXT, "b.toml")) as bench:
        for event in record(bench, SEQUENCES, 2, tmp_path / "r", pause=pause):
            if isinstance(event, RepeatRecorded) and not paused:
                assert max(abs(each.setpoint_A) for each in bench.state().values()) > 1
                pause.request()
            if isinstance(event, Paused) and event.seconds > 0:
                paused += 1
                pause.clear()
                for state in bench.state().values():
                    assert state.output_on
                    assert abs(state.setpoint_A) < 1e-6
        assert both_off(bench)
    assert paused
    assert read_recording(tmp_path / "r").status == "done"
