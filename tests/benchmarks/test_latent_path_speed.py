"""The twin's path against other ways to the same, in one run on one core: ratios are asserted.

Seconds of CPU time are printed; a busy machine does not move ratios much.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import torch

from models import kernel, latent_path
from tests.benchmarks.sde_references import REFERENCES, Work, torchsde_of_users, twinrig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ASKED = {32: 15.0, 256: 4.0, 2048: 2.5}  # times faster than torchsde as its users write it
BUSY = 0.6  # of what is asked holds on any machine, whatever else runs there
LONG = Work(batch=256, steps=1000)

needs_kernel = pytest.mark.skipif(kernel.load()[0] is None, reason=kernel.describe())


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    built, words = kernel.load()
    if built is not None:
        alone = kernel.Kernel(built.library, threads=1)
        monkeypatch.setattr(kernel, "load", lambda *_: (alone, words))
    yield
    torch.set_num_threads(before)


def fastest_s(work: Callable[[], object], rounds: int = 3) -> float:
    work()
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def told(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with capsys.disabled():
        print(f"\n{words}")  # noqa: T201 - a benchmark reports its seconds


@needs_kernel
@pytest.mark.parametrize("batch", ASKED)
def test_the_kernel_outruns_torchsde(batch: int, capsys: pytest.CaptureFixture[str]) -> None:
    work = Work(batch)
    ours, theirs = fastest_s(twinrig(work)), fastest_s(torchsde_of_users(work), rounds=2)
    told(capsys, f"batch {batch}: {1e3 * ours:.1f} ms, torchsde × {theirs / ours:.1f}")
    assert theirs / ours >= BUSY * ASKED[batch]


@pytest.mark.parametrize(("batch", "asked"), [(32, 1.0), (256, 2.0), (2048, 1.0)])
def test_without_a_compiler_the_path_is_no_slower(
    batch: int, asked: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(latent_path.kernel, "load", lambda *_: (None, "PyTorch (for this test)"))
    work = Work(batch)
    ours, theirs = fastest_s(twinrig(work)), fastest_s(torchsde_of_users(work), rounds=2)
    told(
        capsys, f"PyTorch path, batch {batch}: {1e3 * ours:.1f} ms, torchsde × {theirs / ours:.1f}"
    )
    assert theirs / ours >= (1 + BUSY) / 2 * asked


@pytest.mark.full
@pytest.mark.timeout(1800)
@needs_kernel
@pytest.mark.parametrize("steps", [100, 1000])
@pytest.mark.parametrize("hidden", [32, 64, 128])
@pytest.mark.parametrize("batch", ASKED)
def test_every_size_beside_every_reference(
    batch: int, hidden: int, steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Work(batch, hidden, steps)
    for backward in (False, True):
        ours = fastest_s(twinrig(work, backward=backward), rounds=2)
        what = "forward and backward" if backward else "forward"
        words = f"B {batch}, H {hidden}, T {steps}, {what}: {1e3 * ours:.1f} ms"
        for name, reference in REFERENCES.items():
            called = reference(work, backward=backward)
            if called is None:
                words += f"; {name} is not installed"
                continue
            times = fastest_s(called, rounds=1) / ours
            words += f"; {name} × {times:.2f}"
            if backward and name == "torchsde" and (hidden, steps) == (64, 100):
                assert times >= ASKED[batch]
        told(capsys, words)


MEMORY = """
import sys, torch
from models import kernel
from tests.benchmarks import sde_references as r
torch.set_num_threads(1)
work = r.Work(batch={batch}, steps={steps})
call = getattr(r, sys.argv[1])(work)
getattr(r, sys.argv[1])(r.Work(batch=32, steps=2))()
def peak():
    rows = open("/proc/self/status").read().split("\\n")
    return int(next(row for row in rows if row.startswith("VmHWM")).split()[1])
open("/proc/self/clear_refs", "w").write("5")
before = peak()
call()
print((peak() - before) / 1024)
"""


@needs_kernel
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_long_sequence_takes_an_eighth_of_the_memory(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = (_peak_MB(name) for name in ("twinrig", "torchsde_of_users"))
    told(capsys, f"T {LONG.steps}, batch {LONG.batch}: {ours:.0f} MB, torchsde {theirs:.0f} MB")
    assert ours <= theirs / 8


def _peak_MB(name: str) -> float:
    code = MEMORY.format(batch=LONG.batch, steps=LONG.steps)
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TWINRIG_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code, name], capture_output=True, text=True, check=True,
        env=environment,
    )  # fmt: skip
    return float(ran.stdout)
