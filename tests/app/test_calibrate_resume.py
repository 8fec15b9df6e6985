"""A calibration that was cut short goes on: by the same way, with the same probe, or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from calibrated import PLAN, TEXT, Orders, YokeRig, connected, is_off

import instruments.virtual.library as virtual_library
from app.cli.main import main
from app.operations.calibrate import calibrate
from app.operations.events import Note, PointMeasured, RepeatRecorded, Result
from app.operations.record import record
from app.recording_store import RecordingWriter
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.virtual.kepco_bop import IDENTITY, KepcoBop
from models.errors import InputError, RefusedError, StoppedError, TwinrigError
from models.sequence import make_sequences

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = ("tesla_per_ampere", "offset_T", "hysteresis_T", "remanence_T")


@pytest.fixture(autouse=True)
def yoke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)


def result_of(events: list[Any]) -> dict[str, Any]:
    assert isinstance(events[-1], Result)
    return events[-1].values


def cut_short(out: Path, branches: int) -> None:
    """One that is stopped in the third point of the branch after so many complete ones."""
    with connected() as bench:
        events = calibrate(bench, out, plan=PLAN)
        for event in events:
            if isinstance(event, PointMeasured) and (event.branch, event.step) == (branches, 2):
                bench.stop.request()
                break
        with pytest.raises(StoppedError):
            list(events)
    assert int(read_recording(out).complete.sum()) == branches


@pytest.mark.parametrize("branches", [0, 1, 2])
def test_it_finds_what_an_unbroken_one_finds(tmp_path: Path, branches: int) -> None:
    with connected() as bench:
        whole = result_of(list(calibrate(bench, tmp_path / "whole", plan=PLAN)))
    cut_short(tmp_path / "c", branches)
    with connected() as bench:
        events = list(calibrate(bench, tmp_path / "c", resume=True))
        assert is_off(bench)
    values = result_of(events)
    assert values["status"] == "done"
    for name in NUMBERS:
        assert values[name] == pytest.approx(whole[name], rel=0.02, abs=2e-7), name
    assert values["hysteresis_T"] == pytest.approx(YokeRig.width_T, rel=0.2)
    assert sum(isinstance(event, RepeatRecorded) for event in events) == 3 - branches
    recording = read_recording(tmp_path / "c")
    assert recording.complete.all()
    assert any("continued" in words for words in recording.meta["remarks"])
    starts_s = recording.start_s[:, 0]
    assert (starts_s[1:] > starts_s[:-1]).all()
    assert values["id"] == recording.meta["id"]


def test_the_way_back_is_the_way_it_had_come(tmp_path: Path) -> None:
    cut_short(tmp_path / "c", 2)
    tap = Orders()
    with connected(tap=tap) as bench:
        list(calibrate(bench, tmp_path / "c", resume=True))
    sets = [float(data.split()[1]) for data in tap.to("x", b"CURR ")]
    first_top = next(at for at, each in enumerate(sets) if each > 9.89)
    first_low = next(at for at, each in enumerate(sets) if each < -9.89)
    assert first_top < first_low
    assert min(sets) == pytest.approx(-9.9)


def test_a_probe_that_was_moved_meanwhile_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(tmp_path / "c", 1)
    monkeypatch.setattr(YokeRig, "offset_T", 2.5e-4)
    with connected() as bench:
        with pytest.raises(TwinrigError, match="no longer what it was") as raised:
            list(calibrate(bench, tmp_path / "c", resume=True))
        assert is_off(bench)
    assert "--out" in str(raised.value)
    recording = read_recording(tmp_path / "c")
    assert recording.status == "failed"
    assert int(recording.complete.sum()) == 1
    assert not (tmp_path / "c" / "calibration.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_current_A = 11.0", "max_current_A = 8.0", "max_current_A was 11.0, now 8.0"),
        ("4.0e-4", "4.2e-4", "tesla_per_ampere was 0.0004, now 0.00042"),
        ("lakeshore-475", "lakeshore-425", "MODEL425"),
        ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 50.0", "max_ramp_A_per_s was 2000.0"),
    ],
)
def test_another_bench_is_refused_before_anything_flows(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    cut_short(tmp_path / "c", 1)
    before = (tmp_path / "c" / "recording.nc").read_bytes()
    tap = Orders()
    with (
        connected(TEXT.replace(old, new), tap) as bench,
        pytest.raises(RefusedError, match="can't be continued") as raised,
    ):
        list(calibrate(bench, tmp_path / "c", resume=True))
    assert words in str(raised.value)
    assert tap.to("x", b"OUTP ON") == []
    assert (tmp_path / "c" / "recording.nc").read_bytes() == before


def test_one_that_has_ended_is_told_again_and_drives_nothing(tmp_path: Path) -> None:
    with connected() as bench:
        whole = result_of(list(calibrate(bench, tmp_path / "c", plan=PLAN)))
    tap = Orders()
    with connected(tap=tap) as bench:
        again = result_of(list(calibrate(bench, tmp_path / "c", resume=True)))
    assert tap.to("x", b"OUTP ON") == []
    assert {name: again[name] for name in NUMBERS} == {name: whole[name] for name in NUMBERS}
    assert again["calibration"] == whole["calibration"]


def test_one_whose_last_word_was_not_written_is_only_worked_out(tmp_path: Path) -> None:
    with connected() as bench:
        whole = result_of(list(calibrate(bench, tmp_path / "c", plan=PLAN)))
    (tmp_path / "c" / "calibration.json").unlink()
    tap = Orders()
    with connected(tap=tap) as bench:
        again = result_of(list(calibrate(bench, tmp_path / "c", resume=True)))
    assert tap.to("x", b"OUTP ON") == []
    assert {name: again[name] for name in NUMBERS} == {name: whole[name] for name in NUMBERS}
    assert (tmp_path / "c" / "calibration.json").is_file()


def test_the_question_says_what_is_kept(tmp_path: Path) -> None:
    cut_short(tmp_path / "c", 2)
    asked: list[str] = []

    def no(words: str) -> bool:
        asked.append(words)
        return False

    with connected() as bench, pytest.raises(StoppedError, match="nobody said yes"):
        list(calibrate(bench, tmp_path / "c", confirm=no, resume=True))
    assert "The branches initial, falling are kept" in asked[0]


def test_a_last_calibration_that_contradicts_the_bench_file_is_told_first(tmp_path: Path) -> None:
    with connected() as bench:
        list(calibrate(bench, tmp_path / "one", plan=PLAN))
    with connected(TEXT.replace("4.0e-4", "4.6e-4")) as bench:
        events = calibrate(bench, tmp_path / "two", plan=PLAN)
        first = next(events)
        assert isinstance(first, Note)
        assert first.level == "warning"
        assert "last calibration" in first.text
        assert "0.00046 T/A" in first.text
        assert "(−13." in first.text
        assert not bench.state()["x"].output_on
        events.close()
    assert not (tmp_path / "two").exists()


def test_a_calibration_of_another_rig_of_the_same_name_is_not_this_magnets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(KepcoBop, "identity", IDENTITY.replace("H249977", "H111111"))
        with connected() as bench:
            list(calibrate(bench, tmp_path / "elsewhere", plan=PLAN))
    with Bench.connect(parse_bench(TEXT.replace("4.0e-4", "4.6e-4"), "b.toml")) as bench:
        events = list(record(bench, make_sequences("mixed", 1, 4, 1), 1, tmp_path / "rec"))
    assert not [e for e in events if isinstance(e, Note) and "calibration" in e.text]


def test_a_recording_that_contradicts_it_says_so_before_it_is_energised(tmp_path: Path) -> None:
    with connected() as bench:
        list(calibrate(bench, tmp_path / "cal", plan=PLAN))
    for text, expected in ((TEXT, 0), (TEXT.replace("4.0e-4", "4.6e-4"), 1)):
        tap, out = Orders(), tmp_path / f"rec{expected}"
        spec = parse_bench(text, "b.toml")
        with Bench.connect(spec, wire_log=tap) as bench:
            said = []
            for event in record(bench, make_sequences("mixed", 1, 4, 1), 1, out):
                if isinstance(event, Note) and "calibration" in event.text:
                    said.append(event.text)
                    assert tap.to("x", b"OUTP ON") == []
        assert len(said) == expected
        assert len(read_recording(out).meta.get("remarks", [])) == expected
    assert "last calibration" in said[0]


# ---- as a user meets it


def test_the_command_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench, out, copy = tmp_path / "b.toml", tmp_path / "c", tmp_path / "new.toml"
    bench.write_text(TEXT.replace("4.0e-4", "3.8e-4"))
    with connected(bench.read_text()) as rig:
        events = calibrate(rig, out, plan=PLAN)
        next(event for event in events if isinstance(event, RepeatRecorded))
        events.close()
    command = ["bench", "calibrate", "--bench", str(bench), "--resume", str(out), "--yes", "--json"]
    assert main([*command, "--points", "9"]) == 2
    assert "goes on as it was begun" in capsys.readouterr().out
    assert main([*command, "--write-bench", str(copy)]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["status"] == "done"
    assert result["bench_file"] == str(copy)
    assert "tesla_per_ampere = 0.000" in copy.read_text()
    assert main([*command, "--write-bench", str(copy)]) == 2  # never overwritten
    assert "exists already" in capsys.readouterr().out


def test_one_that_is_stopped_says_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, out = tmp_path / "b.toml", tmp_path / "c"
    bench.write_text(TEXT)
    add = RecordingWriter.append

    def stops(writer: RecordingWriter, *measured: Any) -> None:
        add(writer, *measured)
        raise StoppedError("Stop was requested")

    monkeypatch.setattr(RecordingWriter, "append", stops)
    options = ["--bench", str(bench), "--out", str(out), "--yes", "--points", "5"]
    assert main(["bench", "calibrate", *options]) == 3
    go_on = f"go on with: twinrig bench calibrate --bench {bench} --resume {out}"
    assert go_on in capsys.readouterr().err


def test_a_recording_is_no_calibration_to_go_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = tmp_path / "b.toml"
    bench.write_text(TEXT)
    record = ["record", "--sequences", "mixed:1x4", "--repeats", "1", "--out", str(tmp_path / "r")]
    assert main([*record, "--bench", str(bench)]) == 0
    options = ["--bench", str(bench), "--resume", str(tmp_path / "r"), "--yes"]
    assert main(["bench", "calibrate", *options]) == 2
    assert "no calibration" in capsys.readouterr().err
    with connected() as rig, pytest.raises(InputError, match="no calibration"):
        list(calibrate(rig, tmp_path / "r", resume=True))


def test_the_one_to_go_on_with_is_this_benchs_whatever_another_has_calibrated_since(
    tmp_path: Path,
) -> None:
    from app.gui.pages.calibrate_form import cut_short as to_go_on
    from app.library.library import Library

    cut_short(tmp_path / "cal-half", 1)
    begun = to_go_on(Library(tmp_path), "gap", {})
    assert begun is not None
    assert begun.path == tmp_path / "cal-half"
    with connected(TEXT.replace('name = "gap"', 'name = "other"')) as rig:
        list(calibrate(rig, tmp_path / "whole", plan=PLAN))
    assert to_go_on(Library(tmp_path), "gap", {}) == begun
    assert to_go_on(Library(tmp_path), "other", {}) is None
    with connected() as rig:
        list(calibrate(rig, tmp_path / "own", plan=PLAN))
    assert to_go_on(Library(tmp_path), "gap", {}) is None  # what is whole needs no going on
