"""`twinrig monitor`: what the rig shows, to a file or the terminal, changing nothing."""

from __future__ import annotations

import csv
import errno
import json
import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from exits_rig import exit_rig
from served_rig import served_rig
from two_coils import TWO_COILS

from app.cli.main import main
from app.cli.words import words_of
from app.operations.events import Note, Result
from app.operations.monitor import BenchRead, monitor
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.link_errors import WrongInstrumentError
from models.errors import InputError, TwinrigError


def test_values_go_to_a_new_csv_file_with_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "values.csv"
    arguments = ["monitor", "--bench", "virtual", "--seconds", "0.1", "--interval", "0.05"]
    assert main([*arguments, "--out", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = list(csv.reader(out.read_text().splitlines()))
    assert rows[0] == [
        "time_s", "field_T", "setpoint_T", "current_A", "output_on", "X (V)", "Y (V)",
        "utc",
    ]  # fmt: skip
    assert len(rows) == 1 + result["readings"]
    assert 1 <= result["readings"] <= 3  # a busy computer looks less often
    assert main([*arguments, "--out", str(out)]) == 2
    assert list(csv.reader(out.read_text().splitlines())) == rows


def test_with_json_each_look_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--bench", "virtual", "--seconds", "0.01", "--json"]) == 0
    *looks, result = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {look["event"] for look in looks} == {"benchread"}
    assert looks[0]["channels"] == ["X", "Y"]
    assert looks[0]["output_on"] is False
    assert result["readings"] == len(looks)


def test_the_rig_is_left_as_it_is_found(tmp_path: Path) -> None:
    with served_rig(tmp_path) as rig:
        with Bench.connect(read_bench(rig.bench)) as bench:
            bench.energise()
            before = len(rig.messages())
            bench_file = str(rig.bench)
            looks = [e for e in monitor(bench, seconds=0.01) if isinstance(e, BenchRead)]
            assert looks[0].output_on
            sent = [m["data"] for m in rig.messages()[before:]]
        assert sent
        assert all("?" in message for message in sent)
        assert main(["monitor", "--bench", bench_file, "--seconds", "0.01"]) == 0


def test_a_read_out_that_no_run_has_set_up_shows_no_value_and_says_so() -> None:
    with Bench.connect(read_bench("virtual-spin-vortex-ice")) as bench:
        said, *looks, result = monitor(bench, seconds=0.01, interval_s=0.005)
    assert isinstance(said, Note)
    assert "no value of S21[0], S21[1], S21[2], S21[3] and 56 more" in said.text
    assert 1 <= len(looks) <= 3  # as many as a busy computer has time for
    assert "S21[0] —  S21[1] —" in (words_of(looks[0]) or "")
    assert isinstance(result, Result)
    assert result.values["readings"] == len(looks)
    assert result.values["lost"] == 0


def test_each_other_magnet_has_a_column(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    spec = parse_bench(TWO_COILS, "b.toml")
    with Bench.connect(spec) as bench:
        deque(monitor(bench, seconds=0.01, out=out))
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [float(row["y (A)"]) for row in rows] == pytest.approx([0.0] * len(rows), abs=1e-2)
    assert list(rows[0])[-2:] == ["y (A)", "utc"]


def test_an_existing_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    out.write_text("mine")
    with (
        Bench.connect(read_bench("virtual")) as bench,
        pytest.raises(InputError, match="name a new file"),
    ):
        next(monitor(bench, out=out))
    assert out.read_text() == "mine"


def test_a_folder_that_lacks_is_wrong_use_and_a_disk_that_refuses_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "nowhere" / "values.csv"
    with Bench.connect(read_bench("virtual")) as bench:
        with pytest.raises(InputError, match=f"make the folder {out.parent} first"):
            next(monitor(bench, out=out))

        def refuses(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "open", refuses)
        with pytest.raises(TwinrigError, match="Read-only file system; check who may") as said:
            next(monitor(bench, out=out))
    assert said.value.exit_code == 1


def with_faults(folder: Path, *faults: dict[str, object]) -> list[str]:
    """What serves a rig with these faults."""
    path = folder / "faults.json"
    path.write_text(json.dumps(faults))
    return ["--faults", str(path)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "silence", "seconds": 0.4},
        {"kind": "dropped", "seconds": 1.0},
        {"kind": "garbage"},
        {"kind": "late", "seconds": 1.5},
    ],
)
def test_a_reply_that_is_lost_is_a_gap_and_not_the_end_of_the_log(
    tmp_path: Path, fault: dict[str, object]
) -> None:
    out = tmp_path / "night.csv"
    serving = with_faults(tmp_path, {"instrument": "sr830", "at": 40, **fault})
    with (
        served_rig(tmp_path, more=serving) as rig,
        Bench.connect(read_bench(rig.bench)) as bench,
    ):
        events = list(monitor(bench, seconds=5.0, interval_s=0.05, out=out))
    *_, last, result = events
    assert isinstance(result, Result)
    assert result.values["lost"] >= 1
    said = [event.text for event in events if isinstance(event, Note)]
    assert said[0].startswith("a look was lost, and is tried again every time: lockin")
    assert said[-1].startswith("answers again, after ")
    assert isinstance(last, BenchRead)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    lost = [row for row in rows if not row["X (V)"]]
    assert len(lost) == result.values["lost"]
    assert all(row["time_s"] and row["utc"] and not row["current_A"] for row in lost)
    assert len(rows) - len(lost) == result.values["readings"]


def test_another_instrument_at_the_address_ends_the_log(tmp_path: Path) -> None:
    serving = with_faults(tmp_path, {"instrument": "sr830", "at": 40, "kind": "wrong-instrument"})
    with (
        served_rig(tmp_path, more=serving) as rig,
        Bench.connect(read_bench(rig.bench)) as bench,
        pytest.raises(WrongInstrumentError),
    ):
        list(monitor(bench, seconds=20.0, interval_s=0.05))


def test_a_look_is_due_at_every_interval_and_one_that_is_late_is_not_caught_up_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    takes_s = iter([0.0, 0.001, 0.25, 0.0, 0.0])

    def pass_by(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    with exit_rig() as rig, Bench.connect(rig.spec()) as bench:
        real = bench.monitor

        def timed() -> object:
            pass_by(next(takes_s))
            return real()

        bench.monitor = timed  # type: ignore[assignment, method-assign]
        clock = SimpleNamespace(monotonic=lambda: now_s)
        with monkeypatch.context() as patch:
            patch.setattr(bench.stop, "sleep", pass_by)
            patch.setattr("app.operations.monitor.time", clock)
            events = list(monitor(bench, seconds=0.5, interval_s=0.1))
    looks = [event for event in events if isinstance(event, BenchRead)]
    assert [look.time_s for look in looks] == pytest.approx([0.0, 0.1, 0.2, 0.45])


def test_looks_that_take_longer_than_the_interval_do_not_make_the_run_longer() -> None:
    with exit_rig() as rig, Bench.connect(rig.spec()) as bench:
        real = bench.monitor

        def slow() -> object:
            time.sleep(0.1)
            return real()

        bench.monitor = slow  # type: ignore[assignment, method-assign]
        began_s = time.monotonic()
        looks = [
            e for e in monitor(bench, seconds=0.5, interval_s=0.01) if isinstance(e, BenchRead)
        ]
    assert time.monotonic() - began_s < 1.5
    assert 2 <= len(looks) <= 6


def test_the_temperatures_and_the_time_of_day_are_in_the_table(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    coil = (
        '\n[thermometer.coil]\ndriver = "lakeshore-336"\nmax_K = 340.0\n'
        'resource = "TCPIP0::virtual-lakeshore-336::5025::SOCKET"\n'
    )
    spec = parse_bench(read_bench("virtual").text + coil, "with a thermometer")
    with Bench.connect(spec) as bench:
        assert list(monitor(bench, seconds=0.0, out=out))
    (row,) = csv.DictReader(out.read_text().splitlines())
    assert 290.0 < float(row["coil (K)"]) < 300.0
    age_s = (datetime.now(UTC) - datetime.fromisoformat(row["utc"])).total_seconds()
    assert -1.0 < age_s < 60.0


def test_what_forbids_current_is_part_of_each_reading() -> None:
    water = '\n[interlock.water]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = 2.0\n'
    with exit_rig() as rig:
        spec = parse_bench(rig.text + water, "water bench")
        with Bench.connect(spec) as bench:
            well, *_ = monitor(bench, seconds=0.0)
            rig.rig.instruments["sr830"].aux_in_V[0] = 0.1  # type: ignore[attr-defined]
            dry, *_ = monitor(bench, seconds=0.0)
    assert isinstance(well, BenchRead)
    assert isinstance(dry, BenchRead)
    assert well.forbids == ()
    assert "interlock water (lockin, aux1) reads 0.1 V" in dry.forbids[0]
    assert "no current allowed: interlock water" in (words_of(dry) or "")
    assert "allowed" not in (words_of(well) or "")


def test_another_magnet_that_is_energised_stands_in_the_line() -> None:
    one = BenchRead(0.0, 0.0, 0.0, 0.0, False, (0.0,), ("X",), ("V",))
    assert "energised" not in (words_of(one) or "")
    words = words_of(replace(one, others=("y: 5 A, output on",))) or ""
    assert "current +0.0000 A, output off (also energised: y: 5 A, output on)" in words
