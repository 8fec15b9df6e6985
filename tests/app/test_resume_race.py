"""Two processes resume one dead run in the same instant: one gets it, the other is told by whom."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import artefact_samples as samples
import pytest

from app.checked_json import canonical
from app.journal import OWNER_KIND, _frame
from app.run_lock import NAME, RunLock
from app.store import RecordingWriter, read_recording
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ROUNDS, FULL_ROUNDS = 12, 200
RACER = f"""
import json, sys, time
sys.path.insert(0, {str(HERE)!r})
import artefact_samples as samples
from pathlib import Path
from app.store import RecordingWriter
from models.errors import TwinrigError
print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    while time.time() < order["at"]:
        pass
    try:
        writer, so_far = RecordingWriter.resume(Path(order["folder"]))
    except TwinrigError as fault:
        said = {{"won": False, "kind": type(fault).__name__, "words": str(fault)}}
        print(json.dumps(said), flush=True)
        sys.stdin.readline()
        continue
    print(json.dumps({{"won": True, "found": int(so_far.complete.sum())}}), flush=True)
    sys.stdin.readline()
    samples.append_rest(writer)
    writer.finish("done")
    print("finished", flush=True)
"""


@pytest.fixture
def racers() -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that wait for a folder and an instant."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", RACER]
    made = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=HERE.parents[1])
        for _ in range(2)
    ]
    for racer in made:
        assert said(racer) == "ready"
    yield made
    for racer in made:
        racer.communicate(timeout=20)


def said(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().strip()


def tell(racer: subprocess.Popen[str], line: str) -> None:
    assert racer.stdin is not None
    racer.stdin.write(line + "\n")
    racer.stdin.flush()


def dead_run(folder: Path, number: int) -> None:
    """A run with three repeats: killed, or (every third) stopped and sealed."""
    writer = RecordingWriter(folder, samples.blank())
    samples.append_all(writer, until=3)
    if number % 3 == 2:
        writer.finish("stopped")
    else:
        writer._close()
        gone = canonical({"pid": 2**22 + 1, "started": "long ago", "host": platform.node()})
        with (folder / "journal.bin").open("ab") as journal:
            journal.write(_frame(OWNER_KIND, gone))  # this process lives
    if number % 3 == 1:  # a kill leaves the lock's file behind
        (folder / NAME).write_text('{"pid": 1, "started": "long ago", "host": "gone"}')


def race(folder: Path, racers: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    order = json.dumps({"folder": str(folder), "at": time.time() + 0.02})
    for racer in racers:
        tell(racer, order)
    results = [json.loads(said(racer)) for racer in racers]
    for racer in racers:
        tell(racer, "go on")
    for racer, result in zip(racers, results, strict=True):
        if result["won"]:
            assert said(racer) == "finished"
    return results


def run_races(tmp_path: Path, racers: list[subprocess.Popen[str]], rounds: int) -> None:
    for number in range(rounds):
        folder = tmp_path / str(number)
        dead_run(folder, number)
        results = race(folder, racers)
        assert sorted(result["won"] for result in results) == [False, True], results
        winner = racers[[result["won"] for result in results].index(True)]
        lost = next(result for result in results if not result["won"])
        assert lost["kind"] == "RefusedError"
        assert f"process {winner.pid} on " in lost["words"]
        assert samples.same(read_recording(folder), samples.full())
        assert [p.name for p in folder.iterdir()] == ["recording.nc"]
    print(f"{rounds} runs resumed by two processes at once: one each got it")  # noqa: T201


def test_of_two_processes_one_resumes_a_run(
    tmp_path: Path, racers: list[subprocess.Popen[str]]
) -> None:
    run_races(tmp_path, racers, ROUNDS)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_of_two_processes_one_resumes_each_of_many_runs(
    tmp_path: Path, racers: list[subprocess.Popen[str]]
) -> None:
    run_races(tmp_path, racers, FULL_ROUNDS)


def test_a_lock_is_free_again_once_released_or_its_file_is_gone(tmp_path: Path) -> None:
    first = RunLock(tmp_path)
    with pytest.raises(RefusedError, match="is being written right now by process"):
        RunLock(tmp_path)
    first.release()
    assert not (tmp_path / NAME).exists()
    with RunLock(tmp_path):
        assert (tmp_path / NAME).is_file()
    assert not (tmp_path / NAME).exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
def test_a_lock_may_be_written_by_whom_the_umask_lets_write_the_run(tmp_path: Path) -> None:
    """In a group's library nobody but its owner could go on with a run that was killed."""
    before = os.umask(0o002)
    try:
        with RunLock(tmp_path):
            assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)


def test_a_lock_names_another_program_where_its_file_says_nothing(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        (tmp_path / NAME).write_text("?")
        with pytest.raises(RefusedError, match="by another program; stop that first"):
            RunLock(tmp_path)
