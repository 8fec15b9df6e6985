"""Streams at the end of a program: what nobody takes any more is no exit code of Python's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")  # takes nothing, as a terminal that has gone
WRITES = "import sys; sys.{stream}.write('x'); "
FORGETS = "from app.standard_streams import forget_unwritten; forget_unwritten(); "


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_could_not_be_written_does_not_fail_once_more(stream: str) -> None:
    def code(program: str) -> int:
        with FULL.open("w") as full:
            command = [sys.executable, "-c", program + "sys.exit(3)"]
            return subprocess.run(command, cwd=ROOT, check=False, **{stream: full}).returncode

    writes = WRITES.format(stream=stream)
    assert code(writes + FORGETS) == 3
    if stream == "stdout":
        assert code(writes) == 120


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("reader", ["gone", "full"])
def test_an_error_that_no_reader_takes_is_still_said_to_people_and_keeps_its_code(
    reader: str, tmp_path: Path
) -> None:
    """It was a traceback in its place, and exit code 120 or 1."""
    if reader == "full":
        out = os.open(FULL, os.O_WRONLY)
    else:
        ours, out = os.pipe()
        os.close(ours)
    asked = "--json simulate /nowhere --sequences mixed:3x10 --repeats 2 --out"
    line = ["-m", "app", *asked.split(), str(tmp_path / "made")]
    run = subprocess.run(
        [sys.executable, *line], cwd=ROOT, check=False, stdout=out, stderr=subprocess.PIPE
    )
    os.close(out)
    said = run.stderr.decode()
    assert run.returncode == 2, said
    assert "twinrig: /nowhere: no such file or folder" in said
    assert "Traceback" not in said
