"""`twinrig bench list` with a VISA library that hangs: a real backend in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from served_rig import ROOT, command

if TYPE_CHECKING:
    from pathlib import Path

HANGS = "from blocking_visa import BlockingLibrary as WRAPPER_CLASS\nWRAPPER_CLASS.{} = 60.0\n"


def hanging(folder: Path, what: str, *arguments: str) -> subprocess.Popen[str]:
    """A command whose VISA library takes a minute for something."""
    (folder / "pyvisa_hanging.py").write_text(HANGS.format(what))
    paths = [str(folder), str(ROOT / "tests" / "instruments"), str(ROOT)]
    return subprocess.Popen(
        command(*arguments), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYVISA_LIBRARY": "@hanging"},
    )  # fmt: skip


def test_a_library_that_hangs_ends_with_an_error_in_words(tmp_path: Path) -> None:
    begin = time.monotonic()
    process = hanging(tmp_path, "lists_after_s", "bench", "list")
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begin < 10.0  # 5 s of patience and the start of a process
    assert process.returncode == 1
    assert "lists nothing within 5 s" in said
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process")
@pytest.mark.parametrize(
    ("what", "arguments"),
    [("lists_after_s", ("bench", "list")), ("opens_after_s", ("bench", "check", "b.toml"))],
)
def test_ctrl_c_ends_it_within_two_seconds(
    tmp_path: Path, what: str, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "b.toml").write_text(GPIB)
    process = hanging(tmp_path, what, *arguments)
    time.sleep(2.0)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begin < 2.0
    assert process.returncode == 3
    assert "Traceback" not in said


GPIB = """
[magnet.x]
driver = "kepco-bop"
resource = "GPIB0::6::INSTR"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
[readout.lockin]
driver = "sr830"
resource = "GPIB0::8::INSTR"
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
[reset]
field_T = 0.0040
"""
