"""`twinrig bench write`: from a rig that nobody knows to a bench file that passes its check."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from served_rig import start, stop_signal

from app.cli.main import main
from app.new_file import write_new
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = ["--tesla-per-ampere", "4e-4", "--max-current-A", "11", "--max-ramp-A-per-s", "2000"]
DRIVE = ["drive.encoding=amplitude", "drive.low_T=0.0022", "drive.high_T=0.0034",
         "drive.gate_s=0.027", "reset.field_T=0.004"]  # fmt: skip


@pytest.fixture(scope="module")
def addresses() -> Any:
    """Kepco, SR830 and clock of a rig that is served by another process."""
    process = start("bench", "serve", "--accelerate", "50")
    assert process.stdout is not None
    yield [json.loads(process.stdout.readline())["resource"] for _ in range(3)]
    process.send_signal(stop_signal())
    process.communicate(timeout=20)


def write(*arguments: str | Path) -> int:
    return main(["bench", "write", *map(str, arguments), "--json"])


def result_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    last: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return last


def test_from_addresses_to_a_check_and_a_recording(
    tmp_path: Path, addresses: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = tmp_path / "rig.toml"
    assert write("--out", bench, "--identify", "--resource", *addresses, *LIMITS, "--set", *DRIVE,
                 "virtual.accelerate=50") == 0  # fmt: skip
    result = result_of(capsys)
    assert result["complete"] is True
    assert (result["missing"], result["left_out"]) == ([], [])
    assert result["instruments"]["x"]["driver"] == "kepco-bop"
    assert result["instruments"]["lockin"]["identity"].startswith("Stanford")
    assert main(["bench", "check", str(bench), "--json"]) == 0
    out = tmp_path / "recording"
    assert main(["record", "--bench", str(bench), "--sequences", "mixed:1x5@1", "--repeats", "2",
                 "--out", str(out)]) == 0  # fmt: skip
    assert read_recording(out).response.shape == (1, 2, 5, 2)


def test_without_limits_a_draft_is_written_and_refused_as_a_bench(
    tmp_path: Path, addresses: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = tmp_path / "rig.toml"
    assert write("--out", bench, "--identify", "--resource", *addresses) == 0
    result = result_of(capsys)
    assert result["complete"] is False
    assert "[magnet.x] max_current_A is missing" in result["missing"]
    assert main(["monitor", "--bench", str(bench), "--seconds", "0.1"]) == 2
    assert main(["record", "--bench", str(bench), "--sequences", "mixed:1x5@1", "--repeats", "1",
                 "--out", str(tmp_path / "r")]) == 2  # fmt: skip
    assert "max_current_A is missing" in capsys.readouterr().err


def test_nothing_is_opened_unless_asked_for(
    tmp_path: Path, addresses: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "wire.jsonl"
    bench = tmp_path / "rig.toml"
    drivers = [f"kepco-bop@{addresses[0]}", f"lock=sr830@{addresses[1]}"]
    assert write("--out", bench, "--resource", *drivers, *LIMITS, "--set", *DRIVE,
                 "--wire-log", log) == 0  # fmt: skip
    result = result_of(capsys)
    assert result["complete"] is True
    assert {one["ok"] for one in result["instruments"].values()} == {None}
    assert log.read_text() == ""


def test_another_model_than_was_named_ends_it_before_anything_is_written(
    tmp_path: Path, addresses: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = tmp_path / "rig.toml"
    assert write("--out", bench, "--identify", "--resource", f"sr830@{addresses[0]}") == 1
    assert "That is a Kepco BOP" in result_of(capsys)["message"]
    assert not bench.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-current-A", "-3"], "max_current_A = -3.0 A must be a number above 0"),
        (["--set", "drive.low_T=high"], "low_T = 'high' must be a number"),
        (["--set", "drive.encodin=step"], "unknown key 'encodin'; did you mean 'encoding'?"),
        (["--set", "readout.channels=Q"], "channel 'Q' is unknown"),
        (["--set", "magnet.q.compliance_V=3"], "no magnet 'q'"),
        (["--set", "drive.high_T=0.1", "drive.low_T=0.0", "drive.encoding=step",
          "reset.field_T=0.0", *LIMITS], "beyond max_current_A = 11 A"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    bench = tmp_path / "rig.toml"
    places = ["kepco-bop@GPIB0::6::INSTR", "sr830@GPIB0::8::INSTR"]
    assert write("--out", bench, "--resource", *places, *arguments) == 2
    assert words in result_of(capsys)["message"]
    assert list(tmp_path.iterdir()) == []


def test_one_address_twice_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["kepco-bop@GPIB0::6::INSTR", "sr830@GPIB0::6::INSTR"]
    assert write("--out", tmp_path / "rig.toml", "--resource", *places) == 2
    assert "is x's already" in result_of(capsys)["message"]


def test_a_file_that_is_there_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = tmp_path / "rig.toml"
    bench.write_text("mine")
    assert write("--out", bench, "--resource", "sr830@GPIB0::8::INSTR") == 2
    assert write("--out", tmp_path / "no" / "rig.toml", "--resource", "GPIB0::8::INSTR") == 2
    assert bench.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["rig.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="hard links")
def test_a_file_that_comes_in_the_last_moment_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "rig.toml", os.link

    def other_first(source: Path, target: Path) -> None:
        path.write_text("another program's")
        link(source, target)

    monkeypatch.setattr(os, "link", other_first)
    with pytest.raises(InputError, match="exists already"):
        write_new(path, "ours")
    assert path.read_text() == "another program's"
    assert [p.name for p in tmp_path.iterdir()] == ["rig.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="hard links")
def test_a_file_system_without_links_gets_the_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    write_new(tmp_path / "rig.toml", "ours")
    assert (tmp_path / "rig.toml").read_text() == "ours"
    with pytest.raises(InputError, match="exists already"):
        write_new(tmp_path / "rig.toml", "again")
