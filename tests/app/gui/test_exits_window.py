"""Every way out of the window while a rig on TCP is energised: it ends safe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # the rig of the tests of the operations

from exits_cases import Case  # noqa: E402
from exits_rig import exit_rig, wait_for  # noqa: E402

from app.store import read_recording  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals between processes are POSIX")

ROOT = HERE.parents[2]
STEPS = 6
MOMENTS = ("reset", "ramp", "hold", "read", "verify")
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
WORDS = ("close", "stop", "quit", "session", "slot")
EXITS = (*SIGNALS, *WORDS)
ENDS_WITHIN_S = 8.0  # the end of Qt and of the interpreter on a busy computer included
ABORTED_SAFE_WITHIN_S = 30.0


class WindowCase(Case):
    """A window's process that leaves at a moment that the wire shows."""

    process: subprocess.Popen[str]
    mouth: int

    def open(self, folder: Path) -> None:
        """Open a window that records on the rig, in a process of its own without a screen."""
        bench = folder / "bench.toml"
        bench.write_text(self.rig.text)
        settings = {"XDG_CONFIG_HOME": str(folder / "config"), "QT_QPA_PLATFORM": "offscreen"}
        words = ["--bench", bench, "--library", folder / "lib"]
        ears, self.mouth = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, HERE / "exits_window.py", *words], cwd=ROOT, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
            stdin=ears, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(ears)
        self.rig.watch = self.see

    def ended(self, within_s: float = 90.0) -> str:
        """Wait for its end; what it wrote to stderr."""
        try:
            _, errors = self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
        os.close(self.mouth)
        return errors

    def come(self) -> None:
        """Send the signal, or the word."""
        self.came_s = time.monotonic()
        if self.way_out in SIGNALS:
            self.process.send_signal(getattr(signal, self.way_out))
            return
        os.write(self.mouth, f"{self.way_out}\n".encode())


def run_case(way_out: str, moment: str, folder: Path) -> tuple[WindowCase, str]:
    """One window, judged on the wire, on disk and by the clock; what it wrote to stderr."""
    folder.mkdir(exist_ok=True)
    with exit_rig() as rig:
        case = WindowCase(rig, way_out, moment, STEPS)
        case.open(folder)
        errors = case.ended()
        case.ended_s = time.monotonic()
        problems = rig.unsafe_ends()
    expected = 3 if way_out in SIGNALS else 0
    if case.process.returncode != expected:
        problems.append(f"exit code {case.process.returncode}: {errors[-900:]}")
    if not case.came_s:
        problems.append("the moment never came")
    elif case.ended_s - case.came_s > ENDS_WITHIN_S:
        problems.append(f"ended {case.ended_s - case.came_s:.1f} s later")
    (out,) = (folder / "lib").iterdir()
    left = read_recording(out)
    if left.status != "stopped" or not left.complete.any():
        problems.append(f"the file says {left.status}, {left.complete.sum()} repeats")
    assert problems == [], f"{way_out} at {moment}: {problems}"
    return case, errors


@pytest.mark.parametrize(
    ("way_out", "moment"), [(w, MOMENTS[n % len(MOMENTS)]) for n, w in enumerate(EXITS)]
)
def test_a_way_out_of_the_window_ends_safe(way_out: str, moment: str, tmp_path: Path) -> None:
    _, errors = run_case(way_out, moment, tmp_path)
    if way_out == "slot":
        assert errors.count("ZeroDivisionError: a slot is broken") == 1  # not once a turn
        assert "TOASTS 1\n" in errors


@pytest.mark.full
@pytest.mark.timeout(900)
def test_every_way_out_of_the_window_at_every_moment(tmp_path: Path) -> None:
    slowest_s = 0.0
    for way_out in EXITS:
        for moment in MOMENTS:
            case, _ = run_case(way_out, moment, tmp_path / f"{way_out}-{moment}")
            if way_out != "slot":
                slowest_s = max(slowest_s, case.ended_s - case.came_s)
    print(  # noqa: T201
        f"\nwindow: {len(EXITS)} exits × {len(MOMENTS)} moments = {len(EXITS) * len(MOMENTS)} "
        f"processes, all safe; ended within {slowest_s:.2f} s"
    )


def test_a_window_that_aborts_energised_leaves_the_rig_to_the_watchdog(tmp_path: Path) -> None:
    with exit_rig() as rig:
        case = WindowCase(rig, "abort", "ramp", STEPS)
        case.open(tmp_path)
        case.ended()
        assert case.process.returncode == -signal.SIGABRT
        assert case.came_s
        safe = wait_for(lambda: rig.by_hand("OUTP?") == "0", ABORTED_SAFE_WITHIN_S)
        took_s = time.monotonic() - case.came_s
        assert safe, "the output is still on"
        print(f"\nwindow aborted energised: output off {took_s:.1f} s later")  # noqa: T201
        assert rig.unsafe_ends() == []
    (out,) = (tmp_path / "lib").iterdir()
    left = read_recording(out)
    assert left.status == "interrupted"
    assert left.complete.any()
