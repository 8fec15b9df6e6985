"""The C kernels on systems that we don't have: compiled for them all, run as Windows' by Wine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models import compiled

ROOT = Path(__file__).parents[2]
SOURCES = {"path": ROOT / "models/latent_path.c", "innovations": ROOT / "training/innovations.c"}
TURN = ROOT / "instruments/virtual/nanoring_turn.c"
DRIVER = Path(__file__).with_name("kernel_driver.c")
OPTIONS = tuple(option for option in compiled.FLAGS if option != "-march=native")
NATIVE = "native"
PLACES = [
    ("x86_64-windows-gnu", "x86_64"),
    ("x86_64-windows-gnu", "x86_64_v3"),  # AVX2
    ("x86_64-windows-gnu", "x86_64_v4"),  # AVX-512
    ("x86_64-macos", "haswell"),
    ("aarch64-macos", "apple_m1"),
    ("aarch64-linux-gnu.2.28", "cortex_a76"),
]

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        importlib.util.find_spec("ziglang") is None, reason="pip install -e .[compiler]"
    ),
]


def built(*words: str, target: str, processor: str) -> None:
    command = [sys.executable, "-P", "-m", "ziglang", "cc", f"-mcpu={processor}"]
    aimed = [] if target == NATIVE else ["-target", target]
    done = subprocess.run([*command, *aimed, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def kernels(folder: Path, target: str, processor: str, states: int) -> list[str]:
    """Both kernels for a system and its processor: the files' names."""
    names = []
    for name, source in SOURCES.items():
        out = folder / f"{name}-{target}-{processor}-{states}.so"
        given = [*OPTIONS, f"-DSTATE={states}", '-DSOURCE_HASH="x"']
        built(*given, str(source), "-o", str(out), "-lm", target=target, processor=processor)
        names.append(str(out))
    return names


def said(*words: str) -> str:
    environment = os.environ | {"WINEDEBUG": "-all"}
    run = subprocess.run(
        words, capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert run.returncode == 0, (run.returncode, run.stdout[-500:], run.stderr[-500:])
    return run.stdout.replace("\r", "")


@pytest.mark.parametrize("states", [16, 32])
@pytest.mark.parametrize(("target", "processor"), PLACES)
def test_the_kernels_compile_for(tmp_path: Path, target: str, processor: str, states: int) -> None:
    for name in kernels(tmp_path, target, processor, states):
        assert Path(name).stat().st_size > 10_000


@pytest.mark.parametrize(("target", "processor"), PLACES)
def test_the_virtual_arrays_turn_compiles_for(tmp_path: Path, target: str, processor: str) -> None:
    words = (*OPTIONS, '-DSOURCE_HASH="x"', str(TURN), "-o", str(tmp_path / "turn.so"))
    built(*words, target=target, processor=processor)


@pytest.mark.skipif(shutil.which("wine") is None, reason="apt-get install wine64 wine")
@pytest.mark.parametrize("processor", ["x86_64", "x86_64_v3", "x86_64_v4"])
def test_as_windows_runs_them_they_give_the_same_numbers(tmp_path: Path, processor: str) -> None:
    """Windows aligns what is a thread's own to 16 bytes: they crashed there."""
    if processor == "x86_64_v4" and "avx512f" not in Path("/proc/cpuinfo").read_text("utf-8"):
        pytest.skip("this processor has no AVX-512")
    here, there = tmp_path / "driver", tmp_path / "driver.exe"
    built("-O1", str(DRIVER), "-o", str(here), "-lpthread", "-ldl", target=NATIVE, processor=NATIVE)
    windows = "x86_64-windows-gnu"
    built("-O1", str(DRIVER), "-o", str(there), target=windows, processor="x86_64")
    ours = said(str(here), *kernels(tmp_path, NATIVE, processor, 16))
    theirs = said("wine", str(there), *kernels(tmp_path, windows, processor, 16))
    assert len(ours.splitlines()) == 13 * (1 + 7 + 1 + 10)
    assert theirs == ours
    assert "nan" not in ours
