"""The C kernels under GCC's address and undefined-behaviour checks, by each instruction set."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1", "-g")
KERNEL_TESTS = (
    "tests/models/test_latent.py",
    "tests/training/test_innovations.py",
    "tests/instruments/virtual/test_nanoring_turn.py",
)
BEYOND_ITS_END = "float add(float *x, int n) { return x[n] += 1.0f; }"
CALLS_IT = """
import ctypes, sys
import numpy as np
x = np.zeros(7, np.float32)
add = ctypes.CDLL(sys.argv[1]).add
add(x.ctypes.data_as(ctypes.c_void_p), 7)
"""
RUNS_TESTS = """
import sys
import pytest
from models import compiled
kept = [flag for flag in compiled.FLAGS if flag not in ("-O3", "-march=native")]
compiled.FLAGS = (*kept, *sys.argv[1].split())
options = ["-q", "-x", "-m", "not full", "-p", "no:cacheprovider"]
sys.exit(pytest.main([*options, *sys.argv[2].split()]))
"""


def checked(*arguments: str, cache: Path, limit_s: float) -> subprocess.CompletedProcess[str]:
    """Python with the runtime of the checks in it, which has to be there before all else."""
    gcc = shutil.which("gcc")
    if gcc is None or not sys.platform.startswith("linux"):
        pytest.skip("asks GCC on Linux")
    names = ("libasan.so", "libubsan.so")
    found = [
        subprocess.run(
            [gcc, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in names
    ]
    if not all(Path(file).is_absolute() for file in found):
        pytest.skip("this GCC has no libasan or libubsan")
    environment = os.environ | {
        "LD_PRELOAD": " ".join(found),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps what it took until its end
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def test_the_checks_find_a_write_behind_the_end_of_an_array(tmp_path: Path) -> None:
    source, built = tmp_path / "beyond.c", tmp_path / "beyond.so"
    source.write_text(BEYOND_ITS_END, encoding="utf-8")
    run = checked("-c", "import numpy", cache=tmp_path, limit_s=60.0)
    assert run.returncode == 0, run.stderr
    command = ["gcc", *CHECKS, "-shared", "-fPIC", str(source), "-o", str(built)]
    subprocess.run(command, check=True, timeout=60)
    run = checked("-c", CALLS_IT, str(built), cache=tmp_path, limit_s=60.0)
    assert run.returncode != 0
    assert "heap-buffer-overflow" in run.stderr


@pytest.mark.full
@pytest.mark.parametrize("instructions", ["native", "x86-64-v3", "x86-64"])
def test_the_kernels_tests_pass_under_the_checks(tmp_path: Path, instructions: str) -> None:
    if instructions != "native" and platform.machine() != "x86_64":
        pytest.skip(f"{instructions} is not of this processor")
    flags = " ".join((*CHECKS, f"-march={instructions}"))
    run = checked("-c", RUNS_TESTS, flags, " ".join(KERNEL_TESTS), cache=tmp_path, limit_s=1800.0)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    sys.stdout.write(f"{instructions}: {run.stdout.splitlines()[-1]}\n")
    built = sorted((tmp_path / "twinrig").glob("*.so"))
    assert {"innovations", "latent", "nanoring"} <= {file.name.split("-")[0] for file in built}
    for file in built:
        assert b"__asan_report" in file.read_bytes(), file
