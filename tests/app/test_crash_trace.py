"""A process that crashes below Python leaves what its threads were doing; its next start tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app.config import Settings
from app.crash_trace import LAST, crashes_told, folder, last_crash
from app.problem_bundle import write_bundle
from instruments.bench_file import read_bench

ROOT = Path(__file__).parents[2]
BEGUN = "import os, signal, sys\nfrom app.crash_trace import keep_trace\nkeep_trace()\n"
CRASH = "def at_the_magnet():\n    os.kill(os.getpid(), signal.SIGSEGV)\nat_the_magnet()\n"


@pytest.fixture(autouse=True)
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINRIG_CONFIG", str(tmp_path / "config"))


def ended(code: str) -> int:
    """Exit code of a process that has its crashes written down and then does this."""
    return subprocess.run([sys.executable, "-c", BEGUN + code], cwd=ROOT, check=False).returncode


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_crash_is_told_once_and_goes_into_the_report(tmp_path: Path) -> None:
    assert ended(CRASH) == -signal.SIGSEGV
    assert "An earlier window crashed on" in crashes_told()
    assert crashes_told() == ""
    assert [file.name for file in folder().iterdir()] == [LAST]
    assert "at_the_magnet" in last_crash()
    path = write_bundle(tmp_path, [], Settings(), read_bench("virtual"), {})
    with zipfile.ZipFile(path) as bundle:
        text = bundle.read("crash.txt").decode()
    assert "at_the_magnet" in text
    assert str(Path.home()) not in text


@pytest.mark.parametrize("code", ["", "sys.exit(3)\n", "raise KeyError\n"])
def test_whoever_ends_as_he_should_leaves_nothing(code: str) -> None:
    ended(code)
    assert list(folder().iterdir()) == []
    assert crashes_told() == last_crash() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_killed_process_has_not_crashed(tmp_path: Path) -> None:
    assert ended("os.kill(os.getpid(), signal.SIGKILL)\n") == -signal.SIGKILL
    assert len(list(folder().iterdir())) == 1
    assert crashes_told() == ""
    assert list(folder().iterdir()) == []


def test_that_of_a_living_process_stays_where_it_is() -> None:
    folder().mkdir(parents=True)
    mine, dead = folder() / f"{os.getpid()}.txt", folder() / "4194305.txt"  # beyond any pid
    mine.write_text("of exceptions that were handled")
    dead.write_text("Windows fatal exception: access violation")
    assert "crashed" in crashes_told()
    assert mine.exists()
    assert last_crash() == "Windows fatal exception: access violation"


def test_a_disk_that_takes_none_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the folder's place")
    assert ended("sys.exit(4)\n") == 4
    assert crashes_told() == last_crash() == ""
