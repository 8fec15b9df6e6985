"""A night's memory: monitoring and recording take what they took after their first minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WARM_UP = 0.1  # of the run
MOST_GROWTH = 0.02
NIGHT_S, INTERVAL_S, ROTATION_Hz = 8 * 3600, 0.5, 37.0
LOOKS, ROTATIONS = 3000, 20_000
NIGHT_LOOKS, NIGHT_ROTATIONS = int(NIGHT_S / INTERVAL_S), 1_080_000  # ≥ 8 h at 37 Hz
assert NIGHT_S * ROTATION_Hz <= NIGHT_ROTATIONS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")


@dataclass(frozen=True)
class Grown:
    """Resident bytes after the warm-up and at their most afterwards."""

    warm: int
    most: int
    seen: int
    seconds: float

    @property
    def share(self) -> float:
        """Growth over what was resident after the warm-up."""
        return (self.most - self.warm) / self.warm

    def __str__(self) -> str:
        grown = f"{self.warm / 1e6:.1f} MB after warm-up, {self.most / 1e6:.1f} MB at most"
        return f"{self.seen} in {self.seconds:.0f} s: {grown} (+{100 * self.share:.2f} %)"


def grown(script: str, *arguments: str | int | Path) -> Grown:
    """Run a script in a process of its own and see how its memory grew."""
    command = [sys.executable, HERE / script, *map(str, arguments)]
    path = f"{HERE.parents[1]}:{HERE}"
    environment = {"PYTHONPATH": path, "PATH": "", "OMP_NUM_THREADS": "1", "HOME": "/tmp"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=HERE.parents[1], env=environment
    )
    values = json.loads(done.stdout.splitlines()[-1])
    resident = values["resident"]
    warm = int(len(resident) * WARM_UP)
    assert len(resident) > 20
    return Grown(resident[warm], max(resident[warm:]), values["seen"], values["seconds"])


@pytest.mark.parametrize(("kind", "count"), [("monitor", LOOKS), ("record", ROTATIONS)])
def test_memory_stays_what_it_was(kind: str, count: int, tmp_path: Path) -> None:
    found = grown("memory_run.py", kind, "leaky-integrator", count, tmp_path)
    assert found.seen == count
    assert found.share < MOST_GROWTH, str(found)


def test_a_leak_of_a_kilobyte_a_look_would_be_seen(tmp_path: Path) -> None:
    found = grown("memory_run.py", "leak", "leaky-integrator", LOOKS, tmp_path)
    assert found.share > MOST_GROWTH


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("kind", "device", "count"),
    [
        ("monitor", "nanoring", NIGHT_LOOKS),
        ("record", "leaky-integrator", NIGHT_ROTATIONS),
    ],
)
def test_a_night_takes_no_more_memory(kind: str, device: str, count: int, tmp_path: Path) -> None:
    found = grown("memory_run.py", kind, device, count, tmp_path)
    print(f"{kind} on {device}: {found}")  # noqa: T201 (the README's figure)
    assert found.seen == count
    assert found.share < MOST_GROWTH, str(found)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("page", "count"), [("record", 400_000), ("monitor", 400_000_000)])
def test_the_window_takes_no_more_memory_however_many_samples(page: str, count: int) -> None:
    found = grown("memory_window.py", page, count)
    print(f"{page} page: {found}")  # noqa: T201 (the README's figure)
    assert found.seen >= count
    assert found.share < MOST_GROWTH, str(found)
