"""The program run by Windows' own Python, under Wine: see `by_wine`."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import by_wine
import pytest

SAFE_WITHIN_S = 5.0
pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        importlib.util.find_spec("ziglang") is None or shutil.which("wine") is None,
        reason="pip install -e .[compiler], and wine",
    ),
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Windows' Python; one that was made before is named by TWINRIG_WINDOWS."""
    return Path(os.environ.get("TWINRIG_WINDOWS") or tmp_path_factory.mktemp("windows") / "all")


@contextmanager
def windows(folder, *arguments):
    """A command of Twinrig's, begun there."""
    words, environment = by_wine.command(folder, ["-m", "app", *map(str, arguments)])
    process = subprocess.Popen(
        words, env=environment, cwd=by_wine.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def rig(tmp_path):
    """A rig on TCP of this computer: its bench file and what goes over its wires."""
    bench, wire = tmp_path / "bench.toml", tmp_path / "wire.jsonl"
    words = ["bench", "serve", "--device", "leaky-integrator", "--wire-log", wire]
    command = [sys.executable, "-m", "app", *map(str, words), "--write-bench", str(bench)]
    with subprocess.Popen(command, cwd=by_wine.ROOT, stdout=subprocess.DEVNULL) as process:
        until(bench.exists)
        yield bench, wire
        process.send_signal(signal.SIGINT)


def until(holds, seconds=120.0):
    end_s = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def orders(wire):
    """What the supply was told, not asked."""
    rows = [json.loads(line) for line in wire.read_text().splitlines()[:-1]]
    told = [row["data"] for row in rows if row["direction"] == "out" and "kepco" in row["model"]]
    return [data.strip() for data in told if "?" not in data]


def under_way(process, wire):
    """Once the watchdog watches (it says so) and the field steps."""
    while (line := process.stderr.readline()) and b"record: 4 of" not in line:
        pass
    assert line, "ended before"
    assert "OUTP ON" in orders(wire)
    assert orders(wire)[-1] != "OUTP OFF"


@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGINT])
def test_the_magnet_goes_safe_however_the_program_ends(folder, rig, tmp_path, ends, capsys):
    bench, wire = rig
    out = by_wine.zone(tmp_path / "recording")
    named = ["--sequences", "mixed:10x60@1", "--repeats", "4", "--out", out]
    with windows(folder, "record", "--bench", by_wine.zone(bench), *named) as process:
        under_way(process, wire)
        process.send_signal(ends)
        began_s = time.monotonic()
        until(lambda: orders(wire)[-2:] == ["CURR 0.000000", "OUTP OFF"])
        took_s = time.monotonic() - began_s
        process.stderr.read()
        code = process.wait(60)
    with capsys.disabled():
        print(f"\n{ends.name}: output off after {took_s:.2f} s")  # noqa: T201 - a figure
    assert took_s <= SAFE_WITHIN_S
    assert code == (3 if ends == signal.SIGINT else -ends)
    with windows(folder, "record", "--bench", by_wine.zone(bench), "--resume", out, "--json") as p:
        said = p.communicate()[0].splitlines()
    assert json.loads(said[-1])["status"] == "done"


def test_the_quick_demo_runs_to_its_report(folder, tmp_path, capsys):
    out = tmp_path / "demo"
    with windows(folder, "demo", "--quick", "--out", by_wine.zone(out), "--json") as process:
        said = process.communicate()[0].splitlines()
        assert process.returncode == 0
    result = json.loads(said[-1])
    with capsys.disabled():
        print(f"\n{result['measured']} on the device, foreseen {result['predicted']}")  # noqa: T201 - a figure
        print(f"untrained {result['untrained']['measured']}, {result['seconds']} s")  # noqa: T201 - a figure
    assert result["measured"] < result["untrained"]["measured"]
    assert (out / "report/report.html").stat().st_size > 100_000
    kernels = [json.loads(line) for line in said if b"path runs by" in line]
    assert "C kernel" in kernels[0]["text"]
