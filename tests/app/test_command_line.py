"""Commands that are shown to be pasted: as the system's shell reads them, and they go on."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.artefacts import code_version
from app.cli.main import main
from app.commands import COMMANDS
from app.operations.events import Note
from app.recording_store import RecordingWriter
from app.store import read_recording
from models.command import command_line
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FAULTS = {"stopped": StoppedError("Stop was requested"), "failed": TwinrigError("the rig is gone")}


@pytest.mark.parametrize(
    ("windows", "shown"),
    [
        (False, "twinrig record --out 'C:\\my data\\r'"),
        (True, 'twinrig record --out "C:\\my data\\r"'),
    ],
)
def test_a_path_is_quoted_as_the_systems_shell_reads_it(windows: bool, shown: str) -> None:
    assert command_line(["twinrig", "record", "--out", "C:\\my data\\r"], windows) == shown


def test_windows_quotes_no_backslash() -> None:
    assert command_line(["twinrig", "--resume", "C:\\r"], windows=True) == "twinrig --resume C:\\r"


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("C:\\R&D\\r", '"C:\\R&D\\r"'),
        ("C:\\R&D\\", '"C:\\R&D\\\\"'),
        ("response=|S21|", '"response=|S21|"'),
    ],
)
def test_windows_quotes_what_its_shell_would_take_for_itself(word: str, shown: str) -> None:
    """`--resume C:\\R&D\\r` went on with C:\\R, and then called a program D."""
    assert command_line(["twinrig", word], windows=True) == f"twinrig {shown}"


def ends_at_its_second_repeat(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    append, repeats = RecordingWriter.append, list[int]()

    def ends(writer: RecordingWriter, *measured: Any, **more: Any) -> None:
        append(writer, *measured, **more)
        repeats.append(1)
        if len(repeats) == 2:
            raise fault

    monkeypatch.setattr(RecordingWriter, "append", ends)


def told(words: str) -> list[str]:
    """What the one command that goes on takes."""
    command = words.partition("go on with: ")[2].splitlines()[0]
    program, *arguments = shlex.split(command)
    assert program == "twinrig"
    return arguments


@pytest.mark.parametrize("ended", FAULTS)
def test_the_command_after_a_run_that_ended_early_goes_on_as_pasted(
    ended: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my data" / "r 1"
    out.parent.mkdir()
    ends_at_its_second_repeat(monkeypatch, FAULTS[ended])
    record = ["record", "--bench", "virtual", "--sequences", "steps:2x3", "--repeats", "2"]
    assert main([*record, "--out", str(out)]) == {"stopped": 3, "failed": 1}[ended]
    assert main(told(capsys.readouterr().err)) == 0
    assert read_recording(out).complete.all()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE and another error")
def test_a_run_whose_reader_has_gone_says_so_and_how_to_go_on(tmp_path: Path) -> None:
    """`twinrig record … --json | head -1`: it had stopped without a word."""
    out = tmp_path / "r"
    words = ["--bench", "virtual", "--sequences", "steps:9x99", "--repeats", "9"]
    command = [sys.executable, "-m", "app", "record", *words, "--json", "--out", str(out)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 1
    assert "nobody reads standard output any more: stopped; go on with: " in said
    assert told(said)[-2:] == ["--resume", str(out)]
    assert read_recording(out).status == "stopped"


@pytest.mark.parametrize("where", [["--scheduler", "tcp://10.0.0.1:8786"], ["--workers", "2"]])
def test_a_sweep_goes_on_where_it_ran(
    where: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was begun on a cluster went on with all cores of the computer that it was asked at."""

    def ends(arguments: Any, _run: object) -> Iterator[Any]:
        arguments.out.mkdir()
        (arguments.out / "sweep.json").write_text("{}")
        yield Note("begun")
        raise StoppedError("Stop was requested")

    monkeypatch.setitem(COMMANDS, "sweep", ends)
    out = str(tmp_path / "s")
    grid = ["sweep", "--task", "digits", "--twin", "t", "--layers", "4", "--seeds", "2"]
    assert main([*grid, *where, "--out", out]) == 3
    assert told(capsys.readouterr().err) == ["sweep", *where, "--resume", out]


def test_a_demo_that_named_its_own_folder_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ends_at_its_second_repeat(monkeypatch, FAULTS["stopped"])
    assert main(["demo", "--quick", "--json"]) == 3
    said = capsys.readouterr()
    assert told(said.err) == ["demo", "--resume", "twinrig-demo"]
    assert json.loads(said.out.splitlines()[-1])["path"] == "twinrig-demo"


def test_the_version_is_told_as_artefacts_keep_it() -> None:
    """A problem is reported with it; there was no way to ask but to write an artefact."""
    done = subprocess.run(
        [sys.executable, "-m", "app", "--version"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == f"Twinrig {code_version()}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a current folder can't be removed there")
def test_in_a_folder_that_is_gone_one_is_told_and_a_rig_made_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was "Intel oneMKL FATAL ERROR: Cannot load …libtorch_cpu.so", and no way out."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["evaluate", str(tmp_path / "twin"), str(tmp_path / "recording")]) == 2
    assert "the current folder is gone" in capsys.readouterr().err
    assert main(["safe", "virtual"]) == 0
