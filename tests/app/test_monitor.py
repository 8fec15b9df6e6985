"""`twinrig monitor`: what the rig shows, to a file or the terminal, changing nothing."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from exits_rig import exit_rig
from served_rig import served_rig

from app.cli import main
from app.cli_words import words_of
from app.operations.monitor import BenchRead, monitor
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_values_go_to_a_new_csv_file_with_units(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    arguments = ["monitor", "--bench", "virtual", "--seconds", "0.1", "--interval", "0.05"]
    assert main([*arguments, "--out", str(out)]) == 0
    rows = list(csv.reader(out.read_text().splitlines()))
    assert rows[0] == [
        "time_s", "field_T", "setpoint_T", "current_A", "output_on", "X (V)", "Y (V)",
    ]  # fmt: skip
    assert len(rows) == 4
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


def test_an_existing_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    out.write_text("mine")
    with (
        Bench.connect(read_bench("virtual")) as bench,
        pytest.raises(InputError, match="name a new file"),
    ):
        next(monitor(bench, out=out))
    assert out.read_text() == "mine"


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
