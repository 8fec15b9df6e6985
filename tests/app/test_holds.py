"""Steps of irregular hold times: from the bench to a twin's simulation, and on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.cli.main import main
from app.journal import read_journal
from app.operations.events import Note, RepeatRecorded, RunPlan
from app.operations.record import record
from app.recording_format import header_of, recording_of_header
from app.recording_reader import read_recording
from app.recording_store import RecordingWriter, write_recording
from app.sequence_files import sequences_from
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from models.errors import InputError, RefusedError
from models.recording import HELD_SCHEMA, SCHEMA, faults_of
from models.sequence import DriveWindow, FieldSequence, Reset, make_sequences
from models.short_form import parse_short_form
from tests.app.held import bench_text, recorded, spec_of

if TYPE_CHECKING:
    from pathlib import Path

HELD = [
    FieldSequence(np.array([0.0, 1.0, 0.3, 0.8]), "given", np.array([3, 1, 2, 5])),
    FieldSequence(np.array([0.5, 0.9])),
]
STEP_S = 0.05 + 1 / 37  # of one hold: held, then read


def test_the_short_form_holds_each_step_up_to_so_many_times():
    held, once = parse_short_form("mixed:3x40x4@7"), parse_short_form("mixed:3x40@7")
    assert held is not None
    assert once is not None
    for one, other in zip(held, once, strict=True):
        np.testing.assert_array_equal(one.drive, other.drive)
        assert set(one.holds.tolist()) == {1, 2, 3, 4}
        assert not other.held
        assert other.length == 40 < one.length
    with pytest.raises(InputError, match="1 to 1000"):
        parse_short_form("mixed:3x40x0@7")


@pytest.mark.parametrize(
    ("holds", "words"),
    [([1, 2], "one for each step"), ([1, 0, 1], "at step 1"), ([1, 1, 1001], "1…1000"),
     ([1.5, 1, 1], "whole number")],
)  # fmt: skip
def test_holds_that_fit_no_drive_are_refused(holds, words):
    with pytest.raises(InputError, match=words):
        FieldSequence(np.array([0.1, 0.2, 0.3]), "given", np.array(holds))


def test_a_file_of_sequences_says_the_holds(tmp_path: Path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"sequences": [{"drive": [0, 1], "holds": [2, 1]}, [0.5]]}))
    first, second = sequences_from(path)[0]
    assert first.holds.tolist() == [2, 1]
    assert second.holds.tolist() == [1]
    path.write_text(json.dumps({"sequences": [{"drive": [0, 1], "holds": [2, 1.5]}]}))
    with pytest.raises(InputError, match="whole number"):
        sequences_from(path)
    path.write_text(json.dumps({"sequences": [{"drive": [0, 1], "holds": []}]}))
    with pytest.raises(InputError, match="leave the key out"):
        sequences_from(path)


@pytest.mark.parametrize("timing", ["software", "hardware"])
def test_a_held_step_lasts_as_long_as_its_holds(tmp_path: Path, timing: str):
    recording, events = recorded(tmp_path / "r", HELD, 2, timing=timing)
    assert recording.holds.tolist() == [[3, 1, 2, 5], [1, 1, 1, 1]]
    assert recording.complete.all()
    intervals_s = np.diff(recording.read_s[0], axis=1)
    expected_s = STEP_S * np.array([1, 2, 5])
    within_s = 1e-3 if timing == "hardware" else 0.03  # a computer also walks, and talks
    assert np.abs(intervals_s - expected_s).max() < within_s
    plan = next(event for event in events if isinstance(event, RunPlan))
    least_s = 2 * STEP_S * (11 + 2)
    assert least_s < plan.predicted_s < 2 * least_s
    assert not [e for e in events if isinstance(e, Note) and e.level == "warning"]


@pytest.mark.parametrize("sequences", [HELD, HELD[1:]])
def test_a_run_of_held_steps_is_not_gone_on_with_by_another_gate(tmp_path: Path, sequences):
    with Bench.connect(spec_of()) as bench:
        events = record(bench, sequences, 2, tmp_path / "r")
        while not isinstance(next(events), RepeatRecorded):
            pass
        events.close()
    other = parse_bench(bench_text().replace("gate_s = 0.027027027", "gate_s = 0.04"), "bench")
    assert other.gate_s == 0.04
    with Bench.connect(other) as bench:
        again = record(bench, sequences, 2, tmp_path / "r", resume=True)
        if sequences is HELD:
            with pytest.raises(RefusedError, match=r"gate_s was 0\.027027, now 0\.04"):
                list(again)
        else:  # the gate is a reading's, however long the bench file thinks that it takes
            list(again)
            assert read_recording(tmp_path / "r").complete.all()


def test_the_device_moves_the_further_the_longer_a_step_is_held(tmp_path: Path):
    drive = np.array([0.0, 1.0, 0.0, 1.0])
    sequences = [FieldSequence(drive, "given", np.array([9, n, 9, n])) for n in (1, 4)]
    response = recorded(tmp_path / "r", sequences, 3)[0].response[..., 0].mean(axis=1)
    assert (response[1, [1, 3]] > 1.5 * response[0, [1, 3]]).all()


def test_a_rig_timed_by_hardware_gives_what_one_timed_by_software_gives(tmp_path: Path):
    sequences = make_sequences("steps", 2, 10, 1, 4)
    one, other = (
        recorded(tmp_path / timing, sequences, 6, timing=timing)[0].response.mean(axis=1)
        for timing in ("software", "hardware")
    )
    assert np.abs(one - other).max() < 0.3 * np.ptp(one)  # 6 repeats of a noisy device
    assert np.abs((one - other).mean()) < 0.03 * np.ptp(one)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (DriveWindow("step", 2.2e-3, 3.4e-3), "hold_s above zero"),
        (DriveWindow("loop", 2.2e-3, 3.4e-3, 0.05), "is a waveform"),
        (DriveWindow("rotation", 2.2e-3, 3.4e-3, 0.05), "is a waveform"),
    ],
)
def test_what_can_t_be_held_is_refused_with_the_reason(window, words):
    with (
        Bench.connect(spec_of()) as bench,
        pytest.raises(RefusedError, match=words),
    ):
        bench.check_sequences(HELD, window, Reset(4e-3))


def test_the_duty_counts_the_holds():
    text = bench_text().replace(
        "max_ramp_A_per_s = 2000.0",
        "max_ramp_A_per_s = 2000.0\nmax_duty_A2s = 200.0\nduty_window_s = 10.0",
    )
    drive = np.ones(10)
    with Bench.connect(parse_bench(text, "bench")) as bench:
        window, reset = bench.spec.window, bench.spec.reset
        bench.check_sequences([FieldSequence(drive)], window, reset)
        held = FieldSequence(drive, "given", np.full(10, 20))
        with pytest.raises(RefusedError, match="duty"):
            bench.check_sequences([held], window, reset)


def test_a_recording_keeps_its_holds_and_others_stay_as_they_were(tmp_path: Path):
    recording = recorded(tmp_path / "r", HELD, 1)[0]
    again = read_recording(write_recording(tmp_path / "again", recording))
    np.testing.assert_array_equal(again.holds, recording.holds)
    assert header_of(recording)["schema"] == HELD_SCHEMA
    once = replace(recording, holds=np.ones_like(recording.holds))
    assert header_of(once)["schema"] == SCHEMA
    assert "holds" not in header_of(once)
    plain = read_recording(write_recording(tmp_path / "once", once))
    assert not plain.held
    part = recording.select(np.array([1]))
    assert part.holds.tolist() == [[1, 1, 1, 1]]


def test_a_run_that_was_killed_knows_its_holds(tmp_path: Path):
    recording = recorded(tmp_path / "r", HELD, 1)[0]
    writer = RecordingWriter(tmp_path / "killed", recording)
    try:
        header = read_journal(tmp_path / "killed" / "journal.bin").header
        found = recording_of_header(header, tmp_path)
        np.testing.assert_array_equal(found.holds, recording.holds)
        header["holds"][0].pop()
        with pytest.raises(InputError, match="one for each step"):
            recording_of_header(header, tmp_path)
    finally:
        writer.finish("stopped")


def test_forged_holds_are_found(tmp_path: Path):
    recording = recorded(tmp_path / "r", HELD, 1)[0]
    recording.holds[1, 3] = 2
    assert any("behind a sequence's length" in words for words in faults_of(recording))


def run(capsys, *words: str):
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return json.loads(lines[-1])


def test_record_fit_evaluate_and_simulate_by_the_command_line(tmp_path: Path, capsys):
    bench = tmp_path / "bench.toml"
    bench.write_text(bench_text(), encoding="utf-8")
    r, twin, made = (str(tmp_path / name) for name in ("r", "twin", "made"))
    run(capsys, "record", "--bench", str(bench), "--sequences", "mixed:16x12x4@1",
        "--repeats", "8", "--out", r)  # fmt: skip
    fitted = run(capsys, "fit", r, "--iterations", "150", "--out", twin)
    assert np.isfinite(fitted["errors"]["mean"]["ratio"])
    scores = run(capsys, "evaluate", twin, r)
    assert scores["errors"]["mean"]["value"] == pytest.approx(fitted["errors"]["mean"]["value"])
    run(capsys, "simulate", twin, "--sequences", r, "--repeats", "3", "--out", made)
    simulated, real = read_recording(tmp_path / "made"), read_recording(tmp_path / "r")
    np.testing.assert_array_equal(simulated.holds, real.holds)
    assert np.isfinite(simulated.response).all()
    between = np.corrcoef(simulated.response.mean(1).ravel(), real.response.mean(1).ravel())
    assert between[0, 1] > 0.9
    longer = ("simulate", twin, "--sequences", "mixed:2x5x9@1", "--repeats", "2",
              "--out", str(tmp_path / "longer"))  # fmt: skip
    assert main([*longer]) == 0
    assert "fitted on up to 4" in "".join(capsys.readouterr())
