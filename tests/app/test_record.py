"""record on the virtual rig, in process: order, contents, every way out, going on."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from recorded import SEQUENCES, after, is_safe, run

from app.cli.main import main
from app.operations.events import (
    Note,
    Progress,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
    StepRead,
)
from app.operations.record import differences, order_of, record
from app.store import RecordingWriter, read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import DriveWindow, Reset, make_sequences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_events_in_order_and_the_result(bench: Bench, tmp_path: Path) -> None:
    events = run(bench, tmp_path / "r", seed=3)
    plan, last = events[0], events[-1]
    assert isinstance(plan, RunPlan)
    assert (plan.sequences, plan.repeats, plan.steps, plan.channels) == (2, 2, 3, ("X", "Y"))
    assert plan.predicted_s > 0
    assert isinstance(last, Result)
    assert {k: last.values[k] for k in ("status", "sequences", "repeats", "steps", "channels")} == {
        "status": "done", "sequences": 2, "repeats": 2, "steps": 3, "channels": ["X", "Y"],
    }  # fmt: skip
    assert last.values["path"] == str(tmp_path / "r" / "recording.nc")
    kinds = [type(e) for e in events[1:-1] if not isinstance(e, Note)]
    repeat = [RepeatStarted, *[StepRead] * 3, RepeatRecorded, Progress]
    short = [RepeatStarted, *[StepRead] * 2, RepeatRecorded, Progress]
    starts = [e for e in events if isinstance(e, RepeatStarted)]
    assert kinds == [kind for s in starts for kind in (repeat if s.sequence == 0 else short)]
    assert [[s.sequence, s.repeat] for s in starts] == order_of(2, 2, 3).tolist()
    assert is_safe(bench)


def test_the_file_holds_what_the_events_said(bench: Bench, tmp_path: Path) -> None:
    events = run(bench, tmp_path / "r", meta={"sample": "NR-7", "temperature_K": 293.0})
    recording = read_recording(tmp_path / "r")
    assert recording.complete.all()
    for event in events:
        if isinstance(event, RepeatRecorded):
            s, r = event.sequence, event.repeat
            length = SEQUENCES[s].steps
            assert np.array_equal(recording.response[s, r, :length], event.response)
            assert recording.order[s, r] == event.position
            assert recording.start_s[s, r] == event.start_s
    assert np.isnan(recording.response[1, :, 2]).all()
    assert (np.diff(np.sort(recording.start_s.ravel())) > 0).all()
    assert recording.start_s.min() == 0
    assert recording.window == bench.spec.window
    assert recording.settings["lockin"]["harmonic"] == 2
    assert recording.identities["x"].startswith("KEPCO")
    assert recording.meta["sample"] == "NR-7"
    assert recording.meta["limits"]["x"]["max_current_A"] == 11.0
    assert recording.meta["seed"] == 0
    assert recording.meta["code_version"]


def test_one_seed_one_recording(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        with Bench.connect(read_bench("virtual")) as bench:
            run(bench, tmp_path / name, seed=5)
        found.append(read_recording(tmp_path / name))
    assert np.array_equal(found[0].response, found[1].response, equal_nan=True)
    assert np.array_equal(found[0].start_s, found[1].start_s)


def test_repeats_are_interleaved_unless_blocked() -> None:
    mixed, blocked = order_of(8, 6, 1), order_of(8, 6, 1, interleave=False)
    assert sorted(mixed.tolist()) == blocked.tolist()
    assert np.count_nonzero(np.diff(mixed[:, 0]) == 0) < 15
    assert np.count_nonzero(np.diff(blocked[:, 0]) == 0) == 40
    assert order_of(8, 6, 1).tolist() == mixed.tolist()
    assert order_of(8, 6, 2).tolist() != mixed.tolist()


def test_a_given_window_and_reset_are_used(bench: Bench, tmp_path: Path) -> None:
    window, reset = DriveWindow("amplitude", 0.0025, 0.003), Reset(0.0036)
    events = run(bench, tmp_path / "r", window=window, reset=reset)
    fields = {e.field_T for e in events if isinstance(e, StepRead)}
    assert (min(fields), max(fields)) == (0.0025, 0.003)
    recording = read_recording(tmp_path / "r")
    assert (recording.window, recording.reset) == (window, reset)


@pytest.mark.parametrize(
    "options",
    [
        {"window": DriveWindow("amplitude", 0.002, 0.005)},
        {"reset": Reset(0.0045)},
        {"window": DriveWindow("rotation", 0.002, 0.003)},
    ],
)
def test_beyond_a_limit_nothing_is_made_or_energised(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    sent: list[bytes] = []

    def tap(*words: Any) -> None:
        sent.extend(word for word in words if isinstance(word, bytes))

    with Bench.connect(read_bench("virtual"), wire_log=tap) as bench:
        sent.clear()
        with pytest.raises(RefusedError):
            run(bench, tmp_path / "r", **options)
        assert sent == []
    assert not (tmp_path / "r").exists()


def test_nothing_to_record_is_said(bench: Bench, tmp_path: Path) -> None:
    for sequences, repeats in (([], 3), (SEQUENCES, 0)):
        with pytest.raises(InputError, match="nothing to record"):
            next(record(bench, sequences, repeats, tmp_path / "r"))


def test_more_repeats_than_a_rig_ever_plays_are_refused_at_once(
    bench: Bench, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"1000000000 repeats are \d+ steps.*at most 100000000"):
        next(record(bench, SEQUENCES, 10**9, tmp_path / "r"))
    assert not (tmp_path / "r").exists()


def test_never_overwrites(bench: Bench, tmp_path: Path) -> None:
    run(bench, tmp_path / "r")
    before = (tmp_path / "r" / "recording.nc").read_bytes()
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        run(bench, tmp_path / "r")
    assert (tmp_path / "r" / "recording.nc").read_bytes() == before


def test_resume_records_only_what_is_missing(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
    after(events, RepeatRecorded, 2)
    events.close()
    first = read_recording(tmp_path / "r")
    again = run(bench, tmp_path / "r", seed=4, resume=True)
    started = [(e.sequence, e.repeat) for e in again if isinstance(e, RepeatStarted)]
    assert started == [tuple(pair) for pair in order_of(2, 2, 4)[2:].tolist()]
    done = [e.done for e in again if isinstance(e, Progress)]
    assert done == [3, 4]
    whole = read_recording(tmp_path / "r")
    kept = first.complete
    assert np.array_equal(whole.response[kept], first.response[kept], equal_nan=True)
    assert (whole.status, whole.complete.all()) == ("done", True)
    assert whole.meta["id"] == first.meta["id"]
    assert whole.start_s[~kept].min() > whole.start_s[kept].max()
    assert whole.meta["remarks"][0].endswith("after it was stopped")
    assert isinstance(again[-1], Result)
    assert again[-1].values["continued"] == 1  # its seconds are of the last session


def test_resume_of_a_complete_run_touches_nothing(bench: Bench, tmp_path: Path) -> None:
    run(bench, tmp_path / "r")
    before = os.stat(tmp_path / "r" / "recording.nc").st_mtime_ns
    events = run(bench, tmp_path / "r", resume=True)
    assert [type(e) for e in events] == [Result]
    assert os.stat(tmp_path / "r" / "recording.nc").st_mtime_ns == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 9}, "seed was 4, now 9"),
        ({"interleave": False}, "interleave was True, now False"),
        ({"window": DriveWindow("amplitude", 0.0023, 0.0034)}, "low_T was 0.0022, now 0.0023"),
        ({"reset": Reset(0.0039)}, "reset field_T was 0.004, now 0.0039"),
    ],
)  # fmt: skip
def test_resume_refuses_another_run(
    bench: Bench, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
    after(events, RepeatRecorded, 1)
    events.close()
    with pytest.raises(RefusedError, match=said):
        run(bench, tmp_path / "r", resume=True, **{"seed": 4, **change})
    with pytest.raises(RefusedError, match="other sequences or repeats"):
        list(record(bench, SEQUENCES[:1], 2, tmp_path / "r", seed=4, resume=True))
    assert read_recording(tmp_path / "r").status == "stopped"


def test_resume_refuses_another_current_for_the_same_field(tmp_path: Path) -> None:
    text = read_bench("virtual").text
    with Bench.connect(parse_bench(text, "then")) as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
        after(events, RepeatRecorded, 1)
        events.close()
    assert "tesla_per_ampere = 4.0e-4" in text
    other = text.replace("tesla_per_ampere = 4.0e-4", "tesla_per_ampere = 4.1e-4")
    said = (
        "magnet x: tesla_per_ampere was 0.0004, now 0.00041: "
        "the same field is 0.9756 times the current"
    )
    with (
        Bench.connect(parse_bench(other, "now")) as bench,
        pytest.raises(RefusedError, match=said),
    ):
        run(bench, tmp_path / "r", seed=4, resume=True)
    assert int(read_recording(tmp_path / "r").complete.sum()) == 1
    wider = text.replace("max_current_A = 11.0", "max_current_A = 11.5")
    with Bench.connect(parse_bench(wider, "wider limits")) as bench:
        assert run(bench, tmp_path / "r", seed=4, resume=True)
    assert read_recording(tmp_path / "r").complete.all()


@pytest.mark.parametrize(("tesla_per_ampere", "told"), [("4.0e-4", 0), ("2500.0", 1)])
def test_a_run_whose_drives_are_one_current_says_so(
    tmp_path: Path, tesla_per_ampere: str, told: int
) -> None:
    text = read_bench("virtual").text.replace("4.0e-4", tesla_per_ampere)
    with Bench.connect(parse_bench(text, "bench")) as bench:
        events = run(bench, tmp_path / "r")
    warned = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    assert (
        len([words for words in warned if "drives that differ may be one current" in words]) == told
    )
    remarks = read_recording(tmp_path / "r").meta.get("remarks", [])
    assert len([words for words in remarks if words.startswith("x: from drive 0 to 1")]) == told


def test_a_run_is_planned_and_gone_on_with_in_its_own_window(tmp_path: Path) -> None:
    window, reset = DriveWindow("step", 0.0022, 0.0034, 2.0), Reset(0.004, 3.0)
    played = {"window": window, "reset": reset, "seed": 4}
    with Bench.connect(read_bench("virtual")) as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r", **played)
        plan = next(events)
        after(events, RepeatRecorded, 2)
        events.close()
    assert isinstance(plan, RunPlan)
    assert plan.predicted_s > 4 * 3.0 + 10 * 2.0  # resets and steps
    with Bench.connect(read_bench("virtual")) as bench:
        again = run(bench, tmp_path / "r", resume=True, **played)
    done = read_recording(tmp_path / "r")
    starts_s = np.sort(done.start_s, axis=None)
    assert (np.diff(starts_s) > 2 * 2.0).all()  # no repeat begins within another
    notes = [e.text for e in again if isinstance(e, Note)]
    own = "in this run, which goes on as it was begun: to change it, begin another with --out"
    assert f"[drive] hold_s = 0.0 in the bench file, 2.0 {own}" in notes
    assert f"[reset] hold_s = 0.0 in the bench file, 3.0 {own}" in notes


def test_a_run_whose_readings_take_longer_than_foreseen_goes_on_behind_them(tmp_path: Path) -> None:
    silent = read_bench("virtual").text.replace("gate_s = 0.027027027", "gate_s = 0.0")

    def connected() -> Bench:
        bench = Bench.connect(parse_bench(silent, "bench"))
        read = bench.readouts["lockin"].read

        def slow() -> Any:
            bench.clock.wait(2.0)
            return read()

        bench.readouts["lockin"].read = slow  # type: ignore[method-assign]
        return bench

    with connected() as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
        after(events, RepeatRecorded, 2)
        events.close()
    before = read_recording(tmp_path / "r")
    with connected() as bench:
        run(bench, tmp_path / "r", seed=4, resume=True)
    starts_s = read_recording(tmp_path / "r").start_s
    assert (starts_s[~before.complete] >= np.nanmax(before.read_s)).all()


def test_nothing_is_said_of_the_window_where_a_run_goes_on_in_the_bench_s(
    bench: Bench, tmp_path: Path
) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
    after(events, RepeatRecorded, 2)
    events.close()
    again = run(bench, tmp_path / "r", seed=4, resume=True)
    assert not [e for e in again if isinstance(e, Note) and "in the bench file" in e.text]


def test_resume_refuses_another_magnet(tmp_path: Path) -> None:
    text = read_bench("virtual").text
    second = (
        '\n[magnet.y]\ndriver = "keithley-2400"\ntesla_per_ampere = 4.0e-3\nmax_current_A = 1.04\n'
        'resource = "TCPIP0::virtual-keithley-2400::5025::SOCKET"\nmax_ramp_A_per_s = 2000.0\n'
    )
    with Bench.connect(parse_bench(text + second, "two magnets")) as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
        after(events, RepeatRecorded, 1)
        events.close()
    turned = text.replace("[drive]", '[drive]\nmagnet = "y"') + second
    with (
        Bench.connect(parse_bench(turned, "the other")) as bench,
        pytest.raises(RefusedError, match=r"driven magnets was \['x'\], now \['y'\]"),
    ):
        run(bench, tmp_path / "r", seed=4, resume=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--repeats", "5"], "--repeats: as it was begun (2), not 5"),
        (["--sequences", "mixed:2x9@8"], "--sequences: as it was begun"),
        (["--seed", "9"], "--seed: as it was begun (4), not 9"),
        (["--blocked"], "--blocked: as it was begun"),
        (["--sample", "B"], "--sample: as it was begun ('A'), not 'B'"),
        (["--temperature", "4"], "--temperature: as it was begun (None), not 4.0"),
    ],
)
def test_resume_asked_for_something_else_is_wrong_use_and_not_left_out_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    asked = ["--bench", "virtual", "--sequences", "mixed:2x9@7", "--repeats", "2", "--seed", "4"]
    folder = str(tmp_path / "r")
    assert main(["record", *asked, "--sample", "A", "--out", folder]) == 0
    assert main(["record", "--bench", "virtual", "--resume", folder, *options]) == 2
    assert said in capsys.readouterr().err
    assert main(["record", *asked, "--sample", "A", "--resume", folder]) == 0


@pytest.mark.parametrize("typed", ["-5", "0", "nan", "inf", "20C"])
def test_a_sample_s_temperature_is_in_kelvin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    asked = ["record", "--bench", "virtual", "--sequences", "mixed:1x5", "--repeats", "1"]
    assert main([*asked, f"--temperature={typed}", "--out", str(tmp_path / "r")]) == 2
    assert f"'{typed}' is not a temperature in kelvin" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_resume_refuses_a_run_that_still_goes_on(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4)
    after(events, RepeatRecorded, 1)
    with pytest.raises(RefusedError, match="right now"):
        run(bench, tmp_path / "r", seed=4, resume=True)
    events.close()


def test_another_setting_is_named(bench: Bench, tmp_path: Path) -> None:
    run(bench, tmp_path / "r")
    recording = read_recording(tmp_path / "r")
    lockin = recording.settings["lockin"]
    assert differences(recording, bench, recording.window, recording.reset) == []
    wobbly = replace(
        recording, settings={**recording.settings, "lockin": {**lockin, "frequency_Hz": 37.004}}
    )
    assert differences(wobbly, bench, recording.window, recording.reset) == []
    other = replace(recording, settings={**recording.settings, "lockin": {**lockin, "harmonic": 1}})
    assert differences(other, bench, recording.window, recording.reset) == [
        "lockin harmonic was 1, now 2"
    ]
    kept = {key: value for key, value in lockin.items() if key != "notch"}  # an older version's
    older = replace(recording, settings={**recording.settings, "lockin": kept})
    assert differences(older, bench, recording.window, recording.reset) == [
        "lockin notch was none (it was off, or an older version did not keep it), now none"
    ]


def test_a_run_of_mixed_sequences_is_stochastic_and_follows_its_drive(
    bench: Bench, tmp_path: Path
) -> None:
    list(record(bench, make_sequences("mixed", 2, 40, 1), 6, tmp_path / "r"))
    response = read_recording(tmp_path / "r").response
    spread = response.std(axis=1).mean()
    signal = response.mean(axis=1).std()
    assert 0 < spread < signal


def test_a_writer_that_cannot_start_energises_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    energised: list[bool] = []
    monkeypatch.setattr(bench, "energise", _noting(energised))
    (tmp_path / "file").touch()
    with pytest.raises((InputError, TwinrigError)):
        run(bench, tmp_path / "file" / "r")
    assert energised == []


def _noting(calls: list[bool]) -> Callable[[], None]:
    return lambda: calls.append(True)


def test_steps_are_heartbeats(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[int] = []
    monkeypatch.setattr(RecordingWriter, "beat", lambda self: beats.append(1))
    events = run(bench, tmp_path / "r")
    assert len(beats) == sum(isinstance(e, StepRead) for e in events)


def test_more_than_the_disk_has_is_refused_before_anything_is_made(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.record_room.free_bytes", lambda _: 40_000)
    with pytest.raises(RefusedError, match="of the disk, which has 40 kB left in"):
        run(bench, tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert is_safe(bench)
