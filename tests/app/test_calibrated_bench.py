"""A copy of a bench file in which one number is new, and everything else is as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from calibrated import TEXT

from app.calibrated_bench import calibrated_text, free_name, write_calibrated
from app.calibration_store import Stored
from instruments.bench_file import parse_bench, read_bench
from instruments.calibration import Calibration
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Calibration(3.912345678e-4, 2e-7, 5e-5, 1e-7, 2e-5, 1e-8, 1e-5, 1e-6, 1e-6)
STORED = Stored(FOUND, "x", "gap", "gap", "2026-11-25T12:00:00+00:00", "cal-1", 4.0e-4)


def test_one_line_is_new_and_says_why(tmp_path: Path) -> None:
    path = write_calibrated(parse_bench(TEXT, "b.toml"), STORED, tmp_path / "new.toml")
    new = path.read_text()
    old_lines, new_lines = TEXT.splitlines(), new.splitlines()
    assert [line for line in new_lines if line not in old_lines] == [
        "# 2026-11-25T12:00:00+00:00 cal-1: 0.000391235 ± 2e-07 T/A by gap; was 0.0004",
        "tesla_per_ampere = 0.000391235",
    ]
    assert len(new_lines) == len(old_lines) + 1
    limits = read_bench(path).magnets["x"].limits
    assert limits.tesla_per_ampere == 0.000391235
    assert limits.max_current_A == 11.0


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("[magnet.x]", "tesla_per_ampere=4e-4"),
        ("  [ magnet . x ]  # the coil", "\ttesla_per_ampere   =  4.0e-4   # by hand"),
        ('[magnet."x"]', "tesla_per_ampere = 4.0e-4"),
        ("[magnet.'x']", "tesla_per_ampere = 4.0e-4"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_number_is_found_and_its_comment_stays(head: str, line: str, end: str) -> None:
    text = "\n".join(['name = "b"', "[magnet.y]", "tesla_per_ampere = 1.0", head, line, "[drive]"])
    text = text.replace("\n", end)
    new = calibrated_text(text, "x", 3.9e-4)
    assert "0.00039" in new
    assert "tesla_per_ampere = 1.0" in new
    assert new.count(end) == text.count(end)
    assert ("# by hand" in new) == ("# by hand" in line)


@pytest.mark.parametrize(
    "text",
    [
        "[magnet]\nx = {tesla_per_ampere = 4.0e-4}\n",
        "magnet.x.tesla_per_ampere = 4.0e-4\n",
        '[magnet.x]\nnote = """\ntesla_per_ampere = 1.0\n"""\ntesla_per_ampere = 4e-4\n',
    ],
)
def test_what_has_no_line_of_its_own_is_left_to_a_hand(text: str) -> None:
    with pytest.raises(InputError, match=r"by hand"):
        calibrated_text(text, "x", 3.9e-4)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        write_calibrated(parse_bench(TEXT, "b.toml"), STORED, path)
    assert path.read_text() == "mine"


def test_what_came_in_the_same_moment_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.toml"
    sync = os.fsync

    def comes(number: int) -> None:
        sync(number)
        path.write_text("another's")

    monkeypatch.setattr(os, "fsync", comes)
    with pytest.raises(InputError, match="exists already"):
        write_calibrated(parse_bench(TEXT, "b.toml"), STORED, path)
    assert path.read_text() == "another's"


def test_names_are_free_and_beside_the_bench_file(tmp_path: Path) -> None:
    bench = tmp_path / "rig 2.toml"
    bench.write_text(TEXT)
    spec = read_bench(bench)
    assert free_name(spec, tmp_path / "library") == tmp_path / "rig 2-calibrated.toml"
    (tmp_path / "rig 2-calibrated.toml").touch()
    assert free_name(spec, tmp_path / "library") == tmp_path / "rig 2-calibrated-2.toml"
    built_in = read_bench("virtual")
    assert free_name(built_in, tmp_path / "library").parent == tmp_path / "library"
