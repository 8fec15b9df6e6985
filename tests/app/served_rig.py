"""A virtual rig served by another process, and the command line against it, for tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
RAMP_A_PER_S = 50.0  # slow enough that a ramp from 8 A is eight sets and more
TICK_S = 0.020


@dataclass(frozen=True)
class ServedRig:
    """A running `bench serve`: its bench file and its wire log."""

    bench: Path
    wire_log: Path

    def messages(self, model: str = "kepco-bop") -> list[dict[str, Any]]:
        """What was sent to an instrument, in order."""
        whole, _, _ = self.wire_log.read_text().rpartition("\n")  # the last may be half written
        lines = [json.loads(line) for line in whole.splitlines()]
        return [m for m in lines if m["model"] == model and m["direction"] == "out"]

    def sets(self) -> list[tuple[float, float]]:
        """Device time and current of every set-point sent."""
        return [
            (m["device_s"], float(m["data"].split()[1]))
            for m in self.messages()
            if m["data"].startswith("CURR ")
        ]

    def assert_ended_safe(self) -> None:
        """The current walked to zero within the ramp limit, and the output went off last."""
        commands = [m["data"].strip() for m in self.messages() if "?" not in m["data"]]
        assert commands[-1] in ("OUTP OFF", "OUTP 0")
        sets = self.sets()
        assert sets[-1][1] == 0
        assert max(current for _, current in sets) > 5  # it was energised
        largest_A = RAMP_A_PER_S * TICK_S
        for (before_s, before_A), (now_s, now_A) in pairwise(sets):
            assert abs(now_A - before_A) <= largest_A + 1e-4
            allowed_A = RAMP_A_PER_S * max(now_s - before_s, TICK_S)
            assert abs(now_A - before_A) <= allowed_A + 1e-4


def command(*arguments: str | Path) -> list[str]:
    """The command line of `python -m app`."""
    return [sys.executable, "-m", "app", *map(str, arguments)]


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """A command in a process of its own, its lines readable."""
    pipe = subprocess.PIPE
    flags = int(getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0))  # Windows only
    return subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=pipe, stderr=pipe, text=True, creationflags=flags
    )


def stop_signal() -> int:
    """What Ctrl-C is on this system."""
    return int(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))


@contextmanager
def served_rig(
    folder: Path,
    accelerate: float = 50.0,
    more: Sequence[str | Path] = (),
    ramp_A_per_s: float = RAMP_A_PER_S,
) -> Iterator[ServedRig]:
    """Serve the reference rig with a slow ramp, `more` arguments; ends with the block."""
    written, log = folder / "written.toml", folder / "rig.log"
    process = start(
        "bench", "serve", "--accelerate", str(accelerate), "--wire-log", log,
        "--write-bench", written, *more,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert [line["event"] for line in lines] == ["listening"] * 3
        text = written.read_text().replace("2000.0", str(ramp_A_per_s))
        bench = folder / "bench.toml"
        bench.write_text(text)
        yield ServedRig(bench, log)
    finally:
        process.send_signal(stop_signal())
        process.communicate(timeout=20)
